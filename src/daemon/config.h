/* config.h - berthd's configuration file (YAML): see berth.yaml(5). */
#ifndef BERTH_DAEMON_CONFIG_H
#define BERTH_DAEMON_CONFIG_H

#include "base/err.h"

struct daemon_config {
    char *database;      /* sqlite:///var/lib/berth/berth.db */
    char *listen;        /* 127.0.0.1:8080 */
    char *base_url;      /* what links begin with; left out: http://<listen> */
    char *key_file;      /* the keyring */
    char *ssh_key_file;  /* our private SSH key */
    char *pipelines_dir; /* left out: the one that was installed */
    char *web_dir;       /* the pages' files; left out: those that were installed */
    char *log_level;     /* debug, info, warn, error; left out: info */
};

/** Read and check; relative paths count from the file's folder. The sentence of an error begins with "<path>:<line>: " where a
 * line is to blame. @param ret_config to be freed with daemon_config_destroy() */
MUST_CHECK bool daemon_config_load(const char *path, struct daemon_config **ret_config, struct err *err);
void daemon_config_destroy(struct daemon_config *config);
void daemon_config_destroyp(struct daemon_config **config);

/** "127.0.0.1:8080" or "[::1]:8080"; port 0 is any free one. */
MUST_CHECK bool daemon_listen_parse(const char *listen, char ret_address[64], int *ret_port, struct err *err);

#endif
