/* input.c - see input.h. */
#include "input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/domain.h"

#define WORD_MAX 64

bool input_parse(const char *data, size_t length, json_t **ret_root, struct problem *problem)
{
    if (length == 0)
        return problem_set(problem, PROBLEM_NOT_JSON, "", "the body is empty: a JSON object is needed");
    json_error_t error;
    json_t *root = json_loadb(data, length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return problem_set(problem, PROBLEM_NOT_JSON, "", "the body is not JSON: line %d, column %d: %s", error.line,
                           error.column, error.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return problem_set(problem, PROBLEM_WRONG_TYPE, "", "the body must be a JSON object");
    }
    *ret_root = root;
    return true;
}

/* How many letters must be put in, taken out or exchanged to make one word of the other (Levenshtein). */
static size_t edit_distance(const char *left, const char *right)
{
    size_t left_length = strlen(left), right_length = strlen(right);
    if (left_length > WORD_MAX || right_length > WORD_MAX)
        return SIZE_MAX;
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= right_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= left_length; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= right_length; j++) {
            size_t best = corner + (left[i - 1] != right[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[right_length];
}

const char *input_nearest(const char *word, const char *const *known)
{
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    for (size_t i = 0; known[i] != NULL; i++) {
        size_t distance = edit_distance(word, known[i]);
        size_t near = strlen(known[i]) / 3 + 1; /* "nme" is near "name"; "foo" is near nothing */
        if (distance <= near && distance < nearest_distance) {
            nearest = known[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}

static const char *full_name(struct input input, const char *field, char name[WORD_MAX])
{
    snprintf(name, WORD_MAX, "%s%s", input.prefix, field);
    return name;
}

static bool is_known(const char *key, const char *const *known)
{
    for (size_t i = 0; known[i] != NULL; i++) {
        if (strcmp(key, known[i]) == 0)
            return true;
    }
    return false;
}

static bool refuse_unknown(struct input input, const char *key, const char *const *known, struct problem *problem)
{
    char name[WORD_MAX];
    full_name(input, key, name);
    const char *nearest = input_nearest(key, known);
    if (nearest != NULL)
        return problem_set(problem, PROBLEM_UNKNOWN_FIELD, name, "the field %s is not known: did you mean %s%s", name,
                           input.prefix, nearest);
    struct buf list = BUF_INIT;
    for (size_t i = 0; known[i] != NULL; i++)
        buf_addf(&list, "%s%s", i == 0 ? "" : ", ", known[i]);
    problem_set(problem, PROBLEM_UNKNOWN_FIELD, name, "the field %s is not known: known are %s", name, buf_text(&list));
    buf_finish(&list);
    return false;
}

bool input_known(struct input input, const char *const *known, struct problem *problem)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)input.object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)input.object, at)) {
        const char *key = json_object_iter_key(at);
        if (!is_known(key, known))
            return refuse_unknown(input, key, known, problem);
    }
    return true;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "a text";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "something else";
}

/* Sets *ret_value to NULL when the field is absent or null and may be. */
static bool take(struct input input, const char *field, enum input_need need, const json_t **ret_value,
                 struct problem *problem)
{
    const json_t *value = json_object_get(input.object, field);
    char name[WORD_MAX];
    if ((value == NULL || json_is_null(value)) && need == INPUT_REQUIRED)
        return problem_set(problem, PROBLEM_MISSING_FIELD, full_name(input, field, name), "the field %s%s is missing",
                           input.prefix, field);
    *ret_value = json_is_null(value) ? NULL : value;
    return true;
}

static bool refuse_type(struct input input, const char *field, const json_t *value, const char *wanted,
                        struct problem *problem)
{
    char name[WORD_MAX];
    return problem_set(problem, PROBLEM_WRONG_TYPE, full_name(input, field, name), "%s%s must be %s, not %s",
                       input.prefix, field, wanted, type_name(value));
}

static bool check_text(struct input input, const char *field, const char *text, size_t length, size_t max,
                       struct problem *problem)
{
    char name[WORD_MAX];
    if (length > max)
        return problem_set(problem, PROBLEM_BAD_VALUE, full_name(input, field, name),
                           "%s%s is too long: %zu bytes, at most %zu", input.prefix, field, length, max);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return problem_set(problem, PROBLEM_BAD_VALUE, full_name(input, field, name),
                               "%s%s holds a control character at position %zu", input.prefix, field, i + 1);
    }
    return true;
}

