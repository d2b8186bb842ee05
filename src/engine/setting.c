/* setting.c - what staff may change while berthd runs: loaded from the store, changed by a request, told to whoever is
 * outside of the engine. What the values may be is core/settings.h. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/redact.h"
#include "engine/internal.h"

#define CONTEXT_MAX 100

static void context_of(const struct setting *setting, char ret_context[CONTEXT_MAX])
{
    snprintf(ret_context, CONTEXT_MAX, "setting/%s", setting->name);
}

static void each_secret(const struct settings *settings, void (*function)(const char *secret))
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        if (setting->secret && settings_text(settings, setting)[0] != '\0')
            function(settings_text(settings, setting));
    }
}

/** From here on these hold. Told at once, before the commit: should that fail, everything is loaded and told again. */
static void take(struct engine *engine, const struct settings *settings)
{
    each_secret(settings, redact_add);
    each_secret(&engine->settings, redact_remove);
    engine->settings = *settings;
    engine->world.next_due_ms = 0; /* it may be allowed now, or have more room */
    if (engine->config.settings_changed != NULL)
        engine->config.settings_changed(engine->config.settings_context, &engine->settings);
}

void engine_forget_settings(struct engine *engine)
{
    each_secret(&engine->settings, redact_remove);
    sodium_memzero(&engine->settings, sizeof(engine->settings));
}

/* ---- loading ------------------------------------------------------------------------------------------------------ */

static bool open_secret(const struct engine *engine, const struct setting *setting, const struct stored_setting *stored,
                        struct settings *settings, struct err *err)
{
    char context[CONTEXT_MAX];
    char *text = NULL;
    context_of(setting, context);
    if (!keyring_open(engine->config.keyring, context, stored->cipher, stored->cipher_length, &text, err))
        return false;
    bool ok = settings_set(settings, setting->name, text, err);
    sodium_memzero(text, strlen(text));
    free(text);
    return ok;
}

/** A value that cannot be used any more (another version wrote it, the keyring is another one) must not keep berthd from
 * starting: the default holds, and the log says so. */
static void load_one(const struct engine *engine, const struct stored_setting *stored, struct settings *settings)
{
    struct err bad = { 0 };
    const struct setting *setting = setting_find(stored->name);
    bool ok = setting != NULL && setting->secret ? open_secret(engine, setting, stored, settings, &bad)
                                                 : settings_set(settings, stored->name, stored->value, &bad);
    if (!ok)
        log_error("setting.unusable", "name=%s cause=%s", stored->name, log_quote(bad.msg));
}

bool engine_load_settings(struct engine *engine, struct err *err)
{
    struct stored_setting *stored = NULL;
    size_t count = 0;
    struct settings settings;
    struct err bad = { 0 };
    if (!store_list_settings(engine->config.store, &stored, &count, err))
        return false;
    settings_defaults(&settings);
    for (size_t i = 0; i < count; i++)
        load_one(engine, &stored[i], &settings);
    stored_settings_free(stored, count);
    if (!settings_check(&settings, &bad))
        log_error("setting.unusable", "name=%s cause=%s", bad.field, log_quote(bad.msg));
    take(engine, &settings);
    sodium_memzero(&settings, sizeof(settings));
    return true;
}

/* ---- changing ----------------------------------------------------------------------------------------------------- */

static bool store_value(struct engine *engine, const struct setting *setting, const char *text, struct err *err)
{
    CLEANUP(freep) char *name = xstrdup(setting->name);
    CLEANUP(freep) char *value = xstrdup(setting->secret ? "" : text);
    struct stored_setting stored = { .name = name, .value = value };
    if (strcmp(text, setting->preset) == 0)
        return store_remove_setting(engine->config.store, name, err);
    if (setting->secret) {
        char context[CONTEXT_MAX];
        context_of(setting, context);
        keyring_seal(engine->config.keyring, engine->config.rng, context, text, &stored.cipher, &stored.cipher_length);
    }
    bool ok = store_put_setting(engine->config.store, &stored, err);
    free(stored.cipher);
    return ok;
}

/** What the record of changes says of a value: of a secret no more than that there is one. */
static char *recorded(const struct setting *setting, const char *text, const char *secret_word)
{
    return xstrdup(!setting->secret ? text : text[0] == '\0' ? "" : secret_word);
}

static bool change_one(struct engine *engine, const struct settings *settings, const struct setting *setting,
                       const char *who, struct err *err)
{
    struct buf before = BUF_INIT, after = BUF_INIT;
    settings_get_text(&engine->settings, setting, &before);
    settings_get_text(settings, setting, &after);
    bool ok = true;
    if (!buf_equals(&before, buf_text(&after))) {
        struct setting_change change = { .at_ms = engine->batch.now_ms,
                                         .who = xstrdup(who),
                                         .name = xstrdup(setting->name),
                                         .old_value = recorded(setting, buf_text(&before), "(set)"),
                                         .new_value = recorded(setting, buf_text(&after), "(changed)") };
        ok = store_value(engine, setting, buf_text(&after), err) &&
             store_insert_setting_change(engine->config.store, &change, err);
        log_info("setting.changed", "name=%s who=%s from=%s to=%s", change.name, log_quote(who),
                 log_quote(change.old_value), log_quote(change.new_value));
        setting_change_finish(&change);
    }
    buf_wipe(&before);
    buf_wipe(&after);
    return ok;
}

bool engine_set_settings(struct engine *engine, struct request *request, struct err *err)
{
    struct settings settings = engine->settings;
    bool good = true;
    bool stored = true;
    for (size_t i = 0; good && i < request->setting_count; i++)
        good = settings_set(&settings, request->settings[i].name, request->settings[i].value, &request->err);
    good = good && settings_check(&settings, &request->err);
    for (size_t i = 0; good && stored && i < setting_count; i++)
        stored = change_one(engine, &settings, &setting_table[i], request->who, err);
    if (good && stored) {
        take(engine, &settings);
        request->ok = true;
        stored = outbox_hurry(engine, err); /* what was refused may be right now */
    }
    sodium_memzero(&settings, sizeof(settings));
    return stored;
}
