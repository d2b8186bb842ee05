/* zone.c - from a zone's records to the file that BIND serves. Every change writes the whole zone again, at about 0.2 s
 * per record on a real node; a kill in between leaves a file that is cut short. */
#include <string.h>

#include "internal.h"

#define WORK_MS_PER_RECORD 200
#define SERIAL_BASE INT64_C(3000000000)
#define SERIAL_MAX INT64_C(4294967295)
#define STRING_BYTES_MAX 255

static char *records_path(struct panel *panel, const char *user, const char *domain)
{
    return text_format(panel, USERS_DIR "/%s/dns/%s.conf", user, domain);
}

static char *zone_path(struct panel *panel, const char *user, const char *domain)
{
    return text_format(panel, "/home/%s/conf/dns/%s.db", user, domain);
}

static bool comes_before(struct panel *panel, const char *a, const char *b)
{
    long id_a = atol(value_of(panel, a, "ID")), id_b = atol(value_of(panel, b, "ID"));
    return id_a != id_b ? id_a < id_b : strcmp(a, b) < 0;
}

/* As sort -n on the id. */
static void sort_records(struct panel *panel, const char *path)
{
    const char *text = file_read(panel, path), *position = text;
    size_t count = 0, max = line_count(text) + 1;
    const char **lines = (const char **)(void *)arena_take(panel->arena, max * sizeof(*lines));
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL && count < max; count++) {
        size_t at = count;
        while (at > 0 && comes_before(panel, line, lines[at - 1])) {
            lines[at] = lines[at - 1];
            at--;
        }
        lines[at] = line;
    }
    struct buf sorted = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_addf(&sorted, "%s\n", lines[i]);
    const char *result = text_take(panel, &sorted);
    if (!text_is(result, text))
        file_edit(panel, path, result);
}

/* A text over 255 bytes is cut into strings, unless it was already. */
static const char *txt_value(struct panel *panel, const char *value)
{
    if (strlen(value) <= STRING_BYTES_MAX || strstr(value, "\" \"") != NULL || strstr(value, "\"\"") != NULL)
        return value;
    size_t length = strlen(value);
    if (value[0] == '"') {
        value = text_copy(panel, value + 1, length - 2);
        length -= 2;
    }
    struct buf strings = BUF_INIT;
    for (size_t at = 0; at < length; at += STRING_BYTES_MAX)
        buf_addf(&strings, "\"%.*s\"", STRING_BYTES_MAX, value + at);
    return text_take(panel, &strings);
}

static const char *target_ascii(struct panel *panel, const char *type, const char *value)
{
    if (text_is(type, "CNAME") || text_is(type, "MX"))
        return text_idn_ascii(panel, value);
    if (!text_is(type, "SRV"))
        return value;
    const char *blank = strrchr(value, ' ');
    if (blank == NULL || text_is(blank + 1, "."))
        return value;
    return text_format(panel, "%.*s%s", (int)(blank + 1 - value), value, text_idn_ascii(panel, blank + 1));
}

static void add_record(struct panel *panel, struct buf *zone, const char *line, const char *zone_ttl)
{
    const char *type = value_of(panel, line, "TYPE"), *ttl = value_of(panel, line, "TTL");
    const char *value = text_replace(panel, value_of(panel, line, "VALUE"), "%quote%", "'");
    if (text_is(value_of(panel, line, "SUSPENDED"), "yes"))
        return;
    value = text_is(type, "TXT") ? txt_value(panel, value) : target_ascii(panel, type, value);
    buf_addf(zone, "%s\t%s\tIN\t%s\t%s\t%s\n", text_idn_ascii(panel, value_of(panel, line, "RECORD")),
             *ttl == '\0' ? zone_ttl : ttl, type, value_of(panel, line, "PRIORITY"), value);
}

