/* zone_template.h - the text that a service's DNS zone is made from.
 *
 * One record a line:   NAME [TTL] TYPE [PRIORITY] VALUE
 *   NAME      @ for the domain itself, else a name under it: www, mail._domainkey, _imaps._tcp
 *   TTL       seconds; left out: the zone's
 *   TYPE      A AAAA CNAME NS MX TXT SRV CAA
 *   PRIORITY  MX and SRV only
 *   VALUE     the rest of the line. TXT without quotes, whatever its length. Host names are always whole names (never
 *             relative to the zone), with or without the dot at the end. SRV: WEIGHT PORT TARGET. CAA: 0 issue
 * "ca.example" Empty lines and lines that begin with # are comments (a # later in a line belongs to the value).
 *
 * Placeholders, in NAME and VALUE: {domain} {server_ip} {server_ip6} {mail_server_ip} {mail_server_ip6}
 * {mail_server_hostname} {ns1}..{ns8} {domainkey} {service_id} {client_id}. A record with a placeholder that is empty
 * is left out. {?name} stands for nothing, but leaves the record out when {name} is empty: for records that make sense
 * only with a role, such as `ftp CNAME {?server_ip}{domain}`. */
#ifndef BERTH_CORE_ZONE_TEMPLATE_H
#define BERTH_CORE_ZONE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/util.h"
#include "core/zone.h"

#define ZONE_NS_MAX 8
#define ZONE_RECORDS_MAX 500
#define ZONE_TEMPLATE_MAX (64U * 1024U)

/* NULL is like "". */
struct zone_values {
    const char *domain;
    const char *server_ip, *server_ip6;           /* of the web node */
    const char *mail_server_ip, *mail_server_ip6; /* of the mail node */
    const char *mail_server_hostname;
    const char *ns[ZONE_NS_MAX];
    const char *domainkey; /* the whole TXT value: "v=DKIM1; k=rsa; p=..." */
    const char *service_id;
    const char *client_id;
};

struct zone_rendered {
    struct zone_record *records; /* their texts are owned */
    int64_t *ttls;               /* of each record; 0: the zone's */
    size_t record_count;
};

/** Whether every line can be rendered. @return false with ERR_INVALID, field "template": "line 3: ..." */
MUST_CHECK bool zone_template_check(const char *text, struct err *err);

/** In the order of the lines. @param ret_zone the caller's to finish; as it was on failure */
MUST_CHECK bool zone_template_render(const char *text, const struct zone_values *values, struct zone_rendered *ret_zone,
                                     struct err *err);
void zone_rendered_finish(struct zone_rendered *zone);

/** Append a TXT value as a zone file has it: "..." "..." with at most 255 bytes each, quotes and backslashes escaped
 * (an escape counts as the one byte that it stands for and is never torn), other than printable ASCII as \DDD. */
void zone_txt_split(const char *value, struct buf *ret);

#endif
