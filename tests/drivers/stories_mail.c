/* stories_mail.c - conversations about the mail domain, its key, mailboxes. See story.h for how to read them. */
#include "story.h"

#include "base/util.h"

/* clang-format off */
#define LOOK_MAIL "v-list-mail-domain acme acme.example json | "
#define LOOK_KEY "v-list-mail-domain-dkim-dns acme acme.example json | "
#define ADD_MAIL "v-add-mail-domain acme acme.example yes yes yes 2048 no | "
#define LOOK_ACCOUNTS "v-list-mail-accounts acme acme.example json | "
#define REBUILD_MAIL "v-rebuild-mail-domain acme acme.example no | "
#define DOUBLED "\"Error: Invalid object format: DOMAIN='acme.example' DOMAIN='acme.example'\\n\""
#define DOUBLED_SED "0,/DOMAIN='acme.example'/{/DOMAIN='acme.example'/d}"
#define DOUBLED_SED_QUOTED "'0,/DOMAIN='\\''acme.example'\\''/{/DOMAIN='\\''acme.example'\\''/d}'"
#define MAIL_CONF "/usr/local/hestia/data/users/acme/mail.conf"
#define GREP_DOUBLED(count) \
    "grep -c -F -- 'DOMAIN='\\''acme.example'\\''' " MAIL_CONF " | 0 | \"" count "\\n\"\n" \
    "grep -c -- 'DOMAIN='\\''acme.example'\\''' " MAIL_CONF " | 0 | \"" count "\\n\"\n"

const struct story mail_domains[] = {
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
      "v-list-user acme json | 0 | user.ours\n" GREP_DOUBLED("2")
      "--\n"
      "sed -i " DOUBLED_SED_QUOTED " " MAIL_CONF " | 0\n" GREP_DOUBLED("1")
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
      "= conflict conflict.doubled-line: Invalid object format; sed -i \"" DOUBLED_SED "\" " MAIL_CONF "\n" },
    { "two names that look alike to the panel are no doubled line", "mail.domain", false, true,
      LOOK_MAIL "2 | " DOUBLED "\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "grep -c -F -- 'DOMAIN='\\''acme.example'\\''' " MAIL_CONF " | 0 | \"1\\n\"\n"
      "grep -c -- 'DOMAIN='\\''acme.example'\\''' " MAIL_CONF " | 0 | \"2\\n\"\n"
      "--\n"
      "= failed panel.invalid: Invalid object format\n" },
    { "2 without a doubled line is a refusal", "mail.domain", false, false,
      LOOK_MAIL "2 | \"Error: invalid domain format :: x\\n\"\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n" GREP_DOUBLED("0")
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
const size_t mail_domains_count = ARRAY_LEN(mail_domains);

#define LOOK_ACCOUNT "v-list-mail-account acme acme.example info json | "
#define ADD_ACCOUNT "v-add-mail-account acme acme.example info {file} 500 | "
#define ACCOUNT_DOUBLED "\"Error: Invalid object format: ACCOUNT='info' MD5='{BLF-CRYPT}$2y$05$abc' ACCOUNT='info'\\n\""
#define ACCOUNT_CONF "/usr/local/hestia/data/users/acme/mail/acme.example.conf"

const struct story mail_accounts[] = {
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
      "grep -c -- 'ACCOUNT='\\''info'\\''' " ACCOUNT_CONF " | 0 | \"2\\n\"\n"
      "--\n"
      "sed -i '0,/ACCOUNT='\\''info'\\''/{/ACCOUNT='\\''info'\\''/d}' " ACCOUNT_CONF " | 0\n"
      "grep -c -F -- 'ACCOUNT='\\''info'\\''' " ACCOUNT_CONF " | 0 | \"1\\n\"\n"
      "grep -c -- 'ACCOUNT='\\''info'\\''' " ACCOUNT_CONF " | 0 | \"1\\n\"\n"
      "--\n"
      REBUILD_MAIL "0\n" LOOK_ACCOUNT "0 | account.500\n"
      "--\n"
      "= done changed\n" },
    { "a doubled mailbox without root", "mail.account", true, false,
      LOOK_ACCOUNT "2 | " ACCOUNT_DOUBLED "\n"
      "--\n"
      "v-list-user acme json | 0 | user.ours\n"
      "--\n"
      "= conflict conflict.doubled-line: Invalid object format; sed -i "
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
const size_t mail_accounts_count = ARRAY_LEN(mail_accounts);

#define LOOK_USER "v-list-user acme json | "
#define NEW_USER_PASSWORD "v-change-user-password acme {file} | "
#define NEW_MAILBOX_PASSWORD "sleep 1 | 0\n" "v-change-mail-account-password acme acme.example info {file} | "

const struct story passwords[] = {
    { "a user of ours gets a new password", "web.password", false, false,
      LOOK_USER "0 | user.ours\n--\n" NEW_USER_PASSWORD "0\n--\n= done changed\n" },
    { "whatever became of the last attempt, it is set again", "dns.password", true, true,
      LOOK_USER "0 | user.ours\n--\n" NEW_USER_PASSWORD "0\n--\n= done changed\n" },
    { "somebody else's user keeps his", "mail.password", false, false,
      LOOK_USER "0 | user.other\n--\n= conflict conflict.user\n" },
    { "a user that is gone", "web.password", false, false, LOOK_USER "3\n--\n= failed panel.missing\n" },
    { "a command that was cut off is said once more", "web.password", false, false,
      LOOK_USER "0 | user.ours\n--\n" NEW_USER_PASSWORD "137\n--\n" LOOK_USER "0 | user.ours\n--\n= restart\n" },
    { "a mailbox gets a new password", "mail.mailbox-password", false, false,
      LOOK_USER "0 | user.ours\n--\n" NEW_MAILBOX_PASSWORD "0\n--\n= done changed\n" },
    { "a mailbox of somebody else's user keeps its", "mail.mailbox-password", false, false,
      LOOK_USER "0 | user.other\n--\n= conflict conflict.user\n" },
    { "a mailbox that is gone", "mail.mailbox-password", false, false,
      LOOK_USER "0 | user.ours\n--\n"
      NEW_MAILBOX_PASSWORD "3 | \"Error: mail account info doesn't exist\\n\"\n--\n"
      LOOK_USER "0 | user.ours\n--\n"
      "= failed panel.missing: v-change-mail-account-password: mail account info doesn't exist\n" },
};
const size_t passwords_count = ARRAY_LEN(passwords);

const struct story mail_dkims[] = {
    { "the key is read", "mail.dkim", false, false, LOOK_KEY "0 | key\n--\n= done\n" },
    { "no key yet", "mail.dkim", false, false, LOOK_KEY "0 | nokey\n--\n= retry panel.no-dkim\n" },
    { "half-written state", "mail.dkim", false, false, LOOK_KEY "0 | \"{ \"\n--\n= retry panel.unreadable\n" },
    { "no mail domain", "mail.dkim", false, false, LOOK_KEY "3\n--\n= retry panel.gone\n" },
};
const size_t mail_dkims_count = ARRAY_LEN(mail_dkims);
/* clang-format on */
