/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -compare: of profiles that are drawn by chance from known means, how often a difference is found
 * where there is none, and where there is one; and the verdict. ROUNDS: pairs (2000).
 */
#include <math.h>

#include "output/compare.h"
#include "output/estimate.h"
#include "tests/unit/pprof_fixture.h"

enum { ROWS = 20, RATE = 65536 };

static struct made sides[2];
static struct tally tallies[2];
static struct comparison c;
static char names[ROWS][16];
static uint64_t seed = 88172645463325252ull;

static double uniform(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((seed >> 11) + 0.5) / (1ull << 53);
}

static uint64_t poisson(double mean)
{
	uint64_t n = 0;

	for (double left = mean; left > 0; n++)
		left += log(uniform());
	return mean > 0 ? n - 1 : 0;
}

static int rounds(void)
{
	const char *asked = getenv("ROUNDS");

	return asked ? atoi(asked) : 2000;
}

/* Of n objects of that size, those that are sampled, with what they stand for. */
static void draw_objects(int64_t *values, uint64_t n, uint64_t size)
{
	struct heap_sample s = {.size = size, .mean = RATE};
	double p = -expm1(-(double)size / RATE);
	uint64_t sampled = p < 0.02 ? poisson(n * p) : 0;

	for (uint64_t i = 0; i < n && p >= 0.02; i++)
		sampled += uniform() < p;
	for (uint64_t i = 0; i < sampled; i++) {
		struct estimate e = {0};
		estimate_add(&e, &s);
		values[2] += llrint(e.objects);
		values[3] += llrint(e.bytes);
	}
}

static void begin_side(int side, int64_t period, const char *const *types)
{
	struct made *m = &sides[side];

	made_begin(m, period, types);
	for (int i = 0; i < ROWS; i++) {
		snprintf(names[i], sizeof(names[i]), "row_%d", i);
		made_function(m, names[i], "/src/app.c", 10 + i);
	}
	made_function(m, "main", "/src/app.c", 5);
}

static int64_t *row_values(int side, int row)
{
	return made_sample(&sides[side], MADE_STACK(row + 1, ROWS + 1));
}

static void compare(void)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(tally_take(&sides[i].p, &tallies[i]), 0);
	assert_int_equal(compare_take(&tallies[0], &tallies[1], &c), 0);
}

static void forget(void)
{
	compare_fini(&c);
	tally_fini(&tallies[0]);
	tally_fini(&tallies[1]);
}

static const struct change *find(const struct changes *rows, const char *name)
{
	for (uint32_t i = 0; i < rows->n; i++)
		if (!strcmp(rows->v[i].name, name))
			return &rows->v[i];
	return NULL;
}

/* --- how often ---------------------------------------------------------------------------- */

/* Of rows without a change: how many differ by more than 4 and by more than 2 standard errors. */
struct tails {
	double rows, beyond_4, beyond_2, squares;
};

static void add_tails(struct tails *t)
{
	for (uint32_t i = 0; i < c.flat.n; i++) {
		const struct change *row = &c.flat.v[i];
		double z = row->error > 0 ? fabs(row->new - row->old) / row->error : 0;
		t->rows++;
		t->beyond_4 += row->is_significant;
		t->beyond_2 += z > 2;
		t->squares += z * z;
		assert_true(z > 4 || !row->is_significant);
	}
}

/* No more than a normal distribution has, by 4 sigma of that many; and of any use. */
static void check_tails(const char *what, const struct tails *t, double least_squares)
{
	double most_4 = 6.33e-5 * t->rows, most_2 = 0.0455 * t->rows;

	print_message("%s: of %.0f rows %.0f beyond 4 (%.1f), %.2f %% beyond 2, mean square %.3f\n",
		what, t->rows, t->beyond_4, most_4, 100 * t->beyond_2 / t->rows,
		t->squares / t->rows);
	assert_true(t->beyond_4 <= most_4 + 4 * sqrt(most_4) + 1);
	assert_true(t->beyond_2 <= most_2 + 4 * sqrt(most_2));
	assert_true(t->squares / t->rows <= 1 + 4 * sqrt(2 / t->rows) + 0.01);
	assert_true(t->squares / t->rows >= least_squares);
}

/* Sizes from a hundredth of the rate to eight times it, some mixed; few samples and many. */
static void draw_heap(int side)
{
	begin_side(side, RATE, MADE_HEAP);
	for (int i = 0; i < ROWS; i++) {
		int64_t *values = row_values(side, i);
		uint64_t size = RATE * pow(2, i % 10 - 6),
			 n = 1 + (i < 10 ? 40ull : 4ull) * RATE / size;
		draw_objects(values, n, size);
		if (i % 3 == 0)
			draw_objects(values, n, 1 + size / 7);
	}
}

static void heap_without_a_change(void **state)
{
	struct tails t = {0};

	(void)state;
	for (int i = 0; i < rounds(); i++) {
		draw_heap(0);
		draw_heap(1);
		compare();
		assert_false(c.is_per_second);
		add_tails(&t);
		forget();
	}
	check_tails("heap", &t, 0.5);
}

