/* password.c - see password.h. */
#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/rng.h"

#define GENERATED_LENGTH 20 /* of 36 characters: more than 100 bits */
#define LINE_LENGTH_MAX 300

void password_free(char *password)
{
    if (password != NULL)
        explicit_bzero(password, strlen(password));
    free(password);
}

static bool read_stdin(char **ret_password, struct err *err)
{
    char *text;
    if (!cli_read_file("-", &text, err))
        return false;
    *ret_password = xstrndup(text, strcspn(text, "\r\n"));
    password_free(text);
    return (*ret_password)[0] != '\0' || err_set(err, ERR_INVALID, "standard input has no password in its first line");
}

static char *generate(void)
{
    struct rng rng;
    char *password = xcalloc(1, GENERATED_LENGTH + 1);
    rng_init_real(&rng);
    rng_text(&rng, GENERATED_LENGTH, password);
    return password;
}

/* One line without an echo. */
static bool ask_line(FILE *terminal, const char *question, char **ret_line, struct err *err)
{
    char line[LINE_LENGTH_MAX];
    struct termios before, silent;
    int fd = fileno(terminal);
    if (tcgetattr(fd, &before) != 0)
        return err_set(err, ERR_IO, "the terminal cannot be used: %s", strerror(errno));
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fputs(question, terminal);
    fflush(terminal);
    if (tcsetattr(fd, TCSAFLUSH, &silent) != 0)
        return err_set(err, ERR_IO, "the terminal cannot be made silent: %s", strerror(errno));
    bool read = fgets(line, sizeof(line), terminal) != NULL;
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)fseek(terminal, 0,
                SEEK_CUR); /* a terminal cannot be positioned, but C wants it between reading and writing */
    fputc('\n', terminal);
    if (!read)
        return err_set(err, ERR_INVALID, "no password was given");
    *ret_line = xstrndup(line, strcspn(line, "\n"));
    explicit_bzero(line, sizeof(line));
    return true;
}

static bool ask_twice(char **ret_password, struct err *err)
{
    char *first = NULL, *second = NULL;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL)
        return err_set(err, ERR_INVALID,
                       "there is no terminal to ask for the password: use --password-stdin or --generate");
    setvbuf(terminal, NULL, _IONBF, 0); /* nothing of it stays in a buffer, and reading and writing do not mix */
    bool ok = ask_line(terminal, "Password: ", &first, err) && ask_line(terminal, "Once more: ", &second, err);
    fclose(terminal);
    if (ok && strcmp(first, second) != 0)
        ok = err_set(err, ERR_INVALID, "the two passwords are not the same: nothing was changed");
    password_free(second);
    if (ok)
        *ret_password = first;
    else
        password_free(first);
    return ok;
}

bool password_get(const struct cli_args *args, char **ret_password, struct err *err)
{
    if (cli_has(args, "password-stdin"))
        return read_stdin(ret_password, err);
    if (!cli_has(args, "generate"))
        return ask_twice(ret_password, err);
    *ret_password = generate();
    return true;
}
