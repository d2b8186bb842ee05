/* probe_records.h - DNS records in the one text form that probes print (see probe.h). Names are lower-case with a final
 * dot, so that two servers that hold the same answer print the same text. */
#ifndef BERTH_TRANSPORT_PROBE_RECORDS_H
#define BERTH_TRANSPORT_PROBE_RECORDS_H

#include <stddef.h>

#include "base/buf.h"

/** Bytes as a record's text shows them: printable ASCII as it is, a backslash doubled, all others as \DDD. */
void probe_text_add(struct buf *text, const void *bytes, size_t length);

/** `record NAME TTL TYPE RDATA` and a line break; `record` is an ldns_rr. (void: keep ldns out of who only prints) */
void probe_record_add(struct buf *text, const void *record);

#endif
