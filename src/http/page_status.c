/* page_status.c - /s/<token>: what the customer sees of a service, in the customer's words. No name of a node is on it
 * but those that the customer needs (name servers, mail server), and those only once they work. */
#include <string.h>

#include "core/domain.h"
#include "core/messages.h"
#include "core/product.h"
#include "core/progress.h"
#include "http/link.h"
#include "http/page.h"
#include "http/route.h"
#include "http/view.h"

#define REFRESH_SECONDS 2
#define SLOW_REFRESH_SECONDS 30 /* when a person must do something first */

struct picture {
    struct service service;
    struct operation operation; /* id 0: none yet */
    struct task *tasks;
    size_t task_count;
    struct account *accounts;
    size_t account_count;
    struct catalogue catalogue; /* nodes */
    char *domain;               /* as people read it */
};

static void picture_finish(struct picture *picture)
{
    service_finish(&picture->service);
    operation_finish(&picture->operation);
    tasks_free(picture->tasks, picture->task_count);
    accounts_free(picture->accounts, picture->account_count);
    catalogue_finish(&picture->catalogue);
    free(picture->domain);
}

static bool picture_load(struct store *store, int64_t service_id, struct picture *picture, struct err *err)
{
    if (!store_get_service(store, service_id, &picture->service, err))
        return false;
    int64_t operation_id = picture->service.operation_id;
    if (operation_id != 0 && (!store_get_operation(store, operation_id, &picture->operation, err) ||
                              !store_list_tasks(store, operation_id, &picture->tasks, &picture->task_count, err)))
        return false;
    if (!catalogue_load(store, CATALOGUE_NODES, &picture->catalogue, err) ||
        (picture->service.status == SERVICE_LIVE &&
         !store_list_accounts(store, service_id, &picture->accounts, &picture->account_count, err)))
        return false;
    struct err ignored;
    if (!domain_to_unicode(picture->service.domain, &picture->domain, &ignored))
        picture->domain = xstrdup(picture->service.domain);
    return true;
}

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

enum step_state { STEP_LATER, STEP_DONE, STEP_WAITING, STEP_WORKING, STEP_PROBLEM };

static const struct {
    const char *class_name, *mark, *word;
} step_looks[] = {
    [STEP_LATER] = { "later", "\xe2\x97\x8b", "to come" },
    [STEP_DONE] = { "done", "\xe2\x9c\x93", "done" },
    [STEP_WAITING] = { "waiting", "\xe2\x97\x94", "waiting" },
    [STEP_WORKING] = { "working", "\xe2\x97\x8f", "working" },
    [STEP_PROBLEM] = { "problem", "!", "problem" },
};

static enum step_state task_step_state(const struct picture *picture, const struct task *task)
{
    if (view_waits_for_node(task, &picture->catalogue) != NULL)
        return STEP_WAITING;
    switch (task->state) {
    case TASK_BLOCKED:
    case TASK_QUEUED:
    case TASK_CANCELLED:
    case TASK_SUPERSEDED: return STEP_LATER;
    case TASK_RUNNING: return STEP_WORKING;
    case TASK_WAITING:
    case TASK_HELD: return STEP_WAITING;
    case TASK_DONE: return STEP_DONE;
    case TASK_FAILED: return STEP_PROBLEM;
    }
    return STEP_LATER;
}

/* The same step on two name servers is one line: done when both are, else what is most worth saying. */
static enum step_state step_state(const struct picture *picture, const char *label_key)
{
    enum step_state worst = STEP_LATER;
    bool all_done = true, some_done = false;
    for (size_t i = 0; i < picture->task_count; i++) {
        if (strcmp(picture->tasks[i].label_key, label_key) != 0)
            continue;
        enum step_state state = task_step_state(picture, &picture->tasks[i]);
        all_done = all_done && state == STEP_DONE;
        some_done = some_done || state == STEP_DONE;
        if (state != STEP_DONE && state > worst)
            worst = state;
    }
    if (all_done)
        return STEP_DONE;
    return worst == STEP_LATER && some_done ? STEP_WORKING : worst;
}

static bool is_first_of_label(const struct picture *picture, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(picture->tasks[i].label_key, picture->tasks[index].label_key) == 0)
            return false;
    }
    return true;
}

