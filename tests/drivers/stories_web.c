/* stories_web.c - conversations about the web domain, its settings, the reload. See story.h for how to read them. */
#include "story.h"

#include "base/util.h"

/* clang-format off */
#define PKG "b0a1b2c-0000000007-x"
#define LOOK_WEB "v-list-web-domain acme acme.example json | "
#define ADD_WEB "v-add-web-domain acme acme.example '' no www.acme.example | "

const struct story web_domains[] = {
    { "a fresh domain is one round trip with one change, live after a reload", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "0\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "a domain that is there and ours is left alone", "web.domain", false, false,
      LOOK_WEB "0 | web.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done\n" },
    { "a domain of a user that is not ours is a conflict", "web.domain", false, false,
      LOOK_WEB "0 | web.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.other\n"
      "--\n"
      "= conflict conflict.user\n" },
    { "state h: after an unknown outcome a reload makes sure", "web.domain", true, true,
      LOOK_WEB "0 | web.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "state h in this attempt", "web.domain", true, false,
      LOOK_WEB "3\n" ADD_WEB "137\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "20: the domain is complete, the reload is a task of its own", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "20 | \"Error: apache2 restart failed\\n\"\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "0 and Error: the domain is written again before it is believed", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "0 | \"Error: directory was not created\\n\"\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "v-rebuild-web-domain acme acme.example no | 0\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "a domain that another user has", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "4 | \"Error: Web domain acme.example exists\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
      "find /home/acme/web/acme.example -xdev -type f | 1\n"
      "--\n"
      "v-list-dns-domain bob acme.example json | 3\n"
      "v-list-web-domain bob acme.example json | 0 | web.ours\n"
      "v-list-mail-domain bob acme.example json | 3\n"
      "--\n"
      "= conflict conflict.domain: acme.example belongs to user bob on this node\n" },
    { "a name that the panel's search only thinks alike is nobody's", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "4 | \"Error: Web alias acme.example exists\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
      "find /home/acme/web/acme.example -xdev -type f | 1\n"
      "--\n"
      "v-list-dns-domain bob acme.example json | 3\n"
      "v-list-web-domain bob acme.example json | 0 | web.alike\n"
      "v-list-mail-domain bob acme.example json | 3\n"
      "--\n"
      "= conflict conflict.domain: nobody owns acme.example, yet the panel says: Web alias acme.example exists\n" },
    { "states a to g: root removes the left-over directory", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "4 | \"Error: Web domain folder for acme.example should not exist\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 3\n"
      "find /home/acme/web/acme.example -xdev -type f | 0 | \"/home/acme/web/acme.example/public_html/index.html\\n"
      "/home/acme/web/acme.example/document_errors/404.html\\n\"\n"
      "--\n"
      LOOK_WEB "3\n"
      "rm -rf -- /home/acme/web/acme.example | 0\n" ADD_WEB "0\n"
      "v-update-user-counters acme | 0\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "states a to g right after the kill", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "137\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 3\n"
      "find /home/acme/web/acme.example -xdev -type f | 0 | \"\"\n"
      "--\n"
      LOOK_WEB "3\n"
      "rm -rf -- /home/acme/web/acme.example | 0\n" ADD_WEB "0\n"
      "v-update-user-counters acme | 0\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "a left-over directory with somebody's work in it stays", "web.domain", false, true,
      LOOK_WEB "3\n" ADD_WEB "4 | \"Error: Web domain folder for acme.example should not exist\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 3\n"
      "find /home/acme/web/acme.example -xdev -type f | 0 | \"/home/acme/web/acme.example/public_html/shop.php\\n\"\n"
      "--\n"
      "= conflict conflict.left-over: the directory that is left over holds somebody's files; rm -rf -- "
      "/home/acme/web/acme.example\n" },
    { "states a to g: without root a person gets the command", "web.domain", true, true,
      LOOK_WEB "3\n" ADD_WEB "4 | \"Error: Web domain folder for acme.example should not exist\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 3\n"
      "--\n"
      "= conflict conflict.left-over: Web domain folder for acme.example should not exist; rm -rf "
      "-- /home/acme/web/acme.example\n" },
    { "a limit is believed when the user is whole", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "8 | \"Error: WEB_DOMAINS limit is reached :: upgrade user package\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= failed panel.limit\n" },
    { "a limit is not believed when the user is half-created", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "8 | \"Error: WEB_DOMAINS limit is reached :: upgrade user package\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.half\n"
      "--\n"
      "= failed panel.missing: the panel user acme is only half-created\n" },
    { "no list of public suffixes: the node lacks something", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "3 | \"Error: public_suffix_list.dat not found\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= retry panel.incomplete: v-add-web-domain: public_suffix_list.dat not found\n" },
    { "5: a suspended user", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "5 | \"Error: user acme is suspended\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.suspended\n"
      "--\n"
      "= failed panel.suspended: user acme is suspended\n" },
    { "11: no web server on this node", "web.domain", false, false,
      LOOK_WEB "3\n" ADD_WEB "11 | \"Error: WEB_SYSTEM is not enabled\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= failed panel.disabled: v-add-web-domain: WEB_SYSTEM is not enabled\n" },
    { "a domain that is suspended is said", "web.domain", false, false,
      LOOK_WEB "0 | web.suspended\n"
      "--\n"
      "= failed panel.suspended\n" },
};
const size_t web_domains_count = ARRAY_LEN(web_domains);

