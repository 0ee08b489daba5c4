/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/interval, and how agent/collection cuts a run into intervals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/collection.h"
#include "output/table.h"

#define MS 1000000ull

static struct collection c;
static struct wire_message m;

static int begin(void **state)
{
	(void)state;
	return collection_init(&c);
}

static int end(void **state)
{
	(void)state;
	collection_fini(&c);
	return 0;
}

static void put(const void *payload, size_t n)
{
	memcpy(m.payload, payload, n);
	m.size = n;
	m.fd = -1;
}

static void attach(uint32_t number, uint64_t clock, uint32_t is_new)
{
	struct tracer_attached a = {
		.number = number, .pid = 100 + number, .clock = clock, .is_new = is_new};

	assert_int_equal(collection_attached(&c, &a), 0);
}

static void tell_process(uint32_t number, uint64_t clock, uint32_t has_ended)
{
	struct tracer_process p = {.number = number, .clock = clock, .has_ended = has_ended};

	put(&p, sizeof(p));
	assert_int_equal(collection_processes(&c, &m), 0);
}

static void tell_thread(uint32_t serial, uint32_t process, uint64_t cpu, int is_new, int has_ended)
{
	struct tracer_thread t = {.serial = serial,
		.tid = 1000 + serial % 1000,
		.process = process,
		.cpu = cpu,
		.is_new = is_new,
		.has_ended = has_ended};

	put(&t, sizeof(t));
	assert_int_equal(collection_threads(&c, &m), 0);
}

static void tell_stats(const struct tracer_stats *s)
{
	put(s, sizeof(*s));
	assert_int_equal(collection_stats(&c, &m), 0);
}

/* A stack of one frame without a module, at that offset. */
static int stack(uint32_t interval, uint32_t serial, uint64_t offset)
{
	struct {
		struct worker_stack w;
		struct frame f;
	} s = {{.kinds = KIND(PROFILE_CPU),
		       .looks = 1,
		       .thread = serial,
		       .weight = WEIGHT_ONE,
		       .end = STACK_DONE,
		       .n = 1,
		       .interval = interval},
		{offset, 0, 0}};

	put(&s, sizeof(s));
	return collection_stacks(&c, &m);
}

static void cut(uint64_t now)
{
	assert_int_equal(collection_close(&c, now), 0);
	assert_int_equal(collection_open_next(&c, now, now + 5), 0);
}

struct wanted {
	uint64_t offset, count;
	uint32_t thread;
};

static int count_offset(void *arg, const struct table_entry *e)
{
	struct wanted *w = arg;

	assert_int_equal(e->n, 1);
	if (e->frames[0].offset == w->offset) {
		w->count += e->count;
		w->thread = e->thread;
	}
	return 0;
}

static uint64_t stacks_in(uint32_t interval, uint64_t offset)
{
	struct wanted w = {.offset = offset};

	table_each(collection_interval(&c, interval)->tables[PROFILE_CPU], count_offset, &w);
	return w.count;
}

/* --- one interval ------------------------------------------------------------------------------
 */

static void a_thread_has_one_place(void **state)
{
	struct interval i;
	struct thread_info info = {.tid = 5, .pid = 4, .cpu = 99, .name = "a"};

	(void)state;
	assert_int_equal(interval_init(&i, 3), 0);
	for (uint32_t n = 0; n < 1000; n++) {
		info.tid = n;
		assert_int_equal(interval_thread(&i, 7 * n + 1, &info), n);
	}
	info.tid = 5000; /* of a known key the first word counts */
	for (uint32_t n = 0; n < 1000; n++)
		assert_int_equal(interval_thread(&i, 7 * n + 1, &info), n);
	assert_int_equal(i.n_threads, 1000);
	for (uint32_t n = 0; n < 1000; n++) {
		assert_int_equal(i.threads[n].tid, n);
		assert_int_equal(i.threads[n].cpu, 0);
		assert_int_equal(i.keys[n], 7 * n + 1);
	}
	assert_int_equal(interval_threads_cpu(&i), 0);
	interval_fini(&i);
	assert_null(i.threads);
}

static int first_frame(void *arg, const struct table_entry *e)
{
	*(struct frame *)arg = e->frames[0];
	return 1;
}

