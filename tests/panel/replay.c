/* replay.c - run the recorded commands of a real panel on the model, in the recorded order, and compare exit codes and
 * what was printed. The table replay.tsv says for each recording how:
 *
 *   = WORLD ROLE IP HOSTNAME    a fresh node: full, web, mail or dns
 *   + WORLD COMMAND...          a step that was not recorded but whose effect the next rows show; words in '' or "" may hold blanks
 *   + WORLD @write PATH TEXT    (\n in TEXT is a newline), @break|@mend SERVICE
 *   ID WORLD replay [KEYS]      run it; values of these JSON keys (comma list) are not compared
 *   ID WORLD exit REASON        run it, compare only the exit code
 *   ID WORLD kill POINT         run it and kill it at the point
 *   ID - skip REASON
 *
 * Columns are separated by tabs. Every recording must be in the table exactly once, in order. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "panel/host_memory.h"

#define WORLDS_MAX 16
#define WORDS_MAX 40
#define LINE_BYTES_MAX 8192

struct world {
    char name[32];
    struct panel_memory *memory;
};

struct replay {
    struct world worlds[WORLDS_MAX];
    size_t world_count, replayed, skipped, failed;
    json_t *rows;
    size_t next_row;
    const char *kill_point;
    bool was_killed, is_exit_only;
};

/* Only the first line that differs: whole lists would hide it. */
static void complain(struct replay *replay, const char *id, const char *what, const char *want, const char *got)
{
    size_t same = 0, number = 1;
    for (size_t i = 0; want[i] != '\0' && want[i] == got[i]; i++) {
        same = want[i] == '\n' ? i + 1 : same;
        number += want[i] == '\n';
    }
    replay->failed++;
    printf("not ok %s: %s\n  line %zu, recorded: %.*s\n  line %zu, got:      %.*s\n", id, what, number,
           (int)strcspn(want + same, "\n"), want + same, number, (int)strcspn(got + same, "\n"), got + same);
}

static struct panel_memory *world_find(struct replay *replay, const char *name)
{
    for (size_t i = 0; i < replay->world_count; i++) {
        if (strcmp(replay->worlds[i].name, name) == 0)
            return replay->worlds[i].memory;
    }
    fprintf(stderr, "replay: no such world: %s\n", name);
    exit(2);
}

static void world_create(struct replay *replay, const char *name, const char *role, const char *ip, const char *host)
{
    static const char *const roles[] = { "full", "web", "mail", "dns" };
    size_t number = 0;
    while (number < ARRAY_LEN(roles) && strcmp(roles[number], role) != 0)
        number++;
    if (number == ARRAY_LEN(roles) || replay->world_count == WORLDS_MAX) {
        fprintf(stderr, "replay: cannot make world %s %s\n", name, role);
        exit(2);
    }
    struct world *world = &replay->worlds[replay->world_count++];
    snprintf(world->name, sizeof(world->name), "%s", name);
    world->memory = panel_memory_create((enum panel_role)number, ip, host, replay->world_count);
}

static bool kill_here(void *context, const char *point)
{
    struct replay *replay = context;
    bool is_it = replay->kill_point != NULL && strcmp(replay->kill_point, point) == 0;
    replay->was_killed |= is_it;
    return is_it;
}

/* Cut a line into words at blanks; 'a b' is one word. The words point into the line. */
static int split_words(char *line, char **words)
{
    int count = 0;
    while (*line != '\0' && count < WORDS_MAX) {
        line += strspn(line, " ");
        if (*line == '\0')
            break;
        char end = *line == '\'' || *line == '"' ? *line : ' ';
        line += end != ' ';
        words[count++] = line;
        line += strcspn(line, (char[]){ end, '\0' });
        if (*line != '\0')
            *line++ = '\0';
    }
    return count;
}

static void write_file(struct panel_memory *memory, const char *path, const char *text)
{
    struct panel_host *host = panel_memory_host(memory);
    host->ops->write(host, path, text, strlen(text));
}

static void unescape(char *text)
{
    for (char *hit; (hit = strstr(text, "\\n")) != NULL;) {
        *hit = '\n';
        memmove(hit + 1, hit + 2, strlen(hit + 2) + 1);
    }
}

static enum panel_service service_named(const char *name)
{
    static const char *const names[] = { "web", "proxy", "backend", "dns", "mail" };
    size_t number = 0;
    while (number + 1 < ARRAY_LEN(names) && strcmp(names[number], name) != 0)
        number++;
    return (enum panel_service)number;
}

