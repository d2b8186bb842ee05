/* ssh_record.c - see ssh_record.h. Markers in a stream of key K are K1b0/2q (segment 0 of 2 begins; q: not for the
 * log), K1e0 3 (it ended with 3), K1x (the end of the stream) and K1! (nothing was run), each with a newline; 2 instead
 * of 1 on stderr. K is 128 random bits that the command does not get to see, so a marker is one wherever it stands. */
#include "transport/ssh_record.h"

#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/util.h"

#define MARKER_LENGTH_MAX 64U         /* key, kind, numbers, newline */
#define PIECE_LENGTH_MAX (32U * 1024) /* of output for the log; a chunk there holds 64 KiB */
#define LINE_QUIET_MS 200             /* so long does part of a line wait for the rest */

void record_init(struct record *record, unsigned number, const struct nonce *key, record_output_fn *output,
                 void *context)
{
    *record = (struct record){ .number = number, .key = *key, .output = output, .context = context };
    record->streams[0].segment = -1;
    record->streams[1].segment = -1;
}

void record_finish(struct record *record)
{
    for (size_t i = 0; i < ARRAY_LEN(record->streams); i++) {
        buf_wipe(&record->streams[i].hold);
        buf_wipe(&record->streams[i].line);
    }
    for (size_t i = 0; i < ARRAY_LEN(record->segments); i++) {
        buf_wipe(&record->segments[i].text[0]);
        buf_wipe(&record->segments[i].text[1]);
    }
}

/* ---- output for the log -------------------------------------------------------------------------------------------
 */

static void pass_piece(struct record *record, int index, size_t length)
{
    struct record_stream *stream = &record->streams[index];
    char *data = xstrndup(stream->line.data, length);
    record->output(record->context, (unsigned)stream->segment, index + 1, data, length);
    buf_remove_front(&stream->line, length);
}

/* Blanks secrets where they stand, so that one that lies across two pieces is blank in both. */
static void pass_lines(struct record *record, int index, bool all)
{
    struct record_stream *stream = &record->streams[index];
    if (stream->line.length == 0)
        return;
    redact_bytes(stream->line.data, stream->line.length);
    size_t safe = stream->line.length;
    if (!all)
        safe -= redact_tail(stream->line.data, stream->line.length);
    while (safe > 0) {
        size_t length = safe < PIECE_LENGTH_MAX ? safe : PIECE_LENGTH_MAX;
        const char *newline = memrchr(stream->line.data, '\n', length);
        if (newline != NULL)
            length = (size_t)(newline - stream->line.data) + 1;
        else if (!all && safe < PIECE_LENGTH_MAX)
            return;
        pass_piece(record, index, length);
        safe -= length;
    }
}

int64_t record_flush(struct record *record, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        struct record_stream *stream = &record->streams[i];
        if (stream->line.length == 0)
            continue;
        int64_t due_ms = stream->line_at_ms + LINE_QUIET_MS;
        size_t kept = redact_tail(stream->line.data, stream->line.length);
        if (due_ms > now_ms) {
            next_ms = due_ms < next_ms ? due_ms : next_ms;
        } else if (kept < stream->line.length) {
            redact_bytes(stream->line.data, stream->line.length);
            pass_piece(record, i, stream->line.length - kept);
        }
    }
    return next_ms;
}

/* ---- bytes in ------------------------------------------------------------------------------------------------------
 */

static void take_output(struct record *record, int index, const char *data, size_t length, int64_t now_ms)
{
    struct record_stream *stream = &record->streams[index];
    if (length == 0 || stream->segment < 0)
        return;
    struct record_segment *segment = &record->segments[stream->segment];
    struct buf *text = &segment->text[index];
    size_t room = RESULT_OUTPUT_MAX - text->length;
    if (length > room) {
        segment->truncated = true;
        length = room;
    }
    if (length == 0)
        return;
    size_t from = text->length;
    buf_add(text, data, length);
    for (size_t i = from; i < text->length; i++) {
        if (text->data[i] == '\0')
            text->data[i] = ' ';
    }
    if (segment->quiet)
        return;
    buf_add(&stream->line, text->data + from, length);
    stream->line_at_ms = now_ms;
    pass_lines(record, index, false);
}

static void segment_begins(struct record *record, int index, const char *text)
{
    unsigned number;
    unsigned count;
    char quiet = '\0';
    if (sscanf(text, "%u/%u%c", &number, &count, &quiet) < 2 || number >= count || count > RESULT_SEGMENTS_MAX)
        return;
    record->segment_count = count;
    record->segments[number].begun = true;
    record->segments[number].quiet = quiet == 'q';
    record->streams[index].segment = (int)number;
}

static void segment_ends(struct record *record, int index, const char *text)
{
    unsigned number;
    int exit_code;
    if (sscanf(text, "%u %d", &number, &exit_code) != 2 || number >= RESULT_SEGMENTS_MAX)
        return;
    pass_lines(record, index, true);
    record->segments[number].ended[index] = true;
    record->segments[number].exit_code = exit_code;
    record->streams[index].segment = -1;
}

