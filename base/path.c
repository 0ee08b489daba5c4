/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/path.h"

int path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 - path : 0;
}

const char *path_base(const char *path)
{
	const char *base = path + path_folder(path);

	return *base ? base : path;
}

/* The end of out without its last part; out itself if that is "..", or nothing is left. */
static char *drop_last(char *start, char *end)
{
	char *at = end;

	while (at > start && at[-1] != '/')
		at--;
	if (at == end || (end - at == 2 && at[0] == '.' && at[1] == '.'))
		return NULL;
	return at > start ? at - 1 : at;
}

void path_normalize(char *path)
{
	char *start = path + (*path == '/'), *end = start, *next;

	for (char *part = start; part; part = next) {
		next = strchr(part, '/');
		size_t n = next ? (size_t)(next++ - part) : strlen(part);
		if (n == 0 || (n == 1 && part[0] == '.'))
			continue;
		if (n == 2 && part[0] == '.' && part[1] == '.') {
			char *shorter = end > start ? drop_last(start, end) : NULL;
			if (shorter || (*path == '/' && end == start)) {
				end = shorter ? shorter : end;
				continue;
			}
		}
		if (end > start)
			*end++ = '/';
		memmove(end, part, n);
		end += n;
	}
	*end = '\0';
}