static void step(struct replay *replay, const char *world, char *line)
{
    struct panel_memory *memory = world_find(replay, world);
    char *words[WORDS_MAX];
    int count = split_words(line, words);
    struct buf out = BUF_INIT, err = BUF_INIT;
    if (strcmp(words[0], "@write") == 0) {
        unescape(words[2]);
        write_file(memory, words[1], words[2]);
    } else if (strcmp(words[0], "@break") == 0 || strcmp(words[0], "@mend") == 0) {
        panel_memory_break_service(memory, service_named(words[1]), words[0][1] == 'b');
    } else {
        int code = panel_shell(memory, count, words, NULL, &out, &err);
        if (code != 0)
            complain(replay, words[0], "a step between recordings failed", "0", buf_text(&out));
    }
    buf_finish(&out);
    buf_finish(&err);
}

static bool is_digits(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, text++) {
        bool is_right = *pattern == '0' ? *text >= '0' && *text <= '9' : *text == *pattern;
        if (!is_right)
            return false;
    }
    return true;
}

static bool is_base64(char c)
{
    return c != '\0' && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", c) != NULL;
}

static bool key_in_list(const char *keys, const char *key, size_t length)
{
    for (const char *at = keys; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        if (strcspn(at, ",") == length && memcmp(at, key, length) == 0)
            return true;
    }
    return false;
}

/* What must differ between two runs becomes a mark: times, dates, keys, hashes, random names, and the keys asked for. */
static void normalise(const char *text, const char *keys, struct buf *ret_text)
{
    while (*text != '\0') {
        size_t run = 0;
        while (is_base64(text[run]))
            run++;
        if (is_digits(text, "00:00:00")) {
            buf_add_text(ret_text, "<time>");
            text += 8;
        } else if (is_digits(text, "0000-00-00")) {
            buf_add_text(ret_text, "<date>");
            text += 10;
        } else if (run > 300 && strncmp(text, "MII", 3) == 0) {
            buf_addf(ret_text, "<key of %zu>", run);
            text += run;
        } else if (strncmp(text, "-----BEGIN ", 11) == 0) {
            const char *end = strstr(text, "-----END ");
            buf_add_text(ret_text, "<pem>");
            text = end == NULL ? text + 11 : end + 9;
        } else if (*text == '"' && strchr(text + 1, '"') != NULL) {
            size_t length = strcspn(text + 1, "\"");
            const char *after = text + length + 2;
            buf_add(ret_text, text, length + 2);
            text = after;
            after += strspn(after, ": ");
            if (after > text && *after == '"' && key_in_list(keys, text - length - 1, length)) {
                buf_add_text(ret_text, ": <left out>");
                text = after + 1 + strcspn(after + 1, "\"");
                text += *text == '"';
            } else if (after == text) { /* a value, not a key: look into it */
                ret_text->length -= length + 2;
                text -= length + 2;
                buf_add_char(ret_text, *text++);
            }
        } else {
            buf_add_char(ret_text, *text++);
        }
    }
}

static void run_row(struct replay *replay, const json_t *row, struct panel_memory *memory, const char *keys)
{
    char *words[WORDS_MAX], line[LINE_BYTES_MAX];
    int count = 0;
    size_t index;
    json_t *word;
    const char *id = json_string_value(json_object_get(row, "id"));
    const char *ssh_user = json_string_value(json_object_get(row, "ssh_user"));
    const char *mask = json_string_value(json_object_get(row, "umask"));
    const json_t *file = json_object_get(row, "tmpfile");
    json_array_foreach(json_object_get(row, "argv"), index, word)
    {
        words[count++] = (char *)(uintptr_t)json_string_value(word);
    }
    if (ssh_user != NULL) {
        snprintf(line, sizeof(line), "%s", words[0]);
        count = split_words(line, words);
    }
    if (file != NULL)
        write_file(memory, json_string_value(json_object_get(file, "path")),
                   json_string_value(json_object_get(file, "content")));
    const char *scheduled = json_string_value(json_object_get(json_object_get(row, "env"), "SCHEDULED_RESTART"));
    panel_memory_set_env(memory, "SCHEDULED_RESTART", scheduled);
    panel_memory_set_umask(memory, mask == NULL ? 022 : (unsigned)strtoul(mask, NULL, 8));
    panel_memory_on_point(memory, kill_here, replay);
    struct buf out = BUF_INIT, err = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
    const char *stdin_text = json_string_value(json_object_get(row, "stdin"));
    bool is_sudo = ssh_user != NULL && strcmp(ssh_user, "root") != 0;
    int code = (is_sudo ? panel_shell_sudo : panel_shell)(memory, count, words, stdin_text, &out, &err);
    int recorded = (int)json_integer_value(json_object_get(row, "exit"));
    normalise(json_string_value(json_object_get(row, "stdout")), keys, &want);
    normalise(buf_text(&out), keys, &got);
    replay->replayed++;
    if (code != recorded) {
        char a[32], b[LINE_BYTES_MAX];
        snprintf(a, sizeof(a), "%d", recorded);
        snprintf(b, sizeof(b), "%d, printed: %s%s", code, buf_text(&out), buf_text(&err));
        complain(replay, id, "another exit code", a, b);
    } else if (!replay->is_exit_only && replay->kill_point == NULL && strcmp(buf_text(&want), buf_text(&got)) != 0) {
        complain(replay, id, "other words", buf_text(&want), buf_text(&got));
    }
    if (replay->kill_point != NULL && !replay->was_killed)
        complain(replay, id, "never came to this point", replay->kill_point, "");
    buf_finish(&out);
    buf_finish(&err);
    buf_finish(&want);
    buf_finish(&got);
}

