/* pipeline_file.h - for pipeline.c only: a pipeline's file as it is written, with the line of each part. Two readings
 * of one text: libcyaml checks it against the schema and fills the records; libyaml's document gives the lines, which
 * libcyaml forgets, so that every later complaint can name one too. */
#ifndef BERTH_CORE_PIPELINE_FILE_H
#define BERTH_CORE_PIPELINE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/util.h"

/* Texts are NULL when they are left out. The layout is libcyaml's: see the schema. */
struct raw_step {
    char *step, *action, *role, *lane, *when, *timeout, *label;
    bool each;
    int64_t weight;
    char **needs;
    uint32_t needs_count;
};

struct raw_pipeline {
    char *name, *mode;
    struct raw_step *steps;
    uint32_t step_count;
};

struct step_lines {
    size_t step;   /* where the step begins */
    size_t *needs; /* of each need */
};

struct pipeline_file {
    const char *path; /* not owned */
    char hash[65];
    struct raw_pipeline *raw;
    size_t name_line, mode_line;
    struct step_lines *lines; /* one for each of raw->steps */
    size_t line_count;
};

MUST_CHECK bool pipeline_file_read(const char *path, struct pipeline_file *ret_file, struct err *err);
void pipeline_file_finish(struct pipeline_file *file);
/** "<path>:<line>: ..." @return false, always */
bool pipeline_file_error(const char *path, size_t line, struct err *err, const char *format, ...) PRINTF_LIKE(4, 5);

#endif
