/* probe_system.c - which resolvers this machine uses, as resolv.conf(5) says it. Read again for each look that needs it: what writes
 * that file (DHCP, a VPN) does so at any time. */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "transport/probe_look.h"

void probe_system_read(const char *path, struct probe_system *ret_system)
{
    char line[512];
    FILE *file = fopen(path, "re");
    *ret_system = (struct probe_system){ 0 };
    while (file != NULL && ret_system->count < PROBE_SYSTEM_MAX && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "nameserver %63s", ret_system->addresses[ret_system->count]) == 1)
            ret_system->count++;
    }
    if (file != NULL)
        fclose(file);
    if (ret_system->count == 0)
        strcpy(ret_system->addresses[ret_system->count++], "127.0.0.1");
}
