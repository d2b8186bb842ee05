/* page_status.c - /s/<token>: what the customer sees of a service, in the customer's words, as HTML that needs no script and keeps
 * itself fresh; the script takes over from there with the state that is in the page. And the same state alone, for the
 * script: /s/<token>/state. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/messages.h"
#include "http/customer_state.h"
#include "http/link.h"
#include "http/page.h"
#include "http/route.h"

#define REFRESH_SECONDS 2
#define SLOW_REFRESH_SECONDS 30 /* when a person must do something first */
#define NEWS_MAX 8              /* on the page */

static const struct {
    const char *mark, *word;
} step_looks[] = {
    [STEP_LATER] = { "\xe2\x97\x8b", "to come" },
    [STEP_DONE] = { "\xe2\x9c\x93", "done" },
    [STEP_WAITING] = { "\xe2\x97\x94", "waiting" },
    [STEP_WORKING] = { "\xe2\x97\x8f", "working" },
    [STEP_PROBLEM] = { "!", "problem" },
};

/* ---- parts of the page ---------------------------------------------------------------------------------------------- */

static void add_heading(struct buf *buf, const struct customer_state *state)
{
    buf_add_text(buf, "<h1>");
    page_add_text(buf, state->headline);
    buf_add_text(buf, "</h1>\n");
}

/* "about 20 seconds left", in steps that people think in. */
static void add_time_left(struct buf *buf, const struct customer_state *state)
{
    const struct eta *eta = &state->picture.eta;
    if (!eta->known)
        return;
    char number[24];
    int64_t seconds = eta_round_s(eta->p50_ms);
    if (!eta->sure && seconds < 60) { /* of a guess not the seconds */
        CLEANUP(freep) char *guess = message_fill("page.left.unsure", "time", message_text("page.time.less"));
        page_add_paragraph(buf, "soft", guess);
        return;
    }
    const char *key = seconds == 0 ? "page.left.few" : seconds < 60 ? "page.left.seconds" : "page.left.minutes";
    snprintf(number, sizeof(number), "%" PRId64, seconds < 60 ? seconds : (seconds + 59) / 60);
    CLEANUP(freep) char *text = message_fill(key, "n", number);
    page_add_paragraph(buf, "soft", text);
}

static void add_bar(struct buf *buf, const struct customer_state *state)
{
    int percent = state->percent;
    buf_addf(
        buf,
        "<div class=\"bar\"><progress max=\"100\" value=\"%d\" aria-label=\"Progress of the setup\">%d%%</progress>"
        "<b>%d%%</b></div>\n",
        percent, percent, percent);
}

static void add_steps(struct buf *buf, const struct customer_state *state)
{
    if (state->step_count == 0)
        return;
    buf_add_text(buf, "<h2>Steps</h2>\n<ol>\n");
    for (size_t i = 0; i < state->step_count; i++) {
        const struct customer_step *step = &state->steps[i];
        buf_addf(buf, "<li class=\"%s\"><span>", step_state_name(step->state));
        page_add_text(buf, step->text);
        buf_addf(buf, "</span><em><span aria-hidden=\"true\">%s</span> %s</em></li>\n", step_looks[step->state].mark,
                 step_looks[step->state].word);
    }
    buf_add_text(buf, "</ol>\n");
}

static void add_news(struct buf *buf, const struct customer_state *state)
{
    if (state->news_count == 0)
        return;
    buf_add_text(buf, "<h2>What has happened</h2>\n<ul>\n");
    for (size_t i = state->news_count, shown = 0; i > 0 && shown < NEWS_MAX; i--, shown++) {
        buf_add_text(buf, "<li><span>");
        page_add_text(buf, state->news[i - 1].text);
        buf_add_text(buf, "</span></li>\n");
    }
    buf_add_text(buf, "</ul>\n");
}