static void stacks_are_counted_by_kind_and_end(void **state)
{
	struct interval i;
	struct frame frames[2] = {{0x10, 1, 0}, {0x20, 1, FRAME_GUESSED}}, seen;
	struct worker_stack w = {
		.kinds = KIND(PROFILE_CPU), .looks = 1, .weight = 1, .end = STACK_DEPTH, .n = 2};

	(void)state;
	assert_int_equal(interval_init(&i, 0), 0);
	assert_int_equal(interval_add_stack(&i, &w, frames, 0), 0);
	w.n = 1; /* without the guessed one */
	assert_int_equal(interval_add_stack(&i, &w, frames, 0), 0);
	w.kinds = KIND(PROFILE_THREADS);
	w.n = 0;
	w.end = STACK_NOT_READ;
	w.missing = MISSING_LATE;
	assert_int_equal(interval_add_stack(&i, &w, frames, 0), 0);
	assert_int_equal(i.received[PROFILE_CPU], 2);
	assert_int_equal(i.received[PROFILE_THREADS], 1);
	assert_int_equal(i.ends[PROFILE_CPU][STACK_DEPTH], 2);
	assert_int_equal(i.ends[PROFILE_THREADS][STACK_NOT_READ], 1);
	assert_int_equal(i.guessed, 1);
	assert_int_equal(table_each(i.tables[PROFILE_THREADS], first_frame, &seen), 1);
	assert_int_equal(seen.offset, PSEUDO_MISSING + MISSING_LATE);
	interval_fini(&i);
}

/* --- a run that is cut ------------------------------------------------------------------------ */

static void the_first_is_open_from_the_begin(void **state)
{
	(void)state;
	assert_int_equal(c.open, 0);
	assert_ptr_equal(collection_open(&c), collection_interval(&c, 0));
	assert_null(collection_interval(&c, 1));
	cut(50);
	assert_int_equal(collection_interval(&c, 0)->ended, 50);
	assert_int_equal(collection_open(&c)->number, 1);
	assert_int_equal(collection_open(&c)->began, 50);
	assert_int_equal(collection_open(&c)->wall_began, 55);
	assert_int_equal(collection_open(&c)->ended, 0);
	/* Closing it twice changes nothing. */
	assert_int_equal(collection_close(&c, 70), 0);
	assert_int_equal(collection_close(&c, 90), 0);
	assert_int_equal(collection_open(&c)->ended, 70);
	cut(100);
	assert_null(collection_interval(&c, 0)); /* its place was needed */
	assert_non_null(collection_interval(&c, 1));
}

/* Of each interval as many stacks come in after its close as before it. Its offset is its number,
 * its count 2 * (number + 1). */
static void stacks_on_their_way_land_where_they_belong(void **state)
{
	(void)state;
	attach(0, 0, 0);
	tell_thread(0, 0, 0, 0, 0);
	for (uint32_t n = 0; n < 20; n++) {
		for (uint32_t i = 0; i <= n; i++)
			assert_int_equal(stack(n, 0, n), 0);
		cut(n);
		for (uint32_t i = 0; i <= n; i++) {
			assert_int_equal(stack(n, 0, n), 0);
			assert_int_equal(stack(n + 1, 0, 1000 + n), 0);
		}
		assert_int_equal(stacks_in(n, n), 2 * (n + 1));
		assert_int_equal(stacks_in(n, 999 + n), n);
		assert_int_equal(stacks_in(n, 1000 + n), 0);
		assert_int_equal(stacks_in(n + 1, n), 0);
		assert_int_equal(stacks_in(n + 1, 1000 + n), n + 1);
		assert_int_equal(
			collection_interval(&c, n)->received[PROFILE_CPU], 2 * (n + 1) + n);
	}
}

static void stacks_of_no_interval_are_refused(void **state)
{
	(void)state;
	attach(0, 0, 0);
	tell_thread(0, 0, 0, 0, 0);
	assert_int_equal(stack(1, 0, 1), -EPROTO); /* not begun */
	cut(1);
	cut(2);
	assert_int_equal(stack(0, 0, 1), -EPROTO); /* written long ago */
	assert_int_equal(stack(3, 0, 1), -EPROTO);
	assert_int_equal(stack(UINT32_MAX, 0, 1), -EPROTO);
	assert_int_equal(stack(1, 5, 1), -EPROTO); /* of no thread */
	for (uint32_t n = 1; n <= 2; n++) {
		assert_int_equal(collection_interval(&c, n)->received[PROFILE_CPU], 0);
		assert_int_equal(collection_interval(&c, n)->n_threads, 0);
	}
	assert_int_equal(stack(1, 0, 1), 0);
	assert_int_equal(stack(2, 0, 1), 0);
}

