/* SPDX-License-Identifier: MIT */
/* Random numbers from a seed: xoshiro256**, seeded through splitmix64 (Blackman and Vigna). */
#include "rng.h"

#include <sys/random.h>

#include "attr.h"

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

void
rng_seed(struct rng *rng, uint64_t seed)
{
	for (size_t i = 0; i < COUNT_OF(rng->state); i++) {
		seed += 0x9E3779B97F4A7C15u;
		uint64_t z = seed;
		z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
		z = (z ^ z >> 27) * 0x94D049BB133111EBu;
		rng->state[i] = z ^ z >> 31;
	}
}

void
rng_seed_system(struct rng *rng)
{
	uint64_t seed = 0;
	/* Requests of up to 256 bytes are never cut or interrupted (getrandom(2)). */
	REQUIRE(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
	rng_seed(rng, seed);
}

uint64_t
rng_next(struct rng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t
rng_below(struct rng *rng, uint64_t bound)
{
	if (bound == 0) {
		return 0;
	}
	/* 2^64 mod bound numbers are too many for every result to be as likely. */
	uint64_t excess = (0 - bound) % bound;
	uint64_t number = 0;
	do {
		number = rng_next(rng);
	} while (number < excess);
	return number % bound;
}
