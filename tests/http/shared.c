/* shared.c - see shared.h. */
#include "shared.h"

struct fixture fixture;

int fixture_begin(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

int fixture_end(void **state)
{
    (void)state;
    fixture_finish(&fixture);
    return 0;
}
