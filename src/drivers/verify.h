/* verify.h - the pieces of the verify driver, which looks at a service from outside, as its customer would. Internal to
 * it; the driver itself is declared in driver.h. The words in which looks are asked and answered are those of
 * transport/probe.h.
 *
 * A look that comes right after a reload may be a moment too early, so each action looks again within one attempt, with
 * growing pauses, before it ends in VERDICT_RETRY with what it waits for. */
#ifndef BERTH_DRIVERS_VERIFY_H
#define BERTH_DRIVERS_VERIFY_H

#include "base/buf.h"
#include "drivers/driver.h"

#define VERIFY_LOOKS_MAX 40
#define VERIFY_SPENT_MS_MAX 8000 /* pauses and looks of one attempt together */

/* ---- looks (verify.c) ----------------------------------------------------------------------------------------------
 */

/** The command of look number `look`, from 0: with a pause in front from the second one on. */
struct command *verify_look(size_t look);
/** What a look returned, without its pause; *ret_count of them. */
const struct segment_result *verify_seen(const struct command_result *result, size_t look, size_t *ret_count);
/** Whether there is room for another look after these. */
bool verify_may_look_again(const struct command_result *results, size_t look_count);
/** The value of `key VALUE` among the facts that a look printed; false when there is no such line. */
bool verify_fact(const char *facts, const char *key, char *ret_value, size_t size);
/** The first line of a text, or "no reason given". */
void verify_first_line(const char *text, char *ret_line, size_t size);

/* ---- records (verify_record.c) -------------------------------------------------------------------------------------
 */

/** The name of a zone's record in full, lower-case, with a final dot: "@", "www" and "www.example.com." are understood.
 */
void verify_record_name(struct buf *text, const char *name, const char *zone);
/** What a record should hold, in the form in which a probe prints it. */
void verify_record_wanted(struct buf *text, const struct zone_record *record, const char *zone);
/** What a probe printed, so that it can be compared with the above byte by byte. */
void verify_record_seen(struct buf *text, const char *type, const char *data);

/* ---- actions -------------------------------------------------------------------------------------------------------
 */

void verify_web_next(const struct step *step, const struct command_result *results, size_t count, struct move *move);
void verify_dns_next(const struct step *step, const struct command_result *results, size_t count, struct move *move);
void verify_mail_next(const struct step *step, const struct command_result *results, size_t count, struct move *move);

#endif
