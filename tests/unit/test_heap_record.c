/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/heap_record: whatever is folded, and when, the sums are those of all samples, and what is
 * kept is what is alive and what is new. Histories by chance; ROUNDS for more of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/heap_record.h"
#include "output/estimate.h"
#include "output/heap.h"
#include "output/table.h"

#define SECOND	1000000000ull
#define STACKS	40u
#define SAMPLES 6000u
#define HEAP	KIND(PROFILE_HEAP)
#define ALLOCS	KIND(PROFILE_ALLOCS)

/* What the process has done, all of it. */
static struct object {
	struct heap_sample sample;
	uint32_t stack, interval;
	int is_alive, is_told; /* the last snapshot had it */
	int is_hidden;	       /* its pointer is not in the table just now */
} objects[SAMPLES];
static uint32_t n_objects, interval, newest;
static uint64_t now, state;
static struct heap_record r;

static uint32_t chance(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static int begin(void **unused)
{
	(void)unused;
	n_objects = interval = newest = 0;
	now = 5 * SECOND;
	state = 88172645463325252ull;
	return heap_record_init(&r);
}

static int end(void **unused)
{
	(void)unused;
	heap_record_fini(&r);
	return 0;
}

/* --- a process ---------------------------------------------------------------------------- */

static struct object *allocate(uint32_t stack, uint64_t size, uint32_t in)
{
	const struct stack s = {.n = 2, .end = STACK_DONE, .v = {{stack, 1, 0}, {7, 1, 0}}};
	struct object *o = &objects[n_objects++];

	*o = (struct object){.sample = {.size = size, .id = n_objects * 3, .mean = 65536},
		.stack = stack,
		.interval = in,
		.is_alive = 1};
	assert_int_equal(heap_record_add(&r, &s, &o->sample, in), 0);
	return o;
}

static void tell(const uint32_t *ids, uint32_t n, int is_last)
{
	const struct tracer_heap part = {.n = n, .is_last = is_last, .dropped = now};

	assert_int_equal(heap_record_tell(&r, &part, ids), is_last);
}

/* In no order, in parts. */
static void snapshot(void)
{
	uint32_t ids[SAMPLES + 1], n = 0, at = 0;

	for (uint32_t i = n_objects; i-- > 0;) {
		struct object *o = &objects[i];
		o->is_told = o->is_alive && !o->is_hidden;
		if (o->is_told)
			ids[n++] = o->sample.id;
	}
	/* One that came in between, and whose stack nobody has yet. */
	ids[n++] = 4000000000u;
	while (n - at > 100) {
		uint32_t part = 1 + chance(99);
		tell(ids + at, part, 0);
		at += part;
	}
	tell(ids + at, n - at, 1);
	heap_record_fold(&r, now);
}

/* What is hidden is so for less than RECORD_APART_NS. */
static void pass(void)
{
	now += chance(SECOND * 6 / 10);
	for (uint32_t i = 0; i < n_objects; i++)
		objects[i].is_hidden = 0;
}

static void do_something(void)
{
	struct object *o = n_objects ? &objects[chance(n_objects)] : NULL;

	switch (chance(40)) {
	case 0:
		pass();
		return;
	case 1:
		/* The one before was looked at before the next one is taken. */
		interval = newest;
		snapshot();
		return;
	case 2:
		interval = ++newest;
		return;
	case 3: /* realloc that fails; not at the only times at which one looks */
		if (o && o->is_told)
			o->is_hidden = 1;
		return;
	case 4 ... 18:
		if (o)
			o->is_alive = 0;
		return;
	default:
		/* Some come in after a mark before what was taken there is looked at. */
		newest = interval + !chance(8) > newest ? interval + 1 : newest;
		o = allocate(chance(STACKS), 1 + chance(200000), newest);
		o->is_hidden = !chance(5);
	}
}

/* --- what it should come to --------------------------------------------------------------- */

/* By the stack; in another order than it was folded in. */
static void add_up(struct heap_site *v, uint32_t until)
{
	memset(v, 0, STACKS * sizeof(*v));
	for (uint32_t i = n_objects; i-- > 0;) {
		const struct object *o = &objects[i];
		if (o->interval > until)
			continue;
		estimate_add(&v[o->stack].all, &o->sample);
		if (o->is_told)
			estimate_add(&v[o->stack].live, &o->sample);
	}
}

static void compare(const struct estimate *want, const struct estimate *got)
{
	assert_int_equal(want->samples, got->samples);
	assert_true(want->objects == got->objects);
	assert_true(want->bytes == got->bytes);
}

struct comparing {
	const struct heap_site *want;
	const struct interval *got;
	uint32_t n;
};

static int compare_entry(void *arg, const struct table_entry *e)
{
	struct comparing *c = arg;
	const struct profile_heap heap = {c->got->sites, c->got->n_sites, 1, HEAP_ALL};
	const struct heap_site *want = &c->want[e->frames[0].offset];
	struct profile_sample s;

	assert_int_equal(e->n, 2);
	assert_in_range(e->lock, 1, c->got->n_sites);
	compare(&want->all, &c->got->sites[e->lock - 1].all);
	compare(&want->live, &c->got->sites[e->lock - 1].live);
	heap_values(&heap, e->lock, &s);
	const int64_t *values = s.values;
	assert_true(values[1] - want->all.bytes <= 0.5 && want->all.bytes - values[1] <= 0.5);
	assert_true(values[3] - want->live.bytes <= 0.5 && want->live.bytes - values[3] <= 0.5);
	c->n++;
	return 0;
}

/* What is put into an interval has these sums, and a stack for each that has any. */
static void check(const struct heap_site *want, const struct heap_site *less, uint32_t n_less)
{
	struct interval got;
	uint32_t n = 0;

	assert_int_equal(interval_init(&got, 9), 0);
	assert_int_equal(heap_record_put(&r, interval, ALLOCS, less, n_less, &got), 0);
	struct comparing c = {want, &got, 0};
	assert_int_equal(table_each(got.tables[PROFILE_ALLOCS], compare_entry, &c), 0);
	for (uint32_t i = 0; i < STACKS; i++)
		n += want[i].all.samples || want[i].live.samples;
	assert_int_equal(c.n, n);
	assert_int_equal(table_each(got.tables[PROFILE_HEAP], compare_entry, &c), 0);
	assert_int_equal(c.n, n);
	assert_int_equal(got.all_is_change, less != NULL);
	assert_int_equal(got.live_is_change, less != NULL);
	assert_true(r.n_unknown <= 1 + n_objects && (!r.n_live || r.n_unknown >= 1));
	interval_fini(&got);
}

static void take_off(struct estimate *from, const struct estimate *e)
{
	from->objects -= e->objects;
	from->bytes -= e->bytes;
	from->samples -= e->samples;
}

static void check_difference(const struct heap_site *then, const struct heap_site *base, uint32_t n)
{
	struct heap_site want[STACKS];

	add_up(want, interval);
	for (uint32_t i = 0; i < STACKS; i++) {
		take_off(&want[i].all, &then[i].all);
		take_off(&want[i].live, &then[i].live);
	}
	check(want, base, n);
}

/* What came since then, and all that is alive. */
static void check_alive(const struct heap_site *then, struct heap_site *base, uint32_t n)
{
	struct heap_site want[STACKS];

	add_up(want, interval);
	for (uint32_t i = 0; i < STACKS; i++)
		take_off(&want[i].all, &then[i].all);
	heap_record_clear_live(base, n);
	check(want, base, n);
}

/* --- tests -------------------------------------------------------------------------------- */

static void one_history(void)
{
	struct heap_site want[STACKS], then[STACKS], *base = NULL;
	uint32_t n_base = 0;

	for (uint32_t step = 0; n_objects < SAMPLES - 1; step++) {
		do_something();
		if (step % 97)
			continue;
		add_up(want, interval);
		check(want, NULL, 0);
		if (base)
			check_difference(then, base, n_base);
		if (base && chance(10))
			continue;
		if (base)
			check_alive(then, base, n_base);
		free(base);
		add_up(then, interval);
		base = heap_record_sites(&r, interval);
		n_base = r.n_sites;
		assert_non_null(base);
	}
	free(base);
	assert_true(r.n_folded > SAMPLES / 10);
}

static void folded_and_unfolded_are_the_same(void **unused)
{
	const char *rounds = getenv("ROUNDS");

	(void)unused;
	for (int i = 0, n = rounds ? atoi(rounds) : 5; i < n; i++) {
		uint64_t seed = state;
		end(NULL);
		begin(NULL);
		state = seed * 6364136223846793005ull + 1442695040888963407ull;
		one_history();
	}
}

/* However long it runs: what is alive and what is new, and its stacks. */
static void what_is_kept_is_what_lives(void **unused)
{
	(void)unused;
	for (int day = 0; day < 60; day++) {
		for (uint32_t i = 0; i < 100; i++)
			allocate(chance(STACKS), 5000, 0)->is_alive = i < 3;
		now += 2 * SECOND;
		snapshot();
		now += 2 * SECOND;
		snapshot();
		assert_int_equal(r.n_kept, 3 * (day + 1));
		assert_true(r.n_sites <= STACKS);
	}
	assert_true(r.kept_room < 1000);
}

static void what_is_missed_once_comes_back(void **unused)
{
	struct object *o = allocate(1, 1000, 0);

	(void)unused;
	for (int i = 0; i < 10; i++) {
		o->is_hidden = i % 2;
		now += 3 * SECOND;
		snapshot();
		assert_int_equal(r.n_kept, 1);
	}
	/* Two that are close are one. */
	o->is_hidden = 1;
	snapshot();
	now += SECOND / 2;
	snapshot();
	assert_int_equal(r.n_kept, 1);
	now += SECOND;
	snapshot();
	now += SECOND;
	snapshot();
	assert_int_equal(r.n_kept, 0);
	assert_int_equal(r.n_folded, 1);
}

static void a_snapshot_is_due_when_samples_have_doubled(void **unused)
{
	const struct stack s = {.n = 1, .end = STACK_DONE, .v = {{1, 1, 0}}};
	struct heap_sample one = {.size = 100, .mean = 1000};

	(void)unused;
	for (one.id = 1; one.id < RECORD_LEAST; one.id++)
		assert_int_equal(heap_record_add(&r, &s, &one, 0), 0);
	assert_false(heap_record_is_due(&r, now));
	assert_int_equal(heap_record_add(&r, &s, &one, 0), 0);
	assert_true(heap_record_is_due(&r, now));
	tell(NULL, 0, 1);
	heap_record_fold(&r, now);
	/* They may be alive, so far. */
	assert_false(heap_record_is_due(&r, now));
	now += RECORD_APART_NS;
	assert_true(heap_record_is_due(&r, now));
	tell(NULL, 0, 1);
	heap_record_fold(&r, now);
	assert_int_equal(r.n_kept, 0);
	assert_false(heap_record_is_due(&r, now + SECOND));
}

/* A small step up or down does not become a large one in many. */
static void sums_do_not_drift(void **unused)
{
	const struct heap_sample s = {.size = 24, .id = 1, .mean = 524288};
	struct estimate e = {.samples = 0};
	double objects = 524288 / 24.0 + 0.5; /* 1 / (1 - exp(-x)), but for x / 12 */

	(void)unused;
	for (int i = 0; i < 100000; i++)
		estimate_add(&e, &s);
	assert_int_equal(e.samples, 100000);
	assert_true(e.objects > 0.999999 * objects * 1e5 && e.objects < 1.000001 * objects * 1e5);
	assert_true(e.bytes > 23.9999 * objects * 1e5 && e.bytes < 24.0001 * objects * 1e5);
}

static void a_look_is_told_in_parts(void **unused)
{
	const uint32_t ids[] = {9, 3, 6};

	(void)unused;
	struct object *a = allocate(1, 100, 0), *b = allocate(1, 100, 0);
	assert_int_equal(a->sample.id, 3);
	assert_int_equal(b->sample.id, 6);
	tell(ids, 2, 0);
	tell(ids + 2, 1, 1);
	struct heap_site *v = heap_record_sites(&r, 0);
	assert_int_equal(v[0].live.samples, 2);
	free(v);
	/* The next one is another. */
	tell(ids + 1, 1, 1);
	v = heap_record_sites(&r, 0);
	assert_int_equal(v[0].live.samples, 1);
	assert_int_equal(v[0].all.samples, 2);
	free(v);
	assert_int_equal(r.figures.dropped, now);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(folded_and_unfolded_are_the_same),
		TEST(what_is_kept_is_what_lives),
		TEST(what_is_missed_once_comes_back),
		TEST(a_snapshot_is_due_when_samples_have_doubled),
		TEST(sums_do_not_drift),
		TEST(a_look_is_told_in_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
