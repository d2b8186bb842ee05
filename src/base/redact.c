/* redact.c - see redact.h. The list is short (secrets of attempts that run now), so a linear search is the clear
 * choice. */
#include "redact.h"

#include <pthread.h>
#include <string.h>

#include "util.h"

#define REDACT_LENGTH_MIN 6

struct secret {
    char *text;
    size_t length;
    unsigned uses;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct secret *secrets;
static size_t secret_count;
static size_t secret_capacity;

static struct secret *find(const char *text)
{
    for (size_t i = 0; i < secret_count; i++) {
        if (strcmp(secrets[i].text, text) == 0)
            return &secrets[i];
    }
    return NULL;
}

void redact_add(const char *text)
{
    if (strlen(text) < REDACT_LENGTH_MIN)
        return;
    pthread_mutex_lock(&lock);
    struct secret *known = find(text);
    if (known != NULL) {
        known->uses++;
    } else {
        if (secret_count == secret_capacity) {
            secret_capacity = secret_capacity == 0 ? 16 : secret_capacity * 2;
            secrets = xrealloc(secrets, secret_capacity * sizeof(*secrets));
        }
        secrets[secret_count++] = (struct secret){ xstrdup(text), strlen(text), 1 };
    }
    pthread_mutex_unlock(&lock);
}

void redact_remove(const char *text)
{
    pthread_mutex_lock(&lock);
    struct secret *known = find(text);
    if (known != NULL && --known->uses == 0) {
        explicit_bzero(known->text, known->length);
        free(known->text);
        *known = secrets[--secret_count];
    }
    if (secret_count == 0) {
        free(secrets);
        secrets = NULL;
        secret_capacity = 0;
    }
    pthread_mutex_unlock(&lock);
}

bool redact_bytes(char *data, size_t length)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < secret_count; i++) {
        char *at = data;
        size_t left = length;
        while ((at = memmem(at, left, secrets[i].text, secrets[i].length)) != NULL) {
            memset(at, '*', secrets[i].length);
            at += secrets[i].length;
            left = length - (size_t)(at - data);
            found = true;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

bool redact_text(char *text)
{
    return redact_bytes(text, strlen(text));
}

size_t redact_tail(const char *data, size_t length)
{
    size_t keep = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < secret_count; i++) {
        size_t most = secrets[i].length - 1 < length ? secrets[i].length - 1 : length;
        for (size_t part = most; part > keep; part--) {
            if (memcmp(data + length - part, secrets[i].text, part) == 0) {
                keep = part;
                break;
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return keep;
}
