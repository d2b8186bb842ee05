/* settings.c - see settings.h. Numbers are read and written as whole thousandths: no value depends on how a float prints, or
 * on the language of the process. */
#include "core/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/domain.h"
#include "core/resolvers.h"

#define DIGITS_MAX 12 /* of a number, so that thousandths of the greatest unit stay within int64_t */

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 }, { "ms", 1 } };

/* The greatest unit that leaves a whole number: "90 s", "1 h". */
static void write_duration(int64_t duration_ms, struct buf *buf)
{
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && (duration_ms % units[i].ms != 0 || duration_ms < units[i].ms))
        i++;
    buf_addf(buf, "%" PRId64 " %s", duration_ms / units[i].ms, units[i].name);
}

static void write_thousandths(int64_t thousandths, struct buf *buf)
{
    char decimals[5];
    (void)snprintf(decimals, sizeof(decimals), ".%03d", (int)(thousandths % 1000));
    size_t length = strlen(decimals);
    while (decimals[length - 1] == '0')
        length--;
    buf_addf(buf, "%" PRId64 "%.*s", thousandths / 1000, length == 1 ? 0 : (int)length, decimals);
}

static void write_limit(const struct setting *setting, int64_t limit, struct buf *buf)
{
    switch (setting->type) {
    case SETTING_DURATION: write_duration(limit, buf); return;
    case SETTING_NUMBER: buf_addf(buf, "%" PRId64, limit); return;
    case SETTING_DECIMAL: write_thousandths(limit, buf); return;
    case SETTING_BOOLEAN:
    case SETTING_CHOICE:
    case SETTING_TEXT:
    case SETTING_URL:
    case SETTING_EMAIL: return;
    }
    abort();
}

void setting_write_low(const struct setting *setting, struct buf *buf)
{
    write_limit(setting, setting->low, buf);
}

void setting_write_high(const struct setting *setting, struct buf *buf)
{
    write_limit(setting, setting->high, buf);
}

static void write_words(const char *const *words, const char *between, struct buf *buf)
{
    for (size_t i = 0; words[i] != NULL; i++)
        buf_addf(buf, "%s%s", i == 0 ? "" : between, words[i]);
}

void setting_write_range(const struct setting *setting, struct buf *buf)
{
    switch (setting->type) {
    case SETTING_DURATION:
    case SETTING_NUMBER:
    case SETTING_DECIMAL:
        setting_write_low(setting, buf);
        buf_add_text(buf, " to ");
        setting_write_high(setting, buf);
        if (setting->general)
            buf_add_text(buf, ", or " SETTING_GENERAL);
        return;
    case SETTING_BOOLEAN:
    case SETTING_CHOICE: write_words(setting->choices, ", ", buf); return;
    case SETTING_TEXT: buf_addf(buf, "at most %" PRId64 " bytes", setting->high); return;
    case SETTING_URL:
        write_words(setting->choices, "... or ", buf);
        buf_add_text(buf, "...");
        return;
    case SETTING_EMAIL: buf_add_text(buf, "an e-mail address"); return;
    }
    abort();
}

/* Fields are read and written by their bytes: an enum is no int to the compiler, though it is one in memory. */
static int get_int(const struct settings *settings, const struct setting *setting)
{
    int number;
    memcpy(&number, (const char *)settings + setting->offset, sizeof(number));
    return number;
}

static void put(struct settings *settings, const struct setting *setting, const void *value, size_t size)
{
    memcpy((char *)settings + setting->offset, value, size);
}

const char *settings_text(const struct settings *settings, const struct setting *setting)
{
    assert(setting->type == SETTING_TEXT || setting->type == SETTING_URL || setting->type == SETTING_EMAIL);
    return (const char *)settings + setting->offset;
}

/* A field that may be RETRY_GENERAL, in the type of its row. */
static bool is_general(const struct settings *settings, const struct setting *setting)
{
    int64_t duration_ms = 0;
    double decimal = 0;
    const char *field = (const char *)settings + setting->offset;
    if (!setting->general)
        return false;
    if (setting->type == SETTING_NUMBER)
        return get_int(settings, setting) == RETRY_GENERAL;
    if (setting->type == SETTING_DECIMAL) {
        memcpy(&decimal, field, sizeof(decimal));
        return decimal == RETRY_GENERAL;
    }
    assert(setting->type == SETTING_DURATION);
    memcpy(&duration_ms, field, sizeof(duration_ms));
    return duration_ms == RETRY_GENERAL;
}

