/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/windows, those of heap kinds: all since the probe went in, or what came and went. */
#include "tests/unit/windows_fixture.h"

/* Samples of that place, until the last mark; those with an odd id are alive. */
static void allocate(uint64_t place, uint32_t id)
{
	const struct stack stack = {.n = 1, .end = STACK_DONE, .v = {{place, 1, 0}}};
	const struct heap_sample one = {.size = 1 << 20, .id = id, .mean = 1};
	static uint32_t live[64], n;

	n = id < 2 ? 0 : n;
	if (id % 2)
		live[n++] = id;
	const struct tracer_heap all = {.n = n, .is_last = 1};
	assert_int_equal(heap_record_add(&s.data.heap, &stack, &one, 1), 0);
	assert_int_equal(heap_record_tell(&s.data.heap, &all, live), 1);
}

static int begin_heap(void **state)
{
	return begin(state) || heap_record_init(&s.data.heap) < 0;
}

static int end_heap(void **state)
{
	heap_record_fini(&s.data.heap);
	return end(state);
}

static uint64_t samples(const struct window *w)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < w->sum.n_sites; k++)
		n += w->sum.sites[k].all.samples;
	return n;
}

static int64_t alive(const struct window *w)
{
	int64_t n = 0;

	for (uint32_t k = 0; k < w->sum.n_sites; k++)
		n += w->sum.sites[k].live.samples;
	return n;
}

/* Nobody is sampled for it, and no mark is due before the probe is in. */
static void the_heap_waits_for_its_probe(void **state)
{
	(void)state;
	struct window *w = ask(HEAP, WINDOW_COUNTERS, 0), *cpu;

	assert_int_equal(windows_due(&s.windows), 0);
	cpu = ask(CPU, 0, 100 * MS);
	mark(30, 1);
	mark(100, 2);
	assert_int_equal(cpu->state, WINDOW_DONE);
	assert_int_equal(w->state, WINDOW_WAITS);
	assert_int_equal(mode.flags & MODE_HEAP, 0);
	s.windows.has_heap = 1;
	assert_true(windows_due(&s.windows) && windows_due(&s.windows) <= now + APART);
	allocate(3, 1);
	allocate(4, 2);
	mark(30, 5);
	assert_int_equal(mode.kinds, 0);
	assert_true(mode.flags & MODE_HEAP);
	assert_int_equal(w->state, WINDOW_DONE);
	assert_int_equal(w->error, 0);
	assert_int_equal(places(w, PROFILE_HEAP), 1 << 3 | 1 << 4);
	assert_int_equal(places(w, PROFILE_ALLOCS), 0);
	assert_int_equal(samples(w), 2);
	assert_int_equal(alive(w), 1);
	drop_all();
}

static void the_heap_of_a_time_is_a_difference(void **state)
{
	(void)state;
	s.windows.has_heap = 1;
	allocate(3, 1);
	allocate(4, 2);
	struct window *w = ask(HEAP, 0, SECOND), *other = ask(KIND(PROFILE_ALLOCS), 0, 2 * SECOND);
	mark(30, 1);
	assert_true(mode.flags & MODE_HEAP);
	assert_int_equal(mode.kinds, 0);
	assert_int_equal(windows_due(&s.windows), now + SECOND);
	allocate(5, 3);
	ask(CPU, 0, SECOND);
	mark(30, 2); /* somebody else's */
	assert_int_equal(mode.flags & MODE_HEAP, 0);
	assert_int_equal(mode.kinds, CPU);
	allocate(6, 4);
	allocate(5, 5);
	mark(970, 3);
	assert_true(mode.flags & MODE_HEAP);
	assert_int_equal(w->state, WINDOW_DONE);
	assert_int_equal(w->error, 0);
	assert_int_equal(places(w, PROFILE_HEAP), 1 << 5 | 1 << 6);
	assert_int_equal(samples(w), 3);
	assert_int_equal(alive(w), 2);
	assert_int_equal(w->sum.ended - w->sum.began, SECOND);
	/* The end comes before its time is up: what there is. */
	allocate(7, 6);
	windows_end(&s.windows);
	mark(30, 4);
	assert_int_equal(other->state, WINDOW_DONE);
	assert_int_equal(other->error, 0);
	assert_int_equal(places(other, PROFILE_ALLOCS), 1 << 5 | 1 << 6 | 1 << 7);
	drop_all();
}

static void the_heap_of_none_at_the_end(void **state)
{
	(void)state;
	struct window *w = ask(HEAP, WINDOW_COUNTERS, 0), *later = ask(HEAP, 0, SECOND);

	windows_end(&s.windows);
	mark(30, 1);
	assert_int_equal(w->error, -ESRCH);
	assert_int_equal(later->error, -ESRCH);
	/* What was known at the end stays. */
	s.windows.has_heap = 1;
	allocate(3, 1);
	mark(30, 2);
	w = ask(HEAP, WINDOW_COUNTERS, 0);
	s.shared = &i;
	windows_take_last(&s, w);
	assert_int_equal(w->error, 0);
	assert_int_equal(w->state, WINDOW_DONE);
	assert_int_equal(samples(w), 1);
	drop_all();
}

/* Nobody is attached to for it. */
static void the_heap_is_in_nobodys_way(void **state)
{
	(void)state;
	s.windows.has_heap = 1;
	ask(CREATE, 0, SECOND);
	mark(30, 1);
	assert_int_equal(windows_conflict(&s.windows, HEAP, now), 0);
	struct window *w = ask(HEAP, 0, 10 * SECOND);
	mark(30, 2);
	assert_int_equal(w->state, WINDOW_OPEN);
	mark(1000, 3);
	assert_int_equal(windows_conflict(&s.windows, CREATE, now), 0);
	drop_all();
}

#define T(function) cmocka_unit_test_setup_teardown(function, begin_heap, end_heap)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_heap_waits_for_its_probe),
		T(the_heap_of_a_time_is_a_difference),
		T(the_heap_of_none_at_the_end),
		T(the_heap_is_in_nobodys_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