bool input_text(struct input input, const char *field, enum input_need need, size_t max, const char **ret_text,
                struct problem *problem)
{
    const json_t *value = NULL;
    if (!take(input, field, need, &value, problem))
        return false;
    if (value == NULL) {
        *ret_text = "";
        return true;
    }
    if (!json_is_string(value))
        return refuse_type(input, field, value, "a text", problem);
    const char *text = json_string_value(value);
    char name[WORD_MAX];
    if (need == INPUT_REQUIRED && text[0] == '\0')
        return problem_set(problem, PROBLEM_BAD_VALUE, full_name(input, field, name), "%s%s is empty", input.prefix,
                           field);
    if (!check_text(input, field, text, json_string_length(value), max, problem))
        return false;
    *ret_text = text;
    return true;
}

bool input_name(struct input input, const char *field, const char **ret_name, struct problem *problem)
{
    const char *text = "";
    if (!input_text(input, field, INPUT_REQUIRED, NAME_LENGTH_MAX, &text, problem))
        return false;
    char name[WORD_MAX];
    full_name(input, field, name);
    struct err err;
    if (!name_check(text, name, &err))
        return problem_from_err(problem, &err);
    if (strpbrk(text, "abcdefghijklmnopqrstuvwxyz") == NULL)
        return problem_set(problem, PROBLEM_BAD_VALUE, name, "%s needs at least one letter, so that it is no id", name);
    *ret_name = text;
    return true;
}

bool input_role(struct input input, enum input_need need, bool *ret_given, enum staff_role *ret_role,
                struct problem *problem)
{
    const char *text = "";
    if (!input_text(input, "role", need, WORD_MAX, &text, problem))
        return false;
    *ret_given = text[0] != '\0';
    if (!*ret_given || staff_role_parse(text, ret_role))
        return true;
    return problem_set(problem, PROBLEM_BAD_VALUE, "role", "role must be viewer, operator or owner, not \"%s\"", text);
}

bool input_int(struct input input, const char *field, int64_t low, int64_t high, int64_t *ret_number,
               struct problem *problem)
{
    const json_t *value = NULL;
    if (!take(input, field, INPUT_OPTIONAL, &value, problem))
        return false;
    if (value == NULL)
        return true;
    if (!json_is_integer(value))
        return refuse_type(input, field, value, "a whole number", problem);
    int64_t number = json_integer_value(value);
    char name[WORD_MAX];
    if (number < low || number > high)
        return problem_set(problem, PROBLEM_BAD_VALUE, full_name(input, field, name),
                           "%s%s must be between %" PRId64 " and %" PRId64 ", not %" PRId64, input.prefix, field, low,
                           high, number);
    *ret_number = number;
    return true;
}

bool input_object(struct input input, const char *field, enum input_need need, json_t **ret_object,
                  struct problem *problem)
{
    const json_t *value = NULL;
    if (!take(input, field, need, &value, problem))
        return false;
    if (value != NULL && !json_is_object(value))
        return refuse_type(input, field, value, "an object", problem);
    *ret_object = value == NULL ? NULL : json_object_get(input.object, field);
    return true;
}

bool input_text_list(struct input input, const char *field, enum input_need need, size_t max, const json_t **ret_list,
                     struct problem *problem)
{
    const json_t *value = NULL;
    if (!take(input, field, need, &value, problem))
        return false;
    *ret_list = value;
    if (value == NULL)
        return true;
    if (!json_is_array(value))
        return refuse_type(input, field, value, "a list of texts", problem);
    char name[WORD_MAX];
    size_t count = json_array_size(value);
    if (count > max || (count == 0 && need == INPUT_REQUIRED))
        return problem_set(problem, PROBLEM_BAD_VALUE, full_name(input, field, name),
                           "%s%s must have between %d and %zu entries, not %zu", input.prefix, field,
                           need == INPUT_REQUIRED, max, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(value, i);
        if (!json_is_string(entry))
            return refuse_type(input, field, entry, "a list of texts", problem);
    }
    return true;
}

bool input_email(struct input input, const char *field, const char **ret_email, struct problem *problem)
{
    const char *email = "";
    if (!input_text(input, field, INPUT_REQUIRED, EMAIL_LENGTH_MAX, &email, problem))
        return false;
    struct err err;
    char name[WORD_MAX];
    if (!email_check(email, &err))
        return problem_set(problem, PROBLEM_BAD_VALUE, full_name(input, field, name), "%s%s: %s", input.prefix, field,
                           err.msg);
    *ret_email = email;
    return true;
}

bool input_parse_id(const char *text, int64_t *ret_id)
{
    int64_t id = 0;
    if (*text == '\0' || *text == '0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(id, 10, &id) ||
            __builtin_add_overflow(id, *text - '0', &id))
            return false;
    }
    *ret_id = id;
    return true;
}
