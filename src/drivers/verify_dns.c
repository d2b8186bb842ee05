/* verify_dns.c - verify.dns: every name server (or as many as are needed) answers every record of the zone with the
 * wanted content, and those have the same serial. A server that answered well is not asked again while others lag behind; when all answer well but
 * differ in their serials, all are asked again. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "drivers/verify.h"
#include "transport/probe.h"
#include "transport/probe_request.h"

#define SHOWN_MAX 3 /* differences that are named */
#define VALUE_SHOWN_MAX 40

enum trouble { TROUBLE_NONE, TROUBLE_DIFFERS, TROUBLE_NOT_SERVED, TROUBLE_SILENT };

static const char *const cause_of_trouble[] = {
    [TROUBLE_DIFFERS] = "verify.dns-differs",
    [TROUBLE_NOT_SERVED] = "verify.dns-not-served",
    [TROUBLE_SILENT] = "verify.dns-silent",
};

struct wanted {
    struct buf name, data;
    const char *type;
    bool asked_before; /* an earlier record has this name and type: one question serves both */
    bool doubled;      /* an earlier record says the very same */
};

struct server {
    bool asked; /* in the look at hand */
    enum trouble trouble;
    uint32_t serial;
    struct buf text; /* what is wrong */
};

struct check {
    const struct step *step;
    struct buf apex;
    struct wanted *wanted;
    size_t wanted_count; /* without doubles: what "of 17 records" counts */
    struct server servers[PROBE_SERVERS_MAX];
};

/* ---- what is wanted -----------------------------------------------------------------------------------------------
 */

static bool same_question(const struct wanted *one, const struct wanted *other)
{
    return strcasecmp(one->type, other->type) == 0 && strcmp(buf_text(&one->name), buf_text(&other->name)) == 0;
}

static void check_init(struct check *check, const struct step *step)
{
    const struct zone *zone = &step->zone;
    *check = (struct check){ .step = step };
    verify_record_name(&check->apex, "@", step->domain);
    check->wanted = xcalloc(zone->record_count + 1, sizeof(*check->wanted));
    for (size_t i = 0; i < zone->record_count; i++) {
        struct wanted *wanted = &check->wanted[i];
        wanted->type = zone->records[i].type;
        verify_record_name(&wanted->name, zone->records[i].name, step->domain);
        verify_record_wanted(&wanted->data, &zone->records[i], step->domain);
        for (size_t k = 0; k < i && !wanted->doubled; k++) {
            bool same = same_question(wanted, &check->wanted[k]);
            wanted->asked_before = wanted->asked_before || same;
            wanted->doubled = same && strcmp(buf_text(&wanted->data), buf_text(&check->wanted[k].data)) == 0;
        }
        check->wanted_count += !wanted->doubled;
    }
}

static void check_finish(struct check *check)
{
    for (size_t i = 0; i < check->step->zone.record_count; i++) {
        buf_finish(&check->wanted[i].name);
        buf_finish(&check->wanted[i].data);
    }
    for (size_t i = 0; i < check->step->name_server_count; i++)
        buf_finish(&check->servers[i].text);
    buf_finish(&check->apex);
    free(check->wanted);
}

/* ---- the question -------------------------------------------------------------------------------------------------
 */

static void ask(const struct check *check, size_t look, struct move *move)
{
    const struct step *step = check->step;
    move->command = verify_look(look);
    struct segment *segment = command_add(move->command, "dns", "timeout=2000", NULL);
    for (size_t i = 0; i < step->name_server_count; i++) {
        char port[16];
        if (!check->servers[i].asked)
            continue;
        snprintf(port, sizeof(port), "%d", step->name_servers[i].port);
        segment_add_word(segment, step->name_servers[i].address);
        segment_add_word(segment, port);
    }
    segment_add_word(segment, "ask");
    segment_add_word(segment, buf_text(&check->apex));
    segment_add_word(segment, "SOA");
    for (size_t i = 0; i < step->zone.record_count; i++) {
        if (check->wanted[i].asked_before)
            continue;
        segment_add_word(segment, buf_text(&check->wanted[i].name));
        segment_add_word(segment, check->wanted[i].type);
    }
}

/* ---- the answer ---------------------------------------------------------------------------------------------------
 * The facts of a look are read line by line: each server's block, in it each question, after it its records. */

struct reader {
    const char *at;
    char *line; /* owned: the line at hand, or NULL at the end */
};

static bool reader_next(struct reader *reader)
{
    free(reader->line);
    reader->line = NULL;
    if (*reader->at == '\0')
        return false;
    size_t length = strcspn(reader->at, "\n");
    reader->line = xstrndup(reader->at, length);
    reader->at += length + (reader->at[length] == '\n');
    return true;
}