static void take_marker(struct record *record, int index, const char *text)
{
    switch (text[0]) {
    case 'b': segment_begins(record, index, text + 1); break;
    case 'e': segment_ends(record, index, text + 1); break;
    case '!':
        record->refused = true;
        record->streams[0].ended = record->streams[1].ended = true;
        break;
    case 'x': record->streams[index].ended = true; break;
    default: break;
    }
}

/* How many bytes at the end of data could be the beginning of a marker. */
static size_t marker_tail(const char *data, size_t length, const char *marker, size_t marker_length)
{
    size_t most = length < marker_length - 1 ? length : marker_length - 1;
    for (size_t tail = most; tail > 0; tail--) {
        if (memcmp(data + length - tail, marker, tail) == 0)
            return tail;
    }
    return 0;
}

/* @return how many bytes at the end of data wait for more */
static size_t take_bytes(struct record *record, int index, const char *data, size_t length, int64_t now_ms)
{
    char marker[NONCE_LENGTH + 2];
    size_t marker_length = (size_t)snprintf(marker, sizeof(marker), "%s%c", record->key.text, index == 0 ? '1' : '2');
    while (length > 0) {
        const char *at = memmem(data, length, marker, marker_length);
        if (at == NULL) {
            size_t tail = marker_tail(data, length, marker, marker_length);
            take_output(record, index, data, length - tail, now_ms);
            return tail;
        }
        take_output(record, index, data, (size_t)(at - data), now_ms);
        length -= (size_t)(at - data);
        data = at;
        const char *end = memchr(data, '\n', length);
        if (end == NULL && length < MARKER_LENGTH_MAX)
            return length;
        if (end == NULL || end - data >= (ptrdiff_t)MARKER_LENGTH_MAX) {
            /* Not one of ours after all. */
            take_output(record, index, data, marker_length, now_ms);
            end = data + marker_length - 1;
        } else {
            char text[MARKER_LENGTH_MAX] = "";
            memcpy(text, data + marker_length, (size_t)(end - data) - marker_length);
            take_marker(record, index, text);
        }
        length -= (size_t)(end - data) + 1;
        data = end + 1;
    }
    return 0;
}

void record_feed(struct record *record, int index, const char *data, size_t length, int64_t now_ms)
{
    struct record_stream *stream = &record->streams[index];
    stream->offset += (int64_t)length;
    struct buf bytes = BUF_INIT;
    if (stream->hold.length > 0) {
        bytes = stream->hold;
        stream->hold = BUF_INIT;
        buf_add(&bytes, data, length);
        data = bytes.data;
        length = bytes.length;
    }
    size_t tail = take_bytes(record, index, data, length, now_ms);
    if (tail > 0)
        buf_add(&stream->hold, data + length - tail, tail);
    buf_wipe(&bytes);
}

void record_feed_at(struct record *record, int index, int64_t offset, const char *data, size_t length, int64_t now_ms)
{
    int64_t known = record->streams[index].offset - offset;
    if (known < 0 || known >= (int64_t)length)
        return;
    record_feed(record, index, data + known, length - (size_t)known, now_ms);
}

void record_feed_both(struct record *record, const char *data, size_t length, int64_t now_ms)
{
    char marker[NONCE_LENGTH + 2];
    int marker_length = snprintf(marker, sizeof(marker), "%s2", record->key.text);
    const char *second = memmem(data, length, marker, (size_t)marker_length);
    size_t first_length = second != NULL ? (size_t)(second - data) : length;
    record_feed_at(record, 0, 0, data, first_length, now_ms);
    if (second != NULL)
        record_feed_at(record, 1, 0, second, length - first_length, now_ms);
}

/* ---- what came of it -----------------------------------------------------------------------------------------------
 */

bool record_complete(const struct record *record)
{
    return record->streams[0].ended && record->streams[1].ended;
}

static void apply_codes(struct record *record, const char *codes)
{
    size_t index = 0;
    for (char *end; index < RESULT_SEGMENTS_MAX; index++) {
        long code = strtol(codes, &end, 10);
        if (end == codes)
            break;
        codes = end;
        struct record_segment *segment = &record->segments[index];
        segment->begun = true;
        segment->truncated = segment->truncated || !segment->ended[0] || !segment->ended[1];
        segment->ended[0] = segment->ended[1] = true;
        segment->exit_code = (int)code;
    }
    if (record->segment_count < index)
        record->segment_count = index;
}

void record_result(struct record *record, const char *codes, struct command_result *ret_result)
{
    for (int i = 0; i < 2; i++)
        pass_lines(record, i, true);
    apply_codes(record, codes);
    ret_result->number = record->number;
    ret_result->segment_count = record->segment_count;
    ret_result->segments = xcalloc(record->segment_count + 1, sizeof(*ret_result->segments));
    for (size_t i = 0; i < record->segment_count; i++) {
        struct record_segment *segment = &record->segments[i];
        if (!segment->begun)
            continue;
        ret_result->segments[i] =
            (struct segment_result){ segment->ended[0] || segment->ended[1], segment->exit_code,
                                     buf_steal(&segment->text[0]), buf_steal(&segment->text[1]), segment->truncated };
    }
}
