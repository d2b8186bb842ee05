/* product.c - see product.h. Fields are tables: name, place, default, range. */
#include "core/product.h"

#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/domain.h"
#include "core/model.h"

#define MB_MAX                                                                                                         \
    INT64_C(1073741824) /* a petabyte: beyond it is a slip of the keyboard, and sums stay far from overflow */
#define COUNT_MAX INT64_C(1000000)

struct number_field {
    const char *name;
    size_t offset;
    int64_t standard; /* when it is left out */
    int64_t min, max;
    bool may_be_unlimited;
    bool zero_drops_role;
};

struct text_field {
    const char *name;
    size_t offset;
    const char *standard;
    bool (*check)(const char *value, const char *field, struct err *err);
};

struct role_fields {
    enum role role;
    size_t offset; /* in struct product_spec */
    const struct number_field *numbers;
    size_t number_count;
    const struct text_field *texts;
    size_t text_count;
};

/* ---- values that are text ---- */

static bool php_check(const char *value, const char *field, struct err *err)
{
    size_t major = strspn(value, "0123456789");
    const char *minor = value + major + 1;
    if (value[0] == '\0' || (major >= 1 && major <= 2 && value[major] == '.' && minor[0] != '\0' &&
                             strlen(minor) <= 2 && strspn(minor, "0123456789") == strlen(minor)))
        return true;
    return err_set_field(err, ERR_INVALID, field, "%s: write a PHP version like \"8.2\", or \"\" for the node's own",
                         field);
}

static bool mailbox_check(const char *value, const char *field, struct err *err)
{
    size_t length = strlen(value);
    if (length > MAILBOX_LENGTH_MAX)
        return err_set_field(err, ERR_INVALID, field, "%s: longer than %d characters", field, MAILBOX_LENGTH_MAX);
    if (strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789._-") != length)
        return err_set_field(err, ERR_INVALID, field,
                             "%s: write only the part before the @; a-z, 0-9, dot, hyphen and _ are allowed", field);
    if (length > 0 && (value[0] == '.' || value[length - 1] == '.' || strstr(value, "..") != NULL))
        return err_set_field(err, ERR_INVALID, field, "%s: a dot must stand between two other characters", field);
    return true;
}

static bool template_check(const char *value, const char *field, struct err *err)
{
    return name_check(value, field, err) || err_wrap(err, "%s", field);
}

/* ---- fields ---- */

#define NUMBER(type, member, standard, min, max, unlimited, drops)                                                     \
    {                                                                                                                  \
#member, offsetof(struct type, member), standard, min, max, unlimited, drops                                   \
    }

static const struct number_field web_numbers[] = {
    NUMBER(web_spec, disk_mb, PRODUCT_UNLIMITED, 0, MB_MAX, true, true),
    NUMBER(web_spec, bandwidth_mb, PRODUCT_UNLIMITED, 1, MB_MAX, true, false),
    NUMBER(web_spec, domains, 1, 0, COUNT_MAX, true, true),
    NUMBER(web_spec, aliases, PRODUCT_UNLIMITED, 1, COUNT_MAX, true, false), /* www. is one */
    NUMBER(web_spec, databases, PRODUCT_UNLIMITED, 0, COUNT_MAX, true, false),
    NUMBER(web_spec, cron_jobs, PRODUCT_UNLIMITED, 0, COUNT_MAX, true, false),
    NUMBER(web_spec, backups, 3, 0, 1000, false, false),
};
static const struct text_field web_texts[] = { { "php", offsetof(struct web_spec, php), "", php_check } };

static const struct number_field mail_numbers[] = {
    NUMBER(mail_spec, disk_mb, PRODUCT_UNLIMITED, 0, MB_MAX, true, true),
    NUMBER(mail_spec, domains, 1, 0, COUNT_MAX, true, true),
    NUMBER(mail_spec, accounts, PRODUCT_UNLIMITED, 0, COUNT_MAX, true, true),
    NUMBER(mail_spec, rate_per_hour, 200, 1, COUNT_MAX, false, false),
};
static const struct text_field mail_texts[] = {
    { "mailbox", offsetof(struct mail_spec, mailbox), "", mailbox_check },
};

static const struct number_field dns_numbers[] = {
    NUMBER(dns_spec, domains, 1, 0, COUNT_MAX, true, true),
    NUMBER(dns_spec, records, PRODUCT_UNLIMITED, 0, COUNT_MAX, true, true),
    NUMBER(dns_spec, ttl, 14400, 60, 604800, false, false),
};
static const struct text_field dns_texts[] = {
    { "template", offsetof(struct dns_spec, zone_template), "default", template_check },
};

static const struct role_fields role_tables[] = {
    { ROLE_WEB, offsetof(struct product_spec, web), web_numbers, ARRAY_LEN(web_numbers), web_texts,
      ARRAY_LEN(web_texts) },
    { ROLE_MAIL, offsetof(struct product_spec, mail), mail_numbers, ARRAY_LEN(mail_numbers), mail_texts,
      ARRAY_LEN(mail_texts) },
    { ROLE_DNS, offsetof(struct product_spec, dns), dns_numbers, ARRAY_LEN(dns_numbers), dns_texts,
      ARRAY_LEN(dns_texts) },
};

static int64_t *number_at(struct product_spec *spec, const struct role_fields *table, const struct number_field *field)
{
    return (int64_t *)(void *)((char *)spec + table->offset + field->offset);
}

static char **text_at(struct product_spec *spec, const struct role_fields *table, const struct text_field *field)
{
    return (char **)(void *)((char *)spec + table->offset + field->offset);
}

/* ---- JSON ---- */

static const char *json_kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "a text";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "something else";
}

