/* hestia_node.c - node.preflight: what a node is and offers, before anything is put on it. */
#include "drivers/hestia.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* The driver was made and tested with 1.10; the next major version may answer otherwise. */
#define VERSION_MAJOR 1
#define VERSION_MINOR_MIN 10
#define CLOCK_RIGHT_S 30 /* to connect and to look takes some of it */

static bool version_is_known(const char *version)
{
    char *end = NULL;
    long major = strtol(version, &end, 10);
    if (end == version || *end != '.')
        return false;
    long minor = strtol(end + 1, NULL, 10);
    return major == VERSION_MAJOR && minor >= VERSION_MINOR_MIN;
}

/* ["PHP-8_2", "default", "no-php", "socket"] -> "8.2" */
static void php_versions(const struct look *templates, struct buf *ret_list)
{
    size_t index;
    json_t *entry;
    if (templates->state != LOOK_PRESENT || !json_is_array(templates->object))
        return;
    json_array_foreach(templates->object, index, entry)
    {
        const char *name = json_string_value(entry);
        if (name == NULL || strncmp(name, "PHP-", 4) != 0)
            continue;
        if (ret_list->length > 0)
            buf_add_char(ret_list, ',');
        for (const char *at = name + 4; *at != '\0'; at++)
            buf_add_char(ret_list, *at == '_' ? '.' : *at);
    }
}

static void capabilities(const struct look *config, struct buf *ret_list)
{
    static const struct {
        const char *key, *name;
    } systems[] = { { "WEB_SYSTEM", "web" }, { "MAIL_SYSTEM", "mail" }, { "DNS_SYSTEM", "dns" } };
    for (size_t i = 0; i < ARRAY_LEN(systems); i++) {
        const char *value = look_text(config, systems[i].key);
        if (value[0] != '\0' && strcmp(value, "no") != 0)
            buf_addf(ret_list, "%s%s", ret_list->length > 0 ? "," : "", systems[i].name);
    }
}

/* The node's smallest disk, from lines "path blocks block-size ...". "41203 MB free on /home" */
static void add_room(struct talk *talk, const char *out)
{
    char path[64];
    char least_path[64] = "";
    long long blocks, size;
    double least = 0;
    for (const char *line = out; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        if (sscanf(line, "%63s %lld %lld", path, &blocks, &size) != 3)
            continue;
        double free_mb = (double)blocks * (double)size / (1024 * 1024);
        if (free_mb < 0 || (least_path[0] != '\0' && free_mb >= least)) /* below 0: it does not know */
            continue;
        least = free_mb;
        snprintf(least_path, sizeof(least_path), "%s", path);
    }
    if (least_path[0] == '\0')
        return;
    char text[128];
    snprintf(text, sizeof(text), "%.0f MB free on %s", least, least_path);
    move_add_fact(talk->move, "room", text);
}

/* "right", or how far it is off: certificates and logs go wrong with it. */
static void add_clock(struct talk *talk, const char *out)
{
    char *end = NULL;
    long long there = strtoll(out, &end, 10);
    if (end == out || there < 0)
        return;
    long long ahead = there - talk->step->now_ms / 1000;
    char text[64] = "right";
    if (ahead > CLOCK_RIGHT_S || ahead < -CLOCK_RIGHT_S)
        snprintf(text, sizeof(text), "%lld s %s ours", ahead > 0 ? ahead : -ahead, ahead > 0 ? "ahead of" : "behind");
    move_add_fact(talk->move, "clock", text);
}

static void preflight_read(struct talk *talk, const struct look *config)
{
    CLEANUP(look_finish) struct look info, templates;
    CLEANUP(buf_finish) struct buf roles = BUF_INIT;
    CLEANUP(buf_finish) struct buf php = BUF_INIT;
    look_init(&info, talk_segment(talk, 2), "sysinfo");
    look_init(&templates, talk_segment(talk, 3), NULL);
    capabilities(config, &roles);
    php_versions(&templates, &php);
    const char *version = look_text(config, "VERSION");
    if (version[0] == '\0')
        move_end(talk->move, "panel.no-root", "v-list-sys-config gives no version");
    else if (!version_is_known(version))
        move_end(talk->move, "preflight.version", "it is %s", version);
    else if (roles.length == 0)
        move_end(talk->move, "preflight.missing", "neither web, mail nor DNS is installed");
    else if (strstr(buf_text(&roles), "web") != NULL && look_is(config, "WEB_BACKEND", ""))
        move_end(talk->move, "preflight.missing", "the web server has no PHP-FPM behind it (WEB_BACKEND is empty)");
    else if (strstr(buf_text(&roles), "mail") != NULL && look_is(config, "IMAP_SYSTEM", ""))
        move_end(talk->move, "preflight.missing", "the mail server has no IMAP server (IMAP_SYSTEM is empty)");
    if (talk->move->cause != NULL)
        return;
    move_add_fact(talk->move, "version", version);
    move_add_fact(talk->move, "capabilities", buf_text(&roles));
    move_add_fact(talk->move, "php", buf_text(&php));
    move_add_fact(talk->move, "hostname", look_text(&info, "HOSTNAME"));
    move_add_fact(talk->move, "os", look_text(&info, "OS"));
    move_add_fact(talk->move, "disk_quota", look_text(config, "DISK_QUOTA"));
    add_room(talk, talk_segment(talk, 4)->out);
    move_add_fact(talk->move, "load", look_text(&info, "LOADAVERAGE"));
    add_clock(talk, talk_segment(talk, 0)->out);
    talk_done(talk, false, false, "the panel answers as root and its version is known");
}

void hestia_do_preflight(struct talk *talk)
{
    talk_begin(talk);
    on_any(talk_look(talk, "date", "+%s", NULL))->as_root =
        false; /* before what takes its time: it is compared with the beginning */
    on(talk_look(talk, "v-list-sys-config", "json", NULL), 0);
    on_any(talk_look(talk, "v-list-sys-info", "json", NULL));
    on_any(talk_look(talk, "v-list-web-templates-backend", "json", NULL));
    struct segment *room = talk_look(talk, "stat", "-f", "-c", "%n %a %S", NULL);
    room->as_root = false;
    for (const char *const *disk = hestia_disks; *disk != NULL; disk++)
        segment_add_word(room, *disk);
    if (!talk_run(talk))
        return;
    CLEANUP(look_finish) struct look config;
    look_init(&config, talk_segment(talk, 1), "config");
    if (talk_segment(talk, 1)->exit_code == 127)
        move_end(talk->move, "preflight.no-panel", "v-list-sys-config is not there");
    else if (config.state == LOOK_FAILED)
        talk_end_look(talk, "v-list-sys-config", &config);
    else if (config.state != LOOK_PRESENT)
        move_end(talk->move, "panel.unexpected", "v-list-sys-config: %s", config.error);
    else
        preflight_read(talk, &config);
}
