/* ssh_script.c - see ssh_script.h. */
#include "transport/ssh_script.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/util.h"

static const char *const node_sh[] = {
#include "node.sh.inc"
};

struct nonce nonce_random(void)
{
    struct nonce nonce;
    unsigned char bytes[NONCE_LENGTH / 2];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(nonce.text, sizeof(nonce.text), bytes, sizeof(bytes));
    return nonce;
}

void script_prelude(const struct script_node *node, const struct nonce *hello, struct buf *ret_text)
{
    buf_addf(ret_text, "b_inst=%s b_hello=%s\n", node->installation, hello->text);
    for (size_t i = 0; i < ARRAY_LEN(node_sh); i++)
        buf_add_text(ret_text, node_sh[i]);
}

/* Inputs go through a variable: bash prints the text of a pipeline that a signal ended, and the text must not be the
 * input. */
static void add_input(const char *input, struct buf *text)
{
    buf_add_text(text, "b_in=");
    buf_add_shell_word(text, input);
    buf_add_char(text, '\n');
}

/* The name is random and O_EXCL (set -C) makes the file: nobody can have put one there, and no mktemp must be started.
 * A missing file must stop the command: the panel takes the path itself for the password then. */
static void add_files(const struct command *command, const char *prefix, struct buf *text)
{
    buf_add_text(text, "b_files() {\n");
    for (size_t i = 0; i < command->segment_count; i++) {
        if (command->segments[i].input_kind != INPUT_FILE)
            continue;
        struct nonce name = nonce_random();
        add_input(command->segments[i].input, text);
        buf_addf(text,
                 "set -C\nb_f%zu=%s%s\nprintf %%s \"$b_in\" >\"$b_f%zu\"\nb_rc=$?\nset +C\nb_in=\n"
                 "[ $b_rc = 0 ] && [ -f \"$b_f%zu\" ] || return 1\n",
                 i, prefix, name.text, i, i);
        if (command->segments[i].input[0] != '\0')
            buf_addf(text, "[ -s \"$b_f%zu\" ] || return 1\n", i);
    }
    buf_add_text(text, "return 0\n}\nb_unfile() {\n:\n");
    for (size_t i = 0; i < command->segment_count; i++) {
        if (command->segments[i].input_kind == INPUT_FILE)
            buf_addf(text, "[ -z \"$b_f%zu\" ] || rm -f -- \"$b_f%zu\"\nb_f%zu=\n", i, i, i);
    }
    buf_add_text(text, "}\n");
}

/* A path is always a program. A bare word could be a builtin (an `exit` must not end the lane), so it goes through `exec`, which only
 * knows programs; that costs a fork where dash gets by with a vfork, 0.15 ms. */
static void add_words(const struct script_node *node, const struct segment *segment, size_t index, struct buf *text)
{
    bool sudo = node->sudo && segment->as_root;
    bool bare = !sudo && strchr(segment->argv[0], '/') == NULL;
    buf_add_text(text, bare ? "( exec" : sudo ? "sudo -n --" : "");
    for (char **word = segment->argv; *word != NULL; word++) {
        buf_add_char(text, ' ');
        if (segment->input_kind == INPUT_FILE && strcmp(*word, "{file}") == 0)
            buf_addf(text, "\"$b_f%zu\"", index);
        else
            buf_add_shell_word(text, *word);
    }
    buf_add_text(text, bare ? " )\n" : "\n");
}

static void add_go_on(const struct segment *segment, struct buf *text)
{
    if (segment->go_on_count > 0 && segment->go_on[0] == SEGMENT_GO_ON_ANY)
        return;
    if (segment->go_on_count == 0) {
        buf_add_text(text, "return 0\n");
        return;
    }
    buf_add_text(text, "case $b_rc in ");
    for (unsigned i = 0; i < segment->go_on_count; i++)
        buf_addf(text, "%s%d", i == 0 ? "" : "|", segment->go_on[i]);
    buf_add_text(text, ") ;; *) return 0 ;; esac\n");
}

static void add_segments(const struct script_node *node, const struct command *command, struct buf *text)
{
    assert(command->segment_count > 0);
    buf_add_text(text, "b_segments() {\n");
    for (size_t i = 0; i < command->segment_count; i++) {
        const struct segment *segment = &command->segments[i];
        assert(segment->argv != NULL && segment->argv[0] != NULL);
        if (segment->input_kind == INPUT_STDIN)
            add_input(segment->input, text);
        buf_addf(text, "b_begin %zu/%zu%s\n", i, command->segment_count, segment->quiet ? "q" : "");
        if (segment->input_kind == INPUT_STDIN)
            buf_add_text(text, "printf %s \"$b_in\" | ");
        add_words(node, segment, i, text);
        buf_addf(text, "b_end %zu\n", i);
        if (segment->input_kind == INPUT_STDIN)
            buf_add_text(text, "b_in=\n");
        if (segment->input_kind == INPUT_FILE)
            buf_addf(text, "rm -f -- \"$b_f%zu\"\nb_f%zu=\n", i, i);
        if (i + 1 < command->segment_count)
            add_go_on(segment, text);
    }
    /* What a segment would have read that was not reached goes too. */
    buf_add_text(text, "}\nb_cmd() {\nb_segments\nunset -f b_segments\nb_in=\nb_unfile\n}\n");
}

void script_make(const struct script_node *node, const struct command *command, const struct nonce *nonce,
                 const struct nonce *key, const char *name, struct buf *ret_text)
{
    char prefix[96];
    snprintf(prefix, sizeof(prefix), "/tmp/berth-%s-%" PRId64 "-%u-", node->installation, command->fence,
             command->number);
    buf_add_text(ret_text, "umask 022\n");
    add_files(command, prefix, ret_text);
    add_segments(node, command, ret_text);
    buf_addf(ret_text, "{ b_make %s %" PRId64 " %u %" PRId64 " %s %s %" PRId64, nonce->text, command->fence,
             command->number, command->node_limit_ms / 10, key->text, name,
             command->disks != NULL ? command->room_kib : 0);
    for (const char *const *disk = command->disks; disk != NULL && *disk != NULL; disk++)
        buf_addf(ret_text, " %s", *disk);
    buf_add_text(ret_text, "; }\n");
}

void script_look(const struct script_node *node, const struct command *command, const struct nonce *key,
                 struct buf *ret_text)
{
    char prefix[96];
    snprintf(prefix, sizeof(prefix), "/tmp/berth-%s-look-", node->installation);
    buf_add_text(ret_text, "umask 022\n");
    add_files(command, prefix, ret_text);
    add_segments(node, command, ret_text);
    buf_addf(ret_text, "{ b_look %s; }\n", key->text);
}

void script_read(const char *name, const struct nonce *nonce, int64_t out_offset, int64_t err_offset, size_t cap,
                 struct buf *ret_text)
{
    buf_addf(ret_text, "{ b_read %s %s %" PRId64 " %" PRId64 " %zu; }\n", nonce->text, name, out_offset, err_offset,
             cap);
}

void script_tidy(const char *name, bool sweep, const struct nonce *nonce, struct buf *ret_text)
{
    buf_addf(ret_text, "{ b_tidy %s %s %d; }\n", nonce->text, name, sweep ? 1 : 0);
}

void script_find(int64_t fence, const struct nonce *nonce, int64_t stamp, struct buf *ret_text)
{
    buf_addf(ret_text, "{ b_find %s %" PRId64 " %" PRId64 "; }\n", nonce->text, fence, stamp);
}

void script_ping(const struct nonce *nonce, struct buf *ret_text)
{
    buf_addf(ret_text, "{ b_ping %s; }\n", nonce->text);
}
