/* harness.h - what every test of core needs: cmocka with its own requirements, and two short checks that print the case. */
#ifndef BERTH_TESTS_CORE_HARNESS_H
#define BERTH_TESTS_CORE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/util.h"

/** A call that should fail with this sentence and field. */
static inline void expect_refusal(const char *name, bool ok, const struct err *err, const char *want_field,
                                  const char *want_msg)
{
    if (ok)
        fail_msg("%s: accepted; it should say \"%s\"", name, want_msg);
    if (strcmp(err->msg, want_msg) != 0)
        fail_msg("%s: says \"%s\", should say \"%s\"", name, err->msg, want_msg);
    if (strcmp(err->field, want_field) != 0)
        fail_msg("%s: field is \"%s\", should be \"%s\"", name, err->field, want_field);
}

static inline void expect_text(const char *name, const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s: got\n%s\nwant\n%s", name, got, want);
}

#endif