/* @param field  what holds the JSON: "spec", "options" */
static bool json_object_parse(const char *json, const char *field, json_t **ret_object, struct err *err)
{
    json_error_t problem;
    json_t *value = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (value == NULL)
        return err_set_field(err, ERR_INVALID, field, "%s is not valid JSON: line %d: %s", field, problem.line,
                             problem.text);
    if (!json_is_object(value)) {
        err_set_field(err, ERR_INVALID, field, "%s must be an object, not %s", field, json_kind(value));
        json_decref(value);
        return false;
    }
    *ret_object = value;
    return true;
}

static bool json_read_limit(const json_t *value, const char *path, const struct number_field *field,
                            int64_t *ret_number, struct err *err)
{
    if (field->may_be_unlimited && ((json_is_integer(value) && json_integer_value(value) == PRODUCT_UNLIMITED) ||
                                    (json_is_string(value) && strcmp(json_string_value(value), "unlimited") == 0))) {
        *ret_number = PRODUCT_UNLIMITED;
        return true;
    }
    const char *or_unlimited = field->may_be_unlimited ? " or \"unlimited\"" : "";
    if (!json_is_integer(value))
        return err_set_field(err, ERR_INVALID, path, "%s must be a whole number%s, not %s", path, or_unlimited,
                             json_kind(value));
    int64_t number = json_integer_value(value);
    if (number < field->min || number > field->max)
        return err_set_field(err, ERR_INVALID, path, "%s must be between %" PRId64 " and %" PRId64 "%s, not %" PRId64,
                             path, field->min, field->max, or_unlimited, number);
    *ret_number = number;
    return true;
}

static bool json_read_text(const json_t *value, const char *path, const struct text_field *field, char **ret_text,
                           struct err *err)
{
    if (!json_is_string(value))
        return err_set_field(err, ERR_INVALID, path, "%s must be a text, not %s", path, json_kind(value));
    if (strlen(json_string_value(value)) != json_string_length(value))
        return err_set_field(err, ERR_INVALID, path, "%s contains a NUL character", path);
    if (!field->check(json_string_value(value), path, err))
        return false;
    free(*ret_text);
    *ret_text = xstrdup(json_string_value(value));
    return true;
}

/* ---- a product's spec ---- */

static void role_fill(const struct role_fields *table, bool sold, struct product_spec *spec)
{
    for (size_t i = 0; i < table->number_count; i++)
        *number_at(spec, table, &table->numbers[i]) = sold ? table->numbers[i].standard : 0;
    for (size_t i = 0; i < table->text_count; i++) {
        char **text = text_at(spec, table, &table->texts[i]);
        free(*text);
        *text = xstrdup(sold ? table->texts[i].standard : "");
    }
}

