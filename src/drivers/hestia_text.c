/* hestia_text.c - what the panel is given, as text: packages, names of people, zones. Values stand as the panel's own
 * commands would have stored them; golden tests hold them to the recorded lists. */
#include "drivers/hestia.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"

/* ---- people and limits --------------------------------------------------------------------------------------------
 */

/* Where the text was cut off, half a character may be left at its end. */
static size_t whole_characters(const char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0U) == 0x80U)
        start--;
    if (start == 0)
        return length;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return start - 1 + wanted > length ? start - 1 : length;
}

void hestia_clean_name(const char *name, char *ret_name, size_t size)
{
    size_t length = 0;
    for (const char *at = name; *at != '\0' && length + 1 < size; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte >= 0x20 && byte != 0x7f && strchr("'\"<>\\`$", byte) == NULL)
            ret_name[length++] = *at;
    }
    length = whole_characters(ret_name, length);
    while (length > 0 && ret_name[length - 1] == ' ')
        length--;
    ret_name[length] = '\0';
}

void hestia_limit(int64_t limit, char *ret_text, size_t size)
{
    if (limit < 0)
        snprintf(ret_text, size, "unlimited");
    else
        snprintf(ret_text, size, "%" PRId64, limit);
}

void hestia_backend(const char *php, char *ret_name, size_t size)
{
    if (php == NULL || php[0] == '\0') {
        snprintf(ret_name, size, "default");
        return;
    }
    snprintf(ret_name, size, "PHP-%s", php);
    for (char *at = ret_name; *at != '\0'; at++) {
        if (*at == '.')
            *at = '_';
    }
}

/* Where the panel knows no "unlimited": more than anybody needs. */
#define RATE_LIMIT_MANY 100000
#define BACKUPS_MANY 365

static void setting_text(struct hestia_setting *setting, const char *key, const char *value)
{
    setting->key = key;
    snprintf(setting->value, sizeof(setting->value), "%s", value);
}

static void setting_limit(struct hestia_setting *setting, const char *key, int64_t limit)
{
    setting->key = key;
    hestia_limit(limit, setting->value, sizeof(setting->value));
}

static void setting_number(struct hestia_setting *setting, const char *key, int64_t limit, int64_t many)
{
    setting_limit(setting, key, limit < 0 ? many : limit);
}

void hestia_package(const struct step *step, struct hestia_setting ret_settings[HESTIA_PACKAGE_KEYS])
{
    const struct account_limits *limits = &step->limits;
    struct hestia_setting *next = ret_settings;
    char backend[32];
    hestia_backend(limits->php, backend, sizeof(backend));
    setting_text(next++, "WEB_TEMPLATE", "default");
    setting_text(next++, "PROXY_TEMPLATE", "default");
    setting_text(next++, "BACKEND_TEMPLATE", backend);
    setting_text(next++, "DNS_TEMPLATE", "default");
    setting_limit(next++, "WEB_DOMAINS", limits->web_domains);
    /* www. is ours: a product without aliases still has that one */
    setting_limit(next++, "WEB_ALIASES",
                  limits->web_aliases == 0 && limits->web_domains != 0 ? 1 : limits->web_aliases);
    setting_limit(next++, "DNS_DOMAINS", limits->dns_domains);
    setting_limit(next++, "DNS_RECORDS", limits->dns_records);
    setting_limit(next++, "MAIL_DOMAINS", limits->mail_domains);
    setting_limit(next++, "MAIL_ACCOUNTS", limits->mail_accounts);
    setting_number(next++, "RATE_LIMIT", limits->mail_rate_per_hour, RATE_LIMIT_MANY);
    setting_limit(next++, "DATABASES", limits->databases);
    setting_limit(next++, "CRON_JOBS", limits->cron_jobs);
    setting_limit(next++, "DISK_QUOTA", limits->disk_mb);
    setting_text(next++, "CPU_QUOTA", "unlimited");
    setting_text(next++, "CPU_QUOTA_PERIOD", "unlimited");
    setting_text(next++, "MEMORY_LIMIT", "unlimited");
    setting_text(next++, "SWAP_LIMIT", "unlimited");
    setting_limit(next++, "BANDWIDTH", limits->bandwidth_mb);
    setting_text(next++, "NS", "");           /* zones are written whole, with name servers of their own */
    setting_text(next++, "SHELL", "nologin"); /* left out, the caller's own shell would get in */
    setting_number(next++, "BACKUPS", limits->backups, BACKUPS_MANY);
    setting_text(next++, "BACKUPS_INCREMENTAL", "no");
}

/* ---- zones --------------------------------------------------------------------------------------------------------
 */

static bool is_type(const struct zone_record *record, const char *type)
{
    return strcmp(record->type, type) == 0;
}

static bool has_target(const struct zone_record *record)
{
    static const char *const types[] = { "NS", "CNAME", "MX", "PTR", "SRV" };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (is_type(record, types[i]))
            return true;
    }
    return false;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

