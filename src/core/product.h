/* product.h - what a product sells (its spec) and what one order asks for (its options): JSON in, plain data out, and
 * the canonical JSON that is stored. On failure *err is ERR_INVALID, its field a path such as "web.disk_mb". */
#ifndef BERTH_CORE_PRODUCT_H
#define BERTH_CORE_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/util.h"

#define PRODUCT_UNLIMITED (-1)

/* Limits: -1 is unlimited (in JSON -1 or "unlimited"). Behind each: what a field that is left out means. */
struct web_spec {
    int64_t disk_mb;      /* unlimited; 0: the role is left out */
    int64_t bandwidth_mb; /* per month; unlimited */
    int64_t domains;      /* 1; 0: the role is left out */
    int64_t aliases;      /* unlimited */
    int64_t databases;    /* unlimited */
    int64_t cron_jobs;    /* unlimited */
    int64_t backups;      /* 3; the panel knows no unlimited here */
    char *php;            /* "8.2", or "" for the node's default */
};

struct mail_spec {
    int64_t disk_mb;       /* unlimited; 0: the role is left out */
    int64_t domains;       /* 1; 0: the role is left out */
    int64_t accounts;      /* unlimited; 0: the role is left out */
    int64_t rate_per_hour; /* 200; the panel knows no unlimited here */
    char *mailbox;         /* local part of the first mailbox; "": none unless the order asks for one */
};

struct dns_spec {
    int64_t domains;     /* 1; 0: the role is left out */
    int64_t records;     /* unlimited; 0: the role is left out */
    char *zone_template; /* JSON "template"; "default" */
    int64_t ttl;         /* seconds; 14400 */
};

struct product_spec {
    unsigned roles; /* ROLE_BIT()s that are sold; the specs of others hold zeros and "" */
    struct web_spec web;
    struct mail_spec mail;
    struct dns_spec dns;
    bool customer_retry; /* true; the customer may try again himself what has failed */
};

/** @param ret_spec the caller's to finish; as it was on failure. A spec without any role is refused. */
MUST_CHECK bool product_spec_parse(const char *json, struct product_spec *ret_spec, struct err *err);
void product_spec_finish(struct product_spec *spec);
/** The form that is stored: every field written out, sorted, roles that are not sold left out. @param ret_json to be
 * freed */
MUST_CHECK bool product_spec_canonical(const char *json, char **ret_json, struct err *err);

#define MAILBOX_LENGTH_MAX 64

/* What one order chooses; what it leaves open is already filled in from the product. */
struct order_options {
    char *mailbox;            /* local part, [a-z0-9._-]{1,64}; "": no mailbox */
    int64_t mailbox_quota_mb; /* -1: unlimited */
    char *php;                /* "8.2" or "" */
};

/**
 * {"mailbox": "info" | null, "mailbox_quota_mb": 500 | "unlimited", "php": "8.2"}; each may be left out. null or "" as
 * mailbox refuses the product's one. Fields are named "options.mailbox".
 * @param json  NULL and "" are like {}
 */
MUST_CHECK bool order_options_parse(const char *json, const struct product_spec *spec,
                                    struct order_options *ret_options, struct err *err);
/** The form that is stored with the service; parsing it again gives the same. To be freed. */
char *order_options_canonical(const struct order_options *options);
void order_options_finish(struct order_options *options);

#endif
