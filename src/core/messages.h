/* messages.h - the customer's words. Everything else holds keys; one catalogue per language
 * (messages/en/customer.json, which the page's script uses as well). Keys:
 *   step.<step>     what is being done: the labels of pipelines
 *   done.<step>     that it is done
 *   news.<what>     what else happens, for the activity feed
 *   headline.<status> what stands on top; {domain} is to be filled
 *   wait.<why>      why it takes longer; it goes on by itself
 *   problem.<what>  why it has stopped; help.<what> who knows of that, or what the customer can do
 *   again.<what>    the same of a service that was live before
 *   page.<what>     what stands on the page around these; {name} in it is a place to be filled
 * The words of steps, waits and problems name no host, command or part of a panel. */
#ifndef BERTH_CORE_MESSAGES_H
#define BERTH_CORE_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

struct message {
    const char *key, *text;
};

/** The words for a key; for one that is not in the catalogue general ones, so that a customer never reads a key. "" for
 * "". */
const char *message_text(const char *key);
/** The same with {place} in it filled. To be freed. */
char *message_fill(const char *key, const char *place, const char *value);
/** Whether the catalogue has the key. */
bool message_known(const char *key);

/* One catalogue: sorted by key. */
extern const struct message messages_en[];
extern const size_t messages_en_count;

#endif