static void row_line(struct replay *replay, const char *id, const char *world, const char *how, const char *detail)
{
    const json_t *row = json_array_get(replay->rows, replay->next_row++);
    const char *expected = json_string_value(json_object_get(row, "id"));
    if (row == NULL || strcmp(expected, id) != 0) {
        complain(replay, id, "the table has another recording here", expected == NULL ? "(no more)" : expected, id);
        return;
    }
    if (strcmp(how, "skip") == 0) {
        replay->skipped++;
        if (*detail == '\0')
            complain(replay, id, "skipped without a reason", "", "");
        return;
    }
    replay->kill_point = strcmp(how, "kill") == 0 ? detail : NULL;
    replay->was_killed = false;
    replay->is_exit_only = strcmp(how, "exit") == 0;
    char keys[512];
    snprintf(keys, sizeof(keys), "RKEY,%s", replay->kill_point == NULL ? detail : "");
    run_row(replay, row, world_find(replay, world), keys);
    replay->kill_point = NULL;
}

static void table_line(struct replay *replay, char *line)
{
    char empty[] = "", *columns[5] = { empty, empty, empty, empty, empty };
    size_t count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at != NULL && count < ARRAY_LEN(columns); count++) {
        columns[count] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    if (columns[0][0] == '#' || columns[0][0] == '\0')
        return;
    if (strcmp(columns[0], "=") == 0)
        world_create(replay, columns[1], columns[2], columns[3], columns[4]);
    else if (strcmp(columns[0], "+") == 0)
        step(replay, columns[1], columns[2]);
    else
        row_line(replay, columns[0], columns[1], columns[2], columns[3]);
}

static bool load_rows(struct replay *replay, const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    json_error_t error;
    replay->rows = json_array();
    while (file != NULL && getline(&line, &capacity, file) > 0) {
        json_t *row = json_loads(line, 0, &error);
        if (row == NULL || json_array_append_new(replay->rows, row) != 0)
            break;
    }
    free(line);
    return file != NULL && fclose(file) == 0 && json_array_size(replay->rows) > 0;
}

int main(int argc, char **argv)
{
    struct replay replay = { 0 };
    char line[LINE_BYTES_MAX];
    if (argc != 3 || !load_rows(&replay, argv[1])) {
        fprintf(stderr, "usage: replay TRANSCRIPTS TABLE\n");
        return 2;
    }
    FILE *table = fopen(argv[2], "re");
    while (table != NULL && fgets(line, sizeof(line), table) != NULL)
        table_line(&replay, line);
    if (table != NULL)
        fclose(table);
    size_t left = json_array_size(replay.rows) - replay.next_row;
    if (replay.next_row < json_array_size(replay.rows))
        printf("not ok: %zu recordings are not in the table\n", left);
    else
        left = 0;
    printf("%zu replayed, %zu skipped, %zu differ\n", replay.replayed, replay.skipped, replay.failed);
    for (size_t i = 0; i < replay.world_count; i++)
        panel_memory_destroy(replay.worlds[i].memory);
    json_decref(replay.rows);
    return replay.failed > 0 || left > 0 || table == NULL ? 1 : 0;
}