static void add_head(struct panel *panel, struct buf *zone, const char *domain, const char *object)
{
    const char *ascii = text_idn_ascii(panel, domain), *dot = strrchr(ascii, '.');
    const char *serial = value_of(panel, object, "SERIAL");
    bool is_quick = dot != NULL && text_in_list("de,cz,pl,pt", dot + 1);
    buf_addf(zone, "$TTL %s\n@    IN    SOA    %s.    root.%s. (\n", value_of(panel, object, "TTL"),
             text_idn_ascii(panel, value_of(panel, object, "SOA")), ascii);
    buf_addf(zone, "%44s%s\n%44s14400\n%44s%d\n%44s1209600\n%44s3600 )\n\n", "",
             *serial == '\0' ? "3000000000" : serial, "", "", is_quick ? 1800 : 3600, "", "");
}

static void write_zone_file(struct panel *panel, const char *user, const char *domain, const char *object)
{
    const char *text = file_read(panel, records_path(panel, user, domain)), *position = text;
    const char *path = zone_path(panel, user, domain), *ttl = value_of(panel, object, "TTL");
    size_t count = line_count(text), at = 0;
    struct buf zone = BUF_INIT;
    add_head(panel, &zone, domain, object);
    const char *head = text_take(panel, &zone);
    file_write(panel, path, head);
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL; at++) {
        if (at == (count + 1) / 2) {
            file_append(panel, path, text_take(panel, &zone));
            panel_work(panel, WORK_MS_PER_RECORD * (unsigned)count / 2);
            panel_point(panel, "rec-b");
        }
        add_record(panel, &zone, line, ttl);
    }
    panel_work(panel, WORK_MS_PER_RECORD * (unsigned)(count - count / 2));
    file_append(panel, path, text_take(panel, &zone));
    file_mode(panel, path, 0640);
    file_owner(panel, path, "root", "bind");
}

bool zone_write(struct panel *panel, const char *user, const char *domain)
{
    const char *object = object_load(panel, user, "dns", "DOMAIN", domain);
    sort_records(panel, records_path(panel, user, domain));
    write_zone_file(panel, user, domain, object);
    bool is_suspended = text_is(value_of(panel, object, "SUSPENDED"), "yes");
    if (!is_suspended) {
        file_delete_lines(panel, NAMED_CONF, text_format(panel, "dns/%s.db", domain));
        file_append(panel, NAMED_CONF,
                    text_format(panel, "zone \"%s\" {type master; file \"%s\";};\n", text_idn_ascii(panel, domain),
                                zone_path(panel, user, domain)));
    }
    size_t count = line_count(file_read(panel, records_path(panel, user, domain)));
    object_update(panel, user, "dns", "DOMAIN", domain, "RECORDS", text_format(panel, "%zu", count));
    /* rndc reconfig and reload, whatever RESTART says; a failure is not noticed. */
    panel->host->ops->service(panel->host, PANEL_DNS, PANEL_RELOAD, text_idn_ascii(panel, domain));
    return is_suspended;
}

/* The serial in the zone file; 0 when there is none, or one of the old form YYYYMMDDNN up to 2029. */
static int64_t serial_of_file(struct panel *panel, const char *user, const char *domain)
{
    const char *text = file_read(panel, zone_path(panel, user, domain)), *soa = strstr(text, "SOA");
    const char *end = soa == NULL ? NULL : strchr(soa, '\n');
    if (end == NULL)
        return 0;
    const char *digits = end + 1 + strspn(end + 1, " ");
    size_t length = strspn(digits, "0123456789");
    int64_t serial = length == 0 || length > 10 ? 0 : atoll(digits);
    int64_t year = serial / 1000000, month = serial / 10000 % 100, day = serial / 100 % 100;
    bool is_date = length == 10 && year >= 2000 && year <= 2029 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    return is_date ? 0 : serial;
}

void zone_raise_serial(struct panel *panel, const char *user, const char *domain)
{
    int64_t serial = serial_of_file(panel, user, domain);
    serial = serial == 0 ? SERIAL_BASE : serial + 1;
    if (serial > SERIAL_MAX)
        serial = 1;
    object_update(panel, user, "dns", "DOMAIN", domain, "SERIAL", text_format(panel, "%010lld", (long long)serial));
}
