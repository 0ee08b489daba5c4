/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/kernel_names: the kernel's texts; unwind/kernel_frames: frames on top of a stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/kernel_names.h"
#include "unwind/kernel_frames.h"

/* All names in a text, with commas. */
static const char *names_in(const char *text)
{
	static char out[1024];
	const char *name;
	size_t n;

	out[0] = '\0';
	while ((name = kernel_names_next(&text, &n)))
		strcat(strncat(out, name, n), ",");
	return out;
}

static void names_of_a_stack(void **state)
{
	(void)state;
	assert_string_equal(names_in("[<0>] futex_wait_queue+0x66/0xa0\n"
				     "[<0>] nfs_wait_bit_killable+0x1e/0x90 [nfs]\n"
				     "[<ffffffff81234567>] do_futex+0x1/0x2\n"),
		"futex_wait_queue,nfs_wait_bit_killable,do_futex,");
	/* Older kernels end with this; a line that was cut; one of another time. */
	assert_string_equal(names_in("[<0>] do_wait.isra.0+0x1/0x2\n[<0>] 0xffffffffffffffff\n"),
		"do_wait.isra.0,");
	assert_string_equal(names_in("[<0>] do_wai"), "do_wai,");
	assert_string_equal(names_in("[<0>]"), "");
	assert_string_equal(names_in("[<0>] \n\n+\n[\n"), "[,");
}

static void name_of_a_wait(void **state)
{
	(void)state;
	assert_string_equal(names_in("hrtimer_nanosleep"), "hrtimer_nanosleep,");
	assert_string_equal(names_in("0"), "");
	assert_string_equal(names_in(""), "");
}

static void too_long_a_name(void **state)
{
	(void)state;
	char text[LIMIT_KERNEL_NAME + 10];

	memset(text, 'x', sizeof(text));
	strcpy(text + sizeof(text) - 7, "\nshort");
	assert_string_equal(names_in(text), "short,");
}

/* Three functions of the kernel on top of n frames. */
static void put(uint32_t n, struct stack *stack)
{
	const uint32_t numbers[] = {7, 0, 9};
	struct capture *c = calloc(1, sizeof(*c) + 5 + sizeof(numbers));

	assert_non_null(c);
	c->stack_len = 3;
	c->other_len = 2;
	c->n_kernel = 3;
	memcpy(c->stack + 5, numbers, sizeof(numbers));
	stack->n = n;
	stack->end = STACK_DONE;
	for (uint32_t i = 0; i < n; i++)
		stack->v[i] = (struct frame){.offset = 1000 + i, .module = 5};
	kernel_frames_put(c, stack);
	free(c);
	assert_int_equal(stack->v[0].offset, 7);
	assert_int_equal(stack->v[1].offset, 0);
	assert_int_equal(stack->v[2].offset, 9);
	assert_int_equal(stack->v[0].module, KERNEL_MODULE);
}

static void frames_on_top(void **state)
{
	(void)state;
	static struct stack stack;

	put(2, &stack);
	assert_int_equal(stack.n, 5);
	assert_int_equal(stack.v[3].offset, 1000);
	assert_int_equal(stack.v[4].offset, 1001);
	assert_int_equal(stack.end, STACK_DONE);
	put(LIMIT_FRAMES, &stack);
	assert_int_equal(stack.n, LIMIT_FRAMES);
	assert_int_equal(stack.v[LIMIT_FRAMES - 1].offset, 1000 + LIMIT_FRAMES - 4);
	assert_int_equal(stack.end, STACK_DEPTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_a_stack),
		cmocka_unit_test(name_of_a_wait),
		cmocka_unit_test(too_long_a_name),
		cmocka_unit_test(frames_on_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
