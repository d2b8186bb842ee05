/* resolvers.c - see resolvers.h. */
#include "core/resolvers.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define BETWEEN ", \t"
#define WORD_MAX 63
#define PORT_USUAL 53

static bool is_address(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool read_port(const char *text, int *ret_port)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    *ret_port = atoi(text);
    return *ret_port >= 1 && *ret_port <= 65535;
}

/* A colon stands before a port, and within an IPv6 address, which wears brackets when both come together. */
static bool read_one(const char *word, struct resolver *ret_resolver, struct err *err)
{
    char address[WORD_MAX + 1];
    const char *port = NULL;
    strcpy(address, word);
    if (word[0] == '[') {
        char *end = strchr(address, ']');
        if (end == NULL)
            return err_set(err, ERR_INVALID, "\"%s\" has no ]", word);
        port = end[1] == '\0' ? NULL : word + (end + 1 - address);
        *end = '\0';
        memmove(address, address + 1, strlen(address));
    } else if (strchr(word, ':') == strrchr(word, ':') && strchr(word, ':') != NULL) {
        port = strchr(word, ':');
        address[port - word] = '\0';
    }
    ret_resolver->port = PORT_USUAL;
    if (!is_address(address))
        return err_set(err, ERR_INVALID, "\"%s\" is no address", word);
    if (port != NULL && (port[0] != ':' || !read_port(port + 1, &ret_resolver->port)))
        return err_set(err, ERR_INVALID, "\"%s\" has no port between 1 and 65535 behind its address", word);
    strcpy(ret_resolver->address, address); /* fits: inet_pton() took it */
    return true;
}

bool resolvers_parse(const char *text, struct resolver ret_resolvers[RESOLVERS_MAX], size_t *ret_count, struct err *err)
{
    struct resolver found[RESOLVERS_MAX] = { 0 };
    size_t count = 0;
    for (text += strspn(text, BETWEEN); *text != '\0'; text += strspn(text, BETWEEN)) {
        char word[WORD_MAX + 1];
        size_t length = strcspn(text, BETWEEN);
        if (length > WORD_MAX)
            return err_set(err, ERR_INVALID, "\"%.20s...\" is no address", text);
        if (count == RESOLVERS_MAX)
            return err_set(err, ERR_INVALID, "more than %u addresses", RESOLVERS_MAX);
        memcpy(word, text, length);
        word[length] = '\0';
        if (!read_one(word, &found[count++], err))
            return false;
        text += length;
    }
    memcpy(ret_resolvers, found, count * sizeof(*found));
    *ret_count = count;
    return true;
}
