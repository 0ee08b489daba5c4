/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for addresses, as the worker finds them: names [--no-demangle] FILE [DEBUG-FILE]
 * <ADDRESSES
 *
 * ADDRESSES: one hexadecimal virtual address a line. Prints what llvm-symbolizer prints: for each
 * address function and file:line in turn, innermost first, then an empty line. On stderr: how long
 * it took and the most memory that was in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "symbolize/symbolize.h"

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static struct module *module;
static const char *path, *debug_path;

/* What session and tracer do: the files that the module names, where they were made. 1: some came.
 */
static int serve_wants(void)
{
	char name[2 * LIMIT_PATH + 16];
	const struct extra *e;
	int any = 0;

	while ((e = module_next_want(module))) {
		struct extra_file file = e->file;
		const char *folder = e->names + file.name_len;
		int is_absolute = !file.folder_len || e->names[0] == '/';
		const char *named = file.index ? debug_path : path;
		if (file.kind == EXTRA_DEBUG)
			snprintf(name, sizeof(name), "%s", debug_path ? debug_path : "");
		else if (file.kind == EXTRA_PACKAGE)
			snprintf(name, sizeof(name), "%s.dwp", named);
		else
			snprintf(name, sizeof(name), "%.*s%s%.*s",
				is_absolute ? 0 : (int)file.folder_len, folder,
				is_absolute ? "" : "/", (int)file.name_len, e->names);
		module_take_extra(module, &file, open(name, O_RDONLY | O_CLOEXEC));
		any = 1;
	}
	return any;
}

static int print(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	int *printed = arg;

	(void)offset;
	if (!*printed && serve_wants())
		return -EAGAIN;
	*printed = 1;
	for (uint32_t i = 0; i < n; i++)
		printf("%s\n%s:%" PRIu32 "\n", *lines[i].name ? lines[i].name : "??",
			*lines[i].file ? lines[i].file : "??", lines[i].line);
	printf(n ? "\n" : "??\n??:0\n\n");
	return 0;
}

static uint64_t *read_addresses(uint32_t *n)
{
	uint64_t *v = NULL;
	uint32_t room = 0;
	char line[64];

	for (*n = 0; fgets(line, sizeof(line), stdin); ++*n) {
		if (*n == room)
			v = realloc(v, (room = room ? 2 * room : 1024) * sizeof(*v));
		if (!v)
			abort();
		v[*n] = strtoull(line, NULL, 16);
	}
	return v;
}

int main(int argc, char **argv)
{
	struct modules modules;
	struct symbolizer s;
	struct rusage usage;
	uint32_t n;

	int is_raw = argc > 1 && !strcmp(argv[1], "--no-demangle");
	argv += is_raw;
	argc -= is_raw;
	if (argc < 2)
		return 2;
	uint64_t *offsets = read_addresses(&n), begin = now_us();
	modules_init(&modules);
	symbolizer_init(&s, &modules, NULL, NULL);
	if (modules_open(&modules, open(argv[1], O_RDONLY), 1, 0) < 0)
		return 1;
	path = argv[1];
	debug_path = argc > 2 ? argv[2] : NULL;
	module = modules_get(&modules, 1);
	serve_wants();
	for (uint32_t i = 0; i < n; i++)
		if (module_vaddr_to_offset(module, offsets[i], &offsets[i]) < 0)
			offsets[i] = UINT64_MAX;
	struct worker_symbolize ask = {
		1, n, SYMBOLS_FULL, is_raw ? DEMANGLE_NONE : DEMANGLE_FULL, 0, 0};
	int printed = 0, error = -EAGAIN;
	while (error == -EAGAIN)
		error = symbolizer_request(&s, &ask, offsets, print, &printed);
	fflush(stdout);
	uint64_t took = now_us() - begin;
	getrusage(RUSAGE_SELF, &usage);
	if (module_flags(module) & MODULE_BAD_DWARF)
		fprintf(stderr, "damaged\n");
	fprintf(stderr, "us %" PRIu64 "\npeak_kib %ld\n", took, usage.ru_maxrss);
	symbolizer_fini(&s);
	modules_fini(&modules);
	free(offsets);
	return error != 0;
}
