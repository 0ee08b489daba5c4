/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profile_build: CPU weights, labels, what becomes one sample, against truth computed by hand. */
#include <inttypes.h>

#include "output/pprof.h"
#include "tests/unit/profile_fixture.h"

/* --- CPU weights --------------------------------------------------------------------------- */

/* C = 1000000007 over 3: floor(C/3) = 333333335, the other two get the rest. */
static void weights_add_up_exactly(void **state)
{
	(void)state;
	threads[1].cpu = 1000000007;
	ADD(1, 0, 1, {0x10, EXE, 0});
	ADD(1, 0, 2, {0x20, EXE, 0});
	build();
	assert_int_equal(p->n_samples, 2);
	check_values(0, 101, 1, 333333335);
	check_values(1, 101, 2, 666666672);
}

/* floor(2k/5) = 0 0 0 1 1 2 for k = 0..5: the third and the fifth sample get one each. */
static void weights_below_one_are_not_lost(void **state)
{
	static const int64_t expected[] = {0, 0, 1, 0, 1};
	(void)state;
	threads[0].cpu = 2;
	threads[1].cpu = 7; /* a thread in between has its own account */
	for (uint64_t i = 0; i < 5; i++) {
		ADD(0, 0, 1, {0x10 * (i + 1), EXE, 0});
		if (i == 2)
			ADD(1, 0, 1, {0x10, EXE, 0});
	}
	build();
	assert_int_equal(p->n_samples, 6);
	for (int i = 0; i < 5; i++)
		check_values(i < 3 ? i : i + 1, 100, 1, expected[i]);
	check_values(3, 101, 1, 7);
}

/* C * count is far above 2^64; floor(C/1000003) = 8999973000080, the last is rounded up. */
static void weights_do_not_overflow(void **state)
{
	(void)state;
	const int64_t cpu = 9000000000000000000ll;
	threads[0].cpu = cpu;
	ADD(0, 0, 1, {0x10, EXE, 0});
	ADD(0, 0, 1000001, {0x20, EXE, 0});
	ADD(0, 0, 1, {0x30, EXE, 0});
	build();
	check_values(0, 100, 1, 8999973000080);
	check_values(2, 100, 1, 8999973000081);
	assert_int_equal(sum(1), cpu);
	assert_int_equal(sum(0), 1000003);
}

/* A sample that stands for three others of its thread: a quarter and three quarters of the time,
 * one sample each all the same. */
static void weights_follow_the_chance_of_a_look(void **state)
{
	static const struct stack often = {.n = 1, .end = STACK_DONE, .v = {{0x10, EXE, 0}}};
	static const struct stack seldom = {.n = 1, .end = STACK_DONE, .v = {{0x20, EXE, 0}}};
	(void)state;
	threads[0].cpu = 1000;
	assert_int_equal(
		table_add_entry(table, &often,
			&(struct table_entry){.thread = 0, .count = 1, .weight = WEIGHT_ONE}),
		0);
	assert_int_equal(
		table_add_entry(table, &seldom,
			&(struct table_entry){.thread = 0, .count = 1, .weight = 3 * WEIGHT_ONE}),
		0);
	build();
	check_values(0, 100, 1, 250);
	check_values(1, 100, 1, 750);
}

#define MS 1000000ll

/* Three samples of threads that came and went, 10 ms each at 100 Hz: 10 ms that are known of one of
 * these threads, 15 of another that was never met and 5 of some that nobody saw are theirs in turn.
 */
static void threads_that_came_and_went_are_one_pool(void **state)
{
	(void)state;
	in.hz = 100;
	threads[1].is_brief = threads[2].is_brief = threads[3].is_brief = 1;
	threads[1].cpu = 10 * MS;
	threads[3].cpu = 15 * MS;
	threads[0].cpu = 7 * MS; /* a thread that was there all the time has its own account */
	in.ended_cpu = 5 * MS;
	static const struct stack a = {.n = 1, .end = STACK_DONE, .v = {{0x20, EXE, 0}}};
	static const struct stack b = {.n = 1, .end = STACK_DONE, .v = {{0x30, EXE, 0}}};
	ADD(0, 0, 1, {0x10, EXE, 0});
	assert_int_equal(
		table_add_entry(table, &a,
			&(struct table_entry){.thread = 1, .count = 2, .weight = 2 * WEIGHT_ONE}),
		0);
	assert_int_equal(
		table_add_entry(table, &b,
			&(struct table_entry){.thread = 2, .count = 1, .weight = WEIGHT_ONE}),
		0);
	build();
	assert_int_equal(p->n_samples, 3);
	check_values(1, 101, 2, 20 * MS);
	check_values(2, 102, 1, 10 * MS);
	assert_int_equal(sum(1), 37 * MS);
	check_values(0, 100, 1, 7 * MS);
}

