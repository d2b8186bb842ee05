/* scan.h - asks new nodes for their host keys, in short-lived threads: a server that does not answer holds up nobody
 * else. Private to src/http. */
#ifndef BERTH_HTTP_SCAN_H
#define BERTH_HTTP_SCAN_H

#include "http/call.h"

#define SCAN_TIMEOUT_MS 8000
#define SCANS_MAX 8 /* at once */

/** HTTP thread: fill request->node.host_key, then go on as call_post(). Takes the request. */
void scan_then_post(struct call *call, struct request *request, void (*finish)(struct call *call));
/** HTTP thread: the same, but nothing is posted: finish() makes the answer from request->node.host_key. */
void scan_then_answer(struct call *call, struct request *request, void (*finish)(struct call *call));

#endif