static void draw_cpu(int side, double seconds, int hz, double growth)
{
	begin_side(side, 1000000000 / hz, MADE_CPU);
	sides[side].p.duration_nanos = seconds * 1e9;
	for (int i = 0; i < ROWS; i++) {
		double share = 0.3 / (1 << i % 10);
		int64_t n = poisson(share * seconds * hz * (i ? 1 : growth));
		int64_t *values = n ? row_values(side, i) : NULL;
		if (!values)
			continue;
		values[0] = n;
		values[1] = n * 1000000000 / hz;
	}
}

static void cpu_without_a_change(void **state)
{
	static const struct {
		double seconds;
		int hz;
		double least;
	} other[] = {{10, 100, 0.9}, {80, 100, 0.6}, {5, 100, 0.6}, {20, 10, 0.3}};

	(void)state;
	for (size_t k = 0; k < sizeof(other) / sizeof(*other); k++) {
		struct tails t = {0};
		char what[64];
		for (int i = 0; i < rounds(); i++) {
			draw_cpu(0, 10, 100, 1);
			draw_cpu(1, other[k].seconds, other[k].hz, 1);
			compare();
			assert_true(c.is_per_second);
			add_tails(&t);
			forget();
		}
		snprintf(what, sizeof(what), "cpu, 10 s at 100 Hz and %.0f s at %d Hz",
			other[k].seconds, other[k].hz);
		check_tails(what, &t, other[k].least);
	}
}

/* A growth of 6 standard errors is found in 97.7 of 100, one of 4 in half of all. */
static void growth_is_found(void **state)
{
	int n = rounds();

	(void)state;
	for (int sigmas = 4; sigmas <= 6; sigmas += 2) {
		int found = 0;
		double growth = 1, mean = 0.3 * 100 * 10, power = sigmas == 4 ? 0.5 : 0.977;
		while ((growth - 1) * mean < sigmas * sqrt((1 + growth) * mean))
			growth += 0.001;
		for (int i = 0; i < n; i++) {
			draw_cpu(0, 10, 100, 1);
			draw_cpu(1, 10, 100, growth);
			compare();
			found += find(&c.flat, "row_0")->is_significant;
			forget();
		}
		print_message("%d sigmas, growth %.3f: found in %.1f %%\n", sigmas, growth,
			100.0 * found / n);
		assert_true(
			fabs(found - power * n) <= 4 * sqrt(power * (1 - power) * n) + 0.01 * n);
	}
}

/* Of one run at two moments: some stays all the time, some goes, some comes, and some comes and
 * goes in between. In rates: what is meant by it. */
static void draw_run(int row, uint64_t size, double stays, double goes, double comes, double passes)
{
	int64_t drawn[4][4] = {{0}}, *values[2];
	double means[4] = {stays, goes, comes, passes};

	for (int i = 0; i < 4; i++)
		draw_objects(drawn[i], means[i] * RATE / size, size);
	for (int side = 0; side < 2; side++) {
		values[side] = row_values(side, row);
		for (int i = 0; i < 2; i++) { /* objects, bytes */
			values[side][2 + i] = drawn[0][2 + i] + drawn[side ? 2 : 1][2 + i];
			values[side][i] = drawn[0][2 + i] + drawn[1][2 + i];
			if (side)
				values[side][i] += drawn[2][2 + i] + drawn[3][2 + i];
		}
	}
}

static int64_t run_comment;

static void begin_run(int side, const char *text)
{
	begin_side(side, RATE, MADE_HEAP);
	run_comment = made_string(&sides[side], text);
	sides[side].p.comment = &run_comment;
	sides[side].p.n_comment = 1;
}

static void one_run(void **state)
{
	struct tails t = {0};
	int found = 0, n = rounds();
	double total = 0;

	(void)state;
	for (int i = 0; i < n; i++) {
		for (int side = 0; side < 2; side++)
			begin_run(side, "a sample each 65536 bytes, from 12.3" TALLY_RUN);
		for (int row = 0; row < ROWS; row++)
			draw_run(row, RATE >> row % 5, 100, 2 + row, 2 + row, row / 5);
		compare();
		assert_true(c.is_same_run);
		add_tails(&t);
		total += pow((c.total.new - c.total.old) / c.total.error, 2);
		forget();
		/* A leak of 25 samples, beside what has been there and stays: too little for two
		 * runs. */
		for (int side = 0; side < 2; side++)
			begin_run(side, "a sample each 65536 bytes, from 12.3" TALLY_RUN);
		draw_run(0, RATE / 64, 400, 0, 25, 0);
		compare();
		found += c.flat.v[0].is_significant;
		forget();
	}
	check_tails("one run", &t, 0.5);
	print_message("its total: mean square %.3f\n", total / n);
	assert_true(total / n > 0.5 && total / n <= 1 + 4 * sqrt(2.0 / n));
	print_message("a leak of 25 samples beside 400: found in %.1f %%\n", 100.0 * found / n);
	assert_true(found >= 0.93 * n);
	begin_run(0, "a sample each 65536 bytes, from 12.3" TALLY_RUN);
	begin_run(1, "a sample each 65536 bytes, from 12.4" TALLY_RUN);
	draw_run(0, RATE / 64, 400, 0, 25, 0);
	compare();
	assert_false(c.is_same_run);
	assert_int_equal(c.flat.n_significant, 0);
	forget();
}

