/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/windows: who opens and closes at which mark, how the interval after it is taken, and who
 * gets what of the one before. Time is told by hand. */
#include "tests/unit/windows_fixture.h"

/* --- tests -------------------------------------------------------------------------------- */

static void nothing_is_sampled_for_nobody(void **state)
{
	(void)state;
	assert_int_equal(mode.kinds, 0);
	assert_true(mode.hz > 0);
	assert_int_equal(windows_due(&s.windows), 0);
	options.background = 3;
	windows_first_mode(&s, &mode);
	assert_int_equal(mode.kinds, WINDOWS_BACKGROUND);
	assert_int_equal(mode.hz, 3);
}

static void a_window_has_its_time(void **state)
{
	(void)state;
	struct window *w = ask(CPU, 0, 2 * SECOND);
	assert_true(windows_due(&s.windows) && windows_due(&s.windows) <= now);
	mark(5, 1);
	assert_int_equal(mode.kinds, CPU);
	assert_int_equal(mode.hz, 100);
	assert_true(mode.flags & MODE_BEGINS);
	assert_int_equal(windows_due(&s.windows), now + 2 * SECOND);
	mark(700, 2); /* for somebody else */
	assert_int_equal(mode.kinds, CPU);
	assert_false(mode.flags & MODE_BEGINS);
	assert_null(windows_done(&s.windows));
	mark(1300, 3);
	assert_int_equal(mode.kinds, 0);
	assert_ptr_equal(windows_done(&s.windows), w);
	assert_int_equal(places(w, PROFILE_CPU), 1 << 2 | 1 << 3);
	assert_int_equal(w->sum.ended - w->sum.began, 2 * SECOND);
	assert_int_equal(windows_count(&s.windows), 0);
	drop_all();
	assert_int_equal(s.windows.dropped, 0);
}

static void each_has_its_own(void **state)
{
	(void)state;
	struct window *a = ask(CPU, 0, 100 * MS), *b;
	mark(5, 1);
	b = ask(WALL, 0, 100 * MS);
	mark(50, 2);
	assert_int_equal(mode.kinds, CPU | WALL);
	mark(50, 3); /* a ends here */
	assert_ptr_equal(windows_done(&s.windows), a);
	assert_int_equal(mode.kinds, WALL);
	mark(50, 4);
	assert_int_equal(places(a, PROFILE_CPU), 1 << 2 | 1 << 3);
	assert_int_equal(places(a, PROFILE_WALL), 0);
	assert_int_equal(places(b, PROFILE_WALL), 1 << 3 | 1 << 4);
	assert_int_equal(b->state, WINDOW_DONE);
}

static void marks_are_apart(void **state)
{
	(void)state;
	ask(CPU, 0, SECOND);
	mark(1, 1);
	ask(CPU, 0, SECOND);
	assert_int_equal(windows_due(&s.windows), now + APART);
}

/* A look at all threads lies at the begin of an interval; those of others are not its own. */
static void a_moment(void **state)
{
	(void)state;
	struct window *a = ask(THREADS, WINDOW_DETAILS, 0), *c;
	mark(5, 1);
	assert_int_equal(mode.kinds, THREADS);
	assert_true(mode.flags & MODE_DETAILS);
	assert_int_equal(windows_due(&s.windows), now + APART);
	struct window *b = ask(THREADS, 0, 0);
	mark(30, 2);
	assert_int_equal(a->state, WINDOW_DONE);
	assert_false(mode.flags & MODE_DETAILS);
	c = ask(CPU | THREADS, 0, 90 * MS);
	mark(30, 3);
	ask(THREADS, 0, 0);
	mark(30, 4);
	mark(30, 5);
	mark(40, 6);
	assert_int_equal(places(a, PROFILE_THREADS), 1 << 2);
	assert_int_equal(places(b, PROFILE_THREADS), 1 << 3);
	assert_int_equal(places(c, PROFILE_THREADS), 1 << 4);
	assert_int_equal(places(c, PROFILE_CPU), 1 << 4 | 1 << 5 | 1 << 6);
}

static void a_difference_looks_twice(void **state)
{
	(void)state;
	struct window *w = ask(THREADS, WINDOW_DELTA, SECOND);
	mark(5, 1);
	assert_int_equal(mode.kinds, THREADS);
	mark(500, 2); /* somebody else's */
	assert_int_equal(mode.kinds, 0);
	mark(500, 3);
	assert_int_equal(mode.kinds, THREADS);
	assert_null(windows_done(&s.windows));
	mark(30, 4);
	assert_ptr_equal(windows_done(&s.windows), w);
	assert_int_equal(places(w, PROFILE_THREADS), 1 << 2 | 1 << 4);
	assert_int_equal(w->error, 0);
}