/* A sample does not speak for more than a quarter above its ticks: the rest is named. */
static void a_pool_speaks_for_its_ticks_only(void **state)
{
	static const struct stack once = {.n = 1, .end = STACK_DONE, .v = {{0x10, EXE, 0}}};
	(void)state;
	in.hz = 100;
	threads[1].is_brief = threads[2].is_brief = 1;
	threads[2].cpu = 20 * MS;
	in.ended_cpu = 100 * MS;
	assert_int_equal(
		table_add_entry(table, &once,
			&(struct table_entry){.thread = 1, .count = 1, .weight = WEIGHT_ONE}),
		0);
	build();
	/* 12.5 of the 120: 7.5 of threads that are known, 100 of those that are not are left. */
	assert_int_equal(p->n_samples, 3);
	check_values(0, 101, 1, 12500000);
	assert_int_equal(p->samples[1].values[1], 7500000);
	assert_int_equal(p->samples[2].values[1], 100 * MS);
	assert_int_equal(sum(1), 120 * MS);
}

static void unseen_cpu_is_shown(void **state)
{
	(void)state;
	threads[0].cpu = 10;
	threads[3].cpu = 5;
	threads[4].cpu = 6;
	in.ended_cpu = 99;
	ADD(0, 0, 1, {0x10, EXE, 0});
	build();
	assert_int_equal(p->n_samples, 3);
	check_values(1, 0, 0, 11);
	check_values(2, 0, 0, 99);
	check(1, 0, NULL, 0, "[CPU of threads never sampled]");
	check(2, 0, NULL, 0, "[CPU of threads that ended unseen]");
	for (uint32_t i = 1; i < 3; i++) {
		assert_int_equal(p->samples[i].thread_name, 0);
		assert_int_equal(p->samples[i].n_locations, 1);
	}
	in.kind = PROFILE_THREADS;
	build();
	assert_int_equal(p->n_samples, 1);
}

/* --- samples ------------------------------------------------------------------------------- */

static void real_samples_have_labels(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	memcpy(threads[1].name, "w\xffrk", 5);
	threads[2].name[0] = '\0';
	ADD(1, 'S', 1, {0x10, EXE, 0});
	ADD(2, 'R', 1, {0x10, EXE, 0});
	build();
	assert_int_equal(p->n_samples, 2);
	check_values(0, 101, 1, 0);
	check_values(1, 102, 1, 0);
	assert_string_equal(text(p->samples[0].thread_name), "w" BAD "rk");
	assert_string_equal(text(p->samples[0].state), "sleeping");
	assert_int_equal(p->samples[1].thread_name, 0);
	assert_string_equal(text(p->samples[1].state), "running");
	assert_int_equal(p->n_locations, 1);
}

/* Entries of the table that differ only in what a sample does not have: floor(1000 * 7 / 8). */
static void equal_samples_are_one(void **state)
{
	(void)state;
	threads[0].cpu = 1000;
	ADD(0, 'R', 1, {0x10, EXE, 0}, {0x20, EXE, FRAME_RETURN});
	ADD(0, 'T', 2, {0x10, EXE, 0}, {0x20, EXE, FRAME_RETURN});
	ADD(1, 'R', 5, {0x10, EXE, 0}, {0x20, EXE, FRAME_RETURN});
	ADD(0, 'S', 4, {0x10, EXE, FRAME_SIGNAL}, {0x20, EXE, FRAME_RETURN});
	ADD(0, 'R', 1, {0x20, EXE, 0}, {0x10, EXE, 0}); /* other order, other stack */
	build();
	assert_int_equal(p->n_samples, 3);
	check_values(0, 100, 7, 875);
	check_values(1, 101, 5, 0);
	check_values(2, 100, 1, 125);
	check(2, 0, "/usr/bin/app", 0x10020, NULL);
	check(2, 1, "/usr/bin/app", 0x10010, NULL);
	assert_int_equal(p->samples[0].state, 0);
	assert_int_equal(p->n_locations, 2);
	assert_int_equal(p->n_sample_locations, 6); /* nothing is left of the joined ones */
}

