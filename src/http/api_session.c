/* api_session.c - /api/v1/session: a person logs in, asks who he is, changes his password, logs out. The password is checked by a
 * thread of its own (passwords.c); nobody learns from the answer whether a name exists. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "http/passwords.h"
#include "http/route.h"
#include "http/session.h"
#include "http/view.h"
#include "store/store_staff.h"

static json_t *view_caller(const char *kind, int64_t id, const char *name, enum staff_role role, const char *secret)
{
    json_t *json = json_pack("{s:s, s:o, s:o, s:s, s:s}", "kind", kind, "id", view_id(id), "name", view_text(name),
                             "role", staff_role_name(role), "version", BERTH_VERSION);
    if (secret != NULL) {
        char csrf[CSRF_LENGTH + 1];
        session_csrf(secret, csrf);
        json_object_set_new(json, "csrf", json_string(csrf));
    }
    return json;
}

/* @param secret "": the cookie is taken back */
static void set_cookie(struct call *call, const char *secret)
{
    bool secure = strncmp(call->config->base_url, "https://", 8) == 0;
    CLEANUP(freep)
    char *cookie = xasprintf(SESSION_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s", secret,
                             secret[0] == '\0' ? 0LL : (long long)SESSION_LIFE_MS / 1000, secure ? "; Secure" : "");
    call_add_header(call, "Set-Cookie", cookie);
}

/* ---- logging in --------------------------------------------------------------------------------------------------------- */

static void refuse_login(struct call *call)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_WRONG_LOGIN, "", "name or password is wrong");
    call_refuse(call, &problem);
}

static bool may_guess(struct call *call, const char *name)
{
    char address[ADDRESS_TEXT_MAX], seconds[24];
    int64_t wait_s;
    call_address(call, address);
    if (auth_may_guess(http_server_auth(call->server), name, address, &wait_s))
        return true;
    struct problem problem;
    problem_set(&problem, PROBLEM_TOO_MANY_LOGINS, "",
                "too many logins have failed: wait %" PRId64 " s, then try again", wait_s);
    snprintf(seconds, sizeof(seconds), "%" PRId64, wait_s);
    call_add_header(call, "Retry-After", seconds);
    call_refuse(call, &problem);
    return false;
}

static void finish_open(struct call *call)
{
    const struct request *request = call->request;
    if (!request->ok && request->err.code == ERR_DENIED) { /* his password was changed, or he was disabled, meanwhile */
        refuse_login(call);
        return;
    }
    if (!call_request_ok(call))
        return;
    set_cookie(call, call->secret);
    call_answer_json(call, MHD_HTTP_OK,
                     view_caller("staff", request->id, request->access.name, request->access.role, call->secret));
}

static void finish_check(struct call *call)
{
    char address[ADDRESS_TEXT_MAX];
    call_address(call, address);
    bool right = call->request->ok;
    struct request *request = passwords_take(call);
    if (!right) {
        log_warn("login.failed", "address=%s", address); /* not the name: people type passwords there too */
        request_destroy(request);
        refuse_login(call);
        return;
    }
    struct auth *auth = http_server_auth(call->server);
    auth_guess_right(auth, request->access.name, address);
    call->secret = xcalloc(1, SESSION_LENGTH + 1);
    session_generate(&auth->rng, call->secret);
    bool hashed = session_hash(call->secret, request->access.hash);
    if (!hashed)
        abort(); /* it has just been made */
    struct caller caller = { .kind = CALLER_STAFF, .id = request->target_id };
    snprintf(caller.name, sizeof(caller.name), "%s", request->access.name);
    request->who = auth_who(&caller);
    call_post(call, request, finish_open);
}

/* Who has this name, and the password's hash, into the request; of nobody: nothing. */
static bool find_person(struct call *call, const char *name, struct request *request)
{
    struct err err;
    struct staff staff = { 0 };
    bool found = false;
    if (!store_find_staff(call->store, name, &staff, &found, &err)) {
        call_refuse_err(call, &err);
        return false;
    }
    request->access.name = xstrdup(name);
    if (found && !staff.disabled) {
        request->target_id = staff.id;
        request->access.role = staff.role;
        request->access.password = xstrdup(staff.password);
    }
    staff_finish(&staff);
    return true;
}

static void log_in(struct call *call, const char *name, const char *password)
{
    struct request *request = request_create(REQUEST_SESSION_OPEN);
    if (!find_person(call, name, request)) {
        request_destroy(request);
        return;
    }
    if (!may_guess(call, name)) {
        request_destroy(request);
        return;
    }
    struct password_work work = { .check = password, .hash = request->access.password };
    if (!passwords_work(http_server_passwords(call->server), call, request, &work, finish_check)) {
        char address[ADDRESS_TEXT_MAX];
        call_address(call, address);
        auth_guess_undone(http_server_auth(call->server), name, address);
    }
}

