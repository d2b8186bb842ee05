/* stories_account.c - conversations about packages, users, and what a node tells about itself. See story.h for how to read them. */
#include "story.h"

#include "base/util.h"

/* clang-format off */
#define PKG "b0a1b2c-0000000007-x"
#define ADD_USER "v-add-user acme {file} info@acme.example " PKG " 'Acme Ltd' | "

const struct story packages[] = {
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
      "= retry panel.silent\n" },
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
const size_t packages_count = ARRAY_LEN(packages);

const struct story users[] = {
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
    { "a password that the node cannot write down, its disk being full, is tried again", "web.user", false, false,
      "v-list-user acme json | 3\n" ADD_USER "2 | \"Error: Password not accepted due to PAM restrictions\\n\"\n"
      "v-list-user acme json | 3\n"
      "--\n"
      "= retry panel.password-not-kept: v-add-user: Password not accepted due to PAM restrictions\n" },
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
const size_t users_count = ARRAY_LEN(users);

const struct story preflights[] = {
    { "a whole node", "node.preflight", false, false,
      "date +%s | 0\n"
      "v-list-sys-config json | 0 | config\n"
      "v-list-sys-info json | 0 | info\n"
      "v-list-web-templates-backend json | 0 | templates\n"
      "stat -f -c '%n %a %S' / /home /tmp /usr/local/hestia /var /var/log | 1\n"
      "--\n"
      "= done\n" },
    { "no root: empty output", "node.preflight", true, false,
      "date +%s | 0\n"
      "v-list-sys-config json | 0 | \"\"\n"
      "v-list-sys-info json | 0 | \"\"\n"
      "v-list-web-templates-backend json | 0 | \"\"\n"
      "stat -f -c '%n %a %S' / /home /tmp /usr/local/hestia /var /var/log | 0\n"
      "--\n"
      "= retry panel.silent\n" },
    { "no root: a list of blanks", "node.preflight", true, false,
      "date +%s | 0\n"
      "v-list-sys-config json | 0 | config.blank\n"
      "v-list-sys-info json | 0 | \"\"\n"
      "v-list-web-templates-backend json | 0 | \"\"\n"
      "stat -f -c '%n %a %S' / /home /tmp /usr/local/hestia /var /var/log | 0\n"
      "--\n"
      "= failed panel.no-root: v-list-sys-config gives no version\n" },
    { "sudo refuses", "node.preflight", true, false, "date +%s | 0\nv-list-sys-config json | 1\n--\n= failed panel.no-root\n" },
    { "no panel", "node.preflight", false, false, "date +%s | 0\nv-list-sys-config json | 127\n--\n= failed preflight.no-panel\n" },
    { "an old panel", "node.preflight", false, false,
      "date +%s | 0\n"
      "v-list-sys-config json | 0 | config.old\n"
      "v-list-sys-info json | 0 | info\n"
      "v-list-web-templates-backend json | 0 | templates\n"
      "stat -f -c '%n %a %S' / /home /tmp /usr/local/hestia /var /var/log | 1\n"
      "--\n"
      "= failed preflight.version: it is 1.8.11\n" },
    { "nothing installed", "node.preflight", false, false,
      "date +%s | 0\n"
      "v-list-sys-config json | 0 | config.none\n"
      "v-list-sys-info json | 0 | info\n"
      "v-list-web-templates-backend json | 0 | templates\n"
      "stat -f -c '%n %a %S' / /home /tmp /usr/local/hestia /var /var/log | 1\n"
      "--\n"
      "= failed preflight.missing\n" },
};
const size_t preflights_count = ARRAY_LEN(preflights);
/* clang-format on */
