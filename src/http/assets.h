/* assets.h - the files of the pages (scripts, stylesheets, the staff's entry page), read into memory once at start: a folder
 * that is replaced meanwhile, or a disk that is slow, never shows. Each is kept as it is and, where that is smaller,
 * compressed. Private to src/http. */
#ifndef BERTH_HTTP_ASSETS_H
#define BERTH_HTTP_ASSETS_H

#include "http/call.h"

struct asset {
    char *path; /* "/assets/customer/main-BCx7pB8Z.js" */
    const char *content_type;
    char *data;
    size_t length;
    char *packed; /* gzip; NULL: it would not be smaller */
    size_t packed_length;
    char etag[40]; /* with its quotes; of the content */
};

struct assets;

/**
 * Read <folder>/customer and <folder>/admin, as Vite has built them: what the folders hold, and the customer's manifest.json.
 * @return false with ERR_IO or ERR_INVALID: there is no such folder, or what is in it is not what a build makes
 */
MUST_CHECK bool assets_load(const char *folder, struct assets **ret_assets, struct err *err);
void assets_destroy(struct assets *assets); /* NULL is allowed */

/** NULL when there is none; assets may be NULL. */
const struct asset *assets_find(const struct assets *assets, const char *path);
/** HTML for the head of the customer's page: its stylesheets, its script; "" when it has none. */
const char *assets_customer_styles(const struct assets *assets);
const char *assets_customer_script(const struct assets *assets);

#endif
