/* test_hestia_conversations.c - whole conversations of every action of the HestiaCP driver, as stories (story.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "drivers/hestia.h"
#include "story.h"

/* clang-format off */
#define PKG "b0a1b2c-0000000007-x"
#define ADD_USER "v-add-user acme {file} info@acme.example " PKG " 'Acme Ltd' | "

static const struct story packages[] = {
    { "a fresh package is one round trip with one change", "web.package", false, false,
      "v-list-user-package " PKG " json | 3 | \"Error: package doesn't exist\"\n"
      "v-add-user-package {file} " PKG " | 0\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "--\n"
      "= done changed\n" },
    { "a package that is there as wanted is left alone", "web.package", false, false,
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "--\n"
      "= done\n" },
    { "a package of an older product is written over", "mail.package", false, false,
      "v-list-user-package " PKG " json | 0 | package.old\n"
      "--\n"
      "v-add-user-package {file} " PKG " yes | 0\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "--\n"
      "= done changed\n" },
    { "a package that does not take what is written is a conflict", "dns.package", false, false,
      "v-list-user-package " PKG " json | 0 | package.old\n"
      "--\n"
      "v-add-user-package {file} " PKG " yes | 0\n"
      "v-list-user-package " PKG " json | 0 | package.old\n"
      "--\n"
      "= conflict conflict.package: package " PKG " keeps DISK_QUOTA='5' after it was written\n" },
    { "a PHP version that the node does not have is said in the panel's words", "web.package", false, false,
      "v-list-user-package " PKG " json | 3 | \"Error: no\"\n"
      "v-add-user-package {file} " PKG " | 3 | \"Error: PHP-9_9 backend template doesn't exist\\n\"\n"
      "v-list-user-package " PKG " json | 3 | \"Error: no\"\n"
      "--\n"
      "= failed panel.missing: v-add-user-package: PHP-9_9 backend template doesn't exist\n" },
    { "without root nothing is said", "web.package", true, false,
      "v-list-user-package " PKG " json | 0 | \"\"\n"
      "--\n"
      "= failed panel.no-root\n" },
    { "sudo that refuses is not a usage error", "web.package", true, false,
      "v-list-user-package " PKG " json | 1 | \"\"\n"
      "--\n"
      "= failed panel.no-root\n" },
    { "a node without the panel", "web.package", false, false,
      "v-list-user-package " PKG " json | 127\n"
      "--\n"
      "= failed panel.no-command\n" },
    { "a list that is not JSON is tried again later", "web.package", false, false,
      "v-list-user-package " PKG " json | 0 | \"{ oops\"\n"
      "--\n"
      "= retry panel.unreadable: v-list-user-package: its answer is not valid JSON\n" },
};

