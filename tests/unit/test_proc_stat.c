/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/proc_stat: the text of /proc/PID/stat and schedstat, with names made to deceive. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/proc_stat.h"

/* Fields 4 to 30; each that is read has a value of its own. */
#define FIELDS                                                                                     \
	" 1234 5 6 7 -1 4194560 10 11 12 13 14 15 16 17 20 0 77 0 987654321 19 18"                 \
	" 18446744073709551615 94000000000001 94000000000002 140720000000003 29 30"

/* The parser sees an exact copy on the heap, so that a sanitizer sees a read past its end. */
static int parse(const char *text, size_t n, struct proc_stat *out)
{
	char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(out, 0x55, sizeof(*out));
	int result = proc_stat_parse(copy, n, out);
	free(copy);
	return result;
}

static void every_field_is_found(void **state)
{
	(void)state;
	struct proc_stat s;
	const char *text = "42 (cat) S" FIELDS "\n";
	assert_int_equal(parse(text, strlen(text), &s), 0);
	assert_string_equal(s.comm, "cat");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 1234);
	assert_int_equal(s.flags, 4194560);
	assert_int_equal(s.n_threads, 77);
	assert_int_equal(s.start_time, 987654321);
	assert_int_equal(s.start_stack, 140720000000003);
	assert_int_equal(s.processor, -1); /* the text ends before it */
	text = "42 (cat) S" FIELDS " 31 32 33 34 35 36 37 38 5 40\n";
	assert_int_equal(parse(text, strlen(text), &s), 0);
	assert_int_equal(s.processor, 5);
}

static void a_name_cannot_pose_as_a_state(void **state)
{
	(void)state;
	static const struct {
		const char *in, *comm;
	} names[] = {
		{"a) R (b", "a) R (b"},
		{") R 1 1 1 1 -1 ", ") R 1 1 1 1 -1 "},
		{"", ""},
		{")", ")"},
		{"(", "("},
		{"))))(((( ) ( ) ", "))))(((( ) ( ) "},
		{"a\nb) Z 9", "a\nb) Z 9"},
		{"\xff\x80\x1b[2J", "\xff\x80\x1b[2J"},
		{"123456789012345", "123456789012345"},
		{"kworker/u64:12-events_unbound", "kworker/u64:12-"},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char text[512];
		struct proc_stat s;
		int n = snprintf(text, sizeof(text), "42 (%s) D" FIELDS "\n", names[i].in);
		assert_int_equal(parse(text, n, &s), 0);
		assert_string_equal(s.comm, names[i].comm);
		assert_int_equal(s.state, 'D');
		assert_int_equal(s.ppid, 1234);
		assert_int_equal(s.n_threads, 77);
		assert_int_equal(s.start_time, 987654321);
		assert_int_equal(s.start_stack, 140720000000003);
	}
}

static void the_largest_numbers_are_exact(void **state)
{
	(void)state;
	struct proc_stat s;
	const char *text = "4194304 (x) R 2147483647 1 1 1 -1 18446744073709551615 1 1 1 1 1 1 -1 "
			   "-1 -20 -20 18446744073709551614 -1 18446744073709551613 1 -1 1 "
			   "18446744073709551612 1 18446744073709551611 0 0\n";
	assert_int_equal(parse(text, strlen(text), &s), 0);
	assert_int_equal(s.ppid, 2147483647);
	assert_true(s.flags == UINT64_MAX);
	assert_true(s.n_threads == UINT64_MAX - 1);
	assert_true(s.start_time == UINT64_MAX - 2);
	assert_true(s.start_stack == UINT64_MAX - 4);
}

/* Cut anywhere before field 28 begins it is refused; from there on it is accepted. */
static void a_cut_text_is_refused(void **state)
{
	(void)state;
	const char *text = "42 (a) R (b) S" FIELDS "\n";
	size_t last = strstr(text, "140720000000003") - text;
	struct proc_stat s;
	for (size_t n = 0; n <= last; n++)
		assert_int_equal(parse(text, n, &s), -EINVAL);
	for (size_t n = last + strlen("140720000000003"); n <= strlen(text); n++) {
		assert_int_equal(parse(text, n, &s), 0);
		assert_int_equal(s.start_stack, 140720000000003);
	}
	assert_int_equal(parse("42 no name at all", 17, &s), -EINVAL);
	assert_int_equal(parse("42 (open", 8, &s), -EINVAL);
	assert_int_equal(parse("42 (x) S", 8, &s), -EINVAL);
}

