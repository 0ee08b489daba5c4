/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the page reads, and that nothing in it can end the element that it stands in. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/limits.h"
#include "config.h"
#include "output/html.h"
#include "output/view_json.h"
#include "tests/unit/profile_fixture.h"

static struct buf made;

static const char *json(void)
{
	buf_fini(&made);
	buf_init(&made, MIB);
	assert_int_equal(view_json(p, &made), 0);
	return buf_text(&made);
}

/* The page, written to a file. */
static const char *page(void)
{
	char path[] = "/tmp/cpprof-page.XXXXXX";
	struct sink sink;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(sink_open(&sink, path, 0), 0);
	assert_int_equal(html_write(p, &sink), 0);
	assert_int_equal(sink_commit(&sink), 0);
	close(fd);
	fd = open(path, O_RDONLY);
	buf_fini(&made);
	buf_init(&made, 4 * MIB);
	assert_int_equal(buf_read_fd(&made, fd), 0);
	close(fd);
	unlink(path);
	return buf_text(&made);
}

static uint32_t times(const char *text, const char *word)
{
	uint32_t n = 0;

	while ((text = strstr(text, word))) {
		n++;
		text++;
	}
	return n;
}

#define HEAD                                                                                       \
	"{\"version\":1,\"program\":\"cpprof-attach " PACKAGE_VERSION "\",\"kind\":\"threads\","   \
	"\"types\":[{\"type\":\"thread\",\"unit\":\"count\"}],\"default\":0,"                      \
	"\"period\":{\"type\":\"thread\",\"unit\":\"count\",\"value\":1},"                         \
	"\"time_ns\":1700000000123456789,\"duration_ns\":0,\"comments\":[\"one\",\"two\"],"

static void what_stacks_share_stands_once(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	in.duration = 0;
	in.comments = "one\ntwo\n";
	name(LIBC, 0x1010, "write\"\n");
	name(LIBC, 0x1020, "read");
	ADD(0, 'S', 3, {0x1010, LIBC, 0}, {0x4020, EXE, FRAME_RETURN});
	ADD(1, 'R', 1, {0x1020, LIBC, 0}, {0x4020, EXE, FRAME_RETURN});
	ADD(1, 'R', 2, {0x4020, EXE, FRAME_RETURN});
	build();
	assert_string_equal(json(), HEAD
		"\"strings\":[\"\",\"/usr/bin/app\",\"/lib/libc.so\",\"ab000fe1\",\"write\\\"\\u000a\","
		"\"read\",\"t0\",\"sleeping\",\"t1\",\"running\"],"
		"\"modules\":[[1,0],[2,3]],\"functions\":[[4,0,0],[5,0,0]],"
		"\"frames\":[[1,0,2,0],[0,0,1,0,\"0x4020\"],[2,0,2,0]],"
		"\"nodes\":{\"parent\":[0,1,1],\"frame\":[2,1,3]},"
		"\"samples\":{\"node\":[2,3,1],\"values\":[[3,1,2]],\"thread\":[6,8,8],"
		"\"state\":[7,9,9],\"tid\":[100,101,101]}}\n");
}

static void inlined_functions_are_frames(void **state)
{
	(void)state;
	struct symbol both[] = {
		{"inner", "inner", "in.h", 7, 5}, {"outer", "outer", "out.c", 12, 1}};
	assert_int_equal(symbols_add(symbols, LIBC, 0x1010, both, 2), 0);
	ADD(0, 'R', 1, {0x1010, LIBC, 0});
	build();
	assert_non_null(strstr(json(), "\"frames\":[[2,12,2,0],[1,7,2,1]]"));
	assert_non_null(strstr(json(), "\"nodes\":{\"parent\":[0,1],\"frame\":[1,2]}"));
	assert_non_null(strstr(json(), "\"default\":1,"));
}

/* It grows at most to its ceiling. */
static void no_room_is_an_error(void **state)
{
	(void)state;
	ADD(0, 'R', 1, {0x4020, EXE, 0});
	build();
	buf_fini(&made);
	buf_init(&made, 100);
	assert_int_equal(view_json(p, &made), -E2BIG);
}

static void no_name_ends_the_data(void **state)
{
	(void)state;
	static const char *const names[] = {"</script><script>alert(1)</script>", "<!--<script>",
		"a\xe2\x80\xa8-\xe2\x80\xa9", "]]>&quot;\\", "\xff\xfe</SCRIPT >"};
	for (int i = 0; i < 5; i++) {
		name(LIBC, 0x1010 + i, names[i]);
		ADD(0, 'R', 1, {0x1010 + i, LIBC, 0});
	}
	snprintf(threads[0].name, sizeof(threads[0].name), "</script>");
	build();
	const char *with = page();
	size_t size;
	const char *empty = html_page(&size);
	/* As many tags as the page has by itself. */
	char *without = strndup(empty, size);
	assert_non_null(without);
	assert_int_equal(times(with, "<script"), times(without, "<script"));
	assert_int_equal(times(with, "</script"), times(without, "</script"));
	assert_int_equal(times(with, "</SCRIPT"), 0);
	assert_int_equal(times(with, "<!--"), times(without, "<!--"));
	assert_int_equal(times(with, "\xe2\x80\xa8"), times(without, "\xe2\x80\xa8"));
	assert_non_null(strstr(with, "\\u003c/script\\u003e\\u003cscript\\u003ealert(1)"));
	assert_non_null(strstr(with, "\"a\\u2028-\\u2029\""));
	assert_non_null(strstr(with, "]]\\u003e\\u0026quot;\\\\"));
	free(without);
}

/* The served page differs from a written one in the data alone. */
static void the_page_is_the_same_without_data(void **state)
{
	(void)state;
	ADD(0, 'R', 1, {0x4020, EXE, 0});
	build();
	size_t size, data;
	const char *empty = html_page(&size), *with = page();
	const char *end = strstr(with, "</script>");
	assert_non_null(end);
	data = made.len - size;
	assert_memory_equal(with, empty, end - with - data);
	assert_memory_equal(end, empty + (end - with - data), size - (end - with - data));
	assert_int_equal(with[made.len - 1], '\n');
	assert_null(memmem(empty, size, "@SCRIPT", 7));
	assert_null(memmem(empty, size, "@STYLE", 6));
}

static int end_all(void **state)
{
	buf_fini(&made);
	return end(state);
}

#define VIEW_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(what_stacks_share_stands_once),
		VIEW_TEST(inlined_functions_are_frames),
		VIEW_TEST(no_room_is_an_error),
		VIEW_TEST(no_name_ends_the_data),
		VIEW_TEST(the_page_is_the_same_without_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
