/* resolution.h - how a person can answer a conflict. */
#ifndef BERTH_CORE_RESOLUTION_H
#define BERTH_CORE_RESOLUTION_H

#include <stdbool.h>

/* What a person decides about somebody else's object that is in the way of a step. */
enum resolution {
    RESOLUTION_ADOPT,  /* it becomes ours, with all that is in it */
    RESOLUTION_RENAME, /* our account gets another name */
    RESOLUTION_ABORT,  /* the operation is given up */
};
#define RESOLUTION_COUNT (RESOLUTION_ABORT + 1)
#define RESOLUTION_BIT(resolution) (1U << (resolution))

const char *resolution_name(enum resolution resolution); /* "adopt" */
/** false when the text names none */
bool resolution_parse(const char *text, enum resolution *ret_resolution);

#endif
