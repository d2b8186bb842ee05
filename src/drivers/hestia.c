/* hestia.c - the HestiaCP driver: which actions there are, and the one function that replays a conversation.
 * How the panel behaves, what each action costs, and who repairs what: docs/drivers.md. */
#include "drivers/hestia.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* A domain's first add may fetch the list of public suffixes, three tries of 15 s; the rest takes seconds. */
#define DEADLINE_MS 120000
#define LOOK_DEADLINE_MS 30000
/* Deleting a user with many domains takes minutes. What lasts longer than this hangs, and is ended on the node itself.
 */
#define NODE_LIMIT_MS 600000

/* The panel does not look whether its writes got through: on a full disk it leaves empty files and says that it is done. */
const char *const hestia_disks[] = { "/", "/home", "/tmp", "/usr/local/hestia", "/var", "/var/log", NULL };

#define MAKE(action)                                                                                                   \
    {                                                                                                                  \
        .name = action, .lane = LANE_MAKE, .deadline_ms = DEADLINE_MS, .node_limit_ms = NODE_LIMIT_MS,                 \
        .disks = hestia_disks                                                                                          \
    }
#define LOOK(action)                                                                                                   \
    {                                                                                                                  \
        .name = action, .lane = LANE_LOOK, .deadline_ms = LOOK_DEADLINE_MS                                             \
    }

/* The same order as do_action[]. */
static const struct driver_action actions[] = {
    MAKE("web.package"),   MAKE("web.user"),       MAKE("web.domain"),
    MAKE("web.settings"),  MAKE("web.reload"),     MAKE("mail.package"),
    MAKE("mail.user"),     MAKE("mail.domain"),    LOOK("mail.dkim"),
    MAKE("mail.account"),  MAKE("dns.package"),    MAKE("dns.user"),
    MAKE("dns.zone"),      LOOK("node.preflight"), MAKE("web.password"),
    MAKE("mail.password"), MAKE("dns.password"),   MAKE("mail.mailbox-password"),
};

static void (*const do_action[ARRAY_LEN(actions)])(struct talk *talk) = {
    hestia_do_package,       hestia_do_user,          hestia_do_web_domain,
    hestia_do_web_settings,  hestia_do_web_reload,    hestia_do_package,
    hestia_do_user,          hestia_do_mail_domain,   hestia_do_mail_dkim,
    hestia_do_mail_account,  hestia_do_package,       hestia_do_user,
    hestia_do_dns_zone,      hestia_do_preflight,     hestia_do_user_password,
    hestia_do_user_password, hestia_do_user_password, hestia_do_mailbox_password,
};

static void hestia_next(const struct step *step, const struct command_result *results, size_t result_count,
                        struct move *ret_move)
{
    *ret_move = (struct move){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, step->action) != 0)
            continue;
        struct talk talk = {
            .step = step, .action = &actions[i], .results = results, .result_count = result_count, .move = ret_move
        };
        do_action[i](&talk);
        if (talk.is_cut && ret_move->verdict == VERDICT_RETRY) {
            /* One of our commands was killed and what it left could not be mended in this attempt. The next one must know, so
             * that it takes what it finds for a left-over of ours. */
            ret_move->verdict = VERDICT_RESTART;
            ret_move->cause = NULL;
        }
        return;
    }
    abort(); /* driver_find() knows no such action */
}

const struct driver driver_hestia = {
    .name = "hestia",
    .actions = actions,
    .action_count = ARRAY_LEN(actions),
    .next = hestia_next,
};
