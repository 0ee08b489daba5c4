/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe's code in this very process, around an allocator of the test's own: what it samples,
 * what it knows to be alive, that it changes nothing, and that a child is left alone. And its
 * records, after somebody wrote what he liked there.
 */
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

/* Whether an estimate of n allocations of that size is within 4 standard errors. */
static void assert_near(double estimate, double n, double size)
{
	double p = -expm1(-size / MEAN), error = sqrt(n * (1 - p) / p);

	if (fabs(estimate - n) > 4 * error + 1)
		fail_msg("%g allocations of %g bytes: %g, error %g", n, size, estimate, error);
}

static void draws_are_exponential(void **arg)
{
	uint64_t random = 88172645463325252ull;
	const int n = 200000;
	double sum = 0;
	int below = 0;

	(void)arg;
	for (uint64_t x = 3; x < 1ull << 62; x *= 5)
		assert_true(fabs(draw_minus_log2(x) / 4294967296.0 - (64 - log2(x))) < 1e-8);
	for (int i = 0; i < n; i++) {
		uint64_t gap = draw_gap(&random, 1 << 20);
		sum += gap;
		below += gap < (1 << 18);
	}
	double p = -expm1(-0.25);
	assert_true(fabs(sum / n / (1 << 20) - 1) < 4 / sqrt(n));
	assert_true(fabs(below - n * p) < 4 * sqrt(n * p * (1 - p)));
}

static void estimates_are_true(void **arg)
{
	static const size_t sizes[] = {16, 100, 1000, 5000, 40000};
	static void *pointers[100];

	(void)arg;
	drain(0);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct sum sum = {0};
		int n = 40000;
		for (int i = 0; i < n; i++) {
			my_free(pointers[i % 100]);
			pointers[i % 100] = my_malloc(sizes[s]);
			struct sum more = drain(sizes[s]);
			sum.n += more.n;
			sum.objects += more.objects;
		}
		assert_true(sum.n > 30);
		assert_near(sum.objects, n, sizes[s]);
		for (int i = 0; i < 100; i++) {
			my_free(pointers[i]);
			pointers[i] = NULL;
		}
		uint32_t ids[64];
		assert_int_equal(records_live(&records, ids, 64), 0);
	}
	assert_int_equal(frees, 5 * 40000);
	assert_int_equal(state()->inside, 0);
}

/* All are sampled: what is alive is known exactly. */
static void what_is_alive_is_known(void **arg)
{
	static uint32_t ids[RECORDS_LIVE];
	const struct probe_record *r;
	void *p[20];

	(void)arg;
	for (int i = 0; i < 20; i++)
		p[i] = my_malloc(100000);
	assert_int_equal(live(ids), 20);
	for (int i = 0; i < 10; i++)
		my_free(p[i]);
	assert_int_equal(live(ids), 10);
	/* in place; moved; failed; to nothing */
	uint32_t before = shared()->next_id;
	p[10] = my_realloc(p[10], 500000);
	assert_int_equal(shared()->next_id, before + 1); /* once, though it calls malloc */
	assert_int_equal(live(ids), 10);
	assert_null(my_realloc(p[11], 2000000));
	assert_int_equal(live(ids), 10);
	void *fresh = my_realloc(NULL, 500000);
	assert_int_equal(live(ids), 11);
	my_free(fresh);
	for (int i = 10; i < 20; i++)
		my_free(p[i]);
	assert_int_equal(live(ids), 0);
	while ((r = records_next(&records, 1)))
		assert_true(r->kind != PROBE_KIND_SAMPLE || r->size == 100000 || r->size == 500000);
	assert_int_equal(records.lost, 0);
}

static __attribute__((noinline)) void *caller(size_t n)
{
	void *p = my_malloc(n);

	__asm__ volatile("" ::"r"(p) : "rbx", "r12", "r13", "r14", "r15");
	return p;
}