static bool role_read_field(const struct role_fields *table, const char *key, const json_t *value,
                            struct product_spec *spec, struct err *err)
{
    char path[64];
    snprintf(path, sizeof(path), "%s.%s", role_name(table->role), key);
    for (size_t i = 0; i < table->number_count; i++) {
        if (strcmp(key, table->numbers[i].name) == 0)
            return json_read_limit(value, path, &table->numbers[i], number_at(spec, table, &table->numbers[i]), err);
    }
    for (size_t i = 0; i < table->text_count; i++) {
        if (strcmp(key, table->texts[i].name) == 0)
            return json_read_text(value, path, &table->texts[i], text_at(spec, table, &table->texts[i]), err);
    }
    return err_set_field(err, ERR_INVALID, path, "%s is not a field of the role", path);
}

/* Values of a role that turns out not to be sold are still checked: a mistake there is a mistake. */
static bool role_read(const struct role_fields *table, json_t *object, struct product_spec *spec, struct err *err)
{
    const char *name = role_name(table->role);
    if (json_is_null(object))
        return true;
    if (!json_is_object(object))
        return err_set_field(err, ERR_INVALID, name, "%s must be an object, not %s", name, json_kind(object));
    role_fill(table, true, spec);
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value)
    {
        if (!role_read_field(table, key, value, spec, err))
            return false;
    }
    for (size_t i = 0; i < table->number_count; i++) {
        if (table->numbers[i].zero_drops_role && *number_at(spec, table, &table->numbers[i]) == 0) {
            role_fill(table, false, spec);
            return true;
        }
    }
    spec->roles |= ROLE_BIT(table->role);
    return true;
}

static bool spec_read(json_t *object, struct product_spec *spec, struct err *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value)
    {
        const struct role_fields *table = NULL;
        if (strcmp(key, "customer_retry") == 0) {
            if (!json_is_boolean(value))
                return err_set_field(err, ERR_INVALID, key, "%s must be true or false, not %s", key, json_kind(value));
            spec->customer_retry = json_is_true(value);
            continue;
        }
        for (size_t i = 0; i < ARRAY_LEN(role_tables); i++) {
            if (strcmp(key, role_name(role_tables[i].role)) == 0)
                table = &role_tables[i];
        }
        if (table == NULL)
            return err_set_field(err, ERR_INVALID, key,
                                 "%.40s is no part of a spec: it has web, mail, dns and customer_retry", key);
        if (!role_read(table, value, spec, err))
            return false;
    }
    if (spec->roles == 0)
        return err_set_field(err, ERR_INVALID, "spec",
                             "the spec sells nothing: give at least one of web, mail and dns, with a quota above 0");
    return true;
}

bool product_spec_parse(const char *json, struct product_spec *ret_spec, struct err *err)
{
    CLEANUP(json_decrefp) json_t *object = NULL;
    if (!json_object_parse(json, "spec", &object, err))
        return false;
    struct product_spec spec = { .customer_retry = true };
    for (size_t i = 0; i < ARRAY_LEN(role_tables); i++)
        role_fill(&role_tables[i], false, &spec);
    if (!spec_read(object, &spec, err)) {
        product_spec_finish(&spec);
        return false;
    }
    *ret_spec = spec;
    return true;
}

void product_spec_finish(struct product_spec *spec)
{
    for (size_t i = 0; i < ARRAY_LEN(role_tables); i++) {
        for (size_t t = 0; t < role_tables[i].text_count; t++) {
            char **text = text_at(spec, &role_tables[i], &role_tables[i].texts[t]);
            free(*text);
            *text = NULL;
        }
    }
    spec->roles = 0;
}

static json_t *role_to_json(const struct role_fields *table, struct product_spec *spec)
{
    json_t *object = json_object();
    for (size_t i = 0; i < table->number_count; i++)
        json_object_set_new(object, table->numbers[i].name, json_integer(*number_at(spec, table, &table->numbers[i])));
    for (size_t i = 0; i < table->text_count; i++)
        json_object_set_new(object, table->texts[i].name, json_string(*text_at(spec, table, &table->texts[i])));
    return object;
}

static char *json_to_text(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    char *copy = xstrdup(text != NULL ? text : "{}");
    free(text);
    return copy;
}

