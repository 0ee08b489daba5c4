/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles read for -compare: sums by function and place, ids of foreign profiles, and files that
 * are no profile, damaged, or made to take forever. ROUNDS: damaged copies (3000).
 */
#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/limits.h"
#include "output/compare.h"
#include "output/unpack.h"
#include "tests/unit/pprof_fixture.h"

static struct made m;
static struct tally t;

static const struct tally_row *find(const struct tally_rows *rows, const char *name)
{
	for (uint32_t i = 0; i < rows->n; i++)
		if (!strcmp(rows->v[i].name, name))
			return &rows->v[i];
	return NULL;
}

static void near(double found, double wanted)
{
	if (!(fabs(found - wanted) <= 1e-9 * fabs(wanted)))
		print_message("%.17g, wanted %.17g\n", found, wanted);
	assert_true(fabs(found - wanted) <= 1e-9 * fabs(wanted));
}

/* --- sums --------------------------------------------------------------------------------- */

static void by_function(void **state)
{
	(void)state;
	made_begin(&m, 10000000, MADE_CPU);
	uint64_t leaf = made_function(&m, "leaf", "/src/a.c", 1);
	uint64_t again = made_function(&m, "again", "/src/a.c", 2);
	uint64_t twin = made_function(&m, "again", "/src/b.c", 3); /* by name, as pprof does */
	uint64_t root = made_function(&m, "main", "/src/a.c", 4);
	int64_t *values = made_sample(&m, MADE_STACK(leaf, again, twin, again, root));
	values[0] = 4;
	values[1] = 40;
	values = made_sample(&m, MADE_STACK(again, root));
	values[0] = 0; /* time without a sample */
	values[1] = 3;
	assert_int_equal(tally_take(&m.p, &t), 0);
	assert_string_equal(t.type, "cpu");
	assert_int_equal(t.cum.n, 3);
	near(find(&t.cum, "main")->sum.value, 43);
	near(find(&t.cum, "again")->sum.value, 43);
	near(find(&t.cum, "leaf")->sum.value, 40);
	near(find(&t.flat, "leaf")->sum.value, 40);
	near(find(&t.flat, "leaf")->sum.variance, 400);
	near(find(&t.flat, "again")->sum.value, 3);
	near(find(&t.flat, "again")->sum.variance, 3e7);
	assert_null(find(&t.flat, "main"));
	near(t.sum.value, 43);
	assert_string_equal(t.build_id, "abcd");
	tally_fini(&t);
}

/* Who asked for the memory is the place, not what the language puts between. */
static void by_place(void **state)
{
	(void)state;
	made_begin(&m, 1000, MADE_HEAP);
	uint64_t new = made_function(&m, "operator new", "/gcc/new_op.cc", 50);
	uint64_t own = made_function(&m, "PyMem_RawMalloc0", "/src/mem.c", 7);
	uint64_t grow = made_function(&m, "std::vector<int>::push_back", "/usr/vector", 900);
	uint64_t user = made_function(&m, "remember", "/src/a.cc", 12);
	uint64_t line = made_function(&m, "remember", "/elsewhere/a.cc", 13);
	for (int i = 0; i < 3; i++) {
		int64_t *values = made_sample(&m, MADE_STACK(new, own, grow, i == 2 ? line : user));
		values[2] = 10;
		values[3] = 10 << i;
	}
	int64_t *values = made_sample(&m, MADE_STACK(new, grow)); /* nobody else there */
	values[2] = 1;
	values[3] = 100;
	values = made_sample(&m, MADE_STACK(user));
	values[0] = 5; /* freed: not in use */
	values[1] = 500;
	assert_int_equal(tally_take(&m.p, &t), 0);
	assert_string_equal(t.type, "inuse_space");
	assert_int_equal(t.places.n, 3);
	assert_string_equal(t.places.v[0].name, "operator new");
	assert_string_equal(t.places.v[1].file, "a.cc");
	assert_int_equal(t.places.v[1].line, 12);
	near(t.places.v[1].sum.value, 30);
	assert_int_equal(t.places.v[2].line, 13);
	near(t.places.v[2].sum.value, 40);
	near(find(&t.flat, "remember")->sum.value, 70);
	near(find(&t.cum, "operator new")->sum.value, 170);
	tally_fini(&t);
}

