/* desk.c - see desk.h. */
#include "desk.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"

static struct desk *desk_of(struct notifier *notifier)
{
    return CONTAINER_OF(notifier, struct desk, notifier);
}

static void keep(struct desk *desk, const struct notice *notice)
{
    for (size_t i = 0; i < desk->letter_count; i++) {
        struct desk_letter *letter = &desk->letters[i];
        if (strcmp(letter->key, notice->key) == 0) {
            desk->is_consistent = desk->is_consistent && strcmp(letter->body, notice->body) == 0 &&
                                  strcmp(letter->marker, notice->marker) == 0 && letter->kind == notice->kind;
            letter->times++;
            return;
        }
    }
    assert(desk->letter_count < DESK_LETTERS_MAX);
    desk->letters[desk->letter_count++] = (struct desk_letter){ .key = xstrdup(notice->key),
                                                                .thread_key = xstrdup(notice->thread_key),
                                                                .marker = xstrdup(notice->marker),
                                                                .subject = xstrdup(notice->subject),
                                                                .body = xstrdup(notice->body),
                                                                .kind = notice->kind,
                                                                .times = 1 };
}

static void report(struct desk *desk, const struct notice *notice, enum notice_outcome outcome, const char *detail)
{
    assert(desk->result_count < DESK_LETTERS_MAX);
    desk->results[desk->result_count++] =
        (struct notice_result){ .message_id = notice->message_id,
                                .outcome = outcome,
                                .remote_id = xstrdup(outcome == NOTICE_SENT ? notice->marker : ""),
                                .remote_number = xstrdup(outcome == NOTICE_SENT ? "ABC-1" : ""),
                                .detail = xstrdup(detail) };
}

static void desk_configure(struct notifier *notifier, const struct settings *settings)
{
    (void)notifier;
    (void)settings;
}

static void desk_start(struct notifier *notifier, struct notice *notice)
{
    struct desk *desk = desk_of(notifier);
    if (desk->death == DESK_DEATH_BEFORE_SENDING) {
        notice_destroy(notice);
        return;
    }
    desk->handed_over++;
    switch (desk->manners) {
    case DESK_TAKES:
        keep(desk, notice);
        report(desk, notice, NOTICE_SENT, "");
        break;
    case DESK_TAKES_SILENTLY:
        keep(desk, notice);
        report(desk, notice, NOTICE_RETRY, "the connection ended");
        break;
    case DESK_DOWN: report(desk, notice, NOTICE_RETRY, "connection refused"); break;
    case DESK_REFUSES: report(desk, notice, NOTICE_REFUSED, "no such department"); break;
    case DESK_BUSY:
        keep(desk, notice);
        notice->next = desk->held;
        desk->held = notice;
        return;
    }
    notice_destroy(notice);
}

static size_t desk_poll(struct notifier *notifier, struct notice_result *ret_results, size_t max)
{
    struct desk *desk = desk_of(notifier);
    if (desk->death != DESK_ALIVE) {
        desk->death = DESK_ALIVE;
        desk_crash(desk);
    }
    size_t count = desk->result_count < max ? desk->result_count : max;
    memcpy(ret_results, desk->results, count * sizeof(*ret_results));
    desk->result_count -= count;
    memmove(desk->results, desk->results + count, desk->result_count * sizeof(*desk->results));
    return count;
}

static void desk_destroy(struct notifier *notifier)
{
    desk_finish(desk_of(notifier));
}

static const struct notifier_ops desk_ops = {
    .name = "desk", .configure = desk_configure, .start = desk_start, .poll = desk_poll, .destroy = desk_destroy
};

void desk_init(struct desk *desk)
{
    *desk = (struct desk){ .notifier = { &desk_ops }, .is_consistent = true };
}

void desk_go_on(struct desk *desk)
{
    while (desk->held != NULL) {
        struct notice *notice = desk->held;
        desk->held = notice->next;
        report(desk, notice, NOTICE_SENT, "");
        notice_destroy(notice);
    }
}

void desk_crash(struct desk *desk)
{
    desk_go_on(desk);
    for (size_t i = 0; i < desk->result_count; i++)
        notice_result_finish(&desk->results[i]);
    desk->result_count = 0;
}

void desk_finish(struct desk *desk)
{
    desk_crash(desk);
    for (size_t i = 0; i < desk->letter_count; i++) {
        free(desk->letters[i].key);
        free(desk->letters[i].thread_key);
        free(desk->letters[i].marker);
        free(desk->letters[i].subject);
        free(desk->letters[i].body);
    }
    desk->letter_count = 0;
}
