/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unwind/way_in: how far rbp is from sp, in functions as compilers write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "unwind/way_in.h"

#define BEGIN	   "\x55\x48\x89\xe5" /* push %rbp; mov %rsp,%rbp */
#define PUSH_RBX   "\x53"
#define SUB(imm)   "\x48\x83\xec" imm
#define ADD(imm)   "\x48\x83\xc4" imm
#define AND(imm)   "\x48\x83\xe4" imm
#define CALL	   "\xe8\0\0\0\0"
#define SUB_RAX	   "\x48\x29\xc4"
#define JE(n)	   "\x74" n
#define JMP(n)	   "\xeb" n
#define JMP_TABLE  "\xff\x24\xc5\0\0\0\0" /* jmp *table(,%rax,8) */
#define LEAVE_RET  "\xc9\xc3"
#define RET	   "\xc3"
#define LEA_RBP(d) "\x48\x8d\x65" d /* lea d(%rbp),%rsp */

/* Of "before" + CALL + "after", behind the call. */
static int find(const char *before, size_t n, const char *after, size_t n_after, struct way_in *way)
{
	uint8_t code[256];

	memcpy(code, before, n);
	memcpy(code + n, CALL, 5);
	memcpy(code + n + 5, after, n_after);
	return way_in_find(code, n + 5 + n_after, n + 5, way);
}

#define FIND(before, after, way) find(before, sizeof(before) - 1, after, sizeof(after) - 1, way)

static void check_fixed(const struct way_in *way, uint32_t distance)
{
	assert_false(way->is_dynamic);
	assert_int_equal(way->slack, 0);
	assert_int_equal(way->least, distance);
}

static void usual_frames(void **state)
{
	(void)state;
	struct way_in way;

	assert_int_equal(FIND(BEGIN, LEAVE_RET, &way), 0);
	check_fixed(&way, 0);
	assert_int_equal(FIND("\xf3\x0f\x1e\xfa" BEGIN PUSH_RBX SUB("\x18"), LEAVE_RET, &way), 0);
	check_fixed(&way, 0x20);
	/* How 128 is subtracted with fewer bytes; how it is added again; a large frame. */
	assert_int_equal(FIND(BEGIN "\x48\x83\xc4\x80", LEAVE_RET, &way), 0);
	check_fixed(&way, 128);
	assert_int_equal(FIND(BEGIN SUB("\x10") ADD("\x80") CALL SUB("\x80"), LEAVE_RET, &way), 0);
	check_fixed(&way, 16);
	assert_int_equal(FIND(BEGIN "\x48\x81\xec\0\x10\0\0", LEAVE_RET, &way), 0);
	check_fixed(&way, 0x1000);
	/* The last instruction is the call. */
	assert_int_equal(FIND(BEGIN SUB("\x10"), "", &way), 0);
	check_fixed(&way, 0x10);
}

static void arguments_on_the_stack(void **state)
{
	(void)state;
	struct way_in way;

	assert_int_equal(FIND(BEGIN SUB("\x08") "\x6a\x05", ADD("\x10") LEAVE_RET, &way), 0);
	check_fixed(&way, 0x10);
	assert_int_equal(FIND(BEGIN SUB("\x10") SUB("\x10") CALL ADD("\x10"), LEAVE_RET, &way), 0);
	check_fixed(&way, 0x10);
}

static void no_frame(void **state)
{
	(void)state;
	struct way_in way;

	assert_int_equal(FIND(SUB("\x08"), ADD("\x08") RET, &way), -1);
	assert_int_equal(FIND(BEGIN "\x5d", RET, &way), -1);
	/* Not an instruction; none at all; nowhere. */
	assert_int_equal(FIND(BEGIN "\x06", RET, &way), -1);
	assert_int_equal(way_in_find((const uint8_t *)"", 0, 0, &way), -1);
	assert_int_equal(way_in_find((const uint8_t *)BEGIN, 4, 5, &way), -1);
}

static void room_of_unknown_size(void **state)
{
	(void)state;
	struct way_in way;

	assert_int_equal(FIND(BEGIN SUB("\x10") SUB_RAX, LEAVE_RET, &way), 0);
	assert_true(way.is_dynamic);
	assert_int_equal(way.least, 0x10);
	/* Only on one of two ways, whichever is met first. */
	assert_int_equal(FIND(BEGIN SUB("\x10") JE("\x03") SUB_RAX, LEAVE_RET, &way), 0);
	assert_true(way.is_dynamic);
	/* Given back. */
	assert_int_equal(FIND(BEGIN PUSH_RBX SUB_RAX LEA_RBP("\xf8"), "\x5b\x5d" RET, &way), 0);
	check_fixed(&way, 8);
	/* Loaded from a register. */
	assert_int_equal(FIND(BEGIN SUB("\x10") "\x48\x89\xcc", LEAVE_RET, &way), 0);
	assert_true(way.is_dynamic);
	assert_int_equal(way.least, 0);
}

static void aligned(void **state)
{
	(void)state;
	struct way_in way;

	assert_int_equal(FIND(BEGIN AND("\xc0") SUB("\x40"), LEAVE_RET, &way), 0);
	assert_false(way.is_dynamic);
	assert_int_equal(way.least, 0x40);
	assert_int_equal(way.slack, 48);
	/* It is aligned to 16 anyway. */
	assert_int_equal(FIND(BEGIN PUSH_RBX AND("\xf0") SUB("\x10"), LEAVE_RET, &way), 0);
	check_fixed(&way, 0x20);
}

/* lea -0x4000(%rsp),%r11; 1: sub $0x1000,%rsp; orq $0,(%rsp); cmp %r11,%rsp; jne 1b */
static void touched_page_by_page(void **state)
{
	(void)state;
	struct way_in way;

	assert_int_equal(
		FIND(BEGIN
			"\x4c\x8d\x9c\x24\0\xc0\xff\xff"
			"\x48\x81\xec\0\x10\0\0\x48\x83\x0c\x24\0\x4c\x39\xdc\x75\xef" SUB("\x10"),
			LEAVE_RET, &way),
		0);
	check_fixed(&way, 0x4010);
}

static void jumps(void **state)
{
	(void)state;
	struct way_in way;

	/* One way leaves before there is a frame. */
	assert_int_equal(FIND(JE("\x0f") BEGIN SUB("\x10"), LEAVE_RET RET, &way), 0);
	check_fixed(&way, 0x10);
	/* Reached by a table only. */
	assert_int_equal(FIND(BEGIN SUB("\x20") JMP_TABLE, LEAVE_RET, &way), 0);
	check_fixed(&way, 0x20);
	/* By a table, and by a way that has made room. */
	assert_int_equal(FIND(BEGIN SUB("\x20") JE("\x07") JMP_TABLE SUB_RAX, LEAVE_RET, &way), 0);
	assert_true(way.is_dynamic);
	/* A loop in which the stack grows. */
	assert_int_equal(FIND(BEGIN "\x50" JE("\xfd"), LEAVE_RET, &way), 0);
	assert_true(way.is_dynamic);
	/* Over bytes that are no code. */
	assert_int_equal(FIND(BEGIN SUB("\x10") JMP("\x02") "\x06\x06", LEAVE_RET, &way), 0);
	check_fixed(&way, 0x10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_frames),
		cmocka_unit_test(arguments_on_the_stack),
		cmocka_unit_test(no_frame),
		cmocka_unit_test(room_of_unknown_size),
		cmocka_unit_test(aligned),
		cmocka_unit_test(touched_page_by_page),
		cmocka_unit_test(jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