static void one_follows_the_other(void **state)
{
	(void)state;
	struct window *w = ask(CPU, WINDOW_REPEATS, 100 * MS);
	mark(5, 1);
	mark(100, 2);
	assert_int_equal(mode.kinds, CPU);
	assert_true(mode.flags & MODE_BEGINS);
	assert_int_equal(places(w, PROFILE_CPU), 1 << 2);
	windows_drop(&s.windows, w);
	w = s.windows.first;
	assert_int_equal(windows_count(&s.windows), 1);
	assert_int_equal(windows_due(&s.windows), now + 100 * MS);
	mark(100, 3);
	assert_int_equal(places(w, PROFILE_CPU), 1 << 3);
	assert_int_equal(windows_count(&s.windows), 1);
}

static void what_a_begin_asks_for(void **state)
{
	(void)state;
	ask(CPU, WINDOW_CONTEXTS, SECOND);
	mark(30, 1);
	assert_int_equal(mode.flags, MODE_BEGINS | MODE_CONTEXTS);
	ask(THREADS, WINDOW_DETAILS, 0);
	mark(30, 2);
	assert_int_equal(mode.flags, MODE_BEGINS | MODE_DETAILS);
	mark(30, 3);
	assert_int_equal(mode.flags, 0);
	ask(0, WINDOW_COUNTERS | WINDOW_COMMANDS, 0);
	mark(30, 4);
	assert_int_equal(mode.flags, MODE_COMMANDS);
}

static void who_has_gone_is_not_sampled_for(void **state)
{
	(void)state;
	struct window *w = ask(CPU, 0, 10 * SECOND);
	mark(5, 1);
	windows_drop(&s.windows, w);
	assert_int_equal(s.windows.dropped, 1);
	ask(THREADS, 0, 0);
	mark(30, 2);
	assert_int_equal(mode.kinds, THREADS);
}

/* What the counters are of piles up in the interval. */
static void no_interval_lasts_for_ever(void **state)
{
	(void)state;
	windows_begin(&s, now);
	assert_int_equal(windows_due(&s.windows), 0);
	options.background = 1;
	mark(30, 1);
	assert_int_equal(windows_due(&s.windows), now + 60 * SECOND);
	mark(60000, 2);
	assert_int_equal(windows_due(&s.windows), now + 60 * SECOND);
	s.mode.kinds = WINDOWS_BACKGROUND;
	windows_begin(&s, now);
	assert_int_equal(windows_due(&s.windows), now + 60 * SECOND);
}

/* Nor until somebody else asks. */
static void the_last_one_that_goes_ends_it(void **state)
{
	(void)state;
	struct window *w = ask(CPU, 0, 10 * SECOND);
	mark(5, 1);
	windows_drop(&s.windows, w);
	assert_int_equal(windows_due(&s.windows), now + APART);
	mark(25, 2);
	assert_int_equal(mode.kinds, 0);
	assert_int_equal(windows_due(&s.windows), 0);
	/* One that was not sampled for makes no difference. */
	windows_drop(&s.windows, ask(CPU, 0, SECOND));
	assert_int_equal(windows_due(&s.windows), 0);
}

/* A difference to a part of the threads would show the others as new. */
static void a_torn_look_is_none(void **state)
{
	(void)state;
	struct window *moment = ask(THREADS, 0, 0), *delta = ask(THREADS, WINDOW_DELTA, SECOND);
	struct window *cpu = ask(CPU, 0, SECOND);

	mark(30, 1);
	before = mode;
	i.is_torn = 1;
	windows_mark(&s, now += SECOND, &mode);
	windows_take(&s, &i, &before);
	assert_int_equal(moment->error, -EAGAIN);
	assert_int_equal(delta->error, -EAGAIN);
	assert_int_equal(cpu->error, 0);
}

static void at_the_end_all_get_what_there_is(void **state)
{
	(void)state;
	struct window *a = ask(CPU, 0, 10 * SECOND), *late, *delta;
	mark(5, 1);
	delta = ask(THREADS, WINDOW_DELTA, SECOND);
	mark(50, 2);
	late = ask(CPU, 0, SECOND);
	windows_end(&s.windows);
	mark(50, 3);
	assert_int_equal(places(a, PROFILE_CPU), 1 << 2 | 1 << 3);
	assert_int_equal(a->error, 0);
	assert_int_equal(late->state, WINDOW_DONE);
	assert_int_equal(late->error, -ESRCH);
	assert_int_equal(delta->error, -ESRCH);
}

