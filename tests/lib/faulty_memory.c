/* faulty_memory.c - see faulty_memory.h. */
#include "faulty_memory.h"

#include <assert.h>
#include <sqlite3.h>
#include <stddef.h>

static sqlite3_mem_methods below;
static bool armed, lasts, happened;
static unsigned countdown; /* 0: no fault is set */

static bool fails(void)
{
    if (!armed || countdown == 0)
        return false;
    if (countdown > 1) {
        countdown--;
        return false;
    }
    countdown = lasts ? 1 : 0;
    happened = true;
    return true;
}

static void *faulty_malloc(int size)
{
    return fails() ? NULL : below.xMalloc(size);
}

static void *faulty_realloc(void *memory, int size)
{
    return fails() ? NULL : below.xRealloc(memory, size);
}

void faulty_memory_install(void)
{
    int rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below);
    assert(rc == SQLITE_OK);
    sqlite3_mem_methods methods = below;
    methods.xMalloc = faulty_malloc;
    methods.xRealloc = faulty_realloc;
    rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    assert(rc == SQLITE_OK);
}

void faulty_memory_arm(bool on)
{
    armed = on;
}

void faulty_memory_fail(unsigned n, bool lasting)
{
    countdown = n;
    lasts = lasting;
    happened = false;
}

bool faulty_memory_happened(void)
{
    return happened;
}
