/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "agent/tracer/loader.h"
#include "base/path.h"

int loader_is(const char *path)
{
	static const char *const names[] = {"ld-linux", "ld-musl-", "ld-2.", "ld.so"};
	const char *name = path_base(path);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return 1;
	return 0;
}

/* Options whose value is the next argument. */
static int takes_value(const char *option)
{
	static const char *const names[] = {"--library-path", "--inhibit-rpath", "--audit",
		"--preload", "--argv0", "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(option, names[i]))
			return 1;
	return 0;
}

static const char *next_argument(const char *at, const char *end)
{
	const char *stop = memchr(at, '\0', end - at);

	return stop && stop + 1 < end ? stop + 1 : NULL;
}

const char *loader_program(const char *cmdline, size_t n)
{
	const char *end = cmdline + n;

	if (!n || end[-1])
		return NULL;
	const char *at = next_argument(cmdline, end);
	while (at && *at == '-') {
		if (takes_value(at) && !(at = next_argument(at, end)))
			return NULL;
		at = next_argument(at, end);
	}
	return at;
}
