/* cmd_dns_record.c - single records. Values are normalised before they are stored: a final dot on names, double quotes
 * round texts with blanks; without an id a repeat makes a second record. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

struct record {
    const char *user, *domain, *id, *name, *type, *value, *priority, *restart, *ttl;
};

static bool has_target(const char *type)
{
    return text_starts(type, "NS") || strstr(type, "CNAME") != NULL || strstr(type, "MX") != NULL ||
           strstr(type, "PTR") != NULL || strstr(type, "SRV") != NULL;
}

static void normalise(struct panel *panel, struct record *record)
{
    if (has_target(record->type)) {
        if (!text_ends(record->value, "."))
            record->value = text_format(panel, "%s.", record->value);
        record->value = text_idn_ascii(panel, record->value);
        record->name = text_idn_ascii(panel, record->name);
    }
    if (text_is(record->type, "CAA"))
        return;
    record->value = text_replace(panel, record->value, "\"", "");
    bool is_free = text_in_list("SRV,DNSKEY,DS,TLSA,KEY,IPSECKEY", record->type);
    if (!is_free && strpbrk(record->value, "; \t\n") != NULL)
        record->value = text_format(panel, "\"%s\"", record->value);
}

static bool is_hostname(const char *name)
{
    size_t length = strlen(name), label = 0;
    if (length > 0 && name[length - 1] == '.')
        length--;
    if (length == 0 || length > 253)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_edge = label == 0 || i + 1 == length || name[i + 1] == '.';
        if (name[i] == '.' ? label == 0 : !isalnum((unsigned char)name[i]) && (name[i] != '-' || is_edge))
            return false;
        label = name[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return true;
}

static bool is_number(const char *text, long max)
{
    return *text != '\0' && strlen(text) <= 5 && strspn(text, "0123456789") == strlen(text) && atol(text) <= max;
}

/* Four parts are priority weight port target; three are told apart by which end is a host name. */
static bool srv_normalise(struct panel *panel, struct record *record)
{
    const char *parts[5], *position = record->value;
    size_t count = 0;
    for (; count < ARRAY_LEN(parts) && (parts[count] = text_next(panel, &position, ' ')) != NULL; count++)
        ;
    const char *priority = record->priority, *weight, *port, *target;
    if (count == 4) {
        priority = parts[0], weight = parts[1], port = parts[2], target = parts[3];
    } else if (count == 3 && (text_is(parts[0], ".") || is_hostname(parts[0]))) {
        target = parts[0], port = parts[1], weight = parts[2];
    } else if (count == 3) {
        weight = parts[0], port = parts[1], target = parts[2];
    } else {
        return false;
    }
    if (!is_number(priority, 65535) || !is_number(weight, 65535) || !is_number(port, 65535) ||
        !(text_is(target, ".") || is_hostname(target)))
        return false;
    record->priority = priority;
    record->value = text_format(panel, "%s %s %s", weight, port, target);
    return true;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e)
            return false;
    }
    return true;
}

static bool value_is_valid(struct panel *panel, struct record *record)
{
    unsigned char address[16];
    const char *type = record->type, *value = record->value;
    if (text_is(type, "A"))
        return ip4_is_valid(value);
    if (text_is(type, "AAAA"))
        return inet_pton(AF_INET6, value, address) == 1;
    if (text_is(type, "NS") || text_is(type, "PTR"))
        return is_hostname(value);
    if (text_is(type, "CNAME"))
        return strlen(value) > 1 && strlen(value) <= 254;
    if (text_is(type, "MX"))
        return is_hostname(value) && is_number(record->priority, 65535);
    if (text_is(type, "SRV"))
        return srv_normalise(panel, record);
    if (text_is(type, "TXT") || text_is(type, "SPF"))
        return *value != '\0' && is_printable(value);
    char flag[8], tag[64], rest[256];
    if (text_is(type, "CAA"))
        return sscanf(value, "%7s %63s %255[^\n]", flag, tag, rest) == 3 && is_number(flag, 255);
    return *value != '\0'; /* key material: DNSKEY, KEY, IPSECKEY, TLSA, DS */
}