/* Also where an interval had no tick: its time is not without waits. */
static void counters_only_grow(void **state)
{
	(void)state;
	options.background = 1;
	windows_first_mode(&s, &mode);
	struct window *w = ask(KIND(PROFILE_BLOCK), WINDOW_COUNTERS, 0);
	mark(1000, 1);
	assert_ptr_equal(windows_done(&s.windows), w);
	assert_int_equal(places(w, PROFILE_BLOCK), 1 << 1);
	assert_int_equal(s.windows.counters.stats.ticks_weight, SECOND);
	drop_all();
	s.windows.carried = 300 * MS;
	mark(700, 2);
	assert_int_equal(s.windows.counters.stats.ticks_weight, 2 * SECOND);
	w = ask(KIND(PROFILE_BLOCK), WINDOW_COUNTERS, 0);
	mark(500, 3);
	assert_int_equal(places(w, PROFILE_BLOCK), 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(mode.kinds, WINDOWS_BACKGROUND);
	assert_int_equal(mode.hz, 1);
}

static void no_tick_is_carried_over(void **state)
{
	(void)state;
	options.background = 1;
	mode = (struct tracer_mode){.hz = 1}; /* nothing is taken in the next interval */
	mark(10, 1);
	assert_int_equal(mode.kinds, WINDOWS_BACKGROUND);
	const struct tracer_mode counted = mode;
	interval_fini(&i);
	assert_int_equal(interval_init(&i, 5), 0);
	i.began = now;
	i.ended = now + 400 * MS;
	windows_take(&s, &i, &counted);
	assert_int_equal(s.windows.carried, 400 * MS);
	assert_int_equal(s.windows.counters.stats.ticks_weight, 0);
}

/* A thread has one tracer. */
static void threadcreate_goes_alone(void **state)
{
	(void)state;
	options.background = 1;
	ask(CPU, 0, SECOND);
	mark(5, 1);
	assert_int_equal(windows_conflict(&s.windows, WALL, now), 0);
	assert_int_equal(windows_conflict(&s.windows, CREATE, now), SECOND + APART);
	struct window *create = ask(CREATE, 0, 2 * SECOND);
	create->not_before = now + SECOND + APART;
	/* The next one would have to wait for both. */
	assert_int_equal(windows_conflict(&s.windows, WALL, now), 3 * SECOND + 2 * APART);
	mark(500, 2);
	assert_int_equal(create->state, WINDOW_WAITS);
	mark(500, 3);
	assert_int_equal(create->state, WINDOW_WAITS);
	assert_true(windows_due(&s.windows) >= create->not_before);
	drop_all();
	create = ask(CREATE, 0, SECOND);
	mark(30, 4);
	assert_int_equal(mode.kinds, CREATE);
	assert_int_equal(create->state, WINDOW_OPEN);
	/* One that did not know of it does not open beside it. */
	struct window *w = ask(CPU, 0, SECOND);
	mark(100, 5);
	assert_int_equal(w->state, WINDOW_WAITS);
	assert_int_equal(mode.kinds, CREATE);
	/* What was counted is had at any time. */
	struct window *counted = ask(KIND(PROFILE_BLOCK), WINDOW_COUNTERS, 0);
	mark(100, 6);
	assert_int_equal(counted->state, WINDOW_DONE);
	mark(900, 7);
	assert_int_equal(create->state, WINDOW_DONE);
	mark(60, 8);
	assert_int_equal(w->state, WINDOW_OPEN);
}

#define T(function) cmocka_unit_test_setup_teardown(function, begin, end)
#define H(f)	    cmocka_unit_test_setup_teardown(f, begin_heap, end_heap)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_sampled_for_nobody),
		T(a_window_has_its_time),
		T(each_has_its_own),
		T(marks_are_apart),
		T(a_moment),
		T(a_difference_looks_twice),
		T(one_follows_the_other),
		T(what_a_begin_asks_for),
		T(who_has_gone_is_not_sampled_for),
		T(the_last_one_that_goes_ends_it),
		T(no_interval_lasts_for_ever),
		T(a_torn_look_is_none),
		T(at_the_end_all_get_what_there_is),
		T(counters_only_grow),
		T(no_tick_is_carried_over),
		T(threadcreate_goes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
