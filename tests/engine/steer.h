/* steer.h - what a test does to a company of its own: it orders, asks as the member of staff "ada", lets time pass until something has
 * come to its end, and looks. Whatever does not go as it should fails the test. */
#ifndef BERTH_TESTS_ENGINE_STEER_H
#define BERTH_TESTS_ENGINE_STEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "company.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)

/** One whose commands take 100 ms each; the caller's to end with company_destroy(). */
struct company *steer_company(void);
/** For cmocka: such a company is the test's state. */
int steer_open(void **state);
/** Also for other set-ups whose state is a company. */
int steer_close(void **state);

/* ---- orders and requests ---------------------------------------------------------------------------------------------- */

/** Order it and wait until it is live, an hour at most. @return the service's id */
int64_t order_live(struct company *company, const char *product, const char *domain);
/** @return the answered request, the caller's */
struct request *ask_operation(struct company *company, int64_t service_id, enum operation_kind kind);
/** @return the operation's id */
int64_t start_operation(struct company *company, int64_t service_id, enum operation_kind kind);
void set_setting(struct company *company, const char *name, const char *value);

/* These two end the request. */

/** @return its id */
int64_t expect_ok(struct request *request);
/** It must be refused as a conflict, with this in its sentence. */
void expect_refusal(struct request *request, const char *says);

/* ---- waiting and looking ---------------------------------------------------------------------------------------------- */

enum service_status status_of(struct company *company, int64_t service_id);
enum operation_state state_of(struct company *company, int64_t operation_id);
/** Until it does not run any more, an hour at most; then this must be its state. */
void pass_until(struct company *company, int64_t operation_id, enum operation_state state);

#endif
