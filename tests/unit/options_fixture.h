/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line and what came of it: the options, or what the user was told. */
#ifndef TESTS_OPTIONS_FIXTURE_H
#define TESTS_OPTIONS_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/options.h"

#define S 1000000000ull

static struct options o;
static char said[4096];	   /* on standard error */
static char printed[8192]; /* on standard output */
static int status;

/* What was written to fd while it was redirected into memory; restores it. */
static void take_back(int fd, int saved, char *text, size_t room)
{
	int memory = dup(fd);
	ssize_t n = pread(memory, text, room - 1, 0);

	dup2(saved, fd);
	close(saved);
	close(memory);
	assert_true(n >= 0);
	text[n] = '\0';
}

static int redirect(int fd)
{
	int saved = dup(fd), memory = memfd_create("said", MFD_CLOEXEC);

	assert_true(saved >= 0 && memory >= 0);
	dup2(memory, fd);
	close(memory);
	return saved;
}

static int parse_v(int argc, char **argv)
{
	status = 77;
	memset(&o, 0x55, sizeof(o));
	fflush(stdout);
	int err = redirect(2), out = redirect(1);
	int result = options_parse(&o, argc, argv, &status);
	fflush(stdout);
	take_back(1, out, printed, sizeof(printed));
	take_back(2, err, said, sizeof(said));
	return result;
}

/* The words of line, separated by single blanks. */
static int parse(const char *line)
{
	static char copy[1024];
	char *argv[64] = {"cpprof-attach"}, *rest = copy;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	while (rest)
		argv[argc++] = strsep(&rest, " ");
	return parse_v(argc, argv);
}

static void accepted(const char *line)
{
	assert_int_equal(parse(line), 0);
	assert_int_equal(status, 0);
	assert_string_equal(said, "");
	assert_string_equal(printed, "");
}

/* Refused with status 2, in one line that has this in it. */
static void refused(const char *line, const char *words)
{
	assert_true(parse(line) < 0);
	assert_int_equal(status, 2);
	assert_string_equal(printed, "");
	assert_non_null(strstr(said, words));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

#endif
