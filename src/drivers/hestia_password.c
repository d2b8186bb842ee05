/* hestia_password.c - a new password for a panel user and for a mailbox. The panel's commands set it again and again with the same
 * result, so there is nothing to look for before and nothing to mend after one that was cut off: it is said once more. The only
 * look is at the user, whether he is still ours. The panel could also compare a password, but shows it to other processes while it
 * does; that nobody else knows it is worth more than to hear twice that it was set. */
#include "drivers/hestia.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

static void say_password(struct talk *talk, struct segment *segment)
{
    CLEANUP(buf_wipe) struct buf password = BUF_INIT;
    buf_addf(&password, "%s\n", talk->step->password);
    segment_set_input(segment, INPUT_FILE, buf_text(&password));
}

/** @return false: a command has to run first, it is somebody else's, or there is nothing to be set */
static bool may_set(struct talk *talk)
{
    const char *password = talk->step->password;
    if (password == NULL) {
        talk_done(talk, false, false, "no new password waits here");
        return false;
    }
    if (password[0] == '\0') { /* the panel would take it for a mailbox, and let anybody in */
        move_end(talk->move, "panel.password", "an empty password was handed in for %s", talk->step->user);
        return false;
    }
    talk_begin(talk);
    talk_look(talk, "v-list-user", talk->step->user, "json", NULL);
    return talk_run(talk) && talk_user_is_ours(talk, 0);
}

static void check(struct talk *talk, size_t make, const char *command, const char *note)
{
    struct hestia_reply reply;
    talk_reply(talk, make, &reply);
    if (reply.answer == ANSWER_DONE)
        talk_done(talk, true, false, note);
    else
        talk_end_refused(talk, command, &reply);
}

void hestia_do_user_password(struct talk *talk)
{
    if (!may_set(talk))
        return;
    talk_begin(talk);
    say_password(talk, talk_make(talk, "v-change-user-password", talk->step->user, "{file}", NULL));
    if (talk_run(talk))
        check(talk, 0, "v-change-user-password", "the user has a new password");
}

/* The mail server reads its file of passwords again when the file's size or its second of change is another one. A new password is as
 * long as the one before; so that it is not the same second in which the file was changed last, one has to pass. */
void hestia_do_mailbox_password(struct talk *talk)
{
    const struct step *step = talk->step;
    if (!may_set(talk))
        return;
    talk_begin(talk);
    on_any(talk_look(talk, "sleep", "1", NULL))->as_root = false;
    say_password(talk, talk_make(talk, "v-change-mail-account-password", step->user, step->domain, step->mailbox,
                                 "{file}", NULL));
    if (talk_run(talk))
        check(talk, 1, "v-change-mail-account-password", "the mailbox has a new password");
}
