/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folded stacks: one line per stack, and no name that breaks the format. */
#include "output/folded.h"
#include "tests/unit/profile_fixture.h"
#include "tests/unit/written.h"

static void a_place_without_a_name_is_file_and_offset(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	name(LIBC, 0x1010, "write");
	ADD(0, 'S', 3, {0x1010, LIBC, 0}, {0x4020, EXE, FRAME_RETURN}, {0x30, EXE, FRAME_RETURN});
	ADD(1, 'S', 1, {0x123, ANON, 0}, {0x9abc, GONE, FRAME_RETURN});
	ADD(2, 'S', 1, {0x2345, LIBC, 0});
	build();
	assert_string_equal(written_by(folded_write), "t0;[app+0x30];[app+0x4020];write 3\n"
						      "t1;[gone.so+0x9abc];[anon+0x123] 1\n"
						      "t2;[libc.so+0x2345] 1\n");
}

static void control_characters_are_blanks(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	strcpy(threads[0].name, "a\x7f\xc2\x9b;b");
	name(EXE, 0x10, "x\ny\x1b\xc2\x80\xc2\x9f\xc2\xa0\xc3\x80\x7fz");
	modules[GONE - 1].path = "/lib/a\n;b";
	ADD(0, 'S', 1, {0x10, EXE, 0}, {0x1, GONE, FRAME_RETURN});
	build();
	modules[GONE - 1].path = "/lib/gone.so";
	assert_string_equal(
		written_by(folded_write), "a  :b;[a :b+0x1];x y   \xc2\xa0\xc3\x80 z 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_place_without_a_name_is_file_and_offset),
		TEST(control_characters_are_blanks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