/* The value of the line at hand when it begins with the key, else NULL. */
static const char *line_value(const struct reader *reader, const char *key)
{
    size_t length = strlen(key);
    bool fits = reader->line != NULL && strncmp(reader->line, key, length) == 0 && reader->line[length] == ' ';
    return fits ? reader->line + length + 1 : NULL;
}

/* What one server said to one question. */
struct reply {
    char name[300], type[32], rcode[24], authority[8];
    char **data; /* owned: what its records of this name and type hold */
    size_t count;
};

static void reply_finish(struct reply *reply)
{
    for (size_t i = 0; i < reply->count; i++)
        free(reply->data[i]);
    free(reply->data);
    *reply = (struct reply){ 0 };
}

/* `NAME TTL TYPE DATA`; a record of another name or type (what a CNAME leads to) is not the answer to the question. */
static void reply_add(struct reply *reply, const char *record)
{
    char name[300], type[32];
    int data_at = -1;
    int fields = sscanf(record, "%299s %*u %31s %n", name, type, &data_at);
    if (fields != 2 || strcmp(name, reply->name) != 0 || strcasecmp(type, reply->type) != 0)
        return;
    struct buf data = BUF_INIT;
    verify_record_seen(&data, type, data_at >= 0 ? record + data_at : "");
    reply->data = xrealloc(reply->data, (reply->count + 1) * sizeof(*reply->data));
    reply->data[reply->count++] = buf_steal(&data);
}

/* Read a question with its records; the reader stands on its line before, and behind its records after. */
static bool reply_read(struct reader *reader, struct reply *ret_reply)
{
    const char *question = line_value(reader, "question");
    *ret_reply = (struct reply){ 0 };
    if (question == NULL || sscanf(question, "%299s %31s %23s %7s", ret_reply->name, ret_reply->type, ret_reply->rcode,
                                   ret_reply->authority) != 4)
        return false;
    while (reader_next(reader)) {
        const char *record = line_value(reader, "record");
        if (record == NULL)
            break;
        reply_add(ret_reply, record);
    }
    return true;
}

static bool reply_holds(const struct reply *reply, const char *data)
{
    for (size_t i = 0; i < reply->count; i++) {
        if (strcmp(reply->data[i], data) == 0)
            return true;
    }
    return false;
}

/* ---- differences --------------------------------------------------------------------------------------------------
 */

struct differences {
    size_t count;
    size_t shown;
    struct buf text;
};

static void add_value(struct buf *text, const char *value)
{
    bool cut = strlen(value) > VALUE_SHOWN_MAX;
    buf_addf(text, "\"%.*s%s\"", VALUE_SHOWN_MAX, value, cut ? "..." : "");
}

/* The name as the zone has it: "@", "www". */
static void add_short_name(struct buf *text, const char *name, const char *apex)
{
    size_t length = strlen(name), tail = strlen(apex);
    if (strcmp(name, apex) == 0)
        buf_add_char(text, '@');
    else if (length > tail + 1 && strcmp(name + length - tail, apex) == 0 && name[length - tail - 1] == '.')
        buf_add(text, name, length - tail - 1);
    else
        buf_add_text(text, name);
}

static bool difference_shown(struct differences *differences, const struct reply *reply, const char *apex)
{
    if (differences->shown == SHOWN_MAX)
        return false;
    buf_addf(&differences->text, "%s%s ", differences->shown > 0 ? ", " : "", reply->type);
    add_short_name(&differences->text, reply->name, apex);
    differences->shown++;
    return true;
}

/* The first record of the reply that nobody wants, or NULL. */
static const char *unwanted(const struct check *check, const struct reply *reply)
{
    for (size_t i = 0; i < reply->count; i++) {
        bool wanted = false;
        for (size_t k = 0; k < check->step->zone.record_count && !wanted; k++) {
            const struct wanted *one = &check->wanted[k];
            wanted = strcasecmp(one->type, reply->type) == 0 && strcmp(buf_text(&one->name), reply->name) == 0 &&
                     strcmp(buf_text(&one->data), reply->data[i]) == 0;
        }
        if (!wanted)
            return reply->data[i];
    }
    return NULL;
}

/* Compare a reply with the records that are wanted for its question: as sets, since their order means nothing. */
static void compare(const struct check *check, const struct reply *reply, struct differences *differences)
{
    const char *extra = unwanted(check, reply);
    size_t wanted_count = 0, missing = 0;
    for (size_t i = 0; i < check->step->zone.record_count; i++) {
        const struct wanted *wanted = &check->wanted[i];
        bool mine = !wanted->doubled && strcasecmp(wanted->type, reply->type) == 0 &&
                    strcmp(buf_text(&wanted->name), reply->name) == 0;
        wanted_count += mine;
        if (!mine || reply_holds(reply, buf_text(&wanted->data)))
            continue;
        missing++;
        if (!difference_shown(differences, reply, buf_text(&check->apex)))
            continue;
        buf_add_text(&differences->text, extra != NULL ? " is " : " lacks ");
        if (extra != NULL) {
            add_value(&differences->text, extra);
            buf_add_text(&differences->text, ", not ");
        }
        add_value(&differences->text, buf_text(&wanted->data));
    }
    differences->count += missing;
    if (extra == NULL || missing > 0)
        return;
    differences->count++;
    if (difference_shown(differences, reply, buf_text(&check->apex))) {
        buf_add_text(&differences->text, " also has ");
        add_value(&differences->text, extra);
    }
}

