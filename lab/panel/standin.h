/* standin.h - how a stand-in node differs from a real one: its pace and the faults injected into it, from
 * conf/standin.conf (a line each; '#' begins a comment). BERTH_PANEL_PACE and BERTH_PANEL_KILL in the environment come
 * on top. Without the file: no delays, no faults.
 *
 *   pace=none                     as fast as the machine can
 *   pace=fixed MS                 each changing command (restarts too) lasts MS in all; lists nothing extra
 *   pace=recorded [FACTOR]        each command lasts about as long as it was seen to on a fresh node, times FACTOR
 *   fail=COMMAND:EXIT[:COUNT]     the next COUNT calls (default: all) end with that exit code before doing anything
 *   hang=COMMAND:SECONDS[:COUNT]  waits before the work
 *   chatter=COMMAND:LINES:MS      prints LINES lines, one each MS milliseconds, before the work
 *   kill=POINT[:COUNT]            SIGKILL at the named point
 * A COUNT is counted down in the file. */
#ifndef BERTH_LAB_PANEL_STANDIN_H
#define BERTH_LAB_PANEL_STANDIN_H

#include "panel.h"

struct standin;

/** Never fails: a line that cannot be read is ignored. @param host stays in use until standin_destroy() */
struct standin *standin_create(struct panel_host *host, const char *text);
void standin_destroy(struct standin *standin);

/** Begin the outermost command. */
void standin_begin(struct standin *standin, bool is_changing, unsigned nominal_ms);
/** So much of the nominal time has passed; sleeps so that the pace is kept. */
void standin_work(struct standin *standin, unsigned ms, struct buf *out, struct buf *err);
/** The outermost command ends: sleeps what is left of it. */
void standin_end(struct standin *standin, struct buf *out, struct buf *err);
/** The exit code that this call must fail with; 0: none. */
int standin_failure(struct standin *standin, const char *command);
/** Hang and chatter, if any. */
void standin_before(struct standin *standin, const char *command, struct buf *out, struct buf *err);
bool standin_kills(struct standin *standin, const char *point);

#endif
