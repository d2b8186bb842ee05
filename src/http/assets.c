/* assets.c - see assets.h. */
#include "assets.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "http/route.h"

#define FILE_MAX (8U * 1024 * 1024)
#define FILES_MAX 512
#define PACK_MIN 200 /* below it a packet is a packet */
#define MANIFEST "/assets/customer/manifest.json"
#define ADMIN_PAGE "/assets/admin/admin.html"

struct assets {
    struct asset *list;
    size_t count;
    char *customer_styles, *customer_script;
};

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static const char *content_type_of(const char *path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        { ".js", "text/javascript; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".html", "text/html; charset=utf-8" },
        { ".json", "application/json" },
        { ".svg", "image/svg+xml" },
        { ".png", "image/png" },
        { ".ico", "image/x-icon" },
        { ".woff2", "font/woff2" },
        { ".txt", "text/plain; charset=utf-8" },
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < ARRAY_LEN(types); i++) {
        if (strcmp(dot, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static bool read_file(const char *path, char **ret_data, size_t *ret_length, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_IO, "%s cannot be opened: %s", path, strerror(errno));
    struct buf content = BUF_INIT;
    char piece[16384];
    for (size_t got; (got = fread(piece, 1, sizeof(piece), file)) > 0 && content.length <= FILE_MAX;)
        buf_add(&content, piece, got);
    bool bad = ferror(file) != 0;
    fclose(file);
    if (bad || content.length > FILE_MAX) {
        buf_finish(&content);
        return err_set(err, ERR_IO, "%s %s", path, bad ? "cannot be read" : "is too large");
    }
    *ret_length = content.length;
    *ret_data = buf_steal(&content);
    return true;
}

static void pack(struct asset *asset)
{
    z_stream stream = { 0 };
    if (asset->length < PACK_MIN || deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    size_t bound = deflateBound(&stream, asset->length);
    char *packed = xcalloc(1, bound);
    stream.next_in = (unsigned char *)asset->data;
    stream.avail_in = (unsigned)asset->length;
    stream.next_out = (unsigned char *)packed;
    stream.avail_out = (unsigned)bound;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    size_t length = stream.total_out;
    deflateEnd(&stream);
    if (!whole || length + length / 10 >= asset->length) { /* a picture or a font is packed already */
        free(packed);
        return;
    }
    asset->packed = xrealloc(packed, length);
    asset->packed_length = length;
}

static void add_asset(struct assets *assets, char *path, char *data, size_t length)
{
    unsigned char hash[16];
    char hex[2 * sizeof(hash) + 1];
    assets->list = xrealloc(assets->list, (assets->count + 1) * sizeof(*assets->list));
    struct asset *asset = &assets->list[assets->count++];
    *asset = (struct asset){ .path = path, .content_type = content_type_of(path), .data = data, .length = length };
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)data, length, NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    snprintf(asset->etag, sizeof(asset->etag), "\"%s\"", hex);
    pack(asset);
}

/* Vite puts all of one page into one folder: there are no folders in it to go down to. */
static bool read_folder(struct assets *assets, const char *folder, const char *name, struct err *err)
{
    CLEANUP(freep) char *path = xasprintf("%s/%s", folder, name);
    DIR *entries = opendir(path);
    if (entries == NULL)
        return err_set(err, ERR_IO, "%s cannot be read: %s", path, strerror(errno));
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
            continue;
        CLEANUP(freep) char *file = xasprintf("%s/%s", path, entry->d_name);
        char *data = NULL;
        size_t length = 0;
        ok = assets->count < FILES_MAX || err_set(err, ERR_INVALID, "%s has too many files", path);
        ok = ok && read_file(file, &data, &length, err);
        if (ok)
            add_asset(assets, xasprintf("/assets/%s/%s", name, entry->d_name), data, length);
    }
    closedir(entries);
    return ok;
}

/* ---- what the customer's page loads --------------------------------------------------------------------------------- */

static char *tags_of_styles(json_t *entry)
{
    struct buf tags = BUF_INIT;
    json_t *styles = json_object_get(entry, "css");
    for (size_t i = 0; i < json_array_size(styles); i++) {
        const char *file = json_string_value(json_array_get(styles, i));
        if (file != NULL)
            buf_addf(&tags, "<link rel=\"stylesheet\" href=\"/assets/customer/%s\">\n", file);
    }
    return buf_steal(&tags);
}

static bool read_manifest(struct assets *assets, struct err *err)
{
    const struct asset *manifest = assets_find(assets, MANIFEST);
    if (manifest == NULL)
        return err_set(err, ERR_INVALID, "there is no customer/manifest.json");
    json_t *root = json_loadb(manifest->data, manifest->length, 0, NULL), *each, *entry = NULL;
    const char *key;
    json_object_foreach(root, key, each)
    {
        if (json_is_true(json_object_get(each, "isEntry")))
            entry = each;
    }
    const char *script = json_string_value(json_object_get(entry, "file"));
    if (script != NULL) {
        assets->customer_script = xasprintf("<script type=\"module\" src=\"/assets/customer/%s\"></script>\n", script);
        assets->customer_styles = tags_of_styles(entry);
    }
    json_decref(root);
    return assets->customer_script != NULL || err_set(err, ERR_INVALID, "customer/manifest.json names no entry");
}

bool assets_load(const char *folder, struct assets **ret_assets, struct err *err)
{
    struct assets *assets = xcalloc(1, sizeof(*assets));
    if (read_folder(assets, folder, "customer", err) && read_folder(assets, folder, "admin", err) &&
        read_manifest(assets, err)) {
        *ret_assets = assets;
        return true;
    }
    assets_destroy(assets);
    return err_wrap(err, "the pages' files in %s", folder);
}

void assets_destroy(struct assets *assets)
{
    if (assets == NULL)
        return;
    for (size_t i = 0; i < assets->count; i++) {
        free(assets->list[i].path);
        free(assets->list[i].data);
        free(assets->list[i].packed);
    }
    free(assets->list);
    free(assets->customer_styles);
    free(assets->customer_script);
    free(assets);
}

const struct asset *assets_find(const struct assets *assets, const char *path)
{
    for (size_t i = 0; assets != NULL && i < assets->count; i++) {
        if (strcmp(assets->list[i].path, path) == 0)
            return &assets->list[i];
    }
    return NULL;
}

const char *assets_customer_styles(const struct assets *assets)
{
    return assets == NULL ? "" : assets->customer_styles;
}

const char *assets_customer_script(const struct assets *assets)
{
    return assets == NULL ? "" : assets->customer_script;
}

/* ---- the routes ----------------------------------------------------------------------------------------------------- */

static bool accepts_gzip(const struct call *call)
{
    const char *accepted = call_header(call, "Accept-Encoding");
    return accepted != NULL && strstr(accepted, "gzip") != NULL;
}

static void answer_asset(struct call *call, const struct asset *asset, const char *cache_control)
{
    call->cache_control = cache_control;
    call_add_header(call, "ETag", asset->etag);
    call_add_header(call, "Vary", "Accept-Encoding");
    if (call_has_tag(call, asset->etag)) {
        call_answer_nothing(call, MHD_HTTP_NOT_MODIFIED);
    } else if (asset->packed != NULL && accepts_gzip(call)) {
        call_add_header(call, "Content-Encoding", "gzip");
        call_answer_still(call, MHD_HTTP_OK, asset->content_type, asset->packed, asset->packed_length);
    } else {
        call_answer_still(call, MHD_HTTP_OK, asset->content_type, asset->data, asset->length);
    }
}

void assets_get(struct call *call)
{
    const struct asset *asset = assets_find(call->config->assets, call->path);
    struct problem problem;
    if (asset != NULL && strcmp(asset->path, ADMIN_PAGE) != 0 && strcmp(asset->path, MANIFEST) != 0) {
        answer_asset(call, asset, "public, max-age=31536000, immutable"); /* its content's hash is in its name */
        return;
    }
    problem_set(&problem, PROBLEM_NOT_FOUND, "", "there is nothing at this address");
    call_refuse(call, &problem);
}

void assets_get_admin(struct call *call)
{
    const struct asset *page = assets_find(call->config->assets, ADMIN_PAGE);
    struct problem problem;
    if (page == NULL) {
        problem_set(&problem, PROBLEM_NOT_FOUND, "",
                    "the staff's pages are not installed: build them with make build, and name their folder with "
                    "web_dir in berth.yaml");
        call_refuse(call, &problem);
        return;
    }
    call_add_header(call, "Content-Security-Policy",
                    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
                    "data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    call_add_header(call, "Referrer-Policy", "same-origin");
    call_add_header(call, "X-Frame-Options", "DENY");
    answer_asset(call, page, "no-cache");
}

void assets_get_root(struct call *call)
{
    struct buf nothing = BUF_INIT;
    call_add_header(call, "Location", "/admin");
    call_answer(call, MHD_HTTP_FOUND, "text/plain", &nothing);
}
