/* rng.h - randomness as a thing that is handed in: real (libsodium) in the daemon, seeded in simulator and tests. */
#ifndef BERTH_BASE_RNG_H
#define BERTH_BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(struct rng *rng, void *bytes, size_t length);
    uint64_t state[4]; /* of the seeded kind */
};

void rng_init_real(struct rng *rng);                /* cryptographically strong */
void rng_init_seed(struct rng *rng, uint64_t seed); /* xoshiro256**: repeatable, never for secrets of real services */

uint64_t rng_u64(struct rng *rng);
/** Uniform in [0, limit); 0 when limit is 0. */
uint64_t rng_below(struct rng *rng, uint64_t limit);
/** Uniform in [low, high], both included. */
int64_t rng_range(struct rng *rng, int64_t low, int64_t high);
bool rng_percent(struct rng *rng, unsigned percent);
/** length characters of [0-9a-z], NUL-terminated: ret_text holds length + 1. */
void rng_text(struct rng *rng, size_t length, char *ret_text);

#endif
