/* world.c - see world.h. The words of looks are those of transport/probe.h. */
#include "drivers/world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

#define TIMEOUT "timeout=4000"
#define DEADLINE_MS 8000

const char *world_seen_name(enum world_seen seen)
{
    switch (seen) {
    case WORLD_UNKNOWN: return "unknown";
    case WORLD_NO: return "no";
    case WORLD_PARTLY: return "partly";
    case WORLD_YES: return "yes";
    }
    abort();
}

/* ---- the question --------------------------------------------------------------------------------------------------- */

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

bool world_wants(const struct world_wanted *wanted)
{
    return wanted->name_server_count > 0 || is_set(wanted->ip4) || is_set(wanted->ip6);
}

struct command *world_ask(const struct world_wanted *wanted, const struct resolver *resolvers, size_t count)
{
    const struct {
        bool wanted;
        const char *type;
    } questions[] = { { wanted->name_server_count > 0, "NS" },
                      { is_set(wanted->ip4), "A" },
                      { is_set(wanted->ip6), "AAAA" } };
    struct command *command = command_create();
    struct segment *segment = command_add(command, "resolve", TIMEOUT, NULL);
    command->lane = LANE_PROBE;
    command->deadline_ms = DEADLINE_MS;
    for (size_t i = 0; i < count; i++) {
        char port[16];
        snprintf(port, sizeof(port), "%d", resolvers[i].port);
        segment_add_word(segment, resolvers[i].address);
        segment_add_word(segment, port);
    }
    segment_add_word(segment, "ask");
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        if (!questions[i].wanted)
            continue;
        segment_add_word(segment, wanted->domain);
        segment_add_word(segment, questions[i].type);
    }
    return command;
}

/* ---- the answers ---------------------------------------------------------------------------------------------------- */

enum kind { KIND_SERVERS, KIND_ADDRESSES };
#define KINDS 2

/* Of one kind, over all resolvers. */
struct tally {
    size_t told, seen, partly;
};

/* What one resolver says of one kind. */
struct said {
    bool is_asked, could_tell;
    size_t ours, others;
};

struct reading {
    const struct world_wanted *wanted;
    struct world_sight *sight;
    struct tally tallies[KINDS];
    size_t resolvers;
    /* of the resolver at hand */
    char resolver[80];
    char cause[160];
    struct said said[KINDS];
    enum kind kind; /* of the question at hand */
    char name[WORLD_TEXT_MAX], type[16];
};

static bool same_name(const char *one, const char *other)
{
    size_t length = strlen(one), other_length = strlen(other);
    length -= length > 0 && one[length - 1] == '.';
    other_length -= other_length > 0 && other[other_length - 1] == '.';
    return length == other_length && strncasecmp(one, other, length) == 0;
}

/* An IPv6 address has many spellings. */
static bool same_address(int family, const char *one, const char *other)
{
    unsigned char bytes[2][sizeof(struct in6_addr)] = { { 0 }, { 0 } };
    return is_set(one) && inet_pton(family, one, bytes[0]) == 1 && inet_pton(family, other, bytes[1]) == 1 &&
           memcmp(bytes[0], bytes[1], sizeof(bytes[0])) == 0;
}

static bool is_ours(const struct world_wanted *wanted, const char *type, const char *data)
{
    if (strcmp(type, "A") == 0)
        return same_address(AF_INET, wanted->ip4, data);
    if (strcmp(type, "AAAA") == 0)
        return same_address(AF_INET6, wanted->ip6, data);
    for (size_t i = 0; i < wanted->name_server_count; i++) {
        if (same_name(wanted->name_servers[i], data))
            return true;
    }
    return false;
}

static void found_add(struct world_found *found, const char *text)
{
    char clean[WORLD_TEXT_MAX];
    size_t at = 0;
    snprintf(clean, sizeof(clean), "%s", text);
    size_t length = strlen(clean);
    if (length > 1 && clean[length - 1] == '.')
        clean[length - 1] = '\0';
    while (at < found->count && strcmp(found->texts[at], clean) < 0)
        at++;
    if (found->count == WORLD_FOUND_MAX || (at < found->count && strcmp(found->texts[at], clean) == 0))
        return;
    memmove(found->texts[at + 1], found->texts[at], (found->count - at) * sizeof(found->texts[0]));
    memcpy(found->texts[at], clean, sizeof(clean));
    found->count++;
}

/* `NAME TTL TYPE DATA`. Addresses may stand under the name that a CNAME leads to; name servers of another name are not ours to
 * judge. */
static void take_record(struct reading *reading, const char *record)
{
    char name[WORLD_TEXT_MAX], type[16], data[WORLD_TEXT_MAX];
    struct said *said = &reading->said[reading->kind];
    bool servers = reading->kind == KIND_SERVERS;
    if (sscanf(record, "%255s %*u %15s %255s", name, type, data) != 3 || strcmp(type, reading->type) != 0)
        return;
    if (servers && !same_name(name, reading->wanted->domain))
        return;
    if (is_ours(reading->wanted, type, data))
        said->ours++;
    else
        said->others++;
    found_add(servers ? &reading->sight->found_servers : &reading->sight->found_addresses, data);
}

