/* pipeline_file.c - see pipeline_file.h. */
#include "core/pipeline_file.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "core/pipeline.h"

#define FILE_MAX (256U * 1024U)
#define NEEDS_MAX 64

/* ---- the schema ---- */

#define TEXT(key) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_step, key, 1, 100)

static const cyaml_schema_value_t need_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, 100),
};

/* Not libcyaml's truth values: with these, every other word is true. */
static const cyaml_strval_t truths[] = { { "false", false }, { "no", false }, { "true", true }, { "yes", true } };

/* What is left out is found by pipeline.c, which can say it better. */
static const cyaml_schema_field_t step_fields[] = {
    TEXT(step),
    TEXT(action),
    TEXT(role),
    TEXT(lane),
    TEXT(when),
    TEXT(timeout),
    TEXT(label),
    CYAML_FIELD_ENUM("each", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct raw_step, each, truths, ARRAY_LEN(truths)),
    CYAML_FIELD_INT("weight", CYAML_FLAG_OPTIONAL, struct raw_step, weight),
    CYAML_FIELD_SEQUENCE("needs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_step, needs, &need_schema, 0,
                         NEEDS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t step_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_step, step_fields),
};

static const cyaml_schema_field_t pipeline_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_pipeline, name, 1, 40),
    CYAML_FIELD_STRING_PTR("mode", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_pipeline, mode, 1, 40),
    { .key = "steps",
      .data_offset = offsetof(struct raw_pipeline, steps),
      .count_offset = offsetof(struct raw_pipeline, step_count),
      .count_size = sizeof(((struct raw_pipeline *)NULL)->step_count),
      .value = { CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_step, &step_schema, 0,
                                      PIPELINE_STEPS_MAX) } },
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t pipeline_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_pipeline, pipeline_fields),
};

/* ---- what libcyaml says ---- */

struct complaint {
    char text[200]; /* the first message */
    size_t line;    /* the first line of the backtrace: the innermost, where the mistake is */
};