static void put_general(struct settings *settings, const struct setting *setting)
{
    if (setting->type == SETTING_NUMBER)
        put(settings, setting, &(int){ RETRY_GENERAL }, sizeof(int));
    else if (setting->type == SETTING_DECIMAL)
        put(settings, setting, &(double){ RETRY_GENERAL }, sizeof(double));
    else
        put(settings, setting, &(int64_t){ RETRY_GENERAL }, sizeof(int64_t));
}

void settings_get_text(const struct settings *settings, const struct setting *setting, struct buf *buf)
{
    int64_t duration_ms;
    double decimal;
    bool truth;
    const char *field = (const char *)settings + setting->offset;
    if (is_general(settings, setting)) {
        buf_add_text(buf, SETTING_GENERAL);
        return;
    }
    switch (setting->type) {
    case SETTING_DURATION:
        memcpy(&duration_ms, field, sizeof(duration_ms));
        write_duration(duration_ms, buf);
        return;
    case SETTING_NUMBER: buf_addf(buf, "%d", get_int(settings, setting)); return;
    case SETTING_DECIMAL:
        memcpy(&decimal, field, sizeof(decimal));
        write_thousandths((int64_t)(decimal * 1000 + 0.5), buf);
        return;
    case SETTING_BOOLEAN:
        memcpy(&truth, field, sizeof(truth));
        buf_add_text(buf, setting->choices[truth]);
        return;
    case SETTING_CHOICE: buf_add_text(buf, setting->choices[get_int(settings, setting)]); return;
    case SETTING_TEXT:
    case SETTING_URL:
    case SETTING_EMAIL: buf_add_text(buf, field); return;
    }
    abort();
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/* "12", "2.5", "0.125". @return what stands behind, or NULL when no such number stands here */
static const char *read_thousandths(const char *text, int64_t *ret_thousandths)
{
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789"), decimals = 0;
    if (digits == 0 || digits > DIGITS_MAX)
        return NULL;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    if (*text == '.') {
        decimals = strspn(++text, "0123456789");
        if (decimals == 0 || decimals > 3)
            return NULL;
    }
    for (size_t i = 0; i < 3; i++)
        number = number * 10 + (i < decimals ? *text++ - '0' : 0);
    *ret_thousandths = number;
    return text;
}

static bool read_duration(const struct setting *setting, const char *text, int64_t *ret_ms)
{
    int64_t thousandths = 0;
    text = read_thousandths(text, &thousandths);
    if (text == NULL)
        return false;
    text += strspn(text, " ");
    const char *name = *text == '\0' ? setting->unit : text;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        int64_t product;
        if (strcmp(units[i].name, name) != 0)
            continue;
        if (__builtin_mul_overflow(thousandths, units[i].ms, &product) || product % 1000 != 0)
            return false;
        *ret_ms = product / 1000;
        return true;
    }
    return false;
}

/* @return the index of the word, or -1 */
static int find_word(const char *const *words, const char *text)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    return -1;
}

/* What the value must be, then what it was: "retry.first must be a time between 100 ms and 1 h, not "5 d"". */
static bool refuse(const struct setting *setting, const char *text, const char *kind, struct err *err)
{
    CLEANUP(buf_finish) struct buf low = BUF_INIT;
    CLEANUP(buf_finish) struct buf high = BUF_INIT;
    setting_write_low(setting, &low);
    setting_write_high(setting, &high);
    return err_set_field(err, ERR_INVALID, setting->name, "%s must be %s between %s and %s%s, not \"%.60s\"",
                         setting->name, kind, buf_text(&low), buf_text(&high),
                         setting->general ? ", or " SETTING_GENERAL : "", text);
}

static bool refuse_choice(const struct setting *setting, const char *text, struct err *err)
{
    CLEANUP(buf_finish) struct buf words = BUF_INIT;
    write_words(setting->choices, ", ", &words);
    return err_set_field(err, ERR_INVALID, setting->name, "%s must be one of %s, not \"%.60s\"", setting->name,
                         buf_text(&words), text);
}

