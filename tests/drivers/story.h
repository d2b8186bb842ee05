/* story.h - a conversation with a node as a story: what the driver must say, line by line, and what the node answers.
 *
 *   v-list-user acme json | 3                     a segment as a person would type it (paths of the panel left out), its exit
 *   v-add-user acme {file} * | 0                  "*" at the end: whatever follows
 *   v-list-user acme json | 0 | user.ours         the answer: a name of story_answer(), or "text" (\n for a line's end)
 *   --                                            the end of a command: one round trip
 *   = done changed reload                         the verdict; "= retry CAUSE", "= failed CAUSE", "= conflict CAUSE: detail"
 *
 * Segments that the driver asked for, but that exit codes before them forbid, are not reached and not in the story. */
#ifndef BERTH_TESTS_STORY_H
#define BERTH_TESTS_STORY_H

#include "drivers/driver.h"

struct story {
    const char *name; /* a sentence */
    const char *action;
    bool sudo, suspect;
    const char *lines;
};

/* The stories, by action (stories_*.c). */
#define STORIES(name)                                                                                                  \
    extern const struct story name[];                                                                                  \
    extern const size_t name##_count
STORIES(packages);
STORIES(users);
STORIES(web_domains);
STORIES(web_settings);
STORIES(web_reloads);
STORIES(mail_domains);
STORIES(mail_accounts);
STORIES(mail_dkims);
STORIES(passwords);
STORIES(dns_zones);
STORIES(preflights);

/** A step for the account acme of acme.example with everything filled in; static data, copied. */
struct step story_step(const char *action);
/** Let the driver play the story; fails the test with what was said instead. */
void story_play(const struct story *story);
void story_play_step(const struct story *story, const struct step *step);

#endif
