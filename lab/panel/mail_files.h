/* mail_files.h - what a mail domain is made of on disk, for exim and dovecot. Inside lab/panel only. */
#ifndef BERTH_LAB_PANEL_MAIL_FILES_H
#define BERTH_LAB_PANEL_MAIL_FILES_H

#include "internal.h"

char *mail_conf_path(struct panel *panel, const char *user, const char *domain, const char *name);
void mail_make_folder(struct panel *panel, const char *user, const char *domain, const char *ip);
void mail_link(struct panel *panel, const char *user, const char *domain);
void mail_copy_key(struct panel *panel, const char *user, const char *domain);
void mail_set_modes(struct panel *panel, const char *user, const char *domain);
void mail_delete_folders(struct panel *panel, const char *user, const char *domain);
/** Everything again from mail.conf (line) and the domain's accounts. */
void mail_rebuild(struct panel *panel, const char *user, const char *domain, const char *line, const char *ip);
void mail_write_webmail(struct panel *panel, const char *user, const char *domain, const char *ip, const char *alias);
void mail_delete_webmail(struct panel *panel, const char *user, const char *domain, const char *alias);
/** An account's line for dovecot, with its newline; quota in MB or "unlimited". */
char *mail_passwd_line(struct panel *panel, const char *user, const char *account, const char *hash, const char *quota);
void mail_add_login(struct panel *panel, const char *user, const char *domain, const char *account, const char *hash,
                    const char *quota);
void mail_set_limit(struct panel *panel, const char *user, const char *domain, const char *account);

#endif