static bool check_url(const struct setting *setting, const char *text, struct err *err)
{
    for (size_t i = 0; setting->choices[i] != NULL; i++) {
        size_t length = strlen(setting->choices[i]);
        if (strncmp(text, setting->choices[i], length) != 0)
            continue;
        size_t host = strcspn(text + length, "/?#");
        if (host == 0 || strchr(text, ' ') != NULL)
            return err_set_field(err, ERR_INVALID, setting->name, "%s must name a host behind %s and hold no blanks",
                                 setting->name, setting->choices[i]);
        if (memchr(text + length, '@', host) != NULL)
            return err_set_field(err, ERR_INVALID, setting->name,
                                 "%s must hold no user and no password: there are settings of their own for them",
                                 setting->name);
        return true;
    }
    CLEANUP(buf_finish) struct buf schemes = BUF_INIT;
    write_words(setting->choices, " or ", &schemes);
    return err_set_field(err, ERR_INVALID, setting->name, "%s must be empty or begin with %s, not \"%.60s\"",
                         setting->name, buf_text(&schemes), text);
}

static bool check_text(const struct setting *setting, const char *text, struct err *err)
{
    size_t length = strlen(text);
    if (length > (size_t)setting->high)
        return err_set_field(err, ERR_INVALID, setting->name, "%s must have at most %" PRId64 " bytes, not %zu",
                             setting->name, setting->high, length);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return err_set_field(err, ERR_INVALID, setting->name,
                                 "%s must hold no control characters: there is one at position %zu", setting->name,
                                 i + 1);
    }
    struct err why = { 0 };
    if (length > 0 && setting->type == SETTING_EMAIL && !email_check(text, &why))
        return err_set_field(err, ERR_INVALID, setting->name, "%s must be empty or an e-mail address: %s",
                             setting->name, why.msg);
    return length == 0 || setting->type != SETTING_URL || check_url(setting, text, err);
}

static bool set_number(struct settings *settings, const struct setting *setting, const char *text, struct err *err)
{
    int64_t thousandths = 0;
    const char *end = read_thousandths(text, &thousandths);
    bool whole = setting->type == SETTING_NUMBER;
    int64_t number = whole ? thousandths / 1000 : thousandths;
    if (end == NULL || *end != '\0' || (whole && thousandths % 1000 != 0) || number < setting->low ||
        number > setting->high)
        return refuse(setting, text, whole ? "a whole number" : "a number with at most three decimals", err);
    if (whole)
        put(settings, setting, &(int){ (int)number }, sizeof(int));
    else
        put(settings, setting, &(double){ (double)number / 1000 }, sizeof(double));
    return true;
}

static bool set(struct settings *settings, const struct setting *setting, const char *text, struct err *err)
{
    int64_t duration_ms = 0;
    int word;
    if (setting->general && strcmp(text, SETTING_GENERAL) == 0) {
        put_general(settings, setting);
        return true;
    }
    switch (setting->type) {
    case SETTING_DURATION:
        if (!read_duration(setting, text, &duration_ms) || duration_ms < setting->low || duration_ms > setting->high)
            return refuse(setting, text, "a time (in ms, s, min, h or d)", err);
        put(settings, setting, &duration_ms, sizeof(duration_ms));
        return true;
    case SETTING_NUMBER:
    case SETTING_DECIMAL: return set_number(settings, setting, text, err);
    case SETTING_BOOLEAN:
    case SETTING_CHOICE:
        word = find_word(setting->choices, text);
        if (word < 0)
            return refuse_choice(setting, text, err);
        if (setting->type == SETTING_BOOLEAN)
            put(settings, setting, &(bool){ word == 1 }, sizeof(bool));
        else
            put(settings, setting, &word, sizeof(word));
        return true;
    case SETTING_TEXT:
    case SETTING_URL:
    case SETTING_EMAIL:
        if (!check_text(setting, text, err))
            return false;
        put(settings, setting, text, strlen(text) + 1);
        return true;
    }
    abort();
}

void settings_defaults(struct settings *settings)
{
    struct err err = { 0 };
    memset(settings, 0, sizeof(*settings));
    for (size_t i = 0; i < RETRY_CLASS_COUNT; i++) /* nothing of the panel's is waited for: it has no rows for that */
        settings->retry_of[i].wait_ms = settings->retry_of[i].wait_cap_ms = RETRY_GENERAL;
    for (size_t i = 0; i < setting_count; i++) {
        if (!set(settings, &setting_table[i], setting_table[i].preset, &err))
            assert(!"a default is outside of its range");
    }
}

