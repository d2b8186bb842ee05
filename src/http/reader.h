/* reader.h - a thread that answers, one call after the other: the one for reads has a read-only connection to the database of its
 * own. Private to src/http. */
#ifndef BERTH_HTTP_READER_H
#define BERTH_HTTP_READER_H

#include "http/call.h"

struct reader;

/** @param store  the reader's from here on; NULL: its routes need none */
struct reader *reader_create(struct store *store);
/** HTTP thread: handle this sleeping call; it is woken when its answer is ready. */
void reader_push(struct reader *reader, struct call *call);
/** Ends the thread after the read that it is doing; calls that still wait are woken without an answer. */
void reader_stop(struct reader *reader);
void reader_destroy(struct reader *reader); /* after reader_stop(); NULL is allowed */

#endif