/* Small objects: R per byte. Large ones: each is sampled, and little is chance. */
static void variance_of_bytes(void **state)
{
	int64_t small[] = {0, 0, 1000000, 16000000}, large[] = {0, 0, 100, 100ll << 24};
	int64_t alone[] = {1000};

	(void)state;
	made_begin(&m, 524288, MADE_HEAP);
	struct sampling s = sampling_of(&m.p, 3);
	assert_int_equal(s.way, SAMPLING_BYTES);
	double v = sampling_variance(&s, small);
	assert_true(fabs(v / (524288 * 16e6) - 1) < 1e-3);
	v = sqrt(sampling_variance(&s, large));
	assert_true(v < 0.012 * large[3] && v > 0);
	/* A thousand of R and a thousand of 19 R: as much as those of R alone, at least. */
	int64_t mixed[] = {0, 0, 2000, 20000ll << 19};
	v = sampling_variance(&s, mixed) / (524288.0 * 524288);
	assert_true(v >= 1000 / (exp(1) - 1));
	/* One sample of 1.1 R stands for 1.499 allocations, which are written as 1. */
	int64_t rounded[] = {0, 0, 1, 864547};
	v = sampling_variance(&s, rounded) / (524288.0 * 524288);
	assert_true(v >= 0.9);
	s = (struct sampling){.way = SAMPLING_BYTES, .period = 10};
	near(sampling_variance(&s, alone), 10000);
}

/* --- foreign ids --------------------------------------------------------------------------- */

static void any_ids(void **state)
{
	(void)state;
	made_begin(&m, 10000000, MADE_CPU);
	made_function(&m, "one", "/src/a.c", 1);
	made_function(&m, "two", "/src/a.c", 2);
	m.functions[0].id = m.lines[0].function_id = UINT64_MAX;
	m.functions[1].id = m.lines[1].function_id = 77;
	m.locations[0].id = 1ull << 63;
	m.locations[1].id = 5;
	m.locations[1].n_line = 0; /* no name: its file's */
	m.mapping.id = m.locations[0].mapping_id = m.locations[1].mapping_id = 9;
	int64_t *values = made_sample(&m, MADE_STACK(5, 1ull << 63));
	values[0] = values[1] = 1;
	assert_int_equal(tally_take(&m.p, &t), 0);
	assert_int_equal(t.flat.n, 1);
	assert_string_equal(t.flat.v[0].name, "[app]");
	near(find(&t.cum, "one")->sum.value, 1);
	tally_fini(&t);
}

static void broken(int64_t *number, int64_t to)
{
	int64_t before = *number;

	*number = to;
	assert_int_equal(tally_take(&m.p, &t), -EPROTO);
	*number = before;
	assert_int_equal(tally_take(&m.p, &t), 0);
	tally_fini(&t);
}

static void parts_that_do_not_fit(void **state)
{
	(void)state;
	made_begin(&m, 10000000, MADE_CPU);
	made_function(&m, "one", "/src/a.c", 1);
	int64_t *values = made_sample(&m, MADE_STACK(1));
	values[0] = values[1] = 1;
	broken(&m.functions[0].name, m.p.n_string_table);
	broken(&m.functions[0].filename, -1);
	broken(&m.types[0].type, 1 << 30);
	broken(&m.period.unit, 1 << 30);
	broken(&m.p.default_sample_type, -5);
	broken(&m.mapping.filename, 1 << 30);
	broken((int64_t *)&m.lines[0].function_id, 2);
	broken((int64_t *)&m.stacks[0][0], 2);
	broken((int64_t *)&m.samples[0].n_value, 1);
	m.p.n_sample_type = 0;
	assert_int_equal(tally_take(&m.p, &t), -EPROTO);
}

/* --- files -------------------------------------------------------------------------------- */

static char path[64];
static int fd = -1;

