/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of perf maps as node, java and python write them, taken apart and shown. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "symbolize/jit.h"

#define MODULE	7u
#define ADDRESS 0x1000u

struct seen {
	char name[LIMIT_LINKAGE_NAME + 1], system_name[LIMIT_LINKAGE_NAME + 1];
	char file[LIMIT_PATH + 1];
	uint32_t line, start_line;
	unsigned calls, lines;
	int answer;
};

static struct seen seen;

static int emit(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	struct seen *s = arg;

	(void)offset;
	s->calls++;
	s->lines += n;
	if (!n)
		return s->answer;
	assert_int_equal(n, 1);
	snprintf(s->name, sizeof(s->name), "%s", lines->name);
	snprintf(s->system_name, sizeof(s->system_name), "%s", lines->system_name);
	snprintf(s->file, sizeof(s->file), "%s", lines->file);
	s->line = lines->line;
	s->start_line = lines->start_line;
	return s->answer;
}

static void set_map(struct jit *jit, const char *text)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(jit_set_map(jit, MODULE, fd), 0);
	close(fd);
}

static void ask(const char *name, enum demangle_level level)
{
	struct jit jit = {0};
	struct worker_symbolize question = {.module = MODULE, .n = 1, .demangle = level};
	const uint64_t offset = ADDRESS + 1;
	char *line = malloc(strlen(name) + 32);

	sprintf(line, "%x 10 %s\n", ADDRESS, name);
	set_map(&jit, line);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(jit_request(&jit, &question, &offset, emit, &seen), 0);
	assert_int_equal(seen.calls, 1);
	jit_fini(&jit);
	free(line);
}

static void assert_shown(const char *raw, const char *name, const char *file, uint32_t line)
{
	ask(raw, DEMANGLE_TEMPLATES);
	assert_string_equal(seen.name, name);
	assert_string_equal(seen.system_name, raw);
	assert_string_equal(seen.file, file);
	assert_int_equal(seen.start_line, line);
	assert_int_equal(seen.line, 0);
}

static void names_of_v8(void **state)
{
	(void)state;
	assert_shown("JS:*step1 /srv/app.js:21:15", "JS:*step1", "/srv/app.js", 21);
	assert_shown("LazyCompile:~run /srv/app.js:7", "LazyCompile:~run", "/srv/app.js", 7);
	assert_shown("JS:^value node:internal/console:204:20", "JS:^value", "node:internal/console",
		204);
	assert_shown("JS:~ node:internal/util:37:9", "JS:~(anonymous)", "node:internal/util", 37);
	assert_shown("JS:* file:///srv/m.mjs:1:1", "JS:*(anonymous)", "file:///srv/m.mjs", 1);
	assert_shown("JS:*a b /srv/x.js:1:2", "JS:*a b", "/srv/x.js", 1);
	assert_shown("JS:*f /srv/my dir/x.js:1:2", "JS:*f", "/srv/my dir/x.js", 1);
	assert_shown("JS:*f /a/node_modules/@b/c.js:9:2", "JS:*f", "/a/node_modules/@b/c.js", 9);
	assert_shown("Eval:~ evalmachine.<anonymous>:1:1", "Eval:~(anonymous)",
		"evalmachine.<anonymous>", 1);
	/* Not certain, or no such. */
	assert_shown("JS:*a b c.js:1:2", "JS:*a b c.js:1:2", "", 0);
	assert_shown("Script:~ node:fs:1", "Script:~(anonymous)", "node:fs", 1);
	assert_shown("JS:*f x.js:1", "JS:*f x.js:1", "", 0);
	assert_shown("f g:1", "f g:1", "", 0);
	assert_shown("JS:*f /srv/x.js:1:", "JS:*f /srv/x.js:1:", "", 0);
	assert_shown("JS:*f /x.js:9999999999", "JS:*f /x.js:9999999999", "", 0);
	assert_shown("JS:*f:1:2", "JS:*f:1:2", "", 0);
	assert_shown("f :1:2", "f :1:2", "", 0);
	assert_shown("Builtin:ArrayMap", "Builtin:ArrayMap", "", 0);
	assert_shown(":1:2", ":1:2", "", 0);
	assert_shown("1:2", "1:2", "", 0);
}

