/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/serve/assets as a build with --with-speedscope has it, with a folder that the test makes:
 * its plain files, each with its type, and nothing else of the machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"
#undef SPEEDSCOPE_FOLDER
#define SPEEDSCOPE_FOLDER "installed"
#include "agent/serve/assets.c"

static struct exchange e;

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	static char folder[] = "/tmp/test_assets.XXXXXX";

	*state = mkdtemp(folder);
	if (!*state || chdir(folder) != 0 || mkdir("installed", 0700) != 0)
		return -1;
	buf_init(&e.body, 16 * MIB);
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	buf_fini(&e.body);
	snprintf(command, sizeof(command), "rm -r '%s'", (const char *)*state);
	return system(command);
}

static int ask(const char *name)
{
	buf_clear(&e.body);
	e.status = 0;
	e.type = NULL;
	e.wish.asset = name;
	assets_answer(&e);
	return e.status;
}

static void an_empty_folder_has_none(void **state)
{
	(void)state;
	assert_int_equal(assets_are_there(), 0);
	assert_int_equal(ask(""), 404);
}

static void files_come_with_their_types(void **state)
{
	(void)state;
	put("installed/index.html", "<p>viewer</p>");
	put("installed/view-1.2_3.js", "run()");
	assert_int_equal(assets_are_there(), 1);
	assert_int_equal(ask(""), 200);
	assert_string_equal(e.type, HTTP_HTML);
	assert_int_equal(e.body.len, 13);
	assert_memory_equal(e.body.data, "<p>viewer</p>", 13);
	assert_int_equal(ask("view-1.2_3.js"), 200);
	assert_string_equal(e.type, "text/javascript; charset=utf-8");
	assert_memory_equal(e.body.data, "run()", 5);
}

static void nothing_else_is_served(void **state)
{
	static const char *const names[] = {"nosuch.js", "view.exe", "../outside.txt",
		".hidden.txt", "link.txt", "folder.txt", "folder.txt/inside.txt", "pipe.txt",
		"in%64ex.html", "index.html/"};
	(void)state;

	put("outside.txt", "secret");
	put("installed/view.exe", "secret");
	put("installed/.hidden.txt", "secret");
	assert_int_equal(symlink("../outside.txt", "installed/link.txt"), 0);
	assert_int_equal(mkdir("installed/folder.txt", 0700), 0);
	put("installed/folder.txt/inside.txt", "secret");
	assert_int_equal(mkfifo("installed/pipe.txt", 0600), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ask(names[i]) != 404)
			fail_msg("%s: %d", names[i], e.status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_folder_has_none),
		cmocka_unit_test(files_come_with_their_types),
		cmocka_unit_test(nothing_else_is_served),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
