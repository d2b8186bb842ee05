/* stories_dns.c - conversations about whole zones. See story.h for how to read them. */
#include "story.h"

#include "base/util.h"

/* clang-format off */
#define LOOK_ZONE "v-list-dns-domain acme acme.example json | "
#define LOOK_RECORDS "v-list-dns-records acme acme.example json | "
#define WRITE_ZONE \
    "v-insert-dns-domain acme * | 0\n" \
    "v-insert-dns-records acme acme.example {file} | 0\n" \
    "v-rebuild-dns-domain acme acme.example no | 0\n" \
    "v-list-user acme json | 0 | user.ours\n" LOOK_ZONE "0 | zone.ours\n" LOOK_RECORDS "0 | records.ours\n" \
    "--\n"

const struct story dns_zones[] = {
    { "a fresh zone is one round trip with three changes", "dns.zone", false, false,
      LOOK_ZONE "3\n"
      "v-search-domain-owner acme.example | 3\n" WRITE_ZONE
      "= done changed\n" },
    { "a zone that is there as wanted is left alone", "dns.zone", false, false,
      LOOK_ZONE "0 | zone.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_RECORDS "0 | records.ours\n"
      "--\n"
      "= done\n" },
    { "a zone with a record that differs is rewritten", "dns.zone", false, false,
      LOOK_ZONE "0 | zone.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_RECORDS "0 | records.wrong\n"
      "--\n" WRITE_ZONE
      "= done changed\n" },
    { "a zone with fewer records is rewritten", "dns.zone", false, false,
      LOOK_ZONE "0 | zone.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_RECORDS "0 | records.short\n"
      "--\n" WRITE_ZONE
      "= done changed\n" },
    { "an older serial is rewritten, so that all name servers agree", "dns.zone", false, false,
      LOOK_ZONE "0 | zone.old\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_RECORDS "0 | records.ours\n"
      "--\n" WRITE_ZONE
      "= done changed\n" },
    { "states b to d: after an unknown outcome what is listed is not trusted", "dns.zone", true, true,
      LOOK_ZONE "0 | zone.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_RECORDS "0 | records.ours\n"
      "--\n" WRITE_ZONE
      "= done changed\n" },
    { "a zone that another user has is not touched", "dns.zone", false, false,
      LOOK_ZONE "3\n"
      "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
      "--\n"
      "v-list-dns-domain bob acme.example json | 0 | zone.ours\n"
      "v-list-web-domain bob acme.example json | 3\n"
      "v-list-mail-domain bob acme.example json | 3\n"
      "--\n"
      "= conflict conflict.zone: acme.example belongs to user bob on this name server\n" },
    { "a name that the panel's search only thinks alike does not stop us", "dns.zone", false, false,
      LOOK_ZONE "3\n"
      "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
      "--\n"
      "v-list-dns-domain bob acme.example json | 0 | web.alike\n"
      "v-list-web-domain bob acme.example json | 3\n"
      "v-list-mail-domain bob acme.example json | 3\n"
      "--\n" WRITE_ZONE
      "= done changed\n" },
    { "our own web domain of that name does not stop us", "dns.zone", false, false,
      LOOK_ZONE "3\n"
      "v-search-domain-owner acme.example | 0 | \"acme\\n\"\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 0 | \"acme\\n\"\n"
      "--\n" WRITE_ZONE
      "= done changed\n" },
    { "a suspended zone is not written over", "dns.zone", false, false,
      LOOK_ZONE "0 | zone.suspended\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_RECORDS "0 | records.ours\n"
      "--\n"
      "= failed panel.suspended\n" },
    { "a zone in a user that is not ours", "dns.zone", false, false,
      LOOK_ZONE "0 | zone.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.other\n" LOOK_RECORDS "0 | records.ours\n"
      "--\n"
      "= conflict conflict.user\n" },
    { "a user that is missing", "dns.zone", false, false,
      LOOK_ZONE "3\n"
      "v-search-domain-owner acme.example | 3\n"
      "v-insert-dns-domain acme * | 3 | \"Error: user acme doesn't exist\\n\"\n"
      "--\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "= failed panel.missing: the panel user acme is not on the node\n" },
    { "20: bind did not take it", "dns.zone", false, false,
      LOOK_ZONE "3\n"
      "v-search-domain-owner acme.example | 3\n"
      "v-insert-dns-domain acme * | 0\n"
      "v-insert-dns-records acme acme.example {file} | 0\n"
      "v-rebuild-dns-domain acme acme.example no | 20 | \"Error: bind restart failed\\n\"\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_ZONE "0 | zone.ours\n" LOOK_RECORDS "0 | records.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= retry panel.restart: v-rebuild-dns-domain: bind restart failed\n" },
    { "records that did not arrive are counted", "dns.zone", false, false,
      LOOK_ZONE "3\n"
      "v-search-domain-owner acme.example | 3\n"
      "v-insert-dns-domain acme * | 0\n"
      "v-insert-dns-records acme acme.example {file} | 0\n"
      "v-rebuild-dns-domain acme acme.example no | 0\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_ZONE "0 | zone.ours\n" LOOK_RECORDS "0 | records.wrong\n"
      "--\n"
      "= retry panel.half-created: 3 of 4 records of acme.example read as wanted\n" },
};
const size_t dns_zones_count = ARRAY_LEN(dns_zones);
/* clang-format on */