bool product_spec_canonical(const char *json, char **ret_json, struct err *err)
{
    struct product_spec spec = { 0 };
    if (!product_spec_parse(json, &spec, err))
        return false;
    CLEANUP(json_decrefp) json_t *object = json_object();
    for (size_t i = 0; i < ARRAY_LEN(role_tables); i++) {
        if (spec.roles & ROLE_BIT(role_tables[i].role))
            json_object_set_new(object, role_name(role_tables[i].role), role_to_json(&role_tables[i], &spec));
    }
    json_object_set_new(object, "customer_retry", json_boolean(spec.customer_retry));
    *ret_json = json_to_text(object);
    product_spec_finish(&spec);
    return true;
}

/* ---- an order's options ---- */

static const struct number_field quota_field = { "mailbox_quota_mb", 0, PRODUCT_UNLIMITED, 1, MB_MAX, true, false };
static const struct text_field mailbox_field = { "mailbox", 0, "", mailbox_check };
static const struct text_field php_field = { "php", 0, "", php_check };

static bool options_read_field(const char *key, const json_t *value, struct order_options *options, struct err *err)
{
    char path[64];
    snprintf(path, sizeof(path), "options.%s", key);
    if (strcmp(key, "mailbox") == 0) {
        if (!json_is_null(value))
            return json_read_text(value, path, &mailbox_field, &options->mailbox, err);
        options->mailbox[0] = '\0';
        return true;
    }
    if (strcmp(key, "mailbox_quota_mb") == 0)
        return json_read_limit(value, path, &quota_field, &options->mailbox_quota_mb, err);
    if (strcmp(key, "php") == 0)
        return json_read_text(value, path, &php_field, &options->php, err);
    return err_set_field(err, ERR_INVALID, path, "%s is not an option: there are mailbox, mailbox_quota_mb and php",
                         path);
}

/* What an order asks for must be sold; or it would be dropped without a word. */
static bool options_fit(const struct order_options *options, const struct product_spec *spec, struct err *err)
{
    bool mail = (spec->roles & ROLE_BIT(ROLE_MAIL)) != 0;
    if (!mail && options->mailbox[0] != '\0')
        return err_set_field(err, ERR_INVALID, "options.mailbox", "options.mailbox: the product has no mail");
    if (!mail && options->mailbox_quota_mb != PRODUCT_UNLIMITED)
        return err_set_field(err, ERR_INVALID, "options.mailbox_quota_mb",
                             "options.mailbox_quota_mb: the product has no mail");
    if (mail && spec->mail.disk_mb != PRODUCT_UNLIMITED && options->mailbox_quota_mb > spec->mail.disk_mb)
        return err_set_field(err, ERR_INVALID, "options.mailbox_quota_mb",
                             "options.mailbox_quota_mb is more than the product's mail.disk_mb (%" PRId64 ")",
                             spec->mail.disk_mb);
    if (!(spec->roles & ROLE_BIT(ROLE_WEB)) && options->php[0] != '\0')
        return err_set_field(err, ERR_INVALID, "options.php", "options.php: the product has no web space");
    return true;
}

static bool options_read(json_t *object, const struct product_spec *spec, struct order_options *options,
                         struct err *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value)
    {
        if (!options_read_field(key, value, options, err))
            return false;
    }
    return options_fit(options, spec, err);
}

bool order_options_parse(const char *json, const struct product_spec *spec, struct order_options *ret_options,
                         struct err *err)
{
    CLEANUP(json_decrefp) json_t *object = NULL;
    if (!json_object_parse(json == NULL || json[0] == '\0' ? "{}" : json, "options", &object, err))
        return false;
    struct order_options options = {
        .mailbox = xstrdup(spec->mail.mailbox),
        .mailbox_quota_mb = PRODUCT_UNLIMITED,
        .php = xstrdup(spec->web.php),
    };
    if (!options_read(object, spec, &options, err)) {
        order_options_finish(&options);
        return false;
    }
    *ret_options = options;
    return true;
}

char *order_options_canonical(const struct order_options *options)
{
    CLEANUP(json_decrefp) json_t *object = json_object();
    json_object_set_new(object, "mailbox", json_string(options->mailbox));
    json_object_set_new(object, "mailbox_quota_mb", json_integer(options->mailbox_quota_mb));
    json_object_set_new(object, "php", json_string(options->php));
    return json_to_text(object);
}

void order_options_finish(struct order_options *options)
{
    free(options->mailbox);
    free(options->php);
    options->mailbox = options->php = NULL;
}