/* One mark, before the first of the frames that rest on a guess; never the leaf. */
static void a_guess_is_marked_where_it_was_made(void **state)
{
	const uint32_t guessed = FRAME_RETURN | FRAME_GUESSED;
	(void)state;
	name(EXE, 0x30, "main");
	ADD(0, 0, 1, {0x10, EXE, 0}, {0x20, EXE, guessed}, {0x28, EXE, guessed},
		{0x30, EXE, FRAME_RETURN});
	ADD(0, 0, 1, {0x10, EXE, 0}, {0x20, EXE, FRAME_RETURN}, {0x28, EXE, FRAME_RETURN},
		{0x30, EXE, FRAME_RETURN});
	ADD(0, 0, 1, {0x10, EXE, FRAME_GUESSED});
	build();
	assert_int_equal(p->n_samples, 3);
	assert_int_equal(p->samples[0].n_locations, 5);
	check(0, 0, "/usr/bin/app", 0x10010, "[app]");
	check(0, 1, NULL, 0, "[guessed step]");
	check(0, 2, "/usr/bin/app", 0x10020, "[app]");
	check(0, 3, "/usr/bin/app", 0x10028, "[app]");
	check(0, 4, "/usr/bin/app", 0x10030, "main");
	assert_int_equal(p->samples[1].n_locations, 4);
	assert_int_equal(p->samples[2].n_locations, 1);
	assert_int_equal(p->samples[0].tid, p->samples[1].tid);
	assert_int_equal(p->n_locations, 5);
}

static void states_keep_samples_apart(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	ADD(0, 'R', 1, {0x10, EXE, 0});
	ADD(0, 'S', 2, {0x10, EXE, 0});
	ADD(0, '?', 4, {0x10, EXE, 0});
	ADD(0, '!', 8, {0x10, EXE, 0}); /* as unknown as the one before */
	build();
	assert_int_equal(p->n_samples, 3);
	check_values(0, 100, 1, 0);
	check_values(1, 100, 2, 0);
	check_values(2, 100, 12, 0);
	assert_string_equal(text(p->samples[2].state), "unknown");
}

static void the_deepest_stack_fits(void **state)
{
	static struct stack stack = {.n = LIMIT_FRAMES, .end = STACK_DEPTH};
	(void)state;
	for (uint32_t i = 0; i < LIMIT_FRAMES; i++)
		stack.v[i] = (struct frame){i, EXE, FRAME_RETURN | FRAME_GUESSED};
	assert_int_equal(table_add(table, &stack, 0, 0, 1), 0);
	build();
	assert_int_equal(p->samples[0].n_locations, LIMIT_FRAMES + 1);
	assert_int_equal(p->n_locations, LIMIT_FRAMES + 1);
	for (uint32_t i = 0; i < LIMIT_FRAMES; i++)
		check(0, i, "/usr/bin/app", 0x10000 + i, NULL);
	check(0, LIMIT_FRAMES, NULL, 0, "[stack too deep]");
}

static void many_places_keep_dense_ids(void **state)
{
	(void)state;
	char text_of[32];
	for (uint32_t i = 0; i < 4000; i++) {
		snprintf(text_of, sizeof(text_of), "function_%u", i % 1000);
		name(EXE, i, text_of);
		ADD(i % 8, 0, 1, {i, EXE, 0}, {(i * 7) % 4000, EXE, FRAME_RETURN}, {1, EXE, 0});
	}
	build();
	assert_int_equal(p->n_locations, 4000);
	assert_int_equal(p->n_functions, 1000);
	assert_int_equal(p->n_mappings, 1);
	assert_int_equal(sum(0), 4000);
	for (uint32_t i = 0; i < p->n_samples; i++) {
		snprintf(text_of, sizeof(text_of), "function_%" PRIu64,
			(location(i, 0)->address - 0x10000) % 1000);
		assert_string_equal(function_name(location(i, 0), 0), text_of);
	}
}

