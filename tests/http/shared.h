/* shared.h - the one server that the tests of a program share, and cmocka's functions around it. */
#ifndef BERTH_TESTS_HTTP_SHARED_H
#define BERTH_TESTS_HTTP_SHARED_H

#include "fixture.h"

extern struct fixture fixture;

/** For cmocka, around each test or around all of them. */
int fixture_begin(void **state);
int fixture_end(void **state);

#endif
