/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What symbol tables cost: symtab FILE...: for each how many entries, the first look-up (all of the
 * reading and sorting) in ms, and one of a million after it in ns.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "symbolize/symtab.h"

#define LOOKUPS 1000000u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int measure(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct module *m;
	struct symtab t;
	uint64_t begin = now_ns(), found = 0, seed = 1;

	if (module_open(open(path, O_RDONLY | O_CLOEXEC), 1, 0, &m) < 0 || symtab_init(&t, m) < 0)
		return 1;
	symtab_find(&t, 0);
	uint64_t first = now_ns() - begin;
	uint64_t low = t.n ? t.v[0].start : 0, size = t.n ? t.v[t.n - 1].end - low : 1;
	begin = now_ns();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		found += symtab_find(&t, low + (seed >> 20) % size) != NULL;
	}
	uint64_t each = (now_ns() - begin) / LOOKUPS;
	printf("%-40s %9" PRIu32 " %10.1f %8" PRIu64 " %7.1f\n", slash ? slash + 1 : path, t.n,
		first / 1e6, each, found * 100.0 / LOOKUPS);
	symtab_fini(&t);
	module_close(m);
	return 0;
}

int main(int argc, char **argv)
{
	int error = argc < 2;

	printf("%-40s %9s %10s %8s %7s\n", "symbol table", "entries", "first ms", "ns", "found %");
	for (int i = 1; i < argc; i++)
		error |= measure(argv[i]);
	return error;
}
