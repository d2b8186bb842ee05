/* zone_template.c - see zone_template.h. A line is cut into its columns, its placeholders are filled in, and the record that
 * comes of it is checked: a zone file with one bad record is not served at all. */
#include "core/zone_template.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TTL_MAX INT64_C(2147483647)
#define NAME_MAX_LENGTH 253
#define TXT_MAX 4000 /* what fits a record, with room for the rest of the answer */

/* The columns of a line, as written. */
struct columns {
    char *name, *type, *value; /* owned; value with the priority cut off */
    int64_t ttl;
    int priority;
};

static void columns_finish(struct columns *columns)
{
    free(columns->name);
    free(columns->type);
    free(columns->value);
}

static bool line_wrong(struct err *err, size_t line, const char *format, ...) PRINTF_LIKE(3, 4);
static bool line_wrong(struct err *err, size_t line, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set_field(err, ERR_INVALID, "template", "line %zu: %s", line, text);
}

/* ---- the values of records ---- */

static bool name_is_fine(const char *name, size_t length, bool underscores)
{
    if (length > 0 && name[length - 1] == '.')
        length--;
    if (length == 0 || length > NAME_MAX_LENGTH)
        return false;
    size_t label = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i == length || name[i] == '.') {
            if (i - label < 1 || i - label > 63 || name[label] == '-' || name[i - 1] == '-')
                return false;
            label = i + 1;
        } else if (!isalnum((unsigned char)name[i]) && name[i] != '-' && !(name[i] == '_' && underscores)) {
            return false;
        }
    }
    return true;
}

static bool host_check(const char *value)
{
    return name_is_fine(value, strlen(value), false) && strchr(value, '.') != NULL;
}

/* Aliases may point at names that are no hosts: mail._domainkey.example.net */
static bool target_check(const char *value)
{
    return name_is_fine(value, strlen(value), true) && strchr(value, '.') != NULL;
}

static bool ip4_check(const char *value)
{
    struct in_addr address;
    return inet_pton(AF_INET, value, &address) == 1;
}

static bool ip6_check(const char *value)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, value, &address) == 1;
}

static bool txt_check(const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) /* from a placeholder: lines have none */
            return false;
    }
    return value[0] != '\0' && strlen(value) <= TXT_MAX && value[0] != '"';
}

/* A number of 0 to 65535 and the blank behind it. */
static bool skip_number(const char **value)
{
    size_t digits = strspn(*value, "0123456789");
    if (digits < 1 || digits > 5 || (*value)[digits] != ' ' || strtol(*value, NULL, 10) > 65535)
        return false;
    *value += digits;
    *value += strspn(*value, " ");
    return true;
}

static bool srv_check(const char *value)
{
    return skip_number(&value) && skip_number(&value) && (strcmp(value, ".") == 0 || host_check(value));
}

static bool caa_check(const char *value)
{
    static const char *const tags[] = { "issue", "issuewild", "iodef", "issuemail", "contactemail" };
    if (strncmp(value, "0 ", 2) != 0 && strncmp(value, "128 ", 4) != 0)
        return false;
    value = strchr(value, ' ') + 1;
    size_t length = strcspn(value, " ");
    const char *quoted = value + length;
    size_t rest = strlen(quoted);
    if (rest < 3 || strncmp(quoted, " \"", 2) != 0 || quoted[rest - 1] != '"' ||
        strchr(quoted + 2, '"') != quoted + rest - 1)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (strlen(tags[i]) == length && strncmp(tags[i], value, length) == 0)
            return true;
    }
    return false;
}

static const struct record_type {
    const char *name;
    bool has_priority;
    bool (*check)(const char *value);
    const char *wanted;
} record_types[] = {
    { "A", false, ip4_check, "an IPv4 address" },
    { "AAAA", false, ip6_check, "an IPv6 address" },
    { "CNAME", false, target_check, "a whole name" },
    { "NS", false, host_check, "a whole host name" },
    { "MX", true, host_check, "a priority and a whole host name" },
    { "TXT", false, txt_check, "a text of at most 4000 bytes, without quotes around it" },
    { "SRV", true, srv_check, "priority, weight, port and a whole host name" },
    { "CAA", false, caa_check, "a flag, a tag and a quoted value, such as 0 issue \"ca.example\"" },
};

static const struct record_type *record_type_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(record_types); i++) {
        if (strcmp(record_types[i].name, name) == 0)
            return &record_types[i];
    }
    return NULL;
}

/* ---- placeholders ---- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* @return NULL when there is no such placeholder */
static const char *value_find(const struct zone_values *values, const char *name, size_t length)
{
    const struct {
        const char *name, *value;
    } table[] = {
        { "domain", values->domain },
        { "server_ip", values->server_ip },
        { "server_ip6", values->server_ip6 },
        { "mail_server_ip", values->mail_server_ip },
        { "mail_server_ip6", values->mail_server_ip6 },
        { "mail_server_hostname", values->mail_server_hostname },
        { "domainkey", values->domainkey },
        { "service_id", values->service_id },
        { "client_id", values->client_id },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
            return or_empty(table[i].value);
    }
    if (length == 3 && memcmp(name, "ns", 2) == 0 && name[2] >= '1' && name[2] < '1' + ZONE_NS_MAX)
        return or_empty(values->ns[name[2] - '1']);
    return NULL;
}