static void schedstat_has_three_numbers(void **state)
{
	(void)state;
	struct schedstat s;
	assert_int_equal(schedstat_parse("123456789012 345 6789\n", 22, &s), 0);
	assert_int_equal(s.cpu, 123456789012);
	assert_int_equal(s.queued, 345);
	assert_int_equal(s.runs, 6789);
	const char *most = "18446744073709551615 18446744073709551614 18446744073709551613\n";
	assert_int_equal(schedstat_parse(most, strlen(most), &s), 0);
	assert_true(s.cpu == UINT64_MAX);
	assert_true(s.queued == UINT64_MAX - 1);
	assert_true(s.runs == UINT64_MAX - 2);
	assert_int_equal(schedstat_parse("0 0 0\n", 6, &s), 0);
	assert_int_equal(s.cpu + s.queued + s.runs, 0);
}

static void schedstat_refuses_what_is_none(void **state)
{
	(void)state;
	struct schedstat s;
	assert_int_equal(schedstat_parse("", 0, &s), -EINVAL);
	assert_int_equal(schedstat_parse("\n", 1, &s), -EINVAL);
	assert_int_equal(schedstat_parse("-1 0 0\n", 7, &s), -EINVAL);
	assert_int_equal(schedstat_parse("cpu 1 2 3\n", 10, &s), -EINVAL);
}

/* The kernel's own text of this very process. */
static void own_files_are_read(void **state)
{
	(void)state;
	char old[16], exe[64];
	struct proc_stat a, b;
	struct schedstat s;
	assert_int_equal(prctl(PR_GET_NAME, old), 0);
	assert_int_equal(prctl(PR_SET_NAME, "a) R (b) 1 2 3"), 0);
	snprintf(exe, sizeof(exe), "/proc/self/task/%d/stat", getpid());
	int fd = open(exe, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(proc_stat_read(fd, &a), 0);
	assert_string_equal(a.comm, "a) R (b) 1 2 3");
	assert_int_equal(a.state, 'R');
	assert_int_equal(a.ppid, getppid());
	assert_int_equal(a.n_threads, 1);
	assert_true(a.start_time > 0 && a.start_stack > 1 << 16);
	assert_int_equal(prctl(PR_SET_NAME, old), 0);
	assert_int_equal(proc_stat_read(fd, &b), 0); /* from the start again */
	assert_string_equal(b.comm, old);
	assert_int_equal(b.start_time, a.start_time);
	close(fd);
	fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	/* Of a running thread the kernel adds up at its ticks: compute until one has come. */
	do {
		for (volatile int i = 0; i < 1000000; i++)
			;
		assert_int_equal(schedstat_read(fd, &s), 0);
	} while (!s.cpu && clock() < 2 * CLOCKS_PER_SEC);
	assert_true(s.cpu > 0 && s.runs > 0);
	close(fd);
	assert_int_equal(schedstat_read(fd, &s), -EBADF);
}

static void an_empty_file_is_a_thread_that_is_gone(void **state)
{
	(void)state;
	struct proc_stat a;
	struct schedstat s;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(proc_stat_read(fd, &a), -ESRCH);
	assert_int_equal(schedstat_read(fd, &s), -ESRCH);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_found),
		cmocka_unit_test(a_name_cannot_pose_as_a_state),
		cmocka_unit_test(the_largest_numbers_are_exact),
		cmocka_unit_test(a_cut_text_is_refused),
		cmocka_unit_test(schedstat_has_three_numbers),
		cmocka_unit_test(schedstat_refuses_what_is_none),
		cmocka_unit_test(own_files_are_read),
		cmocka_unit_test(an_empty_file_is_a_thread_that_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