/* --- limits of what reads them -------------------------------------------------------------- */

/* Three threads named alike, two more, all in one stack. */
static void five_threads_in_one_stack(void)
{
	for (uint32_t i = 0; i < 5; i++) {
		if (i < 3)
			strcpy(threads[i].name, "w");
		threads[i].cpu = 10 + i;
		ADD(i, 0, 2, {0x10, EXE, 0}, {0x20, EXE, FRAME_RETURN});
	}
	in.comments = "one\ntwo\n";
}

static void assert_last_comment(const char *words)
{
	assert_int_equal(p->n_comments, 2);
	assert_string_equal(text(p->comments[0]), "one");
	assert_int_equal(strncmp(text(p->comments[1]), "two", 3), 0);
	assert_int_equal(!!words, text(p->comments[1])[3] == ';');
	if (words)
		assert_non_null(strstr(text(p->comments[1]), words));
}

static void tids_go_when_there_are_too_many_samples(void **state)
{
	(void)state;
	five_threads_in_one_stack();
	in.most_samples = 5;
	build();
	assert_int_equal(p->n_samples, 5);
	assert_int_equal(p->merged, MERGED_NOT);
	assert_last_comment(NULL);
	in.most_samples = 4;
	build();
	assert_int_equal(p->n_samples, 3);
	assert_int_equal(p->merged, MERGED_TIDS);
	check_values(0, 0, 6, 33);
	check_values(1, 0, 2, 13);
	assert_string_equal(text(p->samples[0].thread_name), "w");
	assert_string_equal(text(p->samples[1].thread_name), "t3");
	assert_last_comment("threads of one name are merged, no tid");
}

static void thread_names_go_when_that_is_not_enough(void **state)
{
	(void)state;
	five_threads_in_one_stack();
	in.most_samples = 2;
	build();
	assert_int_equal(p->n_samples, 1);
	assert_int_equal(p->merged, MERGED_THREADS);
	check_values(0, 0, 10, 60);
	assert_int_equal(p->samples[0].thread_name, 0);
	assert_last_comment("no tid and no thread_name");
}

static void labels_stay_when_nothing_helps(void **state)
{
	(void)state;
	five_threads_in_one_stack();
	for (uint64_t i = 0; i < 4; i++)
		ADD(0, 0, 1, {0x100 + i, EXE, 0});
	in.most_samples = 4;
	build();
	assert_int_equal(p->n_samples, 9);
	assert_int_equal(p->merged, MERGED_IN_VAIN);
	assert_int_equal(p->samples[0].tid, 100);
	assert_last_comment("larger than some stores take");
}

static void the_size_counts_too(void **state)
{
	uint64_t bytes, smaller;
	(void)state;
	five_threads_in_one_stack();
	in.comments = NULL;
	build();
	assert_int_equal(pprof_size(p, &bytes), 0);
	in.most_bytes = bytes;
	build();
	assert_int_equal(p->merged, MERGED_NOT);
	in.most_bytes = bytes - 1;
	build();
	assert_int_equal(p->merged, MERGED_TIDS);
	assert_int_equal(p->n_comments, 1); /* said even if nothing else is */
	p->n_comments = 0;
	assert_int_equal(pprof_size(p, &smaller), 0);
	assert_in_range(smaller, 1, bytes + strlen(profile_merged_text(MERGED_TIDS)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(weights_add_up_exactly),
		TEST(weights_below_one_are_not_lost),
		TEST(weights_do_not_overflow),
		TEST(weights_follow_the_chance_of_a_look),
		TEST(threads_that_came_and_went_are_one_pool),
		TEST(a_pool_speaks_for_its_ticks_only),
		TEST(unseen_cpu_is_shown),
		TEST(real_samples_have_labels),
		TEST(equal_samples_are_one),
		TEST(a_guess_is_marked_where_it_was_made),
		TEST(states_keep_samples_apart),
		TEST(the_deepest_stack_fits),
		TEST(many_places_keep_dense_ids),
		TEST(tids_go_when_there_are_too_many_samples),
		TEST(thread_names_go_when_that_is_not_enough),
		TEST(labels_stay_when_nothing_helps),
		TEST(the_size_counts_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