static void check_record(struct panel *panel, struct record *record)
{
    static const char types[] = "A,AAAA,NS,CNAME,MX,TXT,SRV,DNSKEY,KEY,IPSECKEY,PTR,SPF,TLSA,CAA,DS";
    check_record_name(panel, record->name);
    if (*record->type != '\0' && !text_in_list(types, record->type))
        panel_fail(panel, E_INVALID, "invalid dns record type format :: %s", record->type);
    if (*record->value == '\0')
        return;
    const char *given = record->value;
    if (strchr(given, '\n') != NULL)
        panel_fail(panel, E_INVALID, "invalid value :: %s", given);
    if (!value_is_valid(panel, record))
        panel_fail(panel, E_INVALID, "dns record validation failed :: %s", given);
}

static size_t count_dots(const char *text)
{
    size_t dots = 0;
    for (; *text != '\0'; text++)
        dots += *text == '.';
    return dots;
}

/* Targets are fully qualified; a name server inside the zone has an address there. */
static void check_target(struct panel *panel, const struct record *record)
{
    const char *type = record->type, *value = record->value;
    bool is_short = text_is(type, "CNAME") || text_is(type, "MX") || text_is(type, "PTR");
    bool is_nowhere = text_is(type, "SRV") && text_ends(value, " .");
    if (has_target(type) && !is_nowhere && count_dots(value) < (is_short ? 2 : 3)) {
        value = text_ends(value, ".") ? text_copy(panel, value, strlen(value) - 1) : value;
        panel_fail(panel, E_INVALID, "%s record %s should be a fully qualified domain name (FQDN)", type, value);
    }
    const char *end = text_format(panel, ".%s.", record->domain);
    if (!text_is(type, "NS") || !text_ends(value, end))
        return;
    const char *host = text_copy(panel, value, strlen(value) - strlen(end));
    const char *found = object_find(panel, record->user, text_format(panel, "dns/%s", record->domain), "RECORD", host);
    if (strstr(found, "TYPE='A'") == NULL)
        panel_fail(panel, E_NOTEXIST, "IN A %s.%s does not exist", host, record->domain);
}

static void check_zone(struct panel *panel, const struct record *record)
{
    check_system(panel, "DNS_SYSTEM");
    check_user(panel, record->user);
    check_user_active(panel, record->user);
    check_object(panel, record->user, "dns", "DOMAIN", record->domain);
    check_object_active(panel, record->user, "dns", "DOMAIN", record->domain);
}

static char *records_path(struct panel *panel, const struct record *record)
{
    return text_format(panel, USERS_DIR "/%s/dns/%s.conf", record->user, record->domain);
}

static const char *next_id(struct panel *panel, const struct record *record)
{
    long last = 0;
    const char *position = file_read(panel, records_path(panel, record));
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        long id = atol(value_of(panel, line, "ID"));
        last = id > last ? id : last;
    }
    return text_format(panel, "%ld", last + 1);
}

static const char *record_line(struct panel *panel, const struct record *record)
{
    const char *time, *date, *ttl = "";
    stamp(panel, &time, &date);
    if (*record->ttl != '\0')
        ttl = text_format(panel, " TTL='%s'", record->ttl);
    return text_format(panel,
                       "ID='%s' RECORD='%s' TYPE='%s' PRIORITY='%s' VALUE='%s' SUSPENDED='no' TIME='%s' DATE='%s'%s\n",
                       record->id, record->name, record->type, record->priority,
                       text_replace(panel, record->value, "'", "%quote%"), time, date, ttl);
}

static void check_id(struct panel *panel, const char *id)
{
    if (*id != '\0' && (*id == '0' || strspn(id, "0123456789") != strlen(id)))
        panel_fail(panel, E_INVALID, "invalid id format :: %s", id);
}

