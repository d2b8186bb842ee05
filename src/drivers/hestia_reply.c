/* hestia_reply.c - the panel's answers as data: exit codes to causes, lists to objects. */
#include "drivers/hestia.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* ---- commands that change something ------------------------------------------------------------------------------ */

struct exit_row {
    int code;
    enum hestia_answer answer;
    const char *cause_id;
};

/* The panel's names for them are in docs/drivers.md. 1, 2, 3, 4, 8 and 20 are final only after a look. */
static const struct exit_row exit_rows[] = {
    { 1, ANSWER_LOOK, "panel.arguments" },   { 2, ANSWER_LOOK, "panel.invalid" },
    { 3, ANSWER_LOOK, "panel.missing" },     { 4, ANSWER_LOOK, "panel.exists" },
    { 5, ANSWER_FAILED, "panel.suspended" }, { 6, ANSWER_FAILED, "panel.unsuspended" },
    { 7, ANSWER_RETRY, "panel.in-use" },     { 8, ANSWER_LOOK, "panel.limit" },
    { 9, ANSWER_FAILED, "panel.password" },  { 10, ANSWER_FAILED, "panel.forbidden" },
    { 11, ANSWER_FAILED, "panel.disabled" }, { 12, ANSWER_RETRY, "panel.parsing" },
    { 13, ANSWER_RETRY, "panel.disk-full" }, { 14, ANSWER_RETRY, "panel.load" },
    { 15, ANSWER_RETRY, "panel.connect" },   { 16, ANSWER_RETRY, "panel.ftp" },
    { 17, ANSWER_RETRY, "panel.database" },  { 18, ANSWER_RETRY, "panel.rrd" },
    { 19, ANSWER_RETRY, "panel.update" },    { 20, ANSWER_LOOK, "panel.restart" },
    { 126, ANSWER_FAILED, "panel.no-root" }, { 127, ANSWER_FAILED, "panel.no-command" },
    { 255, ANSWER_RETRY, "node.connect" },
};

/* The panel's words for the person who reads them: the first "Error:" line, else the first line. A doubled line in a
 * data file is quoted in full after "Invalid object format"; it may hold a password's hash, so it is left out. */
static void error_line(const char *out, char *ret_error, size_t size)
{
    static const char doubled[] = "Invalid object format";
    const char *line = strncmp(out, "Error:", 6) == 0 ? out : strstr(out, "\nError:");
    if (line == NULL)
        line = out;
    line += strspn(line, "\r\n");
    if (strncmp(line, "Error:", 6) == 0)
        line += 6;
    line += strspn(line, " \t");
    size_t length = strcspn(line, "\r\n");
    if (strncmp(line, doubled, sizeof(doubled) - 1) == 0)
        length = sizeof(doubled) - 1;
    snprintf(ret_error, size, "%.*s", (int)length, line);
}

static bool has_error_line(const char *out)
{
    return strncmp(out, "Error:", 6) == 0 || strstr(out, "\nError:") != NULL;
}

static const struct exit_row *exit_row_find(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(exit_rows); i++) {
        if (exit_rows[i].code == code)
            return &exit_rows[i];
    }
    return NULL;
}

/* Not a bad value: passwords are made by us and never empty, so it is the node that could not write it down. */
static const char pam[] = "Password not accepted due to PAM";

void hestia_classify(int exit_code, const char *out, struct hestia_reply *ret_reply)
{
    *ret_reply = (struct hestia_reply){ .answer = ANSWER_RETRY, .cause_id = "panel.unexpected" };
    error_line(out, ret_reply->error, sizeof(ret_reply->error));
    const struct exit_row *row = exit_row_find(exit_code);
    if (exit_code == 0) {
        /* An inner command failed and was ignored: the object may be there or not, whole or not. */
        bool is_clean = !has_error_line(out);
        ret_reply->answer = is_clean ? ANSWER_DONE : ANSWER_LOOK;
        ret_reply->cause_id = is_clean ? NULL : "panel.half-created";
    } else if (row != NULL) {
        ret_reply->answer = row->answer;
        ret_reply->cause_id = row->cause_id;
        if (exit_code == 1 && ret_reply->error[0] == '\0') { /* sudo refused: it explains itself on stderr only */
            ret_reply->answer = ANSWER_FAILED;
            ret_reply->cause_id = "panel.no-root";
        }
        if (exit_code == 2 && strncmp(ret_reply->error, pam, sizeof(pam) - 1) == 0)
            ret_reply->cause_id = "panel.password-not-kept";
    } else if (exit_code > 128) { /* by a signal: any state that the command goes through may be left */
        ret_reply->answer = ANSWER_LOOK;
        ret_reply->cause_id = "panel.killed";
        ret_reply->is_cut = true;
    }
}

