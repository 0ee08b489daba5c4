/* SPDX-License-Identifier: GPL-2.0-or-later */
/* output/pprof: the gzipped file in memory, taken apart by zlib and protobuf-c. */
#include <errno.h>
#include <zlib.h>

#include "output/pprof.h"
#include "output/profile.pb-c.h"
#include "tests/unit/profile_fixture.h"

static void build_some(void)
{
	in.kind = PROFILE_THREADS;
	name(EXE, 0x10, "work");
	ADD(0, 'S', 3, {0x10, EXE, 0});
	ADD(1, 'R', 1, {0x10, EXE, 0});
	build();
}

static size_t unpacked(const struct buf *b, size_t from, unsigned char *out, size_t room)
{
	z_stream z = {.next_in = (unsigned char *)b->data + from,
		.avail_in = b->len - from,
		.next_out = out,
		.avail_out = room};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return z.total_out;
}

static void bytes_in_memory_are_a_whole_file(void **state)
{
	static unsigned char plain[65536];
	struct buf b;
	uint64_t size;

	(void)state;
	build_some();
	buf_init(&b, 65536);
	buf_string(&b, "before");
	assert_int_equal(pprof_bytes(p, &b), 0);
	assert_memory_equal(b.data, "before", 6);
	size_t n = unpacked(&b, 6, plain, sizeof(plain));
	assert_int_equal(pprof_size(p, &size), 0);
	assert_int_equal(n, size);
	Perftools__Profiles__Profile *got = perftools__profiles__profile__unpack(NULL, n, plain);
	assert_non_null(got);
	assert_int_equal(got->n_sample, 2);
	assert_int_equal(got->sample[0]->value[0] + got->sample[1]->value[0], 4);
	perftools__profiles__profile__free_unpacked(got, NULL);
	buf_fini(&b);
}

static void no_room_is_told(void **state)
{
	struct buf b;

	(void)state;
	build_some();
	buf_init(&b, 20);
	assert_int_equal(pprof_bytes(p, &b), -E2BIG);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_in_memory_are_a_whole_file),
		TEST(no_room_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