static const char *upper(struct panel *panel, const char *text)
{
    char *copy = text_copy(panel, text, strlen(text));
    for (char *c = copy; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return copy;
}

static void check_root_cname(struct panel *panel, const struct record *record)
{
    if (text_is(record->name, "@") && text_is(record->type, "CNAME"))
        panel_fail(panel, E_INVALID, "CNAME on root is not allowed");
}

static void set_count(struct panel *panel, const struct record *record)
{
    size_t count = line_count(file_read(panel, records_path(panel, record)));
    object_update(panel, record->user, "dns", "DOMAIN", record->domain, "RECORDS", text_format(panel, "%zu", count));
}

static void run_add(struct panel *panel)
{
    struct record record = { .user = arg(panel, 1),
                             .domain = domain_format(panel, arg(panel, 2)),
                             .name = text_lower(panel, text_idn_unicode(panel, arg(panel, 3))),
                             .type = upper(panel, arg(panel, 4)),
                             .value = arg(panel, 5),
                             .priority = arg(panel, 6),
                             .id = arg(panel, 7),
                             .restart = arg(panel, 8),
                             .ttl = arg(panel, 9) };
    bool has_priority = text_is(record.type, "MX") || text_is(record.type, "SRV");
    record.priority = !has_priority ? "" : *record.priority == '\0' ? "10" : record.priority;
    normalise(panel, &record);
    check_root_cname(panel, &record);
    if (panel->argc < 5) {
        buf_add_text(panel->out,
                     "Usage: v-add-dns-record USER DOMAIN RECORD TYPE VALUE [PRIORITY] [ID] [RESTART] [TTL]\n");
        panel_exit(panel, E_ARGS);
    }
    check_user_name(panel, record.user, false);
    check_domain(panel, record.domain, "domain");
    check_record(panel, &record);
    check_zone(panel, &record);
    const char *path = records_path(panel, &record), *file = text_format(panel, "dns/%s", record.domain);
    check_limit(panel, record.user, "DNS_RECORDS", line_count(file_read(panel, path)), false);
    record.id = *record.id == '\0' ? next_id(panel, &record) : record.id;
    check_id(panel, record.id);
    if (*object_find(panel, record.user, file, "ID", record.id) != '\0')
        panel_fail(panel, E_EXISTS, "ID=%s already exists", record.id);
    check_target(panel, &record);
    if (*record.ttl != '\0')
        check_number(panel, record.ttl, "ttl");
    check_restart(panel, record.restart);
    panel_work(panel, 100);
    file_append(panel, path, record_line(panel, &record));
    panel_point(panel, "rec-a");
    zone_raise_serial(panel, record.user, record.domain);
    zone_write(panel, record.user, record.domain);
    set_count(panel, &record);
    user_value_add(panel, record.user, "U_DNS_RECORDS", 1);
    panel_work(panel, 50);
    panel_restart(panel, "dns", record.restart);
}

static void run_change(struct panel *panel)
{
    struct record record = { .user = arg(panel, 1),
                             .domain = domain_format(panel, arg(panel, 2)),
                             .id = arg(panel, 3),
                             .name = arg(panel, 4),
                             .type = arg(panel, 5),
                             .value = arg(panel, 6),
                             .priority = arg(panel, 7),
                             .restart = arg(panel, 8),
                             .ttl = arg(panel, 9) };
    check_user_name(panel, record.user, false);
    check_domain(panel, record.domain, "domain");
    check_id(panel, record.id);
    check_record_name(panel, record.name);
    check_restart(panel, record.restart);
    check_zone(panel, &record);
    const char *file = text_format(panel, "dns/%s", record.domain);
    if (*object_find(panel, record.user, file, "ID", record.id) == '\0')
        panel_fail(panel, E_NOTEXIST, "%s id %s doesn't exist", record.domain, record.id);
    if (*record.ttl != '\0')
        check_number(panel, record.ttl, "ttl");
    check_root_cname(panel, &record);
    const char *old = object_load(panel, record.user, file, "ID", record.id);
    record.type = *record.type == '\0' ? value_of(panel, old, "TYPE") : record.type;
    record.priority = *record.priority == '\0' ? value_of(panel, old, "PRIORITY") : record.priority;
    if (!text_is(record.type, "MX") && !text_is(record.type, "SRV"))
        record.priority = "";
    normalise(panel, &record);
    check_record(panel, &record);
    check_target(panel, &record);
    const char *stored = text_replace(panel, record.value, "'", "%quote%");
    bool is_same = text_is(value_of(panel, old, "RECORD"), record.name) &&
                   text_is(value_of(panel, old, "TYPE"), record.type) &&
                   atol(value_of(panel, old, "PRIORITY")) == atol(record.priority) &&
                   text_is(value_of(panel, old, "VALUE"), stored) && text_is(value_of(panel, old, "SUSPENDED"), "no") &&
                   atol(value_of(panel, old, "TTL")) == atol(record.ttl);
    if (is_same) {
        buf_add_text(panel->out, "No pending changes in DNS entry.\n");
        panel_exit(panel, E_EXISTS);
    }
    const char *path = records_path(panel, &record);
    panel_work(panel, 150);
    file_delete_lines_from(panel, path, text_format(panel, "ID='%s'", record.id));
    file_append(panel, path, record_line(panel, &record));
    zone_raise_serial(panel, record.user, record.domain);
    zone_write(panel, record.user, record.domain);
    panel_restart(panel, "dns", record.restart);
}

static void run_delete(struct panel *panel)
{
    struct record record = { .user = arg(panel, 1),
                             .domain = domain_format(panel, arg(panel, 2)),
                             .id = arg(panel, 3),
                             .restart = arg(panel, 4) };
    check_user_name(panel, record.user, false);
    check_domain(panel, record.domain, "domain");
    check_id(panel, record.id);
    check_restart(panel, record.restart);
    check_user(panel, record.user);
    check_object(panel, record.user, "dns", "DOMAIN", record.domain);
    const char *file = text_format(panel, "dns/%s", record.domain), *path = records_path(panel, &record);
    check_object(panel, record.user, file, "ID", record.id);
    const char *type = value_of(panel, object_load(panel, record.user, file, "ID", record.id), "TYPE");
    bool is_needed = text_is(type, "A") || text_is(type, "NS");
    if (is_needed && line_count(object_search(panel, record.user, file, "TYPE", type, "ID")) <= 1)
        panel_fail(panel, E_INVALID, "at least one %s record should remain active", type);
    panel_work(panel, 100);
    file_delete_lines_from(panel, path, text_format(panel, "ID='%s'", record.id));
    zone_raise_serial(panel, record.user, record.domain);
    zone_write(panel, record.user, record.domain);
    set_count(panel, &record);
    user_value_subtract(panel, record.user, "U_DNS_RECORDS", 1);
    panel_restart(panel, "dns", record.restart);
}

static const char *const fields[] = { "RECORD",    "TYPE", "PRIORITY", "VALUE", "ID",
                                      "SUSPENDED", "TIME", "DATE",     "TTL",   NULL };
static const char *const plain_fields[] = { "RECORD", "TYPE", "PRIORITY", "VALUE", "SUSPENDED",
                                            "TIME",   "DATE", "TTL",      NULL };

static void run_list(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = arg(panel, 2), *format = arg_or(panel, 3, "shell");
    check_user_name(panel, user, false);
    check_domain(panel, domain, "domain");
    check_user(panel, user);
    check_object(panel, user, "dns", "DOMAIN", domain);
    const char *ttl = value_of(panel, object_load(panel, user, "dns", "DOMAIN", domain), "TTL");
    const char *position = file_read(panel, text_format(panel, USERS_DIR "/%s/dns/%s.conf", user, domain));
    bool is_json = text_is(format, "json");
    struct buf lines = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        const char *value = value_of(panel, line, "VALUE");
        if (is_json)
            line = value_set(panel, line, "VALUE", text_replace(panel, value, "\"", "\\\""));
        buf_addf(&lines, "%s TTL='%s'\n", line, ttl); /* the record's own, if any, comes first */
    }
    const char *text = text_take(panel, &lines);
    size_t left = line_count(text);
    if (is_json)
        list_open(panel);
    for (const char *line; (line = text_next(panel, &text, '\n')) != NULL;) {
        size_t start = panel->out->length;
        const char *id = value_of(panel, line, "ID");
        bool is_last = --left == 0;
        if (is_json)
            list_object(panel, id, line, fields, is_last ? "    }\n" : "    }", is_last);
        else
            list_plain(panel, id, line, plain_fields);
        const char *printed = text_copy(panel, panel->out->data + start, panel->out->length - start);
        panel->out->length = start; /* quotes of a value come back only here: they would end it in a data line */
        buf_add_text(panel->out, text_replace(panel, printed, "%quote%", "'"));
    }
    if (is_json)
        list_close(panel);
}

const struct panel_command commands_dns_record[] = {
    { "v-add-dns-record", run_add, CHANGE, 3300, 0, 0, NULL },
    { "v-change-dns-record", run_change, CHANGE, 3300, 0, 6,
      "USER DOMAIN ID RECORD TYPE VALUE [PRIORITY] [RESTART] [TTL]" },
    { "v-delete-dns-record", run_delete, CHANGE, 3000, 0, 3, "USER DOMAIN ID [RESTART]" },
    { "v-list-dns-records", run_list, LOOK, 500, 0, 2, "USER DOMAIN [FORMAT]" },
};
const size_t commands_dns_record_count = ARRAY_LEN(commands_dns_record);
