/* config.c - see config.h. */
#include "daemon/config.h"

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("database", CYAML_FLAG_POINTER, struct daemon_config, database, 1, 4096),
    CYAML_FIELD_STRING_PTR("listen", CYAML_FLAG_POINTER, struct daemon_config, listen, 1, 200),
    CYAML_FIELD_STRING_PTR("base_url", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct daemon_config, base_url, 0,
                           400),
    CYAML_FIELD_STRING_PTR("key_file", CYAML_FLAG_POINTER, struct daemon_config, key_file, 1, 4096),
    CYAML_FIELD_STRING_PTR("ssh_key_file", CYAML_FLAG_POINTER, struct daemon_config, ssh_key_file, 1, 4096),
    CYAML_FIELD_STRING_PTR("pipelines_dir", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct daemon_config,
                           pipelines_dir, 1, 4096),
    CYAML_FIELD_STRING_PTR("web_dir", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct daemon_config, web_dir, 1, 4096),
    CYAML_FIELD_STRING_PTR("log_level", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct daemon_config, log_level, 1,
                           10),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct daemon_config, fields) };

/** libcyaml tells where and what through its log: the first error line is kept, and the last with a line number. */
struct complaint {
    char text[300];
    int line;
};

static void keep_complaint(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct complaint *complaint = context;
    char text[300];
    if (level < CYAML_LOG_ERROR)
        return;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    const char *at = strstr(text, "line: ");
    if (at != NULL && complaint->line == 0)
        sscanf(at, "line: %d", &complaint->line);
    if (complaint->text[0] == '\0') {
        const char *from = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
        snprintf(complaint->text, sizeof(complaint->text), "%s", from);
    }
}

static const cyaml_config_t cyaml_config = {
    .log_fn = keep_complaint,
    .mem_fn = cyaml_mem,
    .log_level = CYAML_LOG_ERROR,
};

static void make_absolute(char **path, const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    if (*path == NULL || (*path)[0] == '/' || slash == NULL)
        return;
    char *absolute = xasprintf("%.*s/%s", (int)(slash - config_path), config_path, *path);
    free(*path);
    *path = absolute;
}

bool daemon_config_load(const char *path, struct daemon_config **ret_config, struct err *err)
{
    struct complaint complaint = { .line = 0 };
    cyaml_config_t config = cyaml_config;
    config.log_ctx = &complaint;
    struct daemon_config *loaded = NULL;
    cyaml_err_t result = cyaml_load_file(path, &config, &schema, (cyaml_data_t **)&loaded, NULL);
    if (result == CYAML_ERR_FILE_OPEN)
        return err_set(err, ERR_IO, "%s cannot be opened", path);
    if (result != CYAML_OK)
        return err_set(err, ERR_INVALID, "%s:%d: %s", path, complaint.line,
                       complaint.text[0] != '\0' ? complaint.text : cyaml_strerror(result));
    make_absolute(&loaded->key_file, path);
    make_absolute(&loaded->ssh_key_file, path);
    make_absolute(&loaded->pipelines_dir, path);
    make_absolute(&loaded->web_dir, path);
    *ret_config = loaded;
    return true;
}

void daemon_config_destroy(struct daemon_config *config)
{
    if (config != NULL)
        cyaml_free(&cyaml_config, &schema, config, 0);
}

void daemon_config_destroyp(struct daemon_config **config)
{
    daemon_config_destroy(*config);
}

bool daemon_listen_parse(const char *listen, char ret_address[64], int *ret_port, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - listen);
    char *end = NULL;
    long port = colon == NULL ? -1 : strtol(colon + 1, &end, 10);
    if (length == 0 || length >= 64 || end == colon + 1 || *end != '\0' || port < 0 || port > 65535)
        return err_set_field(err, ERR_INVALID, "listen", "listen \"%s\" is not ADDRESS:PORT", listen);
    if (listen[0] == '[' && listen[length - 1] == ']') {
        listen++;
        length -= 2;
    }
    snprintf(ret_address, 64, "%.*s", (int)length, listen);
    *ret_port = (int)port;
    return true;
}