static void add_steps(struct buf *buf, const struct picture *picture)
{
    if (picture->task_count == 0)
        return;
    buf_add_text(buf, "<h2>Steps</h2>\n<ol>\n");
    for (size_t i = 0; i < picture->task_count; i++) {
        if (!is_first_of_label(picture, i))
            continue;
        const char *label_key = picture->tasks[i].label_key;
        enum step_state state = step_state(picture, label_key);
        buf_addf(buf, "<li class=\"%s\"><span>", step_looks[state].class_name);
        page_add_text(buf, message_text(label_key));
        buf_addf(buf, "</span><em><span aria-hidden=\"true\">%s</span> %s</em></li>\n", step_looks[state].mark,
                 step_looks[state].word);
    }
    buf_add_text(buf, "</ol>\n");
}

/* ---- what is said at the top ---------------------------------------------------------------------------------------- */

static void add_heading(struct buf *buf, const char *before, const char *domain, const char *after)
{
    buf_add_text(buf, "<h1>");
    page_add_text(buf, before);
    page_add_text(buf, domain);
    page_add_text(buf, after);
    buf_add_text(buf, "</h1>\n");
}

static int percent_of(const struct picture *picture)
{
    int percent = progress_percent(picture->operation.weight_done, picture->operation.weight_total, 0);
    return percent == 100 && picture->service.status != SERVICE_LIVE ? 99 : percent;
}

static void add_bar(struct buf *buf, const struct picture *picture)
{
    int percent = percent_of(picture);
    buf_addf(
        buf,
        "<div class=\"bar\"><progress max=\"100\" value=\"%d\" aria-label=\"Progress of the setup\">%d%%</progress>"
        "<b>%d%%</b></div>\n",
        percent, percent, percent);
}

/* What the whole service waits for, or one of its tasks; "" when nothing waits. */
static const char *wait_key(const struct picture *picture)
{
    if (picture->service.reason_key[0] != '\0')
        return picture->service.reason_key;
    const char *key = "";
    for (size_t i = 0; i < picture->task_count; i++) {
        const struct task *task = &picture->tasks[i];
        if (task->state == TASK_HELD || view_waits_for_node(task, &picture->catalogue) != NULL)
            return "wait.node";
        if (task->state == TASK_WAITING)
            key = strncmp(task->action, "verify.", 7) == 0 ? "wait.verify" : "wait.busy";
    }
    return key;
}

static void add_waiting(struct buf *buf, const struct picture *picture)
{
    const char *key = wait_key(picture);
    if (key[0] != '\0')
        page_add_paragraph(buf, NULL, message_text(key));
}

static void add_failed(struct buf *buf, const struct picture *picture)
{
    const char *reason = message_text(picture->service.reason_key);
    add_heading(buf, "The setup of ", picture->domain, " has stopped");
    page_add_paragraph(buf, "bad", reason[0] != '\0' ? reason : message_text("problem.internal"));
    page_add_paragraph(buf, "soft", "Our staff can see this too. When it is solved, the setup goes on from here.");
}

/* ---- what is told once it is live ----------------------------------------------------------------------------------- */

static void add_node_names(struct buf *buf, const struct picture *picture, enum role role, const char *title)
{
    size_t shown = 0;
    for (size_t i = 0; i < picture->account_count; i++) {
        const struct account *account = &picture->accounts[i];
        const struct node *node = catalogue_node(&picture->catalogue, account->node_id);
        if ((account->roles & ROLE_BIT(role)) == 0 || node == NULL)
            continue;
        const char *name = role == ROLE_DNS && node->ns_name[0] != '\0' ? node->ns_name : node->hostname;
        buf_addf(buf, shown == 0 ? "<dt>%s</dt><dd>" : "%.0s<br>", title);
        page_add_text(buf, name);
        shown++;
    }
    if (shown > 0)
        buf_add_text(buf, "</dd>\n");
}

static void add_mailbox(struct buf *buf, const struct picture *picture)
{
    json_t *options = view_json(picture->service.options);
    const char *mailbox = json_string_value(json_object_get(options, "mailbox"));
    if (mailbox != NULL && mailbox[0] != '\0') {
        buf_add_text(buf, "<dt>Your mailbox</dt><dd>");
        page_add_text(buf, mailbox);
        buf_add_char(buf, '@');
        page_add_text(buf, picture->domain);
        buf_add_text(buf, "</dd>\n");
    }
    json_decref(options);
}

static bool has_role(const struct picture *picture, enum role role)
{
    for (size_t i = 0; i < picture->account_count; i++) {
        if ((picture->accounts[i].roles & ROLE_BIT(role)) != 0)
            return true;
    }
    return false;
}

