/* web_files.h - what a web domain is made of on disk; line is its line of web.conf. Inside lab/panel only. */
#ifndef BERTH_LAB_PANEL_WEB_FILES_H
#define BERTH_LAB_PANEL_WEB_FILES_H

#include "internal.h"

#define WEB_LOG_DIR "/var/log/apache2/domains"

char *web_dir(struct panel *panel, const char *user, const char *domain); /* /home/USER/web/DOMAIN */
void web_make_folders(struct panel *panel, const char *user, const char *domain);
void web_make_logs(struct panel *panel, const char *user, const char *domain);
void web_make_skeleton(struct panel *panel, const char *user, const char *domain);
void web_set_modes(struct panel *panel, const char *user, const char *domain, unsigned base_mode, unsigned log_mode);
void web_write_pool(struct panel *panel, const char *user, const char *domain, const char *backend);
bool web_delete_pool(struct panel *panel, const char *domain);
/** The file of one server, apache2 or nginx, and its link in conf.d/domains. */
void web_write_server(struct panel *panel, const char *system, const char *user, const char *domain, const char *line);
void web_delete_server(struct panel *panel, const char *system, const char *user, const char *domain);
void web_write_servers(struct panel *panel, const char *user, const char *domain, const char *line);

#endif
