/* standin.c - pace and injected faults of a stand-in node. The time that a command has taken is compared with the time
 * that it should have taken so far: what the machine really needed is part of it, not added to it. */
#include "standin.h"

#include <stdio.h>
#include <string.h>

#include "internal.h"

#define RULES_MAX 32

enum pace { PACE_NONE, PACE_FIXED, PACE_RECORDED };

struct rule {
    char kind[8], what[PANEL_NAME_MAX];
    long first, second; /* exit and count; seconds and count; lines and ms; count */
    bool is_counted;
};

struct standin {
    struct panel_host *host;
    enum pace pace;
    double amount; /* milliseconds, or the factor */
    struct rule rules[RULES_MAX];
    size_t rule_count;
    bool is_changing;
    unsigned nominal_ms, passed_ms;
    int64_t began_ms;
};

static void pace_read(struct standin *standin, const char *value)
{
    double amount = 0;
    if (sscanf(value, "fixed %lf", &amount) == 1) {
        standin->pace = PACE_FIXED;
        standin->amount = amount;
    } else if (text_starts(value, "recorded")) {
        standin->pace = PACE_RECORDED;
        standin->amount = sscanf(value, "recorded %lf", &amount) == 1 ? amount : 1;
    } else {
        standin->pace = PACE_NONE;
    }
}

static void rule_read(struct standin *standin, const char *kind, const char *value)
{
    struct rule rule = { .first = -1, .second = -1 };
    if (standin->rule_count == RULES_MAX || sscanf(value, "%63[^:]:%ld:%ld", rule.what, &rule.first, &rule.second) < 1)
        return;
    snprintf(rule.kind, sizeof(rule.kind), "%s", kind);
    rule.is_counted = text_is(kind, "kill") ? rule.first >= 0 : !text_is(kind, "chatter") && rule.second >= 0;
    standin->rules[standin->rule_count++] = rule;
}

static void line_read(struct standin *standin, const char *line)
{
    char kind[16] = "", value[256] = "";
    if (sscanf(line, " %15[a-z]=%255[^\n]", kind, value) != 2)
        return;
    if (text_is(kind, "pace"))
        pace_read(standin, value);
    else if (text_is(kind, "fail") || text_is(kind, "hang") || text_is(kind, "chatter") || text_is(kind, "kill"))
        rule_read(standin, kind, value);
}

struct standin *standin_create(struct panel_host *host, const char *text)
{
    struct standin *standin = xcalloc(1, sizeof(*standin));
    standin->host = host;
    standin->began_ms = host->ops->elapsed_ms(host);
    while (*text != '\0') {
        line_read(standin, text);
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    const char *pace = host->ops->env(host, "BERTH_PANEL_PACE"), *kill = host->ops->env(host, "BERTH_PANEL_KILL");
    if (pace != NULL)
        pace_read(standin, pace);
    if (kill != NULL)
        rule_read(standin, "kill", kill);
    return standin;
}

void standin_destroy(struct standin *standin)
{
    free(standin);
}

static void sleep_ms(struct standin *standin, int64_t ms, struct buf *out, struct buf *err)
{
    if (ms <= 0)
        return;
    if (standin->host->ops->flush != NULL)
        standin->host->ops->flush(standin->host, out, err);
    standin->host->ops->sleep(standin->host, ms);
}

static void sleep_until(struct standin *standin, double target_ms, struct buf *out, struct buf *err)
{
    int64_t elapsed_ms = standin->host->ops->elapsed_ms(standin->host) - standin->began_ms;
    sleep_ms(standin, (int64_t)(target_ms + 0.5) - elapsed_ms, out, err);
}

void standin_begin(struct standin *standin, bool is_changing, unsigned nominal_ms)
{
    standin->is_changing = is_changing;
    standin->nominal_ms = nominal_ms > 0 ? nominal_ms : 1;
    standin->passed_ms = 0;
    standin->began_ms = standin->host->ops->elapsed_ms(standin->host);
}

void standin_work(struct standin *standin, unsigned ms, struct buf *out, struct buf *err)
{
    standin->passed_ms += ms;
    double share = (double)standin->passed_ms / standin->nominal_ms;
    if (standin->pace == PACE_RECORDED)
        sleep_until(standin, standin->amount * standin->passed_ms, out, err);
    else if (standin->pace == PACE_FIXED && standin->is_changing)
        sleep_until(standin, standin->amount * (share > 1 ? 1 : share), out, err);
}

void standin_end(struct standin *standin, struct buf *out, struct buf *err)
{
    if (standin->pace == PACE_FIXED && standin->is_changing)
        sleep_until(standin, standin->amount, out, err);
}

/* Count the rule down in the file, so that the next process sees it. A rule from the environment has no line there. */
static void rule_count_down(struct standin *standin, struct rule *rule, bool is_kill)
{
    long *count = is_kill ? &rule->first : &rule->second;
    struct buf text = BUF_INIT, changed = BUF_INIT;
    char before[128], after[128];
    if (is_kill) {
        snprintf(before, sizeof(before), "%s=%s:%ld\n", rule->kind, rule->what, *count);
        snprintf(after, sizeof(after), "%s=%s:%ld\n", rule->kind, rule->what, *count - 1);
    } else {
        snprintf(before, sizeof(before), "%s=%s:%ld:%ld\n", rule->kind, rule->what, rule->first, *count);
        snprintf(after, sizeof(after), "%s=%s:%ld:%ld\n", rule->kind, rule->what, rule->first, *count - 1);
    }
    (*count)--;
    if (standin->host->ops->read(standin->host, STANDIN_FILE, &text)) {
        if (text.length > 0 && text.data[text.length - 1] != '\n')
            buf_add_char(&text, '\n');
        const char *hit = strstr(buf_text(&text), before);
        if (hit != NULL) {
            buf_add(&changed, text.data, (size_t)(hit - text.data));
            buf_add_text(&changed, after);
            buf_add_text(&changed, hit + strlen(before));
            standin->host->ops->edit(standin->host, STANDIN_FILE, buf_text(&changed), changed.length);
        }
    }
    buf_finish(&text);
    buf_finish(&changed);
}

static struct rule *rule_find(struct standin *standin, const char *kind, const char *what)
{
    bool is_kill = text_is(kind, "kill");
    for (size_t i = 0; i < standin->rule_count; i++) {
        struct rule *rule = &standin->rules[i];
        if (!text_is(rule->kind, kind) || !text_is(rule->what, what))
            continue;
        if (!rule->is_counted)
            return rule;
        if ((is_kill ? rule->first : rule->second) > 0) {
            rule_count_down(standin, rule, is_kill);
            return rule;
        }
    }
    return NULL;
}

int standin_failure(struct standin *standin, const char *command)
{
    const struct rule *rule = rule_find(standin, "fail", command);
    return rule == NULL || rule->first < 0 ? 0 : (int)rule->first;
}

void standin_before(struct standin *standin, const char *command, struct buf *out, struct buf *err)
{
    const struct rule *hang = rule_find(standin, "hang", command);
    if (hang != NULL && hang->first > 0)
        sleep_ms(standin, hang->first * 1000, out, err);
    const struct rule *chatter = rule_find(standin, "chatter", command);
    for (long line = 1; chatter != NULL && line <= chatter->first; line++) {
        buf_addf(out, "%s: line %ld of %ld\n", command, line, chatter->first);
        sleep_ms(standin, chatter->second > 0 ? chatter->second : 1, out, err);
    }
    standin->began_ms = standin->host->ops->elapsed_ms(standin->host);
}

bool standin_kills(struct standin *standin, const char *point)
{
    return rule_find(standin, "kill", point) != NULL;
}