/* A thread may have another place in each interval, or none; a stack finds it by its key. */
static void places_are_each_intervals_own(void **state)
{
	struct wanted w = {.offset = 0x33};

	(void)state;
	attach(0, 0, 0);
	for (uint32_t t = 0; t < 5; t++)
		tell_thread(t, 0, 0, 0, 0);
	for (uint32_t t = 0; t < 5; t++)
		assert_int_equal(stack(0, t, 0x30 + t), 0);
	cut(1);
	assert_int_equal(stack(1, 4, 0x34), 0);
	assert_int_equal(stack(1, 3, 0x33), 0);
	assert_int_equal(stack(0, 3, 0x33), 0);
	const struct interval *closed = collection_interval(&c, 0), *open = collection_open(&c);
	assert_int_equal(closed->n_threads, 5);
	assert_int_equal(open->n_threads, 2);
	table_each(closed->tables[PROFILE_CPU], count_offset, &w);
	assert_int_equal(w.count, 2);
	assert_int_equal(closed->threads[w.thread].tid, 1003);
	table_each(open->tables[PROFILE_CPU], count_offset, &w);
	assert_int_equal(open->threads[w.thread].tid, 1003);
	assert_int_equal(open->threads[w.thread].pid, 100);
}

/* --- CPU time --------------------------------------------------------------------------------- */

enum { PROCESSES = 3, THREADS = 6, INTERVALS = 30, TRACERS = 3 };

/* A made up run. Each thread uses what `use` says; a process's clock is the sum of its threads' and
 * of some time of unknown ones. */
struct made_up {
	uint64_t thread[THREADS], unknown[PROCESSES];
	uint64_t seen, all; /* inside the window */
};

static uint64_t use(uint32_t thread, uint32_t interval)
{
	return (thread * 31 + interval * 17) % 7 * MS;
}

static uint64_t clock_of(const struct made_up *r, uint32_t process)
{
	uint64_t sum = r->unknown[process];

	for (uint32_t t = process; t < THREADS; t += PROCESSES)
		sum += r->thread[t];
	return sum;
}

/* An interval passes; tracer says under which serials it is told. */
static void live(struct made_up *r, uint32_t interval, uint32_t tracer)
{
	for (uint32_t t = 0; t < THREADS; t++) {
		r->thread[t] += use(t, interval);
		r->seen += use(t, interval);
		r->all += use(t, interval);
		tell_thread(1000 * tracer + t, t % PROCESSES, r->thread[t], 0, 0);
	}
	for (uint32_t p = 0; p < PROCESSES; p++) {
		uint64_t more = interval % 4 == p ? 30 * MS : 0;
		r->unknown[p] += more;
		r->all += more;
		tell_process(p, clock_of(r, p), 0);
	}
}

/* Whatever is cut where: the intervals' CPU is the run's, that before the window none of it. */
static void cpu_of_closed_intervals_sums_up(void **state)
{
	struct made_up r = {{500 * MS, 400 * MS, 300 * MS}, {100 * MS, 7 * MS, 0}, 0, 0};
	struct tracer_stats stats = {.threads_seen = THREADS};
	uint64_t seen = 0, ended = 0, all = 0, of_thread[THREADS] = {0}, before[THREADS];
	struct tracer_start start = {0};

	(void)state;
	memcpy(before, r.thread, sizeof(before));
	for (uint32_t p = 0; p < PROCESSES; p++)
		attach(p, clock_of(&r, p), 0);
	for (uint32_t t = 0; t < THREADS; t++)
		tell_thread(t, t % PROCESSES, r.thread[t], 0, 0);
	for (uint32_t n = 0; n < INTERVALS; n++) {
		uint32_t tracer = n / (INTERVALS / TRACERS);
		if (n && n % (INTERVALS / TRACERS) == 0)
			collection_new_tracer(&c, &start);
		live(&r, n, tracer);
		tell_stats(&stats);
		cut(n);
		const struct interval *i = collection_interval(&c, n);
		seen += interval_threads_cpu(i);
		ended += interval_ended_cpu(i);
		all += i->clock;
		for (uint32_t t = 0; t < i->n_threads; t++) {
			assert_true(i->threads[t].cpu > 0);
			of_thread[i->threads[t].tid - 1000] += i->threads[t].cpu;
		}
	}
	assert_true(r.seen > 0 && r.all > r.seen);
	assert_int_equal(seen, r.seen);
	assert_int_equal(all, r.all);
	assert_int_equal(seen + ended, r.all);
	assert_int_equal(c.threads.n, THREADS);
	for (uint32_t t = 0; t < THREADS; t++)
		assert_int_equal(of_thread[t], r.thread[t] - before[t]);
}

/* A process born in the window brings all its CPU; descendants that nobody saw bring theirs. */
static void the_newborn_and_the_unseen_are_in_it(void **state)
{
	struct tracer_stats stats = {.threads_seen = 1, .unseen_ns = 4 * MS};

	(void)state;
	attach(0, 900 * MS, 0);
	attach(1, 5 * MS, 1);
	tell_thread(0, 1, 5 * MS, 1, 0);
	tell_stats(&stats);
	cut(1);
	const struct interval *i = collection_interval(&c, 0);
	assert_int_equal(i->clock, 9 * MS);
	assert_int_equal(interval_threads_cpu(i), 5 * MS);
	assert_int_equal(interval_ended_cpu(i), 4 * MS);
	/* The same figures once more are nothing new. */
	tell_stats(&stats);
	stats.unseen_ns += 1 * MS;
	tell_stats(&stats);
	cut(2);
	i = collection_interval(&c, 1);
	assert_int_equal(i->clock, 1 * MS);
	assert_int_equal(interval_ended_cpu(i), 1 * MS);
}

