/* messages.c - see messages.h. */
#include "core/messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static int message_compare(const void *key, const void *message)
{
    return strcmp(key, ((const struct message *)message)->key);
}

static const struct message *message_find(const char *key)
{
    return bsearch(key, messages_en, messages_en_count, sizeof(messages_en[0]), message_compare);
}

const char *message_text(const char *key)
{
    if (key == NULL || key[0] == '\0')
        return "";
    const struct message *message = message_find(key);
    return message != NULL ? message->text : message_find("step.other")->text;
}

char *message_fill(const char *key, const char *place, const char *value)
{
    const char *text = message_text(key);
    CLEANUP(freep) char *hole = xasprintf("{%s}", place);
    const char *at = strstr(text, hole);
    if (at == NULL)
        return xstrdup(text);
    return xasprintf("%.*s%s%s", (int)(at - text), text, value, at + strlen(hole));
}

bool message_known(const char *key)
{
    return message_find(key) != NULL;
}