const struct story web_settings[] = {
    { "settings that were born right need no change", "web.settings", false, false,
      "v-list-user acme json | 0 | user.ours\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done\n" },
    { "another PHP version is set and needs a reload", "web.settings", false, false,
      "v-list-user acme json | 0 | user.ours\n" LOOK_WEB "0 | web.default\n"
      "--\n"
      "v-change-web-domain-backend-tpl acme acme.example PHP-8_2 no | 0\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "limits and PHP in one round trip", "web.settings", false, false,
      "v-list-user acme json | 0 | user.old\n" LOOK_WEB "0 | web.default\n"
      "--\n"
      "v-change-user-package acme " PKG " | 0\n"
      "v-change-web-domain-backend-tpl acme acme.example PHP-8_2 no | 0\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_WEB "0 | web.ours\n"
      "--\n"
      "= done changed reload\n" },
    { "a PHP version that the node does not have", "web.settings", false, false,
      "v-list-user acme json | 0 | user.ours\n" LOOK_WEB "0 | web.default\n"
      "--\n"
      "v-change-web-domain-backend-tpl acme acme.example PHP-8_2 no | 3 | \"Error: PHP-8_2 backend template doesn't exist\\n\"\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_WEB "0 | web.default\n"
      "--\n"
      "= failed panel.missing: v-change-web-domain-backend-tpl: PHP-8_2 backend template doesn't exist\n" },
    { "a domain that somebody removed", "web.settings", false, false,
      "v-list-user acme json | 0 | user.ours\n" LOOK_WEB "3\n"
      "--\n"
      "= retry panel.gone\n" },
};
const size_t web_settings_count = ARRAY_LEN(web_settings);

const struct story web_reloads[] = {
    { "one round trip reloads all three", "web.reload", false, false,
      "v-restart-web-backend | 0\n"
      "v-restart-web | 0\n"
      "v-restart-proxy | 0\n"
      "--\n"
      "= done changed\n" },
    { "20: a configuration that something else broke is tried again, and named", "web.reload", false, false,
      "v-restart-web-backend | 0\n"
      "v-restart-web | 20 | \"Error: apache2 restart failed\\n\"\n"
      "v-restart-proxy | 0\n"
      "--\n"
      "= retry panel.restart: v-restart-web: apache2 restart failed\n" },
};
const size_t web_reloads_count = ARRAY_LEN(web_reloads);
/* clang-format on */
