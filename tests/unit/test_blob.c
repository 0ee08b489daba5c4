/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the probe samples, what it knows to be alive, that it changes nothing, and that a child is
 * left alone.
 */
#include "tests/unit/blob_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_are_exponential),
		cmocka_unit_test(estimates_are_true),
		cmocka_unit_test(what_is_alive_is_known),
		cmocka_unit_test(the_stack_is_the_callers),
		cmocka_unit_test(a_child_is_left_alone),
		cmocka_unit_test(threads_do_not_lose_each_other),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