/* "a" "b" is the text ab: strings of one record are joined as readers of the zone join them. */
static void add_without_quotes(const char *value, struct buf *ret_text)
{
    bool is_quoted = value[0] == '"';
    bool is_inside = false;
    for (; *value != '\0'; value++) {
        if (*value == '"')
            is_inside = !is_inside;
        else if (is_inside || !is_quoted)
            buf_add_char(ret_text, *value);
    }
}

/* A single quote would end the value in the panel's data; it stands as this word there. */
#define PANEL_QUOTE "%quote%"

static void add_encoded(const char *text, struct buf *ret_text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_add_text(ret_text, PANEL_QUOTE);
        else
            buf_add_char(ret_text, *text);
    }
}

/* SRV as "weight port target", or with the priority in front as the panel's own command wants it. */
static const char *srv_value(const struct zone_record *record)
{
    unsigned blanks = 0;
    const char *second = NULL;
    for (const char *at = record->value; *at != '\0'; at++) {
        if (*at == ' ' && blanks++ == 0)
            second = at + 1;
    }
    return blanks == 3 ? second : record->value;
}

bool hestia_record_value(const struct zone_record *record, struct buf *ret_value)
{
    if (!is_printable(record->value) || !is_printable(record->name) || record->value[0] == '\0')
        return false;
    if (is_type(record, "TXT")) {
        CLEANUP(buf_finish) struct buf text = BUF_INIT;
        add_without_quotes(record->value, &text);
        buf_add_char(ret_value, '"');
        add_encoded(buf_text(&text), ret_value);
        buf_add_char(ret_value, '"');
        return true;
    }
    if (strchr(record->value, '\'') != NULL)
        return false;
    if (!has_target(record)) {
        buf_add_text(ret_value, record->value);
        return true;
    }
    const char *value = is_type(record, "SRV") ? srv_value(record) : record->value;
    buf_add_text(ret_value, value);
    if (value[strlen(value) - 1] != '.')
        buf_add_char(ret_value, '.');
    return true;
}

void hestia_record_priority(const struct zone_record *record, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    if (is_type(record, "MX") || is_type(record, "SRV"))
        snprintf(ret_text, size, "%d", record->priority);
}

struct stamp {
    char date[16], time[16];
};

static struct stamp stamp_of(int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    struct stamp stamp = { .date = "", .time = "" };
    gmtime_r(&seconds, &parts);
    strftime(stamp.date, sizeof(stamp.date), "%Y-%m-%d", &parts);
    strftime(stamp.time, sizeof(stamp.time), "%H:%M:%S", &parts);
    return stamp;
}

#define YEAR_MS (365LL * 24 * 3600 * 1000)

static bool is_plain_value(const char *text)
{
    return text != NULL && text[0] != '\0' && is_printable(text) && strpbrk(text, "' \"") == NULL;
}

bool hestia_zone_line(const struct step *step, struct buf *ret_line)
{
    const struct zone *zone = &step->zone;
    char soa[256];
    struct stamp now = stamp_of(step->now_ms), expires = stamp_of(step->now_ms + YEAR_MS);
    if (!is_plain_value(step->domain) || !is_plain_value(zone->ip) || !is_plain_value(zone->soa))
        return false;
    snprintf(soa, sizeof(soa), "%s", zone->soa);
    if (soa[strlen(soa) - 1] == '.') /* the panel adds it */
        soa[strlen(soa) - 1] = '\0';
    buf_addf(ret_line,
             "DOMAIN='%s' IP='%s' TPL='default' TTL='%" PRId64 "' EXP='%s' SOA='%s' SERIAL='%" PRId64 "' SRC=''",
             step->domain, zone->ip, zone->ttl, expires.date, soa, zone->serial);
    buf_addf(ret_line, " RECORDS='%zu' DNSSEC='no' KEY='' SLAVE='no' MASTER='' SUSPENDED='no' TIME='%s' DATE='%s'",
             zone->record_count, now.time, now.date);
    return true;
}

bool hestia_zone_records(const struct step *step, struct buf *ret_file)
{
    char priority[16];
    struct stamp now = stamp_of(step->now_ms);
    for (size_t i = 0; i < step->zone.record_count; i++) {
        const struct zone_record *record = &step->zone.records[i];
        CLEANUP(buf_finish) struct buf value = BUF_INIT;
        if (!is_plain_value(record->name) || !is_plain_value(record->type) || !hestia_record_value(record, &value))
            return false;
        hestia_record_priority(record, priority, sizeof(priority));
        buf_addf(ret_file, "ID='%zu' RECORD='%s' TYPE='%s' PRIORITY='%s' VALUE='%s'", ZONE_FIRST_ID + i, record->name,
                 record->type, priority, buf_text(&value));
        buf_addf(ret_file, " SUSPENDED='no' TIME='%s' DATE='%s'\n", now.time, now.date);
    }
    return step->zone.record_count > 0;
}
