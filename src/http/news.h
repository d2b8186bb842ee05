/* news.h - what has happened to a service, in its customer's words. Most events have none: what a customer reads is that a step is
 * done (once, also when it was done on two name servers), that something takes longer, and how it ends. The same events always
 * give the same news, so whoever comes back with the number of the last one misses none and reads none twice.
 * Private to src/http. */
#ifndef BERTH_HTTP_NEWS_H
#define BERTH_HTTP_NEWS_H

#include "http/picture.h"

struct news {
    int64_t seq; /* the event's */
    int64_t at_ms;
    const char *text; /* the catalogue's */
};

/** Oldest first. @param ret_news the caller's to free */
void news_of(const struct picture *picture, struct news **ret_news, size_t *ret_count);
/** {"seq", "at", "text"} */
json_t *news_view(const struct news *news);

#endif
