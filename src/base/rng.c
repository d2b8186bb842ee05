/* rng.c - see rng.h. xoshiro256** and splitmix64 by David Blackman and Sebastiano Vigna (public domain). */
#include "rng.h"

#include <sodium.h>
#include <string.h>

static void real_fill(struct rng *rng, void *bytes, size_t length)
{
    (void)rng;
    randombytes_buf(bytes, length);
}

static uint64_t rotate_left(uint64_t word, unsigned bits)
{
    return (word << bits) | (word >> (64 - bits));
}

static uint64_t seeded_next(struct rng *rng)
{
    uint64_t *state = rng->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

static void seeded_fill(struct rng *rng, void *bytes, size_t length)
{
    unsigned char *at = bytes;
    while (length > 0) {
        uint64_t word = seeded_next(rng);
        size_t part = length < sizeof(word) ? length : sizeof(word);
        memcpy(at, &word, part);
        at += part;
        length -= part;
    }
}

void rng_init_real(struct rng *rng)
{
    *rng = (struct rng){ .fill = real_fill };
}

void rng_init_seed(struct rng *rng, uint64_t seed)
{
    *rng = (struct rng){ .fill = seeded_fill };
    for (size_t i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15U;
        uint64_t word = seed;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9U;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebU;
        rng->state[i] = word ^ (word >> 31);
    }
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t word;
    rng->fill(rng, &word, sizeof(word));
    return word;
}

uint64_t rng_below(struct rng *rng, uint64_t limit)
{
    if (limit == 0)
        return 0;
    uint64_t reject_under = (0 - limit) % limit; /* without this, small values would come more often */
    for (;;) {
        uint64_t word = rng_u64(rng);
        if (word >= reject_under)
            return word % limit;
    }
}

int64_t rng_range(struct rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(rng, (uint64_t)(high - low) + 1);
}

bool rng_percent(struct rng *rng, unsigned percent)
{
    return rng_below(rng, 100) < percent;
}

void rng_text(struct rng *rng, size_t length, char *ret_text)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < length; i++)
        ret_text[i] = digits[rng_below(rng, sizeof(digits) - 1)];
    ret_text[length] = '\0';
}
