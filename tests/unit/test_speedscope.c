/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What speedscope reads: frames once, samples root first, no name that breaks the format. */
#include "config.h"
#include "output/speedscope.h"
#include "tests/unit/profile_fixture.h"
#include "tests/unit/written.h"

#define HEAD                                                                                       \
	"{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","                     \
	"\"exporter\":\"cpprof-attach " PACKAGE_VERSION "\",\"activeProfileIndex\":0,"

static void each_thread_has_a_profile(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	name(LIBC, 0x1010, "write\"\n");
	ADD(0, 'S', 3, {0x1010, LIBC, 0}, {0x4020, EXE, FRAME_RETURN});
	ADD(1, 'S', 1, {0x1010, LIBC, 0});
	build();
	assert_string_equal(written_by(speedscope_write), HEAD
		"\"shared\":{\"frames\":[{\"name\":\"write\\\"\\u000a\"},{\"name\":\"[app+0x4020]\"}]},"
		"\"profiles\":[{\"type\":\"sampled\",\"name\":\"thread\",\"unit\":\"none\","
		"\"startValue\":0,\"endValue\":4,\"samples\":[[1,0],[0]],\"weights\":[3,1]},"
		"{\"type\":\"sampled\",\"name\":\"t0 (100)\",\"unit\":\"none\",\"startValue\":0,"
		"\"endValue\":3,\"samples\":[[1,0]],\"weights\":[3]},"
		"{\"type\":\"sampled\",\"name\":\"t1 (101)\",\"unit\":\"none\",\"startValue\":0,"
		"\"endValue\":1,\"samples\":[[0]],\"weights\":[1]}]}\n");
}

static void one_thread_needs_no_second(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	ADD(0, 'S', 2, {0x4020, EXE, 0});
	build();
	assert_string_equal(written_by(speedscope_write),
		HEAD "\"shared\":{\"frames\":[{\"name\":\"[app+0x4020]\"}]},"
		     "\"profiles\":[{\"type\":\"sampled\",\"name\":\"thread\",\"unit\":\"none\","
		     "\"startValue\":0,\"endValue\":2,\"samples\":[[0]],\"weights\":[2]}]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_thread_has_a_profile),
		TEST(one_thread_needs_no_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