/* --- the words ----------------------------------------------------------------------------- */

/* Three rows: 100 MiB each; the first grows by that many. */
static void fill_heap(int side, int64_t grown)
{
	begin_side(side, RATE, MADE_HEAP);
	for (int i = 0; i < 3; i++) {
		int64_t *values = row_values(side, i);
		values[2] = 1000 * (100 + (i ? 0 : grown));
		values[3] = values[2] * 1024;
	}
}

static void verdict(void **state)
{
	const char *how;
	uint32_t n;

	(void)state;
	fill_heap(0, 0);
	fill_heap(1, 50);
	compare();
	const struct change *worst = compare_worst(&c, 0.1, &how, &n);
	assert_string_equal(worst->name, "row_0");
	assert_string_equal(how, "");
	assert_int_equal(n, 4); /* flat, cum, main's cum, the total */
	assert_null(compare_worst(&c, 0.17, &how, &n));
	assert_int_equal(n, 0);
	assert_non_null(compare_worst(&c, 0, &how, &n));
	assert_int_equal(c.places.n, 3);
	assert_int_equal(c.places.n_significant, 1);
	assert_string_equal(c.places.v[0].file, "app.c");
	assert_int_equal(c.places.v[0].line, 10);
	forget();
	/* Two callees of a new function grow by less than what is asked: it itself by more. */
	fill_heap(0, 0);
	fill_heap(1, 0);
	made_function(&sides[1], "callee", "/src/new.c", 1);
	made_function(&sides[1], "other_callee", "/src/new.c", 2);
	made_function(&sides[1], "new_caller", "/src/new.c", 3);
	for (uint64_t i = 0; i < 2; i++) {
		int64_t *values =
			made_sample(&sides[1], MADE_STACK(ROWS + 2 + i, ROWS + 4, ROWS + 1));
		values[2] = 20000;
		values[3] = values[2] * 1024;
	}
	compare();
	worst = compare_worst(&c, 0.1, &how, &n);
	assert_string_equal(worst->name, "new_caller");
	assert_string_equal(how, " with what it calls");
	forget();
	/* What shrinks is no regression. */
	fill_heap(0, 50);
	fill_heap(1, 0);
	compare();
	assert_true(c.total.is_significant);
	assert_null(compare_worst(&c, 0, &how, &n));
	forget();
}

static void other_builds_have_no_lines(void **state)
{
	(void)state;
	fill_heap(0, 0);
	fill_heap(1, 0);
	sides[1].mapping.build_id = made_string(&sides[1], "ef01");
	compare();
	assert_false(c.has_places);
	assert_int_equal(c.flat.n, 3);
	assert_int_equal(c.flat.n_significant, 0);
	forget();
}

/* Threads are counted: one more is one more. */
static void counts_are_exact(void **state)
{
	static const char *const types[] = {"thread", "count", "thread", "count", NULL};

	(void)state;
	for (int side = 0; side < 2; side++) {
		begin_side(side, 1, types);
		row_values(side, 0)[0] = 5;
		row_values(side, 1)[0] = 7 + side;
	}
	compare();
	assert_false(c.is_per_second);
	assert_int_equal(c.flat.n_significant, 1);
	assert_string_equal(c.flat.v[0].name, "row_1");
	assert_true(c.flat.v[0].error == 0);
	forget();
}

static void is_printed(struct buf *out, const char *words)
{
	if (!strstr(buf_text(out), words))
		print_message("%s", buf_text(out));
	assert_non_null(strstr(buf_text(out), words));
}

static void texts(void **state)
{
	struct buf out;

	(void)state;
	fill_heap(0, 0);
	fill_heap(1, 50);
	compare();
	buf_init(&out, MIB);
	assert_int_equal(compare_text(&c, 2, 0.1, &out), 0);
	is_printed(&out, "Type: inuse_space\n");
	is_printed(&out, "Sites: 1 of 3 differ significantly, showing 2\n");
	is_printed(&out, "+48.83MB   +16.67%    3.89MB  row_0 app.c:10\n  within chance:\n");
	is_printed(&out,
		"Regression: row_0 grew by 48.83MB, +16.67% of the old total, more than 10%; "
		"so did 3 other rows\n");
	buf_clear(&out);
	assert_int_equal(compare_json(&c, 2, -1, &out), 0);
	is_printed(&out, "\"type\":\"inuse_space\"");
	buf_fini(&out);
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_without_a_change),
		cmocka_unit_test(cpu_without_a_change),
		cmocka_unit_test(growth_is_found),
		cmocka_unit_test(one_run),
		cmocka_unit_test(verdict),
		cmocka_unit_test(other_builds_have_no_lines),
		cmocka_unit_test(counts_are_exact),
		cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