/* @param ret_empty set when a placeholder is empty: the record is left out */
static bool text_fill(const char *text, const struct zone_values *values, size_t line, char **ret_text, bool *ret_empty,
                      struct err *err)
{
    CLEANUP(buf_finish) struct buf filled = BUF_INIT;
    for (const char *c = text; *c != '\0';) {
        if (*c == '}')
            return line_wrong(err, line, "a } without a {");
        if (*c != '{') {
            buf_add_char(&filled, *c++);
            continue;
        }
        size_t length = strcspn(c, "}");
        if (c[length] == '\0')
            return line_wrong(err, line, "a { without a }");
        bool guard = c[1] == '?';
        const char *name = c + 1 + guard;
        const char *value = value_find(values, name, (size_t)(c + length - name));
        if (value == NULL)
            return line_wrong(err, line, "unknown placeholder %.*s", (int)(length < 40 ? length + 1 : 40), c);
        *ret_empty = *ret_empty || value[0] == '\0';
        if (!guard)
            buf_add_text(&filled, value);
        c += length + 1;
    }
    *ret_text = buf_steal(&filled);
    return true;
}

/* ---- lines ---- */

static char *take_word(const char **at)
{
    *at += strspn(*at, " \t");
    size_t length = strcspn(*at, " \t");
    char *word = xstrndup(*at, length);
    *at += length;
    return word;
}

static bool all_digits(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static bool number_read(const char *text, int64_t max, int64_t *ret_number)
{
    if (!all_digits(text) || strlen(text) > 10 || strtoll(text, NULL, 10) > max)
        return false;
    *ret_number = strtoll(text, NULL, 10);
    return true;
}

static bool line_cut(const char *text, size_t line, struct columns *columns, struct err *err)
{
    const char *at = text;
    columns->name = take_word(&at);
    columns->type = take_word(&at);
    if (all_digits(columns->type)) {
        if (!number_read(columns->type, TTL_MAX, &columns->ttl))
            return line_wrong(err, line, "the TTL %.40s is too large", columns->type);
        free(columns->type);
        columns->type = take_word(&at);
    }
    const struct record_type *type = record_type_find(columns->type);
    if (columns->type[0] == '\0')
        return line_wrong(err, line, "a record needs a name, a type and a value");
    if (type == NULL)
        return line_wrong(err, line, "unknown type %.40s: there are A, AAAA, CNAME, NS, MX, TXT, SRV and CAA",
                          columns->type);
    if (type->has_priority) {
        CLEANUP(freep) char *word = take_word(&at);
        int64_t priority = 0;
        if (!number_read(word, 65535, &priority))
            return line_wrong(err, line, "%s needs a priority from 0 to 65535", type->name);
        columns->priority = (int)priority;
    }
    at += strspn(at, " \t");
    columns->value = xstrdup(at);
    if (at[0] == '\0')
        return line_wrong(err, line, "%s needs %s", type->name, type->wanted);
    return true;
}

/* The texts of a record are ours until it is finished, const only for those who read it. */
static void record_finish(struct zone_record *record)
{
    free((void *)(uintptr_t)record->name);
    free((void *)(uintptr_t)record->type);
    free((void *)(uintptr_t)record->value);
}

static void zone_push(struct zone_rendered *zone, struct columns *columns, char *name, char *value)
{
    size_t count = zone->record_count + 1;
    zone->records = xrealloc(zone->records, count * sizeof(*zone->records));
    zone->ttls = xrealloc(zone->ttls, count * sizeof(*zone->ttls));
    zone->records[zone->record_count] = (struct zone_record){
        .name = name, .type = xstrdup(columns->type), .priority = columns->priority, .value = value
    };
    zone->ttls[zone->record_count++] = columns->ttl;
}

/* DNS allows an alias no company, and no second alias. */
static bool zone_check_alias(const struct zone_rendered *zone, const struct zone_record *record, size_t line,
                             struct err *err)
{
    bool alias = strcmp(record->type, "CNAME") == 0;
    if (alias && strcmp(record->name, "@") == 0)
        return line_wrong(err, line, "the domain itself (@) cannot be a CNAME");
    for (size_t i = 0; i + 1 < zone->record_count; i++) {
        const struct zone_record *other = &zone->records[i];
        if (strcasecmp(other->name, record->name) != 0)
            continue;
        if (alias || strcmp(other->type, "CNAME") == 0)
            return line_wrong(err, line, "%s is a CNAME and cannot have other records", record->name);
        if (strcmp(other->type, record->type) == 0 && other->priority == record->priority &&
            strcmp(other->value, record->value) == 0)
            return line_wrong(err, line, "the same %s record of %s stands there twice", record->type, record->name);
    }
    return true;
}

static bool record_check(const struct zone_record *record, const char *domain, size_t line, struct err *err)
{
    bool apex = strcmp(record->name, "@") == 0;
    size_t length = strlen(record->name);
    if (!apex && (!name_is_fine(record->name, length, true) || record->name[length - 1] == '.'))
        return line_wrong(err, line, "%.80s is not a name in the zone", record->name);
    if (!apex && length + 1 + strlen(domain) > NAME_MAX_LENGTH)
        return line_wrong(err, line, "%.80s with the domain is longer than %d characters", record->name,
                          NAME_MAX_LENGTH);
    const struct record_type *type = record_type_find(record->type);
    if (!type->check(record->value))
        return line_wrong(err, line, "%.120s is no value for %s: it must be %s", record->value, type->name,
                          type->wanted);
    return true;
}

static bool line_render(const char *text, size_t line, const struct zone_values *values, struct zone_rendered *zone,
                        struct err *err)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return line_wrong(err, line, "contains a control character");
    }
    if (text[strspn(text, " \t")] == '\0' || text[strspn(text, " \t")] == '#')
        return true;
    CLEANUP(columns_finish) struct columns columns = { 0 };
    CLEANUP(freep) char *name = NULL;
    CLEANUP(freep) char *value = NULL;
    bool empty = false;
    if (!line_cut(text, line, &columns, err) || !text_fill(columns.name, values, line, &name, &empty, err) ||
        !text_fill(columns.value, values, line, &value, &empty, err))
        return false;
    if (empty)
        return true;
    if (zone->record_count == ZONE_RECORDS_MAX)
        return line_wrong(err, line, "more than %d records", ZONE_RECORDS_MAX);
    zone_push(zone, &columns, name, value);
    name = value = NULL; /* the zone's now */
    const struct zone_record *record = &zone->records[zone->record_count - 1];
    return record_check(record, or_empty(values->domain), line, err) && zone_check_alias(zone, record, line, err);
}

