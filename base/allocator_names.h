/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions that allocate and free: their names as symbol tables have them, and what a probe
 * has to know of each. The row is the function's number.
 */
#ifndef BASE_ALLOCATOR_NAMES_H
#define BASE_ALLOCATOR_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Where the bytes that are asked for stand, by argument. */
enum allocator_size {
	ALLOCATOR_FREES, /* nowhere: it frees its first argument */
	ALLOCATOR_1,
	ALLOCATOR_2,
	ALLOCATOR_3,
	ALLOCATOR_1x2,
	ALLOCATOR_2x3,
	ALLOCATOR_3x4,
};

/* Where it leaves the address. */
enum allocator_result {
	ALLOCATOR_RETURNS,
	ALLOCATOR_STORES,   /* where its first argument points to; 0 is returned then */
	ALLOCATOR_IN_PLACE, /* it stays; the size that it has now is returned */
	ALLOCATOR_MAPS,	    /* or an error, which is no null pointer */
};

enum allocator_flag {
	ALLOCATOR_DROPS = 1, /* what it was given back is gone, whether there is new memory or not
			      */
	ALLOCATOR_SWAPS = 2, /* its first two arguments are the other way round in the one it is
				replaced by */
	ALLOCATOR_IS_QUICK = 8,	 /* its caller's only way is short: nothing of it calls another, but
				    for what its own code shows */
	ALLOCATOR_ANONYMOUS = 4, /* counts only what is no file and may be accessed: mmap */
};

/* Which names a row stands for. */
enum allocator_scope {
	ALLOCATOR_PLAIN = 1,	/* as it is */
	ALLOCATOR_PREFIXED = 2, /* behind any prefix, the user's too */
	ALLOCATOR_MI = 4,	/* behind mimalloc's */
	ALLOCATOR_TC = 8,	/* behind tcmalloc's */
	ALLOCATOR_CXX = 16,	/* operators, where they are the allocator's own */
	ALLOCATOR_MAPPING = 32, /* of pages, from the kernel */
};

enum allocator_number {
	ALLOCATOR_MALLOC,
	ALLOCATOR_FREE,
	ALLOCATOR_CALLOC,
	ALLOCATOR_REALLOC,
	ALLOCATOR_REALLOCARRAY,
	ALLOCATOR_MEMALIGN,
	ALLOCATOR_ALIGNED_ALLOC,
};

struct allocator_name {
	const char *name;
	uint8_t scope;	   /* enum allocator_scope, bits */
	uint8_t size;	   /* enum allocator_size */
	uint8_t old;	   /* argument with the address that it takes back; 0: none */
	uint8_t result;	   /* enum allocator_result */
	uint8_t throws_by; /* it may throw: the number + 1 of one of the same allocator that does
			      the same and does not; 0: it does not */
	uint8_t flags;	   /* enum allocator_flag */
};

extern const struct allocator_name allocator_names[];
extern const uint32_t allocator_n_names;

/* What comes before the names of an allocator that leaves the C library's alone. */
enum allocator_prefix {
	ALLOCATOR_NO_PREFIX,
	ALLOCATOR_JE,
	ALLOCATOR_RJEM,
	ALLOCATOR_TC_PREFIX,
	ALLOCATOR_MI_PREFIX,
	ALLOCATOR_OWN_PREFIX, /* the user's: -alloc-prefix */
	ALLOCATOR_PREFIXES
};

/* NULL for the user's. */
extern const char *const allocator_prefixes[ALLOCATOR_PREFIXES];

/* The number of a function by its name without the prefix, or UINT32_MAX. */
uint32_t allocator_number(const char *name, enum allocator_prefix prefix);

#endif