bool settings_set(struct settings *settings, const char *name, const char *text, struct err *err)
{
    const struct setting *setting = setting_find(name);
    if (setting == NULL)
        return err_set_field(err, ERR_INVALID, name, "there is no setting \"%.60s\"", name);
    return set(settings, setting, text == NULL ? setting->preset : text, err);
}

/* ---- together ------------------------------------------------------------------------------------------------------- */

static bool check_channel(const struct settings *settings, struct err *err)
{
    const struct {
        enum ticket_channel channel;
        const char *name, *value;
    } needs[] = {
        { TICKET_CHANNEL_WHMCS, "notify.whmcs_url", settings->notify.whmcs_url },
        { TICKET_CHANNEL_WHMCS, "notify.whmcs_identifier", settings->notify.whmcs_identifier },
        { TICKET_CHANNEL_WHMCS, "notify.whmcs_secret", settings->notify.whmcs_secret },
        { TICKET_CHANNEL_MAIL, "notify.smtp_url", settings->notify.smtp_url },
        { TICKET_CHANNEL_MAIL, "notify.mail_from", settings->notify.mail_from },
        { TICKET_CHANNEL_MAIL, "notify.mail_to", settings->notify.mail_to },
        { TICKET_CHANNEL_WEBHOOK, "notify.webhook_url", settings->notify.webhook_url },
        { TICKET_CHANNEL_WEBHOOK, "notify.webhook_secret", settings->notify.webhook_secret },
    };
    if (settings->ticket.channel == TICKET_CHANNEL_NONE)
        return err_set_field(err, ERR_INVALID, "ticket.channel",
                             "ticket.channel must be whmcs, mail or webhook while ticket.enabled is true");
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        if (needs[i].channel == settings->ticket.channel && needs[i].value[0] == '\0')
            return err_set_field(err, ERR_INVALID, needs[i].name,
                                 "%s must be set while ticket.enabled is true and ticket.channel is %s", needs[i].name,
                                 setting_find("ticket.channel")->choices[settings->ticket.channel]);
    }
    return true;
}

struct retry_policy settings_retry(const struct settings *settings, enum retry_class retry_class)
{
    return retry_policy_of(&settings->retry, &settings->retry_of[retry_class]);
}

/* Both as they were set; one that is RETRY_GENERAL fits everything. */
static bool check_order(const char *low_name, int64_t low_ms, const char *high_name, int64_t high_ms, struct err *err)
{
    if (low_ms <= high_ms || high_ms == RETRY_GENERAL)
        return true;
    CLEANUP(buf_finish) struct buf low = BUF_INIT;
    CLEANUP(buf_finish) struct buf high = BUF_INIT;
    write_duration(low_ms, &low);
    write_duration(high_ms, &high);
    return err_set_field(err, ERR_INVALID, low_name, "%s (%s) must not be above %s (%s)", low_name, buf_text(&low),
                         high_name, buf_text(&high));
}

static bool check_resolvers(const struct settings *settings, struct err *err)
{
    struct resolver resolvers[RESOLVERS_MAX];
    size_t count;
    struct err why = { 0 };
    return resolvers_parse(settings->world.resolvers, resolvers, &count, &why) ||
           err_set_field(err, ERR_INVALID, "world.resolvers", "world.resolvers: %s", why.msg);
}

bool settings_check(const struct settings *settings, struct err *err)
{
    static const struct {
        const char *first, *cap;
    } names[] = {
        [RETRY_PANEL] = { "retry.panel_first", "retry.panel_cap" },
        [RETRY_NODE] = { "retry.node_first", "retry.node_cap" },
        [RETRY_BUSY] = { "retry.busy_first", "retry.busy_cap" },
        [RETRY_VERIFY] = { "retry.verify_first", "retry.verify_cap" },
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct retry_policy *own = &settings->retry_of[i];
        if (!check_order(names[i].first, own->first_ms, names[i].cap, own->cap_ms, err))
            return false;
    }
    return check_order("retry.first", settings->retry.first_ms, "retry.cap", settings->retry.cap_ms, err) &&
           check_order("node.probe_first", settings->node.probe_first_ms, "node.probe_cap", settings->node.probe_cap_ms,
                       err) &&
           check_order("world.first", settings->world.first_ms, "world.cap", settings->world.cap_ms, err) &&
           check_resolvers(settings, err) && (!settings->ticket.enabled || check_channel(settings, err));
}