static bool is_authoritative(const struct reply *reply)
{
    return strcmp(reply->authority, "aa") == 0 &&
           (strcmp(reply->rcode, "NOERROR") == 0 || strcmp(reply->rcode, "NXDOMAIN") == 0);
}

static void take_serial(struct server *server, const struct reply *reply)
{
    uint32_t serial;
    if (strcasecmp(reply->type, "SOA") == 0 && reply->count > 0 &&
        sscanf(reply->data[0], "%*s %*s %" SCNu32, &serial) == 1)
        server->serial = serial;
}

static void trouble_set(struct server *server, enum trouble trouble, const char *text)
{
    server->trouble = trouble;
    buf_clear(&server->text);
    buf_add_text(&server->text, text);
}

/* Read one server's block and judge it. */
static void judge_server(const struct check *check, struct reader *reader, struct server *server)
{
    char failure[200] = "no answer", refusal[64] = "";
    size_t silent = 0, replies = 0;
    bool soa = false;
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    struct differences differences = { 0 };
    reader_next(reader); /* its own line has been seen */
    while (reader->line != NULL && line_value(reader, "server") == NULL) {
        struct reply reply;
        const char *cause = line_value(reader, "failure");
        if (cause != NULL)
            snprintf(failure, sizeof(failure), "%s", cause);
        if (!reply_read(reader, &reply)) {
            reader_next(reader);
            continue;
        }
        replies++;
        if (strcmp(reply.rcode, "-") == 0)
            silent++;
        else if (!is_authoritative(&reply) && refusal[0] == '\0')
            snprintf(refusal, sizeof(refusal), "%s%s", reply.rcode,
                     strcmp(reply.rcode, "NOERROR") == 0 ? ", but not as its authority" : "");
        take_serial(server, &reply);
        soa = soa || (strcasecmp(reply.type, "SOA") == 0 && reply.count > 0);
        if (strcasecmp(reply.type, "SOA") != 0)
            compare(check, &reply, &differences);
        reply_finish(&reply);
    }
    if (silent > 0 || replies == 0) {
        buf_addf(&text, "does not answer (%s)", failure);
        trouble_set(server, TROUBLE_SILENT, buf_text(&text));
    } else if (refusal[0] != '\0' || !soa) {
        buf_addf(&text, "does not answer for %s yet (%s)", check->step->domain,
                 refusal[0] != '\0' ? refusal : "no SOA");
        trouble_set(server, TROUBLE_NOT_SERVED, buf_text(&text));
    } else if (differences.count > 0) {
        buf_addf(&text, "%zu of %zu records differ: %s%s", differences.count, check->wanted_count,
                 buf_text(&differences.text), differences.count > differences.shown ? ", ..." : "");
        trouble_set(server, TROUBLE_DIFFERS, buf_text(&text));
    } else {
        trouble_set(server, TROUBLE_NONE, "");
    }
    buf_finish(&differences.text);
}

static void judge_look(struct check *check, const struct segment_result *seen)
{
    struct reader reader = { .at = seen->out };
    reader_next(&reader);
    for (size_t i = 0; i < check->step->name_server_count; i++) {
        struct server *server = &check->servers[i];
        if (!server->asked)
            continue;
        while (reader.line != NULL && line_value(&reader, "server") == NULL)
            reader_next(&reader);
        judge_server(check, &reader, server);
    }
    free(reader.line);
}

/* ---- the verdict --------------------------------------------------------------------------------------------------
 */

static size_t count_good(const struct check *check)
{
    size_t good = 0;
    for (size_t i = 0; i < check->step->name_server_count; i++)
        good += check->servers[i].trouble == TROUBLE_NONE;
    return good;
}

static size_t count_needed(const struct check *check)
{
    size_t needed = check->step->name_servers_needed, all = check->step->name_server_count;
    return needed == 0 || needed > all ? all : needed;
}