static void add_live(struct buf *buf, const struct picture *picture)
{
    add_heading(buf, "", picture->domain, " is ready");
    buf_add_text(buf, "<h2>What you need to know</h2>\n<dl>\n");
    if (has_role(picture, ROLE_WEB)) {
        buf_addf(buf, "<dt>Your website</dt><dd><a href=\"http://%s/\" rel=\"noreferrer\">http://",
                 picture->service.domain);
        page_add_text(buf, picture->domain);
        buf_add_text(buf, "/</a></dd>\n");
    }
    add_mailbox(buf, picture);
    add_node_names(buf, picture, ROLE_MAIL, "Mail server");
    add_node_names(buf, picture, ROLE_DNS, "Name servers");
    buf_add_text(buf, "</dl>\n");
    if (has_role(picture, ROLE_DNS))
        page_add_paragraph(buf, "soft",
                           "Set these name servers where you registered your domain; until then, visitors do "
                           "not find it here.");
}

/* ---- the page ------------------------------------------------------------------------------------------------------- */

/* @return seconds until the browser asks again */
static int refresh_of(enum service_status status)
{
    switch (status) {
    case SERVICE_ACCEPTED:
    case SERVICE_WAITING:
    case SERVICE_DEPLOYING: return REFRESH_SECONDS;
    case SERVICE_FAILED: return SLOW_REFRESH_SECONDS;
    case SERVICE_LIVE:
    case SERVICE_SUSPENDED:
    case SERVICE_TERMINATED: return 0;
    }
    return 0;
}

static void add_top(struct buf *buf, const struct picture *picture)
{
    switch (picture->service.status) {
    case SERVICE_ACCEPTED:
        add_heading(buf, "We have your order for ", picture->domain, "");
        page_add_paragraph(buf, NULL, "The setup begins in a moment.");
        break;
    case SERVICE_WAITING:
        add_heading(buf, "We have your order for ", picture->domain, "");
        add_waiting(buf, picture);
        break;
    case SERVICE_DEPLOYING:
        add_heading(buf, "Setting up ", picture->domain, "");
        add_waiting(buf, picture);
        break;
    case SERVICE_LIVE: add_live(buf, picture); return;
    case SERVICE_FAILED: add_failed(buf, picture); break;
    case SERVICE_SUSPENDED:
        add_heading(buf, "", picture->domain, " is suspended");
        page_add_paragraph(buf, NULL, message_text("problem.suspended"));
        return;
    case SERVICE_TERMINATED: return; /* answered before */
    }
    add_bar(buf, picture);
}

static void show(struct call *call, const struct picture *picture)
{
    struct buf buf = BUF_INIT;
    int refresh_s = refresh_of(picture->service.status);
    page_begin(&buf, picture->domain, refresh_s);
    add_top(&buf, picture);
    if (picture->service.status != SERVICE_SUSPENDED)
        add_steps(&buf, picture);
    if (refresh_s == REFRESH_SECONDS)
        page_add_paragraph(&buf, "soft", "This page keeps itself up to date. You can close it: the setup goes on.");
    page_answer(call, MHD_HTTP_OK, &buf);
}

void page_status_get(struct call *call)
{
    int64_t service_id;
    struct clock *clock = call->config->clock;
    switch (link_check(call->config->keyring, call->name, clock->now_ms(clock), &service_id)) {
    case LINK_WRONG:
        page_answer_note(call, MHD_HTTP_NOT_FOUND, "This link does not work",
                         "Please check that the whole address was copied: it is long and has no blanks in it.");
        return;
    case LINK_EXPIRED:
        page_answer_note(call, MHD_HTTP_GONE, "This link has expired",
                         "Please ask for a new one, or look into your customer account.");
        return;
    case LINK_VALID: break;
    }
    struct picture picture = { 0 };
    struct err err;
    bool loaded = picture_load(call->store, service_id, &picture, &err);
    if (loaded && picture.service.status != SERVICE_TERMINATED)
        show(call, &picture);
    else if (loaded || err.code == ERR_NOT_FOUND)
        page_answer_note(call, MHD_HTTP_GONE, "This account has ended",
                         "There is nothing more to see at this address.");
    else
        page_answer_note(call, MHD_HTTP_SERVICE_UNAVAILABLE, "One moment, please",
                         "This page cannot be shown just now. Please load it again in a minute.");
    picture_finish(&picture);
}
