/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stack that later captures refer to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/last_stack.h"

static const struct frame deep[3] = {
	{0x10, 1, 0}, {0x20, 2, FRAME_RETURN}, {0x30, 1, FRAME_RETURN}};

static struct worker_stack refer(uint32_t id)
{
	return (struct worker_stack){.id = id, .flags = CAPTURE_SAME};
}

static void a_stack_is_found_by_its_id(void **state)
{
	struct last_stack l = {0};
	struct worker_stack w = {.id = 5, .n = 3, .end = STACK_DEPTH};

	(void)state;
	assert_int_equal(last_stack_keep(&l, &w, deep), 0);
	for (int times = 0; times < 3; times++) {
		struct worker_stack same = refer(5);
		const struct frame *found = last_stack_of(&l, &same);
		assert_int_equal(same.n, 3);
		assert_int_equal(same.end, STACK_DEPTH);
		assert_memory_equal(found, deep, sizeof(deep));
	}
	last_stack_fini(&l);
}

/* One that never came must not be shown as the one before it. */
static void a_lost_stack_is_no_other(void **state)
{
	struct last_stack l = {0};
	struct worker_stack w = {.id = 5, .n = 2, .end = STACK_DONE};
	struct worker_stack same = refer(1);

	(void)state;
	last_stack_of(&l, &same);
	assert_int_equal(same.end, STACK_WORKER_LOST);
	assert_int_equal(last_stack_keep(&l, &w, deep), 0);
	same = refer(6);
	last_stack_of(&l, &same);
	assert_int_equal(same.n, 0);
	assert_int_equal(same.end, STACK_WORKER_LOST);
	last_stack_fini(&l);
}

static void what_nothing_refers_to_is_not_kept(void **state)
{
	struct last_stack l = {0};
	struct worker_stack w = {.id = 7, .n = 1, .end = STACK_DONE}, other = {.n = 3};
	struct worker_stack same = refer(7);

	(void)state;
	assert_int_equal(last_stack_keep(&l, &w, deep), 0);
	assert_int_equal(last_stack_keep(&l, &other, deep), 0);
	last_stack_of(&l, &same);
	assert_int_equal(same.n, 1);
	/* The next one takes its place. */
	w.id = 8;
	w.n = 3;
	assert_int_equal(last_stack_keep(&l, &w, deep), 0);
	same = refer(7);
	last_stack_of(&l, &same);
	assert_int_equal(same.end, STACK_WORKER_LOST);
	last_stack_fini(&l);
}

static void one_without_a_stack_says_why(void **state)
{
	struct last_stack l = {0};
	struct worker_stack w = {.id = 1, .end = STACK_NOT_READ, .missing = MISSING_DENIED};
	struct worker_stack same = refer(1);

	(void)state;
	assert_int_equal(last_stack_keep(&l, &w, deep), 0);
	last_stack_of(&l, &same);
	assert_int_equal(same.end, STACK_NOT_READ);
	assert_int_equal(same.missing, MISSING_DENIED);
	last_stack_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack_is_found_by_its_id),
		cmocka_unit_test(a_lost_stack_is_no_other),
		cmocka_unit_test(what_nothing_refers_to_is_not_kept),
		cmocka_unit_test(one_without_a_stack_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
