/* verify_web.c - verify.web: the site answers under its domain, with and without www, at the web node's address. 200 to
 * 399 is live; a redirection is how the customer may want it. One answer more is asked for, under a name that no site
 * has: before a node's reload has reached every worker, it answers with its default page, status 200, under any name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "drivers/verify.h"
#include "transport/probe.h"

#define STRANGER "no-such-site.invalid" /* RFC 6761: nobody can own it */

enum { BARE, WWW, DEFAULT_SITE, SITE_COUNT };

static void site_name(const struct step *step, size_t site, char *ret_name, size_t size)
{
    snprintf(ret_name, size, "%s%s", site == WWW ? "www." : "", site == DEFAULT_SITE ? STRANGER : step->domain);
}

static void ask(const struct step *step, size_t look, struct move *move)
{
    char port[16];
    snprintf(port, sizeof(port), "%d", step->probe_http_port);
    move->command = verify_look(look);
    for (size_t site = 0; site < SITE_COUNT; site++) {
        char name[300];
        site_name(step, site, name, sizeof(name));
        struct segment *segment =
            command_add(move->command, "http", "timeout=3000", step->probe_address, port, name, "/", NULL);
        segment->quiet = true; /* pages do not belong into a log */
        segment_go_on(segment, PROBE_ANSWERED);
        segment_go_on(segment, PROBE_WRONG); /* the other name's answer tells more */
    }
}

static const char *body_of(const struct segment_result *page)
{
    const char *end = strstr(page->out, "\n\n");
    return end != NULL ? end + 2 : "";
}

static bool has_status(const struct segment_result *page, const char *status)
{
    char value[16];
    return page->ran && verify_fact(page->out, "status", value, sizeof(value)) && strcmp(value, status) == 0;
}

/* The page is the one that a stranger gets, and nothing in it is about this site. */
static bool is_default_page(const struct step *step, const struct segment_result *page,
                            const struct segment_result *stranger)
{
    const char *body = body_of(page);
    return has_status(page, "200") && has_status(stranger, "200") && body[0] != '\0' &&
           strcmp(body, body_of(stranger)) == 0 && strstr(body, step->domain) == NULL;
}

/* What is wrong with the look: a cause, and *detail filled; NULL when nothing is. */
static const char *find_fault(const struct step *step, const struct segment_result *pages, struct buf *detail)
{
    for (size_t site = BARE; site <= WWW; site++) {
        char name[300], value[200];
        site_name(step, site, name, sizeof(name));
        if (!pages[site].ran)
            continue; /* the one before it was silent and has been named */
        verify_first_line(pages[site].err, value, sizeof(value));
        if (pages[site].exit_code == PROBE_SILENT) {
            buf_addf(detail, "%s does not answer at %s port %d: %s", name, step->probe_address, step->probe_http_port,
                     value);
            return "verify.web-silent";
        }
        if (pages[site].exit_code == PROBE_USAGE) {
            buf_addf(detail, "%s: %s", name, value);
            return "verify.unusable";
        }
        if (pages[site].exit_code != PROBE_ANSWERED) {
            verify_fact(pages[site].out, "status", value, sizeof(value));
            buf_addf(detail, "%s answers with status %s", name, value);
            return "verify.web-status";
        }
        if (is_default_page(step, &pages[site], &pages[DEFAULT_SITE])) {
            buf_addf(detail, "%s answers with the page that every unknown name gets", name);
            return "verify.web-default";
        }
    }
    return NULL;
}

void verify_web_next(const struct step *step, const struct command_result *results, size_t count, struct move *move)
{
    if (count == 0) {
        ask(step, 0, move);
        return;
    }
    size_t page_count;
    const struct segment_result *pages = verify_seen(&results[count - 1], count - 1, &page_count);
    CLEANUP(buf_finish) struct buf detail = BUF_INIT;
    const char *cause = find_fault(step, pages, &detail);
    char status[16] = "";
    if (cause == NULL) {
        verify_fact(pages[BARE].out, "status", status, sizeof(status));
        move_add_fact(move, "status", status);
        move_done(move, "the site answers under %s and www.%s, status %s", step->domain, step->domain, status);
    } else if (verify_may_look_again(results, count) && cause_find(cause)->verdict == VERDICT_RETRY) {
        ask(step, count, move);
    } else {
        move_end(move, cause, "%s", buf_text(&detail));
    }
}