static void write_file(const void *bytes, size_t n)
{
	if (fd < 0)
		fd = memfd_create("profile", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, n, 0), n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

/* Whatever the numbers in it are, they can be compared and printed. */
static void print_with_itself(void)
{
	struct comparison c;
	struct buf out;

	buf_init(&out, MIB);
	assert_int_equal(compare_take(&t, &t, &c), 0);
	assert_false(c.total.is_significant);
	assert_int_equal(c.flat.n_significant + c.cum.n_significant + c.places.n_significant, 0);
	assert_int_equal(compare_text(&c, 100, 0.1, &out), 0);
	assert_int_equal(compare_json(&c, 100, 0.1, &out), 0);
	compare_fini(&c);
	buf_fini(&out);
}

static int take_file(const void *bytes, size_t n)
{
	struct unpacked u;

	write_file(bytes, n);
	int error = unpack(path, &u);
	if (error)
		return error;
	error = tally_take(u.p, &t);
	if (!error) {
		print_with_itself();
		tally_fini(&t);
	}
	unpack_fini(&u);
	return error;
}

static unsigned char packed[4096], zipped[4096];
static size_t n_packed, n_zipped;

static void pack(void)
{
	z_stream z = {.next_in = packed, .next_out = zipped, .avail_out = sizeof(zipped)};

	made_begin(&m, 1000, MADE_HEAP);
	for (int i = 0; i < 20; i++) {
		made_function(&m, i % 2 ? "one" : "other", "/src/a.c", i);
		int64_t *values = made_sample(&m, MADE_STACK(i + 1, 1));
		values[2] = values[3] = 1000 * i;
	}
	n_packed = perftools__profiles__profile__pack(&m.p, packed);
	z.avail_in = n_packed;
	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	n_zipped = z.total_out;
}

static void files(void **state)
{
	struct unpacked u;

	(void)state;
	pack();
	assert_int_equal(take_file(packed, n_packed), 0);
	assert_int_equal(take_file(zipped, n_zipped), 0);
	assert_int_equal(take_file("", 0), -ENODATA);
	assert_int_equal(take_file("hello, world\n", 13), -EPROTO);
	for (size_t n = 3; n < n_zipped; n++)
		assert_int_equal(take_file(zipped, n), -EBADMSG);
	/* Not compressed, only time and period come behind the strings: a file that is cut has too
	 * few, or half a field. */
	for (size_t n = 1; n + 24 < n_packed; n++)
		assert_int_equal(take_file(packed, n), -EPROTO);
	assert_int_equal(unpack("/nonexistent", &u), -ENOENT);
	assert_int_equal(unpack("/", &u), -EISDIR);
}

static void damaged_copies(void **state)
{
	const char *asked = getenv("ROUNDS");
	int rounds = asked && atoi(asked) > 3000 ? atoi(asked) : 3000, good = 0;
	unsigned char copy[sizeof(packed)];

	(void)state;
	pack();
	srand(5);
	for (int i = 0; i < rounds; i++) {
		memcpy(copy, packed, n_packed);
		for (int k = rand() % 4; k >= 0; k--)
			copy[rand() % n_packed] = rand();
		good += !take_file(copy, n_packed);
	}
	print_message("%d of %d could be read\n", good, rounds);
	assert_true(good > 0 && good < rounds);
}

/* 60 000 samples of one place with 60 000 lines: 3.6 thousand million frames. */
static void work_has_a_limit(void **state)
{
	enum { n = 60000 };
	Perftools__Profiles__Line **lines = calloc(n, sizeof(*lines));
	Perftools__Profiles__Sample **samples = calloc(n, sizeof(*samples));

	(void)state;
	made_begin(&m, 10000000, MADE_CPU);
	made_function(&m, "one", "/src/a.c", 1);
	int64_t *values = made_sample(&m, MADE_STACK(1));
	values[0] = values[1] = 1;
	for (int i = 0; i < n; i++) {
		lines[i] = &m.lines[0];
		samples[i] = &m.samples[0];
	}
	m.locations[0].line = lines;
	m.locations[0].n_line = n;
	m.p.sample = samples;
	m.p.n_sample = n;
	assert_int_equal(tally_take(&m.p, &t), -E2BIG);
	free(lines);
	free(samples);
}

/* Empty samples are two bytes each, and fifty times as much in memory. */
static void memory_has_a_limit(void **state)
{
	enum { n = 24 * 1024 * 1024 };
	unsigned char *samples;
	struct unpacked u;

	(void)state;
	samples = malloc(2 * (size_t)n);
	for (size_t i = 0; i < n; i++) {
		samples[2 * i] = 2 << 3 | 2;
		samples[2 * i + 1] = 0;
	}
	write_file(samples, 2 * (size_t)n);
	free(samples);
	assert_int_equal(unpack(path, &u), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_function),
		cmocka_unit_test(by_place),
		cmocka_unit_test(variance_of_bytes),
		cmocka_unit_test(any_ids),
		cmocka_unit_test(parts_that_do_not_fit),
		cmocka_unit_test(files),
		cmocka_unit_test(damaged_copies),
		cmocka_unit_test(work_has_a_limit),
	};
	const struct CMUnitTest long_ones[] = {
		cmocka_unit_test(memory_has_a_limit),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	return failed + (getenv("LONG") ? cmocka_run_group_tests(long_ones, NULL, NULL) : 0);
}
