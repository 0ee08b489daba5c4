/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe's code in this very process, around an allocator of the test's own.
 */
#ifndef BLOB_FIXTURE_H
#define BLOB_FIXTURE_H

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/probe/blob.h"
#include "agent/probe/draw.h"
#include "agent/probe/patch.h"
#include "agent/probe/records.h"
#include "base/allocator_names.h"

#define MEAN 4096

/* --- an allocator: hands out numbers that are no memory --- */

static uint64_t next_pointer = 0x100000;
static uint64_t frees;

__attribute__((noinline, noipa)) static void *my_malloc(size_t n)
{
	__asm__ volatile("");
	return (void *)__atomic_fetch_add(&next_pointer, (n + 31) & -16ul, __ATOMIC_RELAXED);
}

__attribute__((noinline, noipa)) static void my_free(void *p)
{
	if (p)
		__atomic_fetch_add(&frees, 1, __ATOMIC_RELAXED);
}

/* Fails for what is too large, and allocates by the function that is taken over, too. */
__attribute__((noinline, noipa)) static void *my_realloc(void *p, size_t n)
{
	if (n > 1000000)
		return NULL;
	return n == 1000 ? p : my_malloc(n);
}

/* --- the probe --- */

static uint8_t *region;
static struct records records;

static struct probe_state *state(void)
{
	return (void *)(region + PROBE_STATE);
}

static struct probe_shared *shared(void)
{
	return (void *)(region + PROBE_SHARED);
}

/* A hook of that number is made for the function of that name. */
static void take_over(void *function, uint32_t number, enum allocator_number name, int is_leaf)
{
	const struct probe_head *head = (const void *)blob_code;
	struct probe_trait *trait = (struct probe_trait *)(region + PROBE_TRAITS) + number;
	uint8_t *thunk = region + PROBE_THUNKS + number * PROBE_THUNK_SIZE, jump[PATCH_JUMP];
	uintptr_t at = (uintptr_t)function;
	struct patch p;

	assert_int_equal(
		patch_make(&p, at, function, 64, (uintptr_t)thunk, at - 0x100000, at + 0x100000),
		PATCH_FITS);
	memcpy(thunk, p.thunk_code, p.thunk_length);
	*trait = (struct probe_trait){.size = allocator_names[name].size,
		.old = allocator_names[name].old,
		.result = allocator_names[name].result,
		.flags = allocator_names[name].flags,
		.is_leaf = is_leaf,
		.by = number};
	assert_int_equal(patch_jump(&p, (uintptr_t)region + head->hooks[number], jump), 0);
	assert_int_equal(
		mprotect((void *)(p.address & -4096ul), 8192, PROT_READ | PROT_WRITE | PROT_EXEC),
		0);
	memcpy((void *)(uintptr_t)p.address, jump, sizeof(jump));
}

static int set_up(void **arg)
{
	uintptr_t at = ((uintptr_t)my_malloc & -4096ul) + (256u << 20);

	(void)arg;
	region = mmap((void *)at, PROBE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(region != MAP_FAILED);
	assert_true(mmap(region + PROBE_SHARED, PROBE_SIZE - PROBE_SHARED, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	assert_int_equal(
		madvise(region + PROBE_STATE, PROBE_SHARED - PROBE_STATE, MADV_WIPEONFORK), 0);
	memcpy(region, blob_code, blob_size);
	records_init(&records, region + PROBE_SHARED);
	shared()->deadline = UINT64_MAX;
	state()->mean = MEAN;
	take_over(my_malloc, 0, ALLOCATOR_MALLOC, 1);
	take_over(my_free, PROBE_QUICK, ALLOCATOR_FREE, 1);
	take_over(my_realloc, PROBE_QUICK + PROBE_FREES, ALLOCATOR_REALLOC, 0);
	state()->is_on = 1;
	return 0;
}

static uint32_t live(uint32_t *ids)
{
	return records_live(&records, ids, RECORDS_LIVE);
}

/* What the records say: samples of that size, and allocations that they stand for. */
struct sum {
	uint64_t n;
	double objects;
};

static struct sum drain(uint64_t size)
{
	struct sum sum = {0};
	const struct probe_record *r;

	while ((r = records_next(&records, 1)))
		if (r->kind == PROBE_KIND_SAMPLE && r->size == size) {
			sum.n++;
			sum.objects += 1 / -expm1(-(double)r->size / r->mean);
		}
	return sum;
}

#endif