static void names_of_python(void **state)
{
	(void)state;
	assert_shown("py::run:/srv/app.py", "py::run", "/srv/app.py", 0);
	assert_shown(
		"py::A.f.<locals>.<lambda>:/a b.py", "py::A.f.<locals>.<lambda>", "/a b.py", 0);
	assert_shown("py::_find:<frozen importlib._bootstrap>", "py::_find",
		"<frozen importlib._bootstrap>", 0);
	assert_shown("py::run", "py::run", "", 0);
	assert_shown("py::run:", "py::run:", "", 0);
	assert_shown("py:::/srv/app.py", "py:::/srv/app.py", "", 0);
	assert_shown("py::", "py::", "", 0);
}

static void names_of_java(void **state)
{
	(void)state;
	assert_shown("int Chain.step20(int)", "Chain.step20", "", 0);
	assert_shown("void java.lang.Object.<init>()", "java.lang.Object.<init>", "", 0);
	assert_shown("java.lang.Class[] a.B.c(a.D, long[])", "a.B.c", "", 0);
	assert_shown("I2C/C2I adapters", "I2C/C2I adapters", "", 0);
	assert_shown("StubRoutines (1)", "StubRoutines (1)", "", 0);
	assert_shown("a b c(int)", "a b c(int)", "", 0);
	assert_shown("f(int)", "f(int)", "", 0);
	assert_shown("()", "()", "", 0);
	assert_shown("int f(g(int))", "int f(g(int))", "", 0);
	/* As the other languages' names at these levels. */
	ask("int Chain.step20(int)", DEMANGLE_FULL);
	assert_string_equal(seen.name, "int Chain.step20(int)");
	ask("int Chain.step20(int)", DEMANGLE_NONE);
	assert_string_equal(seen.name, "int Chain.step20(int)");
	ask("int Chain.step20(int)", DEMANGLE_SIMPLE);
	assert_string_equal(seen.name, "Chain.step20");
}

static void linkage_names(void **state)
{
	(void)state;
	assert_shown("_ZN3foo3barEi", "foo::bar", "", 0);
	ask("_ZN3foo3barEi", DEMANGLE_NONE);
	assert_string_equal(seen.name, "_ZN3foo3barEi");
	assert_shown("$lists:map/2", "$lists:map/2", "", 0);
}

static void long_names_are_cut(void **state)
{
	enum { n = 100000 };
	char *name = malloc(n + 1);

	(void)state;
	memset(name, 'a', n);
	name[n] = '\0';
	ask(name, DEMANGLE_TEMPLATES);
	assert_int_equal(strlen(seen.name), LIMIT_NAME);
	assert_int_equal(strlen(seen.system_name), LIMIT_LINKAGE_NAME);
	memcpy(name, "f /", 3);
	memcpy(name + n - 4, ":1:2", 4);
	ask(name, DEMANGLE_TEMPLATES);
	assert_string_equal(seen.name, "f");
	assert_int_equal(strlen(seen.file), LIMIT_PATH);
	free(name);
}

static void each_offset_is_answered(void **state)
{
	struct jit jit = {0};
	struct worker_symbolize question = {.module = MODULE, .n = 3};
	const uint64_t offsets[] = {0x0fff, 0x1000, 0x1010};

	(void)state;
	assert_false(jit_has_map(&jit, MODULE));
	assert_false(jit_has_map(&jit, 0));
	set_map(&jit, "1000 10 a\n");
	assert_true(jit_has_map(&jit, MODULE));
	assert_false(jit_has_map(&jit, MODULE + 1));
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(jit_request(&jit, &question, offsets, emit, &seen), 0);
	assert_int_equal(seen.calls, 3);
	assert_int_equal(seen.lines, 1);
	seen.answer = -EPIPE;
	seen.calls = 0;
	assert_int_equal(jit_request(&jit, &question, offsets, emit, &seen), -EPIPE);
	assert_int_equal(seen.calls, 1);
	/* One that cannot be read leaves none. */
	assert_int_equal(jit_set_map(&jit, MODULE, -1), -EBADF);
	assert_false(jit_has_map(&jit, MODULE));
	jit_fini(&jit);
	jit_fini(&jit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_v8),
		cmocka_unit_test(names_of_python),
		cmocka_unit_test(names_of_java),
		cmocka_unit_test(linkage_names),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(each_offset_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