static void the_stack_is_the_callers(void **arg)
{
	uint64_t mark[2] = {0x1122334455667788, 0x99aabbccddeeff00};
	const struct probe_record *r;
	int found = 0;

	(void)arg;
	drain(0);
	__asm__ volatile("" ::"r"(mark) : "memory");
	my_free(caller(200000));
	while ((r = records_next(&records, 1))) {
		assert_true(r->pc >= (uintptr_t)caller && r->pc < (uintptr_t)caller + 200);
		assert_true(r->sp < (uintptr_t)mark && r->sp > (uintptr_t)mark - 4096);
		assert_true(r->stack_length <= 4096 - (r->sp & 4095) && r->is_cut);
		size_t at = (uintptr_t)mark - r->sp;
		if (at + sizeof(mark) <= r->stack_length)
			assert_memory_equal(r->stack + at, mark, sizeof(mark));
		found++;
	}
	assert_int_equal(found, 1);
	/* And with its bounds all of it. */
	for (int i = 0; i < PROBE_N_SLOTS; i++) {
		struct probe_slot *s = (struct probe_slot *)(region + PROBE_SLOTS) + i;
		s->low = s->thread ? (uintptr_t)mark - 65536 : 0;
		s->high = s->thread ? (uintptr_t)(mark + 2) : 0;
	}
	my_free(caller(200000));
	r = records_next(&records, 1);
	assert_non_null(r);
	assert_int_equal(r->sp + r->stack_length, (uintptr_t)(mark + 2));
	assert_memory_equal(r->stack + r->stack_length - sizeof(mark), mark, sizeof(mark));
	assert_false(r->is_cut);
}

static void a_child_is_left_alone(void **arg)
{
	(void)arg;
	drain(0);
	uint64_t head = shared()->head;
	uint32_t id = shared()->next_id;
	void *mine = my_malloc(100000);
	pid_t pid = fork();
	if (!pid) {
		my_free(mine);
		for (int i = 0; i < 1000; i++)
			my_free(my_realloc(my_malloc(100000), 200000));
		_exit(state()->is_on || state()->inside ? 1 : 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(shared()->head, head + 1);
	assert_int_equal(shared()->next_id, id + 1);
	uint32_t ids[8];
	assert_int_equal(records_live(&records, ids, 8), 1);
	my_free(mine);
}

static void *churn(void *arg)
{
	unsigned seed = (uintptr_t)arg;
	void *mine[64] = {NULL};

	for (int i = 0; i < 300000; i++) {
		int k = rand_r(&seed) % 64;
		my_free(mine[k]);
		mine[k] = my_malloc(rand_r(&seed) % 2000 + 1);
	}
	for (int k = 0; k < 64; k++)
		my_free(mine[k]);
	return NULL;
}

static void threads_do_not_lose_each_other(void **arg)
{
	static uint32_t ids[RECORDS_LIVE];
	pthread_t t[4];
	int n = 0;

	(void)arg;
	drain(0);
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i + 1)), 0);
	for (int round = 0; round < 2000; round++) {
		const struct probe_record *r;
		while ((r = records_next(&records, 1)))
			n++;
		assert_true(live(ids) <= 4 * 64);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	while (records_next(&records, 1))
		n++;
	assert_true(n > 100);
	assert_int_equal(records.lost, 0);
	assert_int_equal(live(ids), 0);
	assert_int_equal(state()->inside, 0);
}

/* Nobody reads: counted, and what is not recorded is not alive either. */
static void a_full_ring_is_counted(void **arg)
{
	static uint32_t ids[RECORDS_LIVE];
	static void *p[2 * PROBE_RECORDS];

	(void)arg;
	drain(0);
	shared()->dropped = shared()->dropped_bytes = 0;
	for (int i = 0; i < 2 * PROBE_RECORDS; i++)
		p[i] = my_malloc(200000);
	assert_int_equal(shared()->dropped, PROBE_RECORDS);
	assert_int_equal(shared()->dropped_bytes, PROBE_RECORDS * 200000ull);
	assert_int_equal(live(ids), PROBE_RECORDS);
	assert_int_equal(drain(200000).n, PROBE_RECORDS);
	for (int i = 0; i < 2 * PROBE_RECORDS; i++)
		my_free(p[i]);
	assert_int_equal(live(ids), 0);
}

/* More is alive than can be known: what there was no room for counts as freed, and frees go on. */
static void a_full_table_is_counted(void **arg)
{
	enum { N = RECORDS_LIVE + RECORDS_LIVE / 4 };
	static uint32_t ids[RECORDS_LIVE];
	static void *p[N];
	uint64_t n = 0, freed = frees;

	(void)arg;
	drain(0);
	shared()->dropped = shared()->table_full = 0;
	for (int i = 0; i < N; i++) {
		p[i] = my_malloc(200000);
		if (i % 256 == 255)
			n += drain(200000).n;
	}
	n += drain(200000).n;
	assert_int_equal(shared()->dropped, 0);
	assert_int_equal(n, N);
	assert_true(shared()->table_full >= N - RECORDS_LIVE);
	assert_int_equal(live(ids) + shared()->table_full, N);
	for (int i = 0; i < N; i++)
		my_free(p[i]);
	assert_int_equal(frees - freed, N);
	assert_int_equal(live(ids), 0);
	p[0] = my_malloc(200000);
	assert_int_equal(live(ids), 1);
	my_free(p[0]);
}

