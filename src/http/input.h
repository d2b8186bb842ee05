/* input.h - reading what a client sent, strictly: a JSON object whose fields are all known, of the right type and within
 * their limits. Every refusal names the field and says why. Texts that come back point into the JSON. */
#ifndef BERTH_HTTP_INPUT_H
#define BERTH_HTTP_INPUT_H

#include <jansson.h>

#include "core/staff.h"
#include "problem.h"

/** Parse a JSON object; twice the same field is refused. @param ret_root the caller's to json_decref() */
MUST_CHECK bool input_parse(const char *data, size_t length, json_t **ret_root, struct problem *problem);

/** A JSON object inside the body, and what its fields are called in messages. */
struct input {
    const json_t *object;
    const char *prefix; /* "client." or "" */
};

/** Refuse fields that are not in the list (NULL-terminated); the nearest known one is suggested. */
MUST_CHECK bool input_known(struct input input, const char *const *known, struct problem *problem);

enum input_need { INPUT_OPTIONAL, INPUT_REQUIRED };
/** Text of 1..max bytes (an optional one may be absent, null or empty: *ret_text is "" then); no control characters. */
MUST_CHECK bool input_text(struct input input, const char *field, enum input_need need, size_t max,
                           const char **ret_text, struct problem *problem);
/** A name as name_check() says, with a letter in it (so that it is never taken for an id). */
MUST_CHECK bool input_name(struct input input, const char *field, const char **ret_name, struct problem *problem);
/** A whole number; *ret_number is left alone when the field is absent. */
MUST_CHECK bool input_int(struct input input, const char *field, int64_t low, int64_t high, int64_t *ret_number,
                          struct problem *problem);
/** *ret_object NULL when absent. */
MUST_CHECK bool input_object(struct input input, const char *field, enum input_need need, json_t **ret_object,
                             struct problem *problem);
/** A list of texts; *ret_list NULL when absent. */
MUST_CHECK bool input_text_list(struct input input, const char *field, enum input_need need, size_t max,
                                const json_t **ret_list, struct problem *problem);
/** An e-mail address that mail programs and the panel accept. */
MUST_CHECK bool input_email(struct input input, const char *field, const char **ret_email, struct problem *problem);

/** A role of staff in the field "role". @param ret_given whether it is there */
MUST_CHECK bool input_role(struct input input, enum input_need need, bool *ret_given, enum staff_role *ret_role,
                           struct problem *problem);

/** The entry of a NULL-terminated list that a mistyped word is nearest to, or NULL when none is near. */
const char *input_nearest(const char *word, const char *const *known);
/** A decimal number > 0 and nothing else. */
MUST_CHECK bool input_parse_id(const char *text, int64_t *ret_id);

#endif
