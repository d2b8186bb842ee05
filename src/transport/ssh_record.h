/* ssh_record.h - a command's output as it comes in from a node: markers taken out, segments kept apart, lines handed on
 * for the log, and the result in the end. Knows nothing of connections. */
#ifndef BERTH_TRANSPORT_SSH_RECORD_H
#define BERTH_TRANSPORT_SSH_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "transport/ssh_script.h"
#include "transport/transport.h"

struct record_stream {
    struct buf hold;    /* bytes that may be the beginning of a marker */
    int64_t offset;     /* bytes of the file taken so far, hold included */
    int segment;        /* the one whose output this is now; -1: none */
    bool ended;         /* the last marker has been seen */
    struct buf line;    /* output of `segment` that waits for the end of its line */
    int64_t line_at_ms; /* when its last byte came */
};

struct record_segment {
    bool begun, quiet, truncated;
    bool ended[2]; /* seen on stdout, on stderr: on a full disk one may be missing */
    int exit_code;
    struct buf text[2]; /* stdout, stderr */
};

/** Takes over data (heap). stream: 1 stdout, 2 stderr. */
typedef void record_output_fn(void *context, unsigned segment, int stream, char *data, size_t length);

struct record {
    unsigned number;
    char name[RECORD_NAME_MAX]; /* of its files on the node */
    struct nonce key;
    size_t segment_count; /* 0 until it is known */
    struct record_segment segments[RESULT_SEGMENTS_MAX];
    struct record_stream streams[2];
    bool refused; /* a look whose input files could not be made: nothing has run */
    record_output_fn *output;
    void *context;
};

void record_init(struct record *record, unsigned number, const struct nonce *key, record_output_fn *output,
                 void *context);
void record_finish(struct record *record); /* wipes: output may hold secrets */

/** The next bytes of a stream (0 stdout, 1 stderr). */
void record_feed(struct record *record, int stream, const char *data, size_t length, int64_t now_ms);
/** Bytes that begin at `offset` of the stream; what is known already is left out, a gap is ignored. */
void record_feed_at(struct record *record, int stream, int64_t offset, const char *data, size_t length, int64_t now_ms);
/** Both output files of an answer in one piece; where the second begins shows its first marker. */
void record_feed_both(struct record *record, const char *data, size_t length, int64_t now_ms);
/** Hand on what has waited for the end of its line for long enough. @return when to call again, or INT64_MAX */
int64_t record_flush(struct record *record, int64_t now_ms);
bool record_complete(const struct record *record);
/**
 * The segments, moved out of the record.
 * @param codes "0 3 0": exit codes that the node kept beside the output, for when the output could not be written; or
 * ""
 */
void record_result(struct record *record, const char *codes, struct command_result *ret_result);

#endif