/* ---- lists --------------------------------------------------------------------------------------------------------
 */

/* The panel pastes values into its JSON as they are. A backslash in a person's name would make the whole answer
 * unreadable for ever, so those that begin no escape are doubled for a second try. */
static json_t *load_json(const char *out)
{
    json_error_t error;
    json_t *root = json_loads(out, 0, &error);
    if (root != NULL || strchr(out, '\\') == NULL)
        return root;
    CLEANUP(buf_finish) struct buf fixed = BUF_INIT;
    for (const char *at = out; *at != '\0'; at++) {
        buf_add_char(&fixed, *at);
        if (*at == '\\' && (at[1] == '\0' || strchr("\"/", at[1]) == NULL))
            buf_add_char(&fixed, '\\');
    }
    return json_loads(buf_text(&fixed), 0, &error);
}

static void look_fail(struct look *look, const char *cause_id)
{
    look->state = LOOK_FAILED;
    look->cause_id = cause_id;
}

static void look_read(struct look *look, const char *out, const char *name)
{
    if (out[strspn(out, " \t\r\n")] == '\0') { /* without root a list exits 0 and says nothing */
        look_fail(look, "panel.silent");
        return;
    }
    look->root = load_json(out);
    look->object = name != NULL ? json_object_get(look->root, name) : look->root;
    look->state = LOOK_PRESENT;
    if (look->object == NULL || (name != NULL && !json_is_object(look->object)))
        look_fail(look, "panel.unreadable");
}

void look_init(struct look *look, const struct segment_result *segment, const char *name)
{
    *look = (struct look){ .state = LOOK_NOT_RUN };
    if (!segment->ran)
        return;
    struct hestia_reply reply;
    hestia_classify(segment->exit_code, segment->out, &reply);
    snprintf(look->error, sizeof(look->error), "%s", reply.error);
    look->cause_id = reply.cause_id;
    switch (segment->exit_code) {
    case 0: look_read(look, segment->out, name); break;
    case 2: look->state = LOOK_INVALID; break;
    case 3: look->state = LOOK_ABSENT; break;
    default: look_fail(look, reply.cause_id); break;
    }
}

void look_finish(struct look *look)
{
    json_decref(look->root);
    *look = (struct look){ 0 };
}

const char *look_text(const struct look *look, const char *key)
{
    const char *text = json_string_value(json_object_get(look->object, key));
    return text != NULL ? text : "";
}

bool look_is(const struct look *look, const char *key, const char *value)
{
    return strcmp(look_text(look, key), value) == 0;
}

size_t look_count(const struct look *look)
{
    return json_is_array(look->object) ? json_array_size(look->object) : json_object_size(look->object);
}

bool look_owner(const struct segment_result *segment, char *ret_user, size_t size)
{
    ret_user[0] = '\0';
    if (!segment->ran || (segment->exit_code != 0 && segment->exit_code != 3))
        return false;
    if (segment->exit_code == 0)
        snprintf(ret_user, size, "%.*s", (int)strcspn(segment->out, " \t\r\n"), segment->out);
    return segment->exit_code == 3 || ret_user[0] != '\0';
}

void look_dkim(const struct look *look, char *ret_value, size_t size)
{
    ret_value[0] = '\0';
    if (look->state != LOOK_PRESENT)
        return;
    const char *text = look_text(look, "TXT");
    const char *key = strstr(text, "p=");
    if (key == NULL || strncmp(key + 2, "DKIM-SUPPORT-IS-NOT-ACTIVATED", 29) == 0)
        return;
    size_t length = strlen(text);
    if (length >= 2 && text[0] == '\'' && text[length - 1] == '\'') {
        text++;
        length -= 2;
    }
    size_t key_length = strcspn(key + 2, "'\" ;");
    if (key_length >= 100) /* half a key is none; a 2048-bit one has 392 characters */
        snprintf(ret_value, size, "%.*s", (int)length, text);
}