static bool lines_render(const char *text, const struct zone_values *values, struct zone_rendered *zone,
                         struct err *err)
{
    size_t line = 1;
    for (const char *at = text; *at != '\0'; line++) {
        size_t length = strcspn(at, "\n");
        size_t end = length;
        while (end > 0 && (at[end - 1] == ' ' || at[end - 1] == '\t' || at[end - 1] == '\r'))
            end--;
        CLEANUP(freep) char *copy = xstrndup(at, end);
        if (!line_render(copy, line, values, zone, err))
            return false;
        at += length + (at[length] == '\n');
    }
    return true;
}

bool zone_template_render(const char *text, const struct zone_values *values, struct zone_rendered *ret_zone,
                          struct err *err)
{
    if (strnlen(text, ZONE_TEMPLATE_MAX + 1) > ZONE_TEMPLATE_MAX)
        return err_set_field(err, ERR_TOO_LARGE, "template", "the template is larger than %u KiB",
                             ZONE_TEMPLATE_MAX / 1024);
    struct zone_rendered zone = { 0 };
    if (!lines_render(text, values, &zone, err)) {
        zone_rendered_finish(&zone);
        return false;
    }
    *ret_zone = zone;
    return true;
}

/* With every placeholder filled, so that no line escapes the look. */
bool zone_template_check(const char *text, struct err *err)
{
    static const struct zone_values sample = {
        .domain = "example.com",
        .server_ip = "192.0.2.1",
        .server_ip6 = "2001:db8::1",
        .mail_server_ip = "192.0.2.2",
        .mail_server_ip6 = "2001:db8::2",
        .mail_server_hostname = "mail1.example.net",
        .ns = { "ns1.example.net", "ns2.example.net", "ns3.example.net", "ns4.example.net", "ns5.example.net",
                "ns6.example.net", "ns7.example.net", "ns8.example.net" },
        .domainkey = "v=DKIM1; k=rsa; p=AAAA",
        .service_id = "1",
        .client_id = "1",
    };
    struct zone_rendered zone = { 0 };
    if (!zone_template_render(text, &sample, &zone, err))
        return false;
    bool name_server = false;
    for (size_t i = 0; i < zone.record_count; i++)
        name_server =
            name_server || (strcmp(zone.records[i].type, "NS") == 0 && strcmp(zone.records[i].name, "@") == 0);
    zone_rendered_finish(&zone);
    if (!name_server)
        return err_set_field(err, ERR_INVALID, "template", "the template has no NS record for the domain itself (@)");
    return true;
}

void zone_rendered_finish(struct zone_rendered *zone)
{
    for (size_t i = 0; i < zone->record_count; i++)
        record_finish(&zone->records[i]);
    free(zone->records);
    free(zone->ttls);
    *zone = (struct zone_rendered){ 0 };
}

/* ---- TXT ---- */

void zone_txt_split(const char *value, struct buf *ret)
{
    size_t in_string = 0;
    buf_add_char(ret, '"');
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        if (in_string == 255) {
            buf_add_text(ret, "\" \"");
            in_string = 0;
        }
        in_string++;
        if (*c == '"' || *c == '\\')
            buf_addf(ret, "\\%c", *c);
        else if (*c < ' ' || *c >= 0x7f)
            buf_addf(ret, "\\%03u", *c);
        else
            buf_add_char(ret, (char)*c);
    }
    buf_add_char(ret, '"');
}
