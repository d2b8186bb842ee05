/* faulty_memory.h - memory that runs out, below SQLite: its allocations are counted while armed, and the n-th one fails. */
#ifndef BERTH_TESTS_FAULTY_MEMORY_H
#define BERTH_TESTS_FAULTY_MEMORY_H

#include <stdbool.h>

/** Become SQLite's allocator. Call before SQLite is used. */
void faulty_memory_install(void);
/** Allocations count, and fail, only while armed. */
void faulty_memory_arm(bool on);
/** The n-th allocation from now on fails, n >= 1; 0: none does. @param lasting  and all that come after it, until the next call */
void faulty_memory_fail(unsigned n, bool lasting);
/** Whether one has failed since faulty_memory_fail(). */
bool faulty_memory_happened(void);

#endif
