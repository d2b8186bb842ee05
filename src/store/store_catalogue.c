/* store_catalogue.c - what is sold: groups, products, zone templates. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

/* ---- groups ------------------------------------------------------------------------------------------------------- */

static void group_read(struct db_rows *rows, struct group *group)
{
    group->id = db_take_int(rows);
    group->name = db_take_text(rows);
    group->title = db_take_text(rows);
}

DEFINE_RECORD_KIND(group, groups)

static const char sql_insert_group[] = "INSERT INTO node_group (name, title) VALUES ($1, $2) RETURNING id";

bool store_insert_group(struct store *store, struct group *group, struct err *err)
{
    return store_get_int(store, sql_insert_group, ARGS(db_text(group->name), db_text(group->title)), &group->id, err) ||
           err_wrap(err, "insert group %s", group->name);
}

static const char sql_list_groups[] = "SELECT id, name, title FROM node_group ORDER BY id";

bool store_list_groups(struct store *store, struct group **ret_groups, size_t *ret_count, struct err *err)
{
    void *groups;
    if (!store_get_records(store, &group_record, sql_list_groups, NO_ARGS, &groups, ret_count, err))
        return err_wrap(err, "list groups");
    *ret_groups = groups;
    return true;
}

/* ---- products ----------------------------------------------------------------------------------------------------- */

#define PRODUCT_COLUMNS "id, name, title, mode, group_id, spec, created_at_ms"

static void product_read(struct db_rows *rows, struct product *product)
{
    product->id = db_take_int(rows);
    product->name = db_take_text(rows);
    product->title = db_take_text(rows);
    product->mode = (enum mode)db_take_int(rows);
    product->group_id = db_take_int(rows);
    product->spec = db_take_text(rows);
    product->created_at_ms = db_take_int(rows);
}

DEFINE_RECORD_KIND(product, products)

static const char sql_insert_product[] =
    "INSERT INTO product (name, title, mode, group_id, spec, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)"
    " RETURNING id";

bool store_insert_product(struct store *store, struct product *product, struct err *err)
{
    return store_get_int(store, sql_insert_product,
                         ARGS(db_text(product->name), db_text(product->title), db_int(product->mode),
                              db_int(product->group_id), db_text(product->spec), db_int(product->created_at_ms)),
                         &product->id, err) ||
           err_wrap(err, "insert product %s", product->name);
}

static const char sql_get_product[] = "SELECT " PRODUCT_COLUMNS " FROM product WHERE id = $1";

bool store_get_product(struct store *store, int64_t id, struct product *ret_product, struct err *err)
{
    bool found;
    if (!store_get_record(store, &product_record, sql_get_product, ARGS(db_int(id)), ret_product, &found, err))
        return err_wrap(err, "product %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no product %" PRId64, id);
}

static const char sql_list_products[] = "SELECT " PRODUCT_COLUMNS " FROM product ORDER BY id";

bool store_list_products(struct store *store, struct product **ret_products, size_t *ret_count, struct err *err)
{
    void *products;
    if (!store_get_records(store, &product_record, sql_list_products, NO_ARGS, &products, ret_count, err))
        return err_wrap(err, "list products");
    *ret_products = products;
    return true;
}

/* ---- zone templates ----------------------------------------------------------------------------------------------- */

static const char sql_put_zone_template[] =
    "INSERT INTO zone_template (name, body) VALUES ($1, $2)"
    " ON CONFLICT (name) DO UPDATE SET body = excluded.body";

bool store_put_zone_template(struct store *store, const char *name, const char *text, struct err *err)
{
    return store_run(store, sql_put_zone_template, ARGS(db_text(name), db_text(text)), NULL, err) ||
           err_wrap(err, "put zone template %s", name);
}

static void text_read(struct db_rows *rows, void *record)
{
    char **text = record;
    *text = db_take_text(rows);
}

static void text_finish(void *record)
{
    char **text = record;
    free(*text);
}

static const struct record_kind text_record = { sizeof(char *), text_read, text_finish };

static const char sql_get_zone_template[] = "SELECT body FROM zone_template WHERE name = $1";

bool store_get_zone_template(struct store *store, const char *name, char **ret_text, struct err *err)
{
    bool found;
    if (!store_get_record(store, &text_record, sql_get_zone_template, ARGS(db_text(name)), ret_text, &found, err))
        return err_wrap(err, "zone template %s", name);
    return found || err_set(err, ERR_NOT_FOUND, "no zone template %s", name);
}

static const char sql_list_zone_templates[] = "SELECT name FROM zone_template ORDER BY name";

bool store_list_zone_templates(struct store *store, char ***ret_names, size_t *ret_count, struct err *err)
{
    void *names;
    if (!store_get_records(store, &text_record, sql_list_zone_templates, NO_ARGS, &names, ret_count, err))
        return err_wrap(err, "list zone templates");
    *ret_names = names;
    return true;
}