static void add_row(struct buf *buf, const char *title, const char *value)
{
    if (value == NULL)
        return;
    buf_addf(buf, "<dt>%s</dt><dd>", title);
    page_add_text(buf, value);
    buf_add_text(buf, "</dd>\n");
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void add_server(struct buf *buf, const char *title, const json_t *mail, const char *protocol)
{
    char key[32];
    snprintf(key, sizeof(key), "%s_host", protocol);
    const char *host = text_at(mail, key);
    snprintf(key, sizeof(key), "%s_port", protocol);
    int port = (int)json_integer_value(json_object_get(mail, key));
    snprintf(key, sizeof(key), "%s_security", protocol);
    if (host == NULL)
        return;
    CLEANUP(freep) char *value = xasprintf("%s, port %d (%s)", host, port, text_at(mail, key));
    add_row(buf, title, value);
}

static void add_name_servers(struct buf *buf, const json_t *servers)
{
    size_t i;
    json_t *server;
    json_array_foreach(servers, i, server)
    {
        buf_add_text(buf, i == 0 ? "<dt>Name servers</dt><dd>" : "<br>");
        page_add_text(buf, text_at(server, "name"));
    }
    if (json_array_size(servers) > 0)
        buf_add_text(buf, "</dd>\n");
}

static void add_controls(struct buf *buf, const json_t *controls)
{
    size_t i;
    json_t *control;
    json_array_foreach(controls, i, control)
    {
        buf_add_text(buf, "<dt>");
        page_add_text(buf, text_at(control, "what"));
        buf_add_text(buf, "</dt><dd><a rel=\"noreferrer\" href=\"");
        page_add_text(buf, text_at(control, "url"));
        buf_add_text(buf, "\">");
        page_add_text(buf, text_at(control, "url"));
        buf_add_text(buf, "</a></dd>\n");
    }
}

static void add_panel(struct buf *buf, const struct customer_state *state)
{
    json_t *panel = customer_panel_view(&state->picture);
    const json_t *web = json_object_get(panel, "web"), *mail = json_object_get(panel, "mail");
    const json_t *servers = json_object_get(json_object_get(panel, "dns"), "name_servers");
    const char *url = text_at(web, "url");
    buf_add_text(buf, "<h2>What you need to know</h2>\n<dl>\n");
    if (url != NULL) {
        buf_addf(buf, "<dt>Your website</dt><dd><a href=\"%s\" rel=\"noreferrer\">%.*s", url,
                 (int)(strstr(url, "//") + 2 - url), url);
        page_add_text(buf, state->picture.domain);
        buf_add_text(buf, "/</a></dd>\n");
    }
    add_row(buf, "Your mailbox", text_at(mail, "mailbox"));
    if (text_at(mail, "login") != NULL && strcmp(text_at(mail, "login"), text_at(mail, "mailbox")) != 0)
        add_row(buf, message_text("page.mail.login.name"), text_at(mail, "login"));
    add_server(buf, "Incoming mail", mail, "imap");
    add_server(buf, "Outgoing mail", mail, "smtp");
    add_name_servers(buf, servers);
    add_controls(buf, json_object_get(panel, "controls"));
    buf_add_text(buf, "</dl>\n");
    if (json_array_size(servers) > 0)
        page_add_paragraph(buf, "soft",
                           "Set these name servers where you registered your domain; until then, visitors do "
                           "not find it here.");
    json_decref(panel);
}

/* ---- the page ------------------------------------------------------------------------------------------------------- */

/* @return seconds until the browser asks again */
static int refresh_of(const struct customer_state *state)
{
    switch (state->picture.service.status) {
    case SERVICE_ACCEPTED:
    case SERVICE_WAITING:
    case SERVICE_DEPLOYING: /* who reads in the panel is not to lose his place every moment */
        return state->picture.has_panel ? SLOW_REFRESH_SECONDS : REFRESH_SECONDS;
    case SERVICE_FAILED: return SLOW_REFRESH_SECONDS;
    case SERVICE_LIVE:
    case SERVICE_SUSPENDED:
    case SERVICE_TERMINATED: return 0;
    }
    return 0;
}

static void add_top(struct buf *buf, const struct customer_state *state)
{
    enum service_status status = state->picture.service.status;
    bool has_panel = state->picture.has_panel;
    bool has_bar = status != SERVICE_LIVE && status != SERVICE_SUSPENDED && !(has_panel && status == SERVICE_FAILED);
    add_heading(buf, state);
    if (state->message[0] != '\0')
        page_add_paragraph(buf, status == SERVICE_FAILED ? "bad" : NULL, state->message);
    if (state->help[0] != '\0')
        page_add_paragraph(buf, "soft", state->help);
    if (has_bar)
        add_bar(buf, state);
    add_time_left(buf, state);
    if (has_panel)
        add_panel(buf, state);
}

static void show(struct call *call, const struct customer_state *state)
{
    struct buf buf = BUF_INIT;
    enum service_status status = state->picture.service.status;
    int refresh_s = refresh_of(state);
    page_begin(call, &buf, PAGE_LIVE, state->picture.domain, refresh_s);
    add_top(&buf, state);
    if (status != SERVICE_SUSPENDED)
        add_steps(&buf, state);
    if (status != SERVICE_SUSPENDED && status != SERVICE_LIVE)
        add_news(&buf, state);
    if (refresh_s == REFRESH_SECONDS)
        page_add_paragraph(&buf, "soft", "This page keeps itself up to date. You can close it: the setup goes on.");
    page_add_data(&buf, "state", customer_state_view_whole(state));
    page_answer(call, MHD_HTTP_OK, &buf);
}

void page_status_get(struct call *call)
{
    int64_t service_id;
    struct clock *clock = call->config->clock;
    enum link_state link =
        link_check(call->config->keyring, call->store, call->name, clock->now_ms(clock), &service_id);
    if (link != LINK_VALID) {
        page_answer_note(call, link_status(link), link_heading(link), link_advice(link));
        return;
    }
    struct customer_state state;
    struct err err;
    if (customer_state_load(call->store, service_id, call_now_ms(call), &state, &err))
        show(call, &state);
    else if (err.code == ERR_NOT_FOUND)
        page_answer_note(call, MHD_HTTP_GONE, "This account has ended",
                         "There is nothing more to see at this address.");
    else
        page_answer_note(call, MHD_HTTP_SERVICE_UNAVAILABLE, "One moment, please",
                         "This page cannot be shown just now. Please load it again in a minute.");
    customer_state_finish(&state);
}

/* ---- the state alone ------------------------------------------------------------------------------------------------ */

static bool refuse(struct call *call, enum problem_kind kind, const char *sentence)
{
    struct problem problem;
    problem_set(&problem, kind, "", "%s", sentence);
    call_refuse(call, &problem);
    return false;
}

bool page_check_link(struct call *call, int64_t *ret_service_id)
{
    struct clock *clock = call->config->clock;
    enum link_state state =
        link_check(call->config->keyring, call->store, call->name, clock->now_ms(clock), ret_service_id);
    switch (state) {
    case LINK_VALID: return true;
    case LINK_EXPIRED:
    case LINK_REPLACED: return refuse(call, PROBLEM_GONE, link_heading(state));
    case LINK_WRONG: return refuse(call, PROBLEM_NOT_FOUND, link_heading(state));
    case LINK_UNSURE: return refuse(call, PROBLEM_STORE, link_advice(state));
    }
    return false;
}

/* The time that is left runs down by itself: it makes no new version. */
static void answer_state(struct call *call, const struct customer_state *state)
{
    unsigned char hash[16];
    char hex[2 * sizeof(hash) + 1], etag[sizeof(hex) + 2];
    json_t *whole = customer_state_view_whole(state);
    json_t *eta = json_incref(json_object_get(whole, "eta"));
    json_object_set_new(whole, "eta", json_boolean(json_is_object(eta)));
    CLEANUP(freep) char *text = json_dumps(whole, JSON_COMPACT);
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    snprintf(etag, sizeof(etag), "\"%s\"", hex);
    json_object_set_new(whole, "eta", eta);
    call->cache_control = "private, no-cache";
    call_add_header(call, "ETag", etag);
    call_add_header(call, "Referrer-Policy", "no-referrer");
    if (!call_has_tag(call, etag)) {
        call_answer_json(call, MHD_HTTP_OK, whole);
        return;
    }
    json_decref(whole);
    call_answer_nothing(call, MHD_HTTP_NOT_MODIFIED);
}

void page_state_get(struct call *call)
{
    int64_t service_id;
    struct customer_state state;
    struct problem problem;
    struct err err;
    if (!page_check_link(call, &service_id))
        return;
    if (customer_state_load(call->store, service_id, call_now_ms(call), &state, &err)) {
        answer_state(call, &state);
    } else if (err.code == ERR_NOT_FOUND) {
        problem_set(&problem, PROBLEM_GONE, "", "this account has ended");
        call_refuse(call, &problem);
    } else {
        call_refuse_err(call, &err);
    }
    customer_state_finish(&state);
}