static void complaint_log(cyaml_log_t level, void *context, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void complaint_log(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct complaint *complaint = context;
    char text[sizeof(complaint->text)];
    if (level != CYAML_LOG_ERROR)
        return;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    const char *line = strstr(text, "(line: ");
    if (line != NULL && complaint->line == 0)
        complaint->line = strtoul(line + strlen("(line: "), NULL, 10);
    const char *start = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
    if (complaint->text[0] == '\0')
        snprintf(complaint->text, sizeof(complaint->text), "%s", start);
}

static const cyaml_config_t *cyaml_config(struct complaint *complaint, cyaml_config_t *config)
{
    *config = (cyaml_config_t){
        .log_fn = complaint_log,
        .log_ctx = complaint,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    return config;
}

bool pipeline_file_error(const char *path, size_t line, struct err *err, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(err, ERR_INVALID, "%s:%zu: %s", path, line > 0 ? line : 1, text);
}

static bool raw_load(const char *path, const struct buf *text, struct raw_pipeline **ret_raw, struct err *err)
{
    struct complaint complaint = { 0 };
    cyaml_config_t config;
    cyaml_data_t *data = NULL;
    cyaml_err_t code = cyaml_load_data((const uint8_t *)buf_text(text), text->length, cyaml_config(&complaint, &config),
                                       &pipeline_schema, &data, NULL);
    if (code != CYAML_OK)
        return pipeline_file_error(path, complaint.line, err, "%s",
                                   complaint.text[0] != '\0' ? complaint.text : cyaml_strerror(code));
    *ret_raw = data;
    return true;
}

/* ---- lines ---- */

static const char *scalar_text(const yaml_node_t *node)
{
    return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

/* The value of a key of a mapping; NULL when there is none. */
static yaml_node_t *mapping_find(yaml_document_t *document, const yaml_node_t *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        if (strcmp(scalar_text(yaml_document_get_node(document, pair->key)), key) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

static bool field_is_known(const cyaml_schema_field_t *fields, const char *key)
{
    for (; fields->key != NULL; fields++) {
        if (strcmp(fields->key, key) == 0)
            return true;
    }
    return false;
}

/* libcyaml refuses unknown keys too, but names the line before; and of two equal keys it takes the last without a word,
 * while a pipeline that says two things says none. */
static bool mapping_check_keys(const char *path, yaml_document_t *document, const yaml_node_t *mapping,
                               const cyaml_schema_field_t *fields, struct err *err)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
        return true;
    yaml_node_pair_t *start = mapping->data.mapping.pairs.start;
    for (yaml_node_pair_t *pair = start; pair < mapping->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(document, pair->key);
        size_t line = key->start_mark.line + 1;
        if (!field_is_known(fields, scalar_text(key)))
            return pipeline_file_error(path, line, err, "unknown key %s", scalar_text(key));
        for (yaml_node_pair_t *before = start; before < pair; before++) {
            if (strcmp(scalar_text(key), scalar_text(yaml_document_get_node(document, before->key))) == 0)
                return pipeline_file_error(path, line, err, "key %s stands there twice", scalar_text(key));
        }
    }
    return true;
}

static size_t node_line(const yaml_node_t *node)
{
    return node != NULL ? node->start_mark.line + 1 : 1;
}

static void step_lines_fill(yaml_document_t *document, const yaml_node_t *step, struct step_lines *lines)
{
    lines->step = node_line(step);
    yaml_node_t *needs = mapping_find(document, step, "needs");
    if (needs == NULL || needs->type != YAML_SEQUENCE_NODE)
        return;
    yaml_node_item_t *start = needs->data.sequence.items.start;
    size_t count = (size_t)(needs->data.sequence.items.top - start);
    lines->needs = xcalloc(count + 1, sizeof(*lines->needs));
    for (size_t i = 0; i < count; i++)
        lines->needs[i] = node_line(yaml_document_get_node(document, start[i]));
}

static bool lines_fill(yaml_document_t *document, struct pipeline_file *file, struct err *err)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    if (root == NULL)
        return pipeline_file_error(file->path, 1, err, "the file is empty");
    if (!mapping_check_keys(file->path, document, root, pipeline_fields, err))
        return false;
    file->name_line = node_line(mapping_find(document, root, "name"));
    file->mode_line = node_line(mapping_find(document, root, "mode"));
    yaml_node_t *steps = mapping_find(document, root, "steps");
    if (steps == NULL || steps->type != YAML_SEQUENCE_NODE)
        return true; /* the schema will say so */
    yaml_node_item_t *start = steps->data.sequence.items.start;
    size_t count = (size_t)(steps->data.sequence.items.top - start);
    file->lines = xcalloc(count + 1, sizeof(*file->lines));
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *step = yaml_document_get_node(document, start[i]);
        file->line_count++;
        step_lines_fill(document, step, &file->lines[i]);
        if (!mapping_check_keys(file->path, document, step, step_fields, err))
            return false;
    }
    return true;
}

static bool lines_load(const struct buf *text, struct pipeline_file *file, struct err *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        return err_set(err, ERR_BUG, "no memory for a YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)buf_text(text), text->length);
    bool fine = yaml_parser_load(&parser, &document);
    if (fine) {
        fine = lines_fill(&document, file, err);
        yaml_document_delete(&document);
    } else {
        size_t line = parser.problem_mark.line + 1;
        pipeline_file_error(file->path, line, err, "not valid YAML: %s", parser.problem != NULL ? parser.problem : "?");
    }
    yaml_parser_delete(&parser);
    return fine;
}

/* ---- the file ---- */

static bool file_slurp(const char *path, struct buf *ret_text, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_IO, "open %s: %s", path, strerror(errno));
    char chunk[8192];
    size_t length = 0;
    while (ret_text->length <= FILE_MAX && (length = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(ret_text, chunk, length);
    bool broken = ferror(file) != 0;
    int code = errno;
    fclose(file);
    if (broken)
        return err_set(err, ERR_IO, "read %s: %s", path, strerror(code));
    if (ret_text->length > FILE_MAX)
        return err_set(err, ERR_TOO_LARGE, "%s is larger than %u KiB", path, FILE_MAX / 1024);
    return true;
}

bool pipeline_file_read(const char *path, struct pipeline_file *ret_file, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    struct pipeline_file file = { .path = path };
    if (!file_slurp(path, &text, err))
        return false;
    unsigned char hash[32];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)buf_text(&text), text.length, NULL, 0);
    sodium_bin2hex(file.hash, sizeof(file.hash), hash, sizeof(hash));
    if (!lines_load(&text, &file, err) || !raw_load(path, &text, &file.raw, err)) {
        pipeline_file_finish(&file);
        return false;
    }
    *ret_file = file;
    return true;
}

void pipeline_file_finish(struct pipeline_file *file)
{
    struct complaint complaint = { 0 };
    cyaml_config_t config;
    cyaml_free(cyaml_config(&complaint, &config), &pipeline_schema, file->raw, 0);
    for (size_t i = 0; i < file->line_count; i++)
        free(file->lines[i].needs);
    free(file->lines);
    *file = (struct pipeline_file){ 0 };
}