/* Its thread is one too many: what it allocates is not sampled, and nothing else is wrong. */
static void without_a_slot_it_is_counted(void **arg)
{
	static struct probe_slot before[PROBE_N_SLOTS];
	static uint32_t ids[RECORDS_LIVE];
	struct probe_slot *slots = (void *)(region + PROBE_SLOTS);

	(void)arg;
	drain(0);
	memcpy(before, slots, sizeof(before));
	for (uintptr_t i = 0; i < PROBE_N_SLOTS; i++)
		slots[i].thread = 8 * (i + 1);
	shared()->no_slot = 0;
	uint64_t at = next_pointer;
	void *p = my_malloc(200000), *q = my_realloc(NULL, 3000);
	assert_int_equal((uintptr_t)p, at);
	assert_int_equal((uintptr_t)q, at + ((200000 + 31) & -16ul));
	my_free(p);
	my_free(q);
	assert_true(shared()->no_slot >= 2);
	assert_int_equal(live(ids), 0);
	assert_int_equal(drain(200000).n, 0);
	assert_int_equal(state()->inside, 0);
	memcpy(slots, before, sizeof(before));
	p = my_malloc(200000);
	assert_int_equal(live(ids), 1);
	my_free(p);
	assert_int_equal(drain(200000).n, 1);
}

static void without_word_it_goes_off(void **arg)
{
	(void)arg;
	drain(0);
	shared()->deadline = 1;
	my_malloc(200000);
	assert_int_equal(state()->is_on, 0);
	for (int i = 0; i < 1000; i++)
		my_free(my_malloc(200000));
	assert_null(records_next(&records, 1));
}

/* At last: anything may be in there. */
static void nonsense_is_lost_and_counted(void **arg)
{
	static uint32_t ids[RECORDS_LIVE];
	uint64_t seen = 0, *words = (uint64_t *)(region + PROBE_SHARED);
	unsigned seed = 5;

	(void)arg;
	for (int round = 0; round < 200000; round++) {
		struct probe_record *r =
			(void *)(region + PROBE_SHARED + PROBE_RING +
				 (records.tail + rand_r(&seed) % 3) % PROBE_RECORDS * PROBE_RECORD);
		*r = (struct probe_record){.kind = 1, .id = 1, .size = 9, .mean = 9};
		for (int i = rand_r(&seed) % 3; i--;)
			((uint32_t *)r)[rand_r(&seed) % (sizeof(*r) / 4)] = (uint32_t)rand_r(&seed)
									    << rand_r(&seed) % 8;
		r->sequence = records.tail + rand_r(&seed) % 2;
		words[2] = rand_r(&seed); /* head */
		const struct probe_record *got =
			records_next(&records, 1 + round * RECORDS_PATIENCE_NS / 3);
		if (got) {
			seen++;
			assert_true(got->stack_length <= PROBE_STACK_MAX);
			assert_true(got->hook < PROBE_HOOKS && got->slot < PROBE_N_SLOTS);
		}
	}
	assert_true(records.lost > 1000 && seen > 10);
	for (size_t i = 0; i < RECORDS_LIVE * sizeof(struct probe_entry) / 8; i++)
		words[PROBE_TABLE / 8 + i] = i;
	assert_true(records_live(&records, ids, 10) == 10);
	assert_true(records_live(&records, ids, RECORDS_LIVE) <= RECORDS_LIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_are_exponential),
		cmocka_unit_test(estimates_are_true),
		cmocka_unit_test(what_is_alive_is_known),
		cmocka_unit_test(the_stack_is_the_callers),
		cmocka_unit_test(a_child_is_left_alone),
		cmocka_unit_test(threads_do_not_lose_each_other),
		cmocka_unit_test(a_full_ring_is_counted),
		cmocka_unit_test(a_full_table_is_counted),
		cmocka_unit_test(without_a_slot_it_is_counted),
		cmocka_unit_test(without_word_it_goes_off),
		cmocka_unit_test(nonsense_is_lost_and_counted),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