/* Tracers count from zero, intervals cut where they like: each tick is in one interval. */
static void figures_are_cut_too(void **state)
{
	struct tracer_stats now = {.threads_seen = 1};
	struct tracer_start start = {0};

	(void)state;
	for (uint32_t n = 0; n < INTERVALS; n++) {
		uint64_t expected = 0;
		for (uint32_t part = 0; part < 3; part++) {
			uint32_t more = (n * 13 + part * 5) % 11;
			now.ticks += more;
			now.stops += 2 * more;
			now.stop_us[8] += 3 * more;
			expected += more;
			tell_stats(&now);
			if ((n + part) % 7)
				continue;
			collection_new_tracer(&c, &start);
			assert_int_equal(start.interval, n);
			now = (struct tracer_stats){.threads_seen = 1};
		}
		cut(n);
		const struct tracer_stats *s = &collection_interval(&c, n)->stats;
		assert_int_equal(s->ticks, expected);
		assert_int_equal(s->stops, 2 * expected);
		assert_int_equal(s->stop_us[8], 3 * expected);
	}
}

/* --- what has ended ----------------------------------------------------------------------------*/

static uint32_t gone[16], n_gone;

static void remember(void *arg, uint32_t process)
{
	assert_ptr_equal(arg, &n_gone);
	assert_true(n_gone < 16);
	gone[n_gone++] = process;
}

static void forget(uint32_t interval)
{
	n_gone = 0;
	assert_int_equal(collection_forget(&c, interval, remember, &n_gone), 0);
}

static void add_maps(uint32_t generation, uint32_t process)
{
	struct maps_part part = {.generation = generation, .process = process, .last = 1};
	struct mapping none;

	assert_int_equal(generations_add(&c.maps, &part, &none), 1);
}

/* Three processes of a thread each: one ends in interval 0, one in 1, one lives. */
static void what_ended_is_forgotten_an_interval_later(void **state)
{
	(void)state;
	for (uint32_t p = 0; p < 3; p++) {
		attach(p, 0, 0);
		tell_thread(p, p, 0, 0, 0);
		add_maps(p + 1, p);
	}
	tell_thread(0, 0, 10 * MS, 0, 1);
	tell_process(0, 10 * MS, 1);
	cut(1);
	tell_thread(1, 1, 20 * MS, 0, 1);
	tell_process(1, 20 * MS, 1);
	assert_int_equal(stack(0, 0, 1), 0); /* was on its way */
	forget(0);
	assert_int_equal(n_gone, 1);
	assert_int_equal(gone[0], 0);
	assert_null(collection_process(&c, 0));
	assert_null(generations_newest(&c.maps, 0));
	assert_int_equal(stack(0, 0, 1), -EPROTO);
	assert_int_equal(stack(1, 0, 1), -EPROTO);
	assert_int_equal(stack(1, 1, 1), 0);
	assert_int_equal(stack(1, 2, 1), 0);
	cut(2);
	/* Its CPU is in the interval in which it ended. */
	assert_int_equal(collection_interval(&c, 1)->clock, 20 * MS);
	assert_int_equal(interval_threads_cpu(collection_interval(&c, 1)), 20 * MS);
	forget(1);
	assert_int_equal(n_gone, 1);
	assert_int_equal(gone[0], 1);
	assert_int_equal(c.n_processes, 1);
	assert_int_equal(c.threads.n, 1);
	assert_non_null(collection_process(&c, 2));
	assert_non_null(generations_newest(&c.maps, 2));
	assert_int_equal(stack(2, 2, 1), 0);
	assert_int_equal(c.processes_seen, 3);
	assert_int_equal(c.processes_ended, 2);
	attach(3, 0, 1); /* numbers go on */
	assert_int_equal(c.n_processes, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_has_one_place),
		cmocka_unit_test(stacks_are_counted_by_kind_and_end),
		TEST(the_first_is_open_from_the_begin),
		TEST(stacks_on_their_way_land_where_they_belong),
		TEST(stacks_of_no_interval_are_refused),
		TEST(places_are_each_intervals_own),
		TEST(cpu_of_closed_intervals_sums_up),
		TEST(the_newborn_and_the_unseen_are_in_it),
		TEST(figures_are_cut_too),
		TEST(what_ended_is_forgotten_an_interval_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