/* `NAME TYPE RCODE FLAG WAY`. Of two questions of a kind (A and AAAA) both must have their answer. */
static void take_question(struct reading *reading, const char *question)
{
    char rcode[24];
    if (sscanf(question, "%255s %15s %23s", reading->name, reading->type, rcode) != 3)
        return;
    reading->kind = strcmp(reading->type, "NS") == 0 ? KIND_SERVERS : KIND_ADDRESSES;
    struct said *said = &reading->said[reading->kind];
    bool told = strcmp(rcode, "NOERROR") == 0 || strcmp(rcode, "NXDOMAIN") == 0;
    said->could_tell = told && (said->could_tell || !said->is_asked);
    said->is_asked = true;
    if (!told && reading->cause[0] == '\0' && strcmp(rcode, "-") != 0)
        snprintf(reading->cause, sizeof(reading->cause), "it answers %s", rcode);
}

static void add_why(struct reading *reading)
{
    char *why = reading->sight->why;
    size_t length = strlen(why), size = sizeof(reading->sight->why);
    snprintf(why + length, size - length, "%s%s: %s", length > 0 ? "; " : "", reading->resolver,
             reading->cause[0] != '\0' ? reading->cause : "no answer");
}

static void end_resolver(struct reading *reading)
{
    bool all_told = true;
    if (reading->resolver[0] == '\0')
        return;
    for (size_t i = 0; i < KINDS; i++) {
        const struct said *said = &reading->said[i];
        struct tally *tally = &reading->tallies[i];
        all_told = all_told && (said->could_tell || !said->is_asked);
        if (!said->could_tell)
            continue;
        tally->told++;
        tally->seen += said->ours > 0 && said->others == 0;
        tally->partly += said->ours > 0 && said->others > 0;
    }
    if (!all_told)
        add_why(reading);
    reading->resolvers++;
}

/* `ADDRESS PORT ...` */
static void begin_resolver(struct reading *reading, const char *server)
{
    char address[64];
    int port;
    end_resolver(reading);
    memset(reading->said, 0, sizeof(reading->said));
    reading->cause[0] = reading->resolver[0] = '\0';
    if (sscanf(server, "%63s %d", address, &port) == 2)
        snprintf(reading->resolver, sizeof(reading->resolver), "%s port %d", address, port);
}

static const char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);
    return strncmp(line, key, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static void take_line(struct reading *reading, const char *line)
{
    const char *value;
    if ((value = value_of(line, "server")) != NULL)
        begin_resolver(reading, value);
    else if ((value = value_of(line, "failure")) != NULL)
        snprintf(reading->cause, sizeof(reading->cause), "%s", value);
    else if ((value = value_of(line, "question")) != NULL)
        take_question(reading, value);
    else if ((value = value_of(line, "record")) != NULL)
        take_record(reading, value);
}

static enum world_seen verdict_of(const struct tally *tally, size_t resolvers)
{
    if (tally->told == 0)
        return WORLD_UNKNOWN;
    if (tally->seen == tally->told && 2 * tally->told >= resolvers)
        return WORLD_YES;
    return tally->seen + tally->partly > 0 ? WORLD_PARTLY : WORLD_NO;
}

static enum world_seen both(enum world_seen one, enum world_seen other)
{
    if (one == WORLD_UNKNOWN || other == WORLD_UNKNOWN)
        return WORLD_UNKNOWN;
    return one == other ? one : WORLD_PARTLY;
}

static void judge(struct reading *reading)
{
    struct world_sight *sight = reading->sight;
    bool servers = reading->wanted->name_server_count > 0;
    bool addresses = is_set(reading->wanted->ip4) || is_set(reading->wanted->ip6);
    sight->name_servers = verdict_of(&reading->tallies[KIND_SERVERS], reading->resolvers);
    sight->address = verdict_of(&reading->tallies[KIND_ADDRESSES], reading->resolvers);
    sight->all = !addresses ? sight->name_servers
                 : !servers ? sight->address
                            : both(sight->name_servers, sight->address);
}

/* The look as a whole has brought nothing: what it says of that is all there is. */
static void take_failure(const struct command_result *result, struct world_sight *sight)
{
    const struct segment_result *segment = result->segment_count > 0 ? &result->segments[0] : NULL;
    const char *why = result->message != NULL                                   ? result->message
                      : segment != NULL && segment->ran && segment->err != NULL ? segment->err
                                                                                : "";
    snprintf(sight->why, sizeof(sight->why), "%.*s", (int)strcspn(why, "\n"), why);
    if (sight->why[0] == '\0')
        snprintf(sight->why, sizeof(sight->why), "no resolver was asked");
}

void world_read(const struct world_wanted *wanted, const struct command_result *result, struct world_sight *ret_sight)
{
    struct reading reading = { .wanted = wanted, .sight = ret_sight };
    *ret_sight = (struct world_sight){ 0 };
    bool ran = result->outcome == OUTCOME_ENDED && result->segment_count > 0 && result->segments[0].ran;
    const char *at = ran && result->segments[0].out != NULL ? result->segments[0].out : "";
    while (*at != '\0') {
        size_t length = strcspn(at, "\n");
        CLEANUP(freep) char *line = xstrndup(at, length);
        take_line(&reading, line);
        at += length + (at[length] == '\n');
    }
    end_resolver(&reading);
    judge(&reading);
    if (reading.resolvers == 0)
        take_failure(result, ret_sight);
}