/* Of those that answer well, the most that have one serial. @param ret_one one of them */
static size_t count_agreeing(const struct check *check, size_t *ret_one)
{
    size_t most = 0;
    for (size_t i = 0; i < check->step->name_server_count; i++) {
        size_t same = 0;
        for (size_t k = 0; k < check->step->name_server_count && check->servers[i].trouble == TROUBLE_NONE; k++)
            same += check->servers[k].trouble == TROUBLE_NONE && check->servers[k].serial == check->servers[i].serial;
        if (same > most)
            *ret_one = i;
        most = same > most ? same : most;
    }
    return most;
}

/* Mark who is to be asked in the next look. @return false when all is well */
static bool choose(struct check *check)
{
    size_t one, needed = count_needed(check);
    bool waiting = count_agreeing(check, &one) < needed;
    bool all = waiting && count_good(check) >= needed;
    for (size_t i = 0; i < check->step->name_server_count; i++)
        check->servers[i].asked = all || check->servers[i].trouble != TROUBLE_NONE;
    return waiting;
}

static void end_with_serials(const struct check *check, struct move *move)
{
    const struct step *step = check->step;
    size_t one = 0, other = 0;
    (void)count_agreeing(check, &one);
    while (check->servers[other].trouble != TROUBLE_NONE || check->servers[other].serial == check->servers[one].serial)
        other++; /* there is one: they would agree else */
    size_t first = one < other ? one : other, second = one < other ? other : one;
    move_end(move, "verify.dns-serial", "%s and %s have different serials: %" PRIu32 " and %" PRIu32,
             step->name_servers[first].name, step->name_servers[second].name, check->servers[first].serial,
             check->servers[second].serial);
}

static void end_waiting(const struct check *check, struct move *move)
{
    const struct step *step = check->step;
    CLEANUP(buf_finish) struct buf detail = BUF_INIT;
    enum trouble worst = TROUBLE_NONE;
    if (count_good(check) >= count_needed(check)) {
        end_with_serials(check, move);
        return;
    }
    for (size_t i = 0; i < step->name_server_count; i++) {
        const struct server *server = &check->servers[i];
        if (server->trouble == TROUBLE_NONE)
            continue;
        buf_addf(&detail, "%s%s: %s", detail.length == 0 ? "waits for " : "; ", step->name_servers[i].name,
                 buf_text(&server->text));
        worst = server->trouble > worst ? server->trouble : worst;
    }
    move_end(move, cause_of_trouble[worst], "%s", buf_text(&detail));
}

static bool is_usable(const struct step *step, struct move *move)
{
    if (step->name_server_count > 0 && step->name_server_count <= PROBE_SERVERS_MAX &&
        step->zone.record_count < PROBE_QUESTIONS_MAX)
        return true;
    move_end(move, "verify.unusable", "%zu name servers and %zu records: there must be 1 to %u and fewer than %u",
             step->name_server_count, step->zone.record_count, PROBE_SERVERS_MAX, PROBE_QUESTIONS_MAX);
    return false;
}

static void finish(const struct check *check, struct move *move)
{
    const struct step *step = check->step;
    char serial[16];
    size_t one = 0, agreeing = count_agreeing(check, &one);
    CLEANUP(buf_finish) struct buf missing = BUF_INIT;
    for (size_t i = 0; i < step->name_server_count; i++) {
        if (check->servers[i].trouble != TROUBLE_NONE || check->servers[i].serial != check->servers[one].serial)
            buf_addf(&missing, "%s%s", missing.length == 0 ? "" : ", ", step->name_servers[i].name);
    }
    snprintf(serial, sizeof(serial), "%" PRIu32, check->servers[one].serial);
    move_add_fact(move, "serial", serial);
    if (missing.length == 0)
        move_done(move, "%zu name servers answer all %zu records, serial %s", agreeing, check->wanted_count, serial);
    else
        move_done(move, "enough of the name servers (%zu of %zu) answer all %zu records, serial %s; not yet: %s",
                  agreeing, step->name_server_count, check->wanted_count, serial, buf_text(&missing));
}

void verify_dns_next(const struct step *step, const struct command_result *results, size_t count, struct move *move)
{
    if (!is_usable(step, move))
        return;
    struct check check;
    bool waiting = true;
    check_init(&check, step);
    for (size_t i = 0; i < step->name_server_count; i++)
        check.servers[i].asked = true;
    for (size_t look = 0; look < count && waiting; look++) {
        size_t segments;
        const struct segment_result *seen = verify_seen(&results[look], look, &segments);
        if (seen->exit_code == PROBE_USAGE) {
            char why[200];
            verify_first_line(seen->err, why, sizeof(why));
            move_end(move, "verify.unusable", "%s", why);
            check_finish(&check);
            return;
        }
        judge_look(&check, seen);
        waiting = choose(&check);
    }
    if (!waiting)
        finish(&check, move);
    else if (verify_may_look_again(results, count))
        ask(&check, count, move);
    else
        end_waiting(&check, move);
    check_finish(&check);
}
