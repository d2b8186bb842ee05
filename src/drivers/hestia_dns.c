/* hestia_dns.c - a whole zone in one rewrite. Record by record each name server would be busy for a minute; the three
 * commands of the panel's own cluster write it in about four seconds, whatever was there. None of them asks who owns
 * the name, so that is asked first. */
#include "drivers/hestia.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* The panel rewrites a zone with about 0.2 s a record on a quiet node. */
#define DEADLINE_BASE_MS 10000
#define DEADLINE_RECORD_MS 500

/* ---- comparing ----------------------------------------------------------------------------------------------------
 */

/* As a reader of the zone sees the value: without the quotes round a text, with the panel's word for ' resolved. */
static void value_read(const char *type, const char *value, struct buf *ret_text)
{
    static const char quote[] = "%quote%";
    bool is_text = strcmp(type, "TXT") == 0;
    bool is_quoted = is_text && value[0] == '"';
    bool is_inside = false;
    while (*value != '\0') {
        if (is_text && *value == '"') {
            is_inside = !is_inside;
            value++;
        } else if (strncmp(value, quote, sizeof(quote) - 1) == 0) {
            buf_add_char(ret_text, '\'');
            value += sizeof(quote) - 1;
        } else {
            if (is_inside || !is_quoted)
                buf_add_char(ret_text, *value);
            value++;
        }
    }
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool record_matches(const struct zone_record *record, const json_t *listed)
{
    char priority[16];
    CLEANUP(buf_finish) struct buf stored = BUF_INIT;
    CLEANUP(buf_finish) struct buf wanted = BUF_INIT;
    CLEANUP(buf_finish) struct buf found = BUF_INIT;
    if (!hestia_record_value(record, &stored))
        return false;
    value_read(record->type, buf_text(&stored), &wanted);
    value_read(record->type, member(listed, "VALUE"), &found);
    hestia_record_priority(record, priority, sizeof(priority));
    return strcmp(member(listed, "RECORD"), record->name) == 0 && strcmp(member(listed, "TYPE"), record->type) == 0 &&
           strcmp(member(listed, "PRIORITY"), priority) == 0 && strcmp(member(listed, "SUSPENDED"), "yes") != 0 &&
           buf_equals(&found, buf_text(&wanted));
}

/* @return how many records are as wanted; all of them and no other: record_count */
static size_t records_match(const struct step *step, const struct look *records)
{
    size_t matching = 0;
    if (records->state != LOOK_PRESENT || look_count(records) != step->zone.record_count)
        return 0;
    for (size_t i = 0; i < step->zone.record_count; i++) {
        char id[24];
        snprintf(id, sizeof(id), "%zu", ZONE_FIRST_ID + i);
        const json_t *listed = json_object_get(records->object, id);
        if (listed != NULL && record_matches(&step->zone.records[i], listed))
            matching++;
    }
    return matching;
}

static bool head_matches(const struct step *step, const struct look *zone)
{
    char ttl[24];
    size_t soa_length = strlen(step->zone.soa);
    if (soa_length > 0 && step->zone.soa[soa_length - 1] == '.')
        soa_length--;
    const char *soa = look_text(zone, "SOA");
    snprintf(ttl, sizeof(ttl), "%" PRId64, step->zone.ttl);
    return strlen(soa) == soa_length && strncmp(soa, step->zone.soa, soa_length) == 0 && look_is(zone, "TTL", ttl) &&
           look_is(zone, "IP", step->zone.ip) && strtoll(look_text(zone, "SERIAL"), NULL, 10) >= step->zone.serial;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static struct segment *look_zone(struct talk *talk)
{
    return talk_look(talk, "v-list-dns-domain", talk->step->user, talk->step->domain, "json", NULL);
}

static struct segment *look_records(struct talk *talk)
{
    return talk_look(talk, "v-list-dns-records", talk->step->user, talk->step->domain, "json", NULL);
}

static struct segment *look_user(struct talk *talk)
{
    return talk_look(talk, "v-list-user", talk->step->user, "json", NULL);
}

struct zone_text {
    struct buf line, records;
};

static void zone_text_finish(struct zone_text *text)
{
    buf_finish(&text->line);
    buf_finish(&text->records);
}

static void begin_zone(struct talk *talk)
{
    talk_begin(talk);
    talk->command->deadline_ms = DEADLINE_BASE_MS + DEADLINE_RECORD_MS * (int64_t)talk->step->zone.record_count;
}

/* The three commands, each only after the one before it: a rebuild of half a zone would serve it. Then the looks. */
static void write_zone(struct talk *talk, const struct zone_text *text)
{
    const struct step *step = talk->step;
    struct segment *segment = talk_make(talk, "v-insert-dns-domain", step->user, buf_text(&text->line), NULL);
    segment->go_on_count = 0;
    on(segment, 0);
    segment = talk_make(talk, "v-insert-dns-records", step->user, step->domain, "{file}", NULL);
    segment_set_input(segment, INPUT_FILE, buf_text(&text->records));
    segment->go_on_count = 0;
    on(segment, 0);
    talk_make(talk, "v-rebuild-dns-domain", step->user, step->domain, "no", NULL);
    on_any(look_user(talk));
    on(look_zone(talk), 0);
    look_records(talk);
}

enum { WRITE_LINE, WRITE_RECORDS, WRITE_REBUILD, WRITE_USER, WRITE_ZONE, WRITE_LIST };

static void zone_done(struct talk *talk, const struct look *zone, bool changed, const char *note)
{
    move_add_fact(talk->move, "serial", look_text(zone, "SERIAL"));
    talk_done(talk, changed, false, note);
}

static void zone_check(struct talk *talk, size_t first)
{
    const struct step *step = talk->step;
    struct hestia_reply reply;
    static const char *const commands[] = { "v-insert-dns-domain", "v-insert-dns-records", "v-rebuild-dns-domain" };
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        talk_reply(talk, first + i, &reply);
        if (talk_segment(talk, first + i)->exit_code == 0) /* with an "Error:" line or without: the looks decide */
            continue;
        talk_end_refused(talk, commands[i], &reply);
        return;
    }
    CLEANUP(look_finish) struct look zone;
    CLEANUP(look_finish) struct look records;
    look_init(&zone, talk_segment(talk, first + WRITE_ZONE), step->domain);
    look_init(&records, talk_segment(talk, first + WRITE_LIST), NULL);
    if (!talk_user_is_ours(talk, first + WRITE_USER)) /* for a suspended user the rebuild does nothing and says 0 */
        return;
    if (talk_end_look(talk, "v-list-dns-domain", &zone) || talk_end_look(talk, "v-list-dns-records", &records))
        return;
    size_t matching = records_match(step, &records);
    if (zone.state == LOOK_PRESENT && head_matches(step, &zone) && matching == step->zone.record_count)
        zone_done(talk, &zone, true, "the zone was written and reads as wanted");
    else
        move_end(talk->move, "panel.half-created", "%zu of %zu records of %s read as wanted", matching,
                 step->zone.record_count, step->domain);
}

static void zone_rewrite(struct talk *talk, const struct zone_text *text)
{
    begin_zone(talk);
    write_zone(talk, text);
    if (talk_run(talk))
        zone_check(talk, 0);
}

/* ---- dns.zone -----------------------------------------------------------------------------------------------------
 */

static void zone_present(struct talk *talk, const struct zone_text *text)
{
    const struct step *step = talk->step;
    CLEANUP(look_finish) struct look zone;
    CLEANUP(look_finish) struct look records = { 0 };
    look_init(&zone, talk_segment(talk, 0), step->domain);
    begin_zone(talk);
    on(look_user(talk), 0);
    look_records(talk);
    if (!talk_run(talk) || !talk_user_is_ours(talk, 0))
        return;
    if (look_is(&zone, "SUSPENDED", "yes")) {
        move_end(talk->move, "panel.suspended", "zone %s is suspended", step->domain);
        return;
    }
    look_init(&records, talk_segment(talk, 1), NULL);
    /* A listed zone may still be unserved or cut short: after an unknown outcome it is written again, not trusted. */
    if (!step->suspect && head_matches(step, &zone) && records_match(step, &records) == step->zone.record_count)
        zone_done(talk, &zone, false, "the zone is there, ours, and as wanted");
    else
        zone_rewrite(talk, text);
}

static bool zone_text_make(struct talk *talk, struct zone_text *ret_text)
{
    const struct step *step = talk->step;
    int64_t limit = step->limits.dns_records;
    if (limit >= 0 && step->zone.record_count > (size_t)limit) { /* the panel's three commands do not ask */
        move_end(talk->move, "panel.limit", "the zone has %zu records, the product allows %" PRId64,
                 step->zone.record_count, limit);
        return false;
    }
    if (hestia_zone_line(step, &ret_text->line) && hestia_zone_records(step, &ret_text->records))
        return true;
    move_end(talk->move, "panel.invalid", "zone %s has no records, or a value that the panel cannot store",
             step->domain);
    return false;
}

void hestia_do_dns_zone(struct talk *talk)
{
    CLEANUP(zone_text_finish) struct zone_text text = { 0 };
    CLEANUP(look_finish) struct look before = { 0 };
    if (!zone_text_make(talk, &text))
        return;
    begin_zone(talk);
    on(look_zone(talk), 3);
    size_t owners = talk_look_owners(talk, NULL);
    for (size_t i = 0; i < owners; i++) { /* nobody: go on; anybody: see who */
        struct segment *segment = &talk->command->segments[1 + i];
        segment->go_on_count = 0;
        on(segment, 3);
    }
    write_zone(talk, &text);
    if (!talk_run(talk))
        return;
    look_init(&before, talk_segment(talk, 0), talk->step->domain);
    if (talk_end_look(talk, "v-list-dns-domain", &before))
        return;
    if (before.state == LOOK_PRESENT) {
        zone_present(talk, &text);
        return;
    }
    if (talk_segment(talk, 1 + owners)->ran) {
        zone_check(talk, 1 + owners);
        return;
    }
    struct owner owner;
    talk_begin(talk); /* the search stopped at the first name that somebody has: ask for all, and who it is */
    on_any(look_user(talk));
    talk_look_owners(talk, NULL);
    if (!talk_run(talk) || !talk_user_is_ours(talk, 0))
        return;
    if (!talk_find_foreign_owner(talk, 1, owners, &owner))
        return;
    if (owner.is_foreign)
        talk_end_owned(talk, "conflict.zone", &owner, "this name server");
    else /* ours as a web or mail domain, or a name that only looks alike to the panel's search */
        zone_rewrite(talk, &text);
}