static const struct story users[] = {
    { "a fresh user is one round trip with one change", "web.user", false, false,
      "v-list-user acme json | 3\n" ADD_USER "0\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed\n" },
    { "a user that is there and ours is left alone", "web.user", true, false,
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done\n" },
    { "a backslash in the user's own name does not lock us out", "dns.user", false, false,
      "v-list-user acme json | 0 | user.backslash\n"
      "--\n"
      "= done\n" },
    { "somebody else's user is a conflict", "mail.user", false, false,
      "v-list-user acme json | 0 | user.other\n"
      "--\n"
      "= conflict conflict.user: user acme has package small, not our " PKG "\n" },
    { "a suspended user is said", "mail.user", false, false,
      "v-list-user acme json | 0 | user.suspended\n"
      "--\n"
      "= failed panel.suspended\n" },
    { "a user with an older product's limits gets the new ones", "dns.user", false, false,
      "v-list-user acme json | 0 | user.old\n"
      "--\n"
      "v-change-user-package acme " PKG " | 0\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed\n" },
    { "a package said to be too small is believed after counting anew", "dns.user", false, false,
      "v-list-user acme json | 0 | user.old\n"
      "--\n"
      "v-change-user-package acme " PKG " | 8 | \"Error: Package doesn't cover WEB_DOMAIN usage\\n\"\n"
      "v-list-user acme json | 0 | user.old\n"
      "--\n"
      "v-update-user-counters acme | 0\n"
      "v-change-user-package acme " PKG " | 8 | \"Error: Package doesn't cover WEB_DOMAIN usage\\n\"\n"
      "v-list-user acme json | 0 | user.old\n"
      "--\n"
      "= failed panel.limit: v-change-user-package: Package doesn't cover WEB_DOMAIN usage\n" },
    { "after an unknown outcome a whole user is completed (states e to g)", "web.user", true, true,
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "v-add-user-sftp-jail acme | 0\n"
      "v-update-user-counters acme | 0\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed\n" },
    { "a creation that was killed late in this attempt is completed", "web.user", false, false,
      "v-list-user acme json | 3\n" ADD_USER "137\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "v-add-user-sftp-jail acme | 0\n"
      "v-update-user-counters acme | 0\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed\n" },
    { "a system user of that name that the panel does not know is somebody's", "web.user", false, false,
      "v-list-user acme json | 3\n" ADD_USER "4 | \"Error: user acme exists\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "= conflict conflict.user: user acme exists on the node, but not as a user of the panel\n" },
    { "a half-created user that nobody of us began is somebody's", "web.user", false, false,
      "v-list-user acme json | 0 | user.half\n"
      "--\n"
      "= conflict conflict.user\n" },
    { "states a and b: root clears away what our cut creation left", "web.user", false, true,
      "v-list-user acme json | 3\n" ADD_USER "4 | \"Error: user acme exists\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "getent passwd acme | 0 | \"acme:x:1001:1001:info@acme.example:/home/acme:/sbin/nologin\\n\"\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 3\n"
      "v-list-mail-domains acme json | 3\n"
      "v-list-dns-domains acme json | 3\n"
      "test -d /usr/local/hestia/data/users/acme | 1\n"
      "find /home/acme -xdev -type f | 0 | \"/home/acme/.bashrc\\n/home/acme/.profile\\n\"\n"
      "--\n"
      "v-list-user acme json | 3\n"
      "chattr -i /home/acme/conf | 1\n"
      "userdel -f acme | 0\n"
      "rm -rf -- /home/acme | 0\n" ADD_USER "0\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed\n" },
    { "states a and b: files in the home directory stop the repair", "web.user", false, true,
      "v-list-user acme json | 3\n" ADD_USER "4 | \"Error: user acme exists\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "getent passwd acme | 0 | \"acme:x:1001:1001:info@acme.example:/home/acme:/sbin/nologin\\n\"\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 3\n"
      "v-list-mail-domains acme json | 3\n"
      "v-list-dns-domains acme json | 3\n"
      "test -d /usr/local/hestia/data/users/acme | 1\n"
      "find /home/acme -xdev -type f | 0 | \"/home/acme/.profile\\n/home/acme/thesis.odt\\n\"\n"
      "--\n"
      "= conflict conflict.user-left-over: the half-created user's home directory holds files; chattr -i /home/acme/conf; "
      "userdel -f acme; rm -rf -- /home/acme\n" },
    { "states a and b: a system user with another address is not ours", "web.user", false, true,
      "v-list-user acme json | 3\n" ADD_USER "4 | \"Error: user acme exists\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "getent passwd acme | 0 | \"acme:x:33:33:Acme daemon:/home/acme:/bin/sh\\n\"\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 3\n"
      "v-list-mail-domains acme json | 3\n"
      "v-list-dns-domains acme json | 3\n"
      "test -d /usr/local/hestia/data/users/acme | 1\n"
      "find /home/acme -xdev -type f | 0 | \"\"\n"
      "--\n"
      "= conflict conflict.user: system user acme was not made for this account: another address\n" },
    { "states a and b: without root a person gets the commands", "web.user", true, true,
      "v-list-user acme json | 3\n" ADD_USER "4 | \"Error: user acme exists\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "getent passwd acme | 0 | \"acme:x:1001:1001:info@acme.example:/home/acme:/sbin/nologin\\n\"\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 3\n"
      "v-list-mail-domains acme json | 3\n"
      "v-list-dns-domains acme json | 3\n"
      "--\n"
      "= conflict conflict.user-left-over: a creation was cut off and only root can clear it away; chattr -i "
      "/home/acme/conf; userdel -f acme; rm -rf -- /home/acme\n" },
    { "a creation that was killed before it made anything is simply done again", "web.user", true, false,
      "v-list-user acme json | 3\n" ADD_USER "137\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "getent passwd acme | 2\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 3\n"
      "v-list-mail-domains acme json | 3\n"
      "v-list-dns-domains acme json | 3\n"
      "--\n"
      "v-list-user acme json | 3\n" ADD_USER "0\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed\n" },
    { "states c and d: the panel itself clears away what our cut creation left, with sudo too", "mail.user", true, true,
      "v-list-user acme json | 0 | user.half\n"
      "--\n"
      "getent passwd acme | 0 | \"acme:x:1001:1001:info@acme.example:/home/acme:/sbin/nologin\\n\"\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 0 | empty\n"
      "v-list-mail-domains acme json | 0 | empty\n"
      "v-list-dns-domains acme json | 0 | empty\n"
      "--\n"
      "v-delete-user acme no | 0\n" ADD_USER "0\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done changed\n" },
    { "states c and d: a user with domains has lost its file, but is not half-created", "mail.user", true, true,
      "v-list-user acme json | 0 | user.half\n"
      "--\n"
      "getent passwd acme | 0 | \"acme:x:1001:1001:info@acme.example:/home/acme:/sbin/nologin\\n\"\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 0 | web.ours\n"
      "v-list-mail-domains acme json | 0 | empty\n"
      "v-list-dns-domains acme json | 0 | empty\n"
      "--\n"
      "= conflict conflict.user-left-over: the half-created user has domains; v-delete-user acme no\n" },
    { "a repair that is cut off itself: the next attempt knows", "mail.user", true, true,
      "v-list-user acme json | 0 | user.half\n"
      "--\n"
      "getent passwd acme | 2\n"
      "v-list-user-package " PKG " json | 0 | package.ours\n"
      "v-list-web-domains acme json | 0 | empty\n"
      "v-list-mail-domains acme json | 0 | empty\n"
      "v-list-dns-domains acme json | 0 | empty\n"
      "--\n"
      "v-delete-user acme no | 0\n" ADD_USER "137\n"
      "v-list-user acme json | 0 | user.half\n"
      "--\n"
      "= restart\n" },
    { "a package that is missing is said", "web.user", false, false,
      "v-list-user acme json | 3\n" ADD_USER "3 | \"Error: package " PKG " doesn't exist\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "= failed panel.missing: v-add-user: package " PKG " doesn't exist\n" },
    { "a reserved name is said", "web.user", false, false,
      "v-list-user acme json | 3\n" ADD_USER "2 | \"Error: The user name 'acme' is reserved and cannot be used.\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "= failed panel.invalid\n" },
};

#define LOOK_WEB "v-list-web-domain acme acme.example json | "
#define ADD_WEB "v-add-web-domain acme acme.example '' no | "

static const struct story web_domains[] = {
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
      "= conflict conflict.left-over: it holds files of somebody; if they are not needed: rm -rf -- "
      "/home/acme/web/acme.example\n" },
    { "states a to g: without root a person gets the command", "web.domain", true, true,
      LOOK_WEB "3\n" ADD_WEB "4 | \"Error: Web domain folder for acme.example should not exist\\n\"\n" LOOK_WEB "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "v-search-domain-owner acme.example | 3\n"
      "--\n"
      "= conflict conflict.left-over: Web domain folder for acme.example should not exist; if nothing there is needed: rm -rf "
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

static const struct story web_settings[] = {
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

static const struct story web_reloads[] = {
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

#define LOOK_MAIL "v-list-mail-domain acme acme.example json | "
#define LOOK_KEY "v-list-mail-domain-dkim-dns acme acme.example json | "
#define ADD_MAIL "v-add-mail-domain acme acme.example yes yes yes 2048 no | "
#define LOOK_ACCOUNTS "v-list-mail-accounts acme acme.example json | "
#define REBUILD_MAIL "v-rebuild-mail-domain acme acme.example no | "
#define DOUBLED "\"Error: Invalid object format: DOMAIN='acme.example' DOMAIN='acme.example'\\n\""
#define DOUBLED_SED "0,/DOMAIN='acme\\.example'/{/DOMAIN='acme\\.example'/d}"
#define DOUBLED_SED_QUOTED "'0,/DOMAIN='\\''acme\\.example'\\''/{/DOMAIN='\\''acme\\.example'\\''/d}'"
#define MAIL_CONF "/usr/local/hestia/data/users/acme/mail.conf"
#define GREP_DOUBLED "grep -c -F -- 'DOMAIN='\\''acme.example'\\''' " MAIL_CONF " | "

static const struct story mail_domains[] = {
    { "a fresh mail domain is one round trip with one change", "mail.domain", false, false,
      LOOK_MAIL "3\n" ADD_MAIL "0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "where webmail is installed, its host waits for a reload", "mail.domain", false, false,
      LOOK_MAIL "3\n" ADD_MAIL "0\n" LOOK_MAIL "0 | mail.webmail\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed reload\n" },
    { "a mail domain that is there, ours, with a key is left alone", "mail.domain", false, false,
      LOOK_MAIL "0 | mail.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      "= done\n" },
    { "a mail domain of a user that is not ours", "mail.domain", false, false,
      LOOK_MAIL "0 | mail.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.other\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      "= conflict conflict.user\n" },
    { "states d to g: after an unknown outcome it is rebuilt", "mail.domain", true, true,
      LOOK_MAIL "0 | mail.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      REBUILD_MAIL "0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "states d to g in this attempt", "mail.domain", true, false,
      LOOK_MAIL "3\n" ADD_MAIL "137\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      REBUILD_MAIL "0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "a rebuild that fails is no success", "mail.domain", true, true,
      LOOK_MAIL "0 | mail.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      REBUILD_MAIL "12 | \"Error: parsing\\n\"\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= retry panel.parsing\n" },
    { "states a to c without accounts: made anew", "mail.domain", true, true,
      LOOK_MAIL "0 | mail.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | nokey\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      "v-delete-mail-domain acme acme.example | 0\n" ADD_MAIL "0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "states b and c with accounts: rebuilt, with a new key", "mail.domain", false, false,
      LOOK_MAIL "0 | mail.ours\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | nokey\n"
      LOOK_ACCOUNTS "0 | accounts.one\n"
      "--\n"
      REBUILD_MAIL "0\n"
      "v-delete-mail-domain-dkim acme acme.example | 0\n"
      "v-add-mail-domain-dkim acme acme.example | 0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "a key that another openssl's end took along is made anew", "mail.domain", false, false,
      LOOK_MAIL "3\n" ADD_MAIL "0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | nokey\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | nokey\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      "v-delete-mail-domain acme acme.example | 0\n" ADD_MAIL "0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "DKIM that was switched off is switched on, nothing else", "mail.domain", false, false,
      LOOK_MAIL "0 | mail.nodkim\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.nodkim\n" LOOK_KEY "0 | nokey\n"
      LOOK_ACCOUNTS "0 | accounts.one\n"
      "--\n"
      "v-add-mail-domain-dkim acme acme.example | 0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "a doubled line: root removes one, the rest is as after a kill", "mail.domain", false, true,
      LOOK_MAIL "2 | " DOUBLED "\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" GREP_DOUBLED "0 | \"2\\n\"\n"
      "--\n"
      "sed -i " DOUBLED_SED_QUOTED " " MAIL_CONF " | 0\n" GREP_DOUBLED "0 | \"1\\n\"\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | nokey\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      "v-delete-mail-domain acme acme.example | 0\n" ADD_MAIL "0\n" LOOK_MAIL "0 | mail.ours\n" LOOK_KEY "0 | key\n"
      "--\n"
      "= done changed\n" },
    { "a doubled line without root is a conflict with the command", "mail.domain", true, true,
      LOOK_MAIL "2 | " DOUBLED "\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= conflict conflict.doubled-line: Invalid object format: if it is a doubled line: sed -i \"" DOUBLED_SED "\" " MAIL_CONF "\n" },
    { "2 without a doubled line is a refusal", "mail.domain", false, false,
      LOOK_MAIL "2 | \"Error: invalid domain format :: x\\n\"\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" GREP_DOUBLED "1 | \"0\\n\"\n"
      "--\n"
      "= failed panel.invalid: invalid domain format :: x\n" },
    { "a name that another user has", "mail.domain", false, false,
      LOOK_MAIL "3\n" ADD_MAIL "4 | \"Error: Web domain acme.example exists\\n\"\n" LOOK_MAIL "3\n"
      "--\n"
      "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
      "--\n"
      "v-list-dns-domain bob acme.example json | 3\n"
      "v-list-web-domain bob acme.example json | 0 | web.ours\n"
      "v-list-mail-domain bob acme.example json | 3\n"
      "--\n"
      "= conflict conflict.domain: acme.example belongs to user bob on this node\n" },
    { "a command that was killed before it wrote anything: the next attempt knows", "mail.domain", false, false,
      LOOK_MAIL "3\n" ADD_MAIL "137\n" LOOK_MAIL "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= restart\n" },
    { "a suspended mail domain is said", "mail.domain", false, false,
      LOOK_MAIL "0 | mail.suspended\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" LOOK_MAIL "0 | mail.suspended\n" LOOK_KEY "0 | key\n" LOOK_ACCOUNTS "0 | empty\n"
      "--\n"
      "= failed panel.suspended\n" },
};

#define LOOK_ACCOUNT "v-list-mail-account acme acme.example info json | "
#define ADD_ACCOUNT "v-add-mail-account acme acme.example info {file} 500 | "
#define ACCOUNT_DOUBLED "\"Error: Invalid object format: ACCOUNT='info' MD5='{BLF-CRYPT}$2y$05$abc' ACCOUNT='info'\\n\""
#define ACCOUNT_CONF "/usr/local/hestia/data/users/acme/mail/acme.example.conf"

static const struct story mail_accounts[] = {
    { "a fresh mailbox is one round trip with one change", "mail.account", false, false,
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "a mailbox that is there and ours is left alone", "mail.account", false, false,
      LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= done\n" },
    { "a mailbox with another quota gets the wanted one", "mail.account", false, false,
      LOOK_ACCOUNT "0 | account.10\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "v-change-mail-account-quota acme acme.example info 500 | 0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "states a and b: after an unknown outcome the rebuild removes the doubled line", "mail.account", true, true,
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "0\n" REBUILD_MAIL "0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "states a and b in this attempt", "mail.account", true, false,
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "137\n" LOOK_ACCOUNT "3\n"
      "--\n"
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "0\n" REBUILD_MAIL "0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "state c: after an unknown outcome a listed mailbox is rebuilt", "mail.account", true, true,
      LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      REBUILD_MAIL "0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "state c in this attempt", "mail.account", true, false,
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "137\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      REBUILD_MAIL "0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "a doubled mailbox: root removes one line, and no hash is told", "mail.account", false, false,
      LOOK_ACCOUNT "2 | " ACCOUNT_DOUBLED "\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "grep -c -F -- 'ACCOUNT='\\''info'\\''' " ACCOUNT_CONF " | 0 | \"2\\n\"\n"
      "--\n"
      "sed -i '0,/ACCOUNT='\\''info'\\''/{/ACCOUNT='\\''info'\\''/d}' " ACCOUNT_CONF " | 0\n"
      "grep -c -F -- 'ACCOUNT='\\''info'\\''' " ACCOUNT_CONF " | 0 | \"1\\n\"\n"
      "--\n"
      REBUILD_MAIL "0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "a doubled mailbox without root", "mail.account", true, false,
      LOOK_ACCOUNT "2 | " ACCOUNT_DOUBLED "\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= conflict conflict.doubled-line: Invalid object format: if it is a doubled line: sed -i "
      "\"0,/ACCOUNT='info'/{/ACCOUNT='info'/d}\" " ACCOUNT_CONF "\n" },
    { "a limit that is reached", "mail.account", false, false,
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "8 | \"Error: MAIL_ACCOUNTS limit is reached :: upgrade user package\\n\"\n" LOOK_ACCOUNT "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= failed panel.limit\n" },
    { "a name that an alias has", "mail.account", false, false,
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "4 | \"Error: mail alias info already exists\\n\"\n" LOOK_ACCOUNT "3\n"
      "--\n"
      "= conflict conflict.mailbox: info@acme.example: mail alias info already exists\n" },
    { "a mail domain that is missing", "mail.account", false, false,
      LOOK_ACCOUNT "3\n" ADD_ACCOUNT "3 | \"Error: mail domain acme.example doesn't exist\\n\"\n" LOOK_ACCOUNT "3\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= failed panel.missing: v-add-mail-account: mail domain acme.example doesn't exist\n" },
    { "a suspended mailbox is said", "mail.account", false, false,
      LOOK_ACCOUNT "0 | account.suspended\n"
      "--\n"
      "= failed panel.suspended\n" },
};

static const struct story mail_dkims[] = {
    { "the key is read", "mail.dkim", false, false, LOOK_KEY "0 | key\n--\n= done\n" },
    { "no key yet", "mail.dkim", false, false, LOOK_KEY "0 | nokey\n--\n= retry panel.no-dkim\n" },
    { "half-written state", "mail.dkim", false, false, LOOK_KEY "0 | \"{ \"\n--\n= retry panel.unreadable\n" },
    { "no mail domain", "mail.dkim", false, false, LOOK_KEY "3\n--\n= retry panel.gone\n" },
};

#define LOOK_ZONE "v-list-dns-domain acme acme.example json | "
#define LOOK_RECORDS "v-list-dns-records acme acme.example json | "
#define WRITE_ZONE \
    "v-insert-dns-domain acme * | 0\n" \
    "v-insert-dns-records acme acme.example {file} | 0\n" \
    "v-rebuild-dns-domain acme acme.example no | 0\n" \
    "v-list-user acme json | 0 | user.ours\n" LOOK_ZONE "0 | zone.ours\n" LOOK_RECORDS "0 | records.ours\n" \
    "--\n"

static const struct story dns_zones[] = {
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

static const struct story preflights[] = {
    { "a whole node", "node.preflight", false, false,
      "v-list-sys-config json | 0 | config\n"
      "v-list-sys-info json | 0 | info\n"
      "v-list-web-templates-backend json | 0 | templates\n"
      "--\n"
      "= done\n" },
    { "no root: empty output", "node.preflight", true, false,
      "v-list-sys-config json | 0 | \"\"\n"
      "v-list-sys-info json | 0 | \"\"\n"
      "v-list-web-templates-backend json | 0 | \"\"\n"
      "--\n"
      "= failed panel.no-root\n" },
    { "no root: a list of blanks", "node.preflight", true, false,
      "v-list-sys-config json | 0 | config.blank\n"
      "v-list-sys-info json | 0 | \"\"\n"
      "v-list-web-templates-backend json | 0 | \"\"\n"
      "--\n"
      "= failed panel.no-root: v-list-sys-config gives no version\n" },
    { "sudo refuses", "node.preflight", true, false, "v-list-sys-config json | 1\n--\n= failed panel.no-root\n" },
    { "no panel", "node.preflight", false, false, "v-list-sys-config json | 127\n--\n= failed preflight.no-panel\n" },
    { "an old panel", "node.preflight", false, false,
      "v-list-sys-config json | 0 | config.old\n"
      "v-list-sys-info json | 0 | info\n"
      "v-list-web-templates-backend json | 0 | templates\n"
      "--\n"
      "= failed preflight.version: it is 1.8.11\n" },
    { "nothing installed", "node.preflight", false, false,
      "v-list-sys-config json | 0 | config.none\n"
      "v-list-sys-info json | 0 | info\n"
      "v-list-web-templates-backend json | 0 | templates\n"
      "--\n"
      "= failed preflight.missing\n" },
};
/* clang-format on */

#define PLAY_ALL(stories)                                                                                              \
    static void play_##stories(void **state)                                                                           \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        for (size_t i = 0; i < ARRAY_LEN(stories); i++)                                                                \
            story_play(&stories[i]);                                                                                   \
    }
PLAY_ALL(packages)
PLAY_ALL(users)
PLAY_ALL(web_domains)
PLAY_ALL(web_settings)
PLAY_ALL(web_reloads)
PLAY_ALL(mail_domains)
PLAY_ALL(mail_accounts)
PLAY_ALL(mail_dkims)
PLAY_ALL(dns_zones)
PLAY_ALL(preflights)

/* ---- what is no story ------------------------------------------------------------------------------------------------ */

static void empty_passwords_are_refused_before_anything_is_said(void **state)
{
    static const struct story stories[] = {
        { "a user without a password", "web.user", false, false, "= failed panel.password\n" },
        { "a mailbox without a password", "mail.account", false, false, "= failed panel.password\n" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct step step = story_step(stories[i].action);
        step.password = "";
        story_play_step(&stories[i], &step);
    }
}

static void zones_that_the_panel_cannot_store_are_refused_before_anything_is_said(void **state)
{
    static const struct zone_record odd[] = { { "@", "A", 0, "192.0.2.1\nx" } };
    struct step step = story_step("dns.zone");
    struct story story = { "a zone without an address", "dns.zone", false, false, "= failed panel.invalid\n" };
    (void)state;
    step.zone.ip = "";
    story_play_step(&story, &step);
    step = story_step("dns.zone");
    step.zone.records = odd;
    step.zone.record_count = 1;
    story.name = "a record with a line end";
    story_play_step(&story, &step);
    step = story_step("dns.zone");
    step.limits.dns_records = 3;
    story.name = "more records than the product allows";
    story.lines = "= failed panel.limit: the zone has 4 records, the product allows 3\n";
    story_play_step(&story, &step);
}

static void names_above_are_searched_too(void **state)
{
    static const struct story story = {
        "a zone under another user's domain", "dns.zone", false, false,
        "v-list-dns-domain acme shop.acme.example json | 3\n"
        "v-search-domain-owner shop.acme.example | 3\n"
        "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
        "--\n"
        "v-list-user acme json | 0 | user.ours\n"
        "v-search-domain-owner shop.acme.example | 3\n"
        "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
        "--\n"
        "v-list-dns-domain bob acme.example json | 0 | zone.ours\n"
        "v-list-web-domain bob acme.example json | 3\n"
        "v-list-mail-domain bob acme.example json | 3\n"
        "--\n"
        "= conflict conflict.zone: acme.example belongs to user bob on this name server\n"
    };
    struct step step = story_step("dns.zone");
    (void)state;
    step.domain = "shop.acme.example";
    story_play_step(&story, &step);
}

static void facts_are_what_later_steps_need(void **state)
{
    static const char config[] =
        "{ \"config\": { \"WEB_SYSTEM\": \"nginx\", \"WEB_BACKEND\": \"php-fpm\", \"MAIL_SYSTEM\": "
        "\"\", \"DNS_SYSTEM\": \"bind9\", \"VERSION\": \"1.10.3\", \"DISK_QUOTA\": \"yes\" } }";
    static const char templates[] = "[\"PHP-7_4\", \"PHP-8_2\", \"default\"]";
    struct segment_result segments[3] = {
        { .ran = true, .out = xstrdup(config), .err = xstrdup("") },
        { .ran = true, .out = xstrdup("{}"), .err = xstrdup("") },
        { .ran = true, .out = xstrdup(templates), .err = xstrdup("") },
    };
    struct command_result result = { .segments = segments, .segment_count = 3 };
    struct step step = story_step("node.preflight");
    struct move move;
    (void)state;
    driver_hestia.next(&step, &result, 1, &move);
    assert_int_equal(move.verdict, VERDICT_DONE);
    static const char *const want[][2] = {
        { "version", "1.10.3" }, { "capabilities", "web,dns" }, { "php", "7.4,8.2" }, { "hostname", "" }, { "os", "" },
        { "disk_quota", "yes" }
    };
    assert_int_equal(move.fact_count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_string_equal(move.facts[i].key, want[i][0]);
        assert_string_equal(move.facts[i].value, want[i][1]);
    }
    move_finish(&move);
    for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
        free(segments[i].out);
        free(segments[i].err);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(play_packages),
        cmocka_unit_test(play_users),
        cmocka_unit_test(play_web_domains),
        cmocka_unit_test(play_web_settings),
        cmocka_unit_test(play_web_reloads),
        cmocka_unit_test(play_mail_domains),
        cmocka_unit_test(play_mail_accounts),
        cmocka_unit_test(play_mail_dkims),
        cmocka_unit_test(play_dns_zones),
        cmocka_unit_test(play_preflights),
        cmocka_unit_test(empty_passwords_are_refused_before_anything_is_said),
        cmocka_unit_test(zones_that_the_panel_cannot_store_are_refused_before_anything_is_said),
        cmocka_unit_test(names_above_are_searched_too),
        cmocka_unit_test(facts_are_what_later_steps_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