/* A form of another site can send anything but this type without asking: it must not log anybody in as somebody else. */
static bool check_type(struct call *call)
{
    const char *type = call_header(call, "Content-Type");
    if (type != NULL && strncasecmp(type, "application/json", 16) == 0)
        return true;
    struct problem problem;
    problem_set(&problem, PROBLEM_BAD_HEADER, "Content-Type", "the Content-Type must be application/json");
    call_refuse(call, &problem);
    return false;
}

/* Two passwords, or name and password. @return the body, the caller's to free; NULL: refused */
static json_t *read_two(struct call *call, const char *first, const char *second, const char **ret_first,
                        const char **ret_second)
{
    const char *const known[] = { first, second, NULL };
    json_t *root = NULL;
    struct problem problem;
    if (!call_parse_secret_body(call, &root))
        return NULL;
    struct input input = { root, "" };
    if (input_known(input, known, &problem) &&
        input_text(input, first, INPUT_REQUIRED, PASSWORD_MAX, ret_first, &problem) &&
        input_text(input, second, INPUT_REQUIRED, PASSWORD_MAX, ret_second, &problem))
        return root;
    json_decref(root);
    call_refuse(call, &problem);
    return NULL;
}

void api_session_open(struct call *call)
{
    const char *name, *password;
    if (!check_type(call))
        return;
    json_t *root = read_two(call, "name", "password", &name, &password);
    if (root == NULL)
        return;
    log_in(call, name, password);
    json_decref(root);
}

/* ---- being logged in ---------------------------------------------------------------------------------------------------- */

void api_session_get(struct call *call)
{
    const struct caller *caller = &call->caller;
    bool staff = caller->kind == CALLER_STAFF;
    call_answer_json(call, MHD_HTTP_OK,
                     view_caller(staff ? "staff" : "token", caller->id, caller->name, caller->role,
                                 staff ? call_cookie(call) : NULL));
}

static bool check_is_session(struct call *call)
{
    if (call->caller.kind == CALLER_STAFF)
        return true;
    struct problem problem;
    problem_set(&problem, PROBLEM_CONFLICT, "", "this is a token, not a session: it was not logged in");
    call_refuse(call, &problem);
    return false;
}

static void answer_nothing(struct call *call)
{
    struct buf nothing = BUF_INIT;
    http_server_access_changed(call->server, true, call->caller.id);
    call_answer(call, MHD_HTTP_NO_CONTENT, NULL, &nothing);
}

static void finish_close(struct call *call)
{
    if (!call_request_ok(call))
        return;
    set_cookie(call, "");
    answer_nothing(call);
}

void api_session_close(struct call *call)
{
    if (!check_is_session(call))
        return;
    struct request *request = request_create(REQUEST_SESSION_CLOSE);
    request->access.session_id = call->caller.session_id;
    call_post(call, request, finish_close);
}

static void finish_password(struct call *call)
{
    if (call_request_ok(call))
        answer_nothing(call);
}

static void finish_old(struct call *call)
{
    char address[ADDRESS_TEXT_MAX];
    bool right = call->request->ok;
    struct request *request = passwords_take(call);
    if (right) {
        call_address(call, address);
        auth_guess_right(http_server_auth(call->server), call->caller.name, address);
        call_post(call, request, finish_password);
        return;
    }
    struct problem problem;
    request_destroy(request);
    problem_set(&problem, PROBLEM_BAD_VALUE, "old", "the old password is not right");
    call_refuse(call, &problem);
}

static void change_password(struct call *call, const char *old, const char *new)
{
    struct err err;
    struct staff staff = { 0 };
    struct problem problem;
    if (!password_check(new, "new", &problem)) {
        call_refuse(call, &problem);
        return;
    }
    if (!store_get_staff(call->store, call->caller.id, &staff, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    if (may_guess(call, staff.name)) { /* the cookie may be stolen: its thief does not get the account */
        struct request *request = request_create(REQUEST_PASSWORD_SET);
        request->target_id = staff.id;
        request->access.session_id = call->caller.session_id;
        struct password_work work = { .check = old, .hash = staff.password, .new_password = new };
        if (!passwords_work(http_server_passwords(call->server), call, request, &work, finish_old)) {
            char address[ADDRESS_TEXT_MAX];
            call_address(call, address);
            auth_guess_undone(http_server_auth(call->server), staff.name, address);
        }
    }
    staff_finish(&staff);
}

void api_session_password(struct call *call)
{
    const char *old, *new;
    if (!check_is_session(call))
        return;
    json_t *root = read_two(call, "old", "new", &old, &new);
    if (root == NULL)
        return;
    change_password(call, old, new);
    json_decref(root);
}
