/* zone.h - the records of a DNS zone as people write them; what a zone template renders to and a driver makes true. */
#ifndef BERTH_CORE_ZONE_H
#define BERTH_CORE_ZONE_H

#include <stddef.h>
#include <stdint.h>

struct zone_record {
    const char *name;  /* "@", "www", "mail._domainkey" */
    const char *type;  /* "A", "MX", ... */
    int priority;      /* MX and SRV; else 0 */
    const char *value; /* as a person writes it: targets with or without final dot, TXT without quotes */
};

struct zone {
    const struct zone_record *records;
    size_t record_count;
    const char *soa; /* the zone's primary name server */
    const char *ip;  /* the address that the panel shows for the zone */
    int64_t ttl;
    int64_t serial; /* ours: the same on every name server */
};

#endif
