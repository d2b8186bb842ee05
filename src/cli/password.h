/* password.h - where berthctl gets a password of staff from: never from an argument, which other users of the machine can read. */
#ifndef BERTH_CLI_PASSWORD_H
#define BERTH_CLI_PASSWORD_H

#include "cli/cli.h"

/* The options of every command that sets one. */
#define PASSWORD_OPTIONS                                                                                               \
    { "password-stdin", NULL, "the password is the first line of standard input" },                                    \
    {                                                                                                                  \
        "generate", NULL, "make one and print it, once"                                                                \
    }

/** From standard input, made up, or asked twice on the terminal. *ret_password is the caller's: password_free(). */
MUST_CHECK bool password_get(const struct cli_args *args, char **ret_password, struct err *err);
void password_free(char *password); /* wiped */

#endif
