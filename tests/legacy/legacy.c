/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * legacy FOLDER: profiles of this process, made by hand of real addresses in it and written by
 * output/ as FOLDER/KIND.pb.gz, FOLDER/KIND.txt and, with the maps of this process,
 * FOLDER/KIND.maps. So what pprof makes of the texts can be held against what it makes of the
 * files.
 *
 * Stacks: a chain of functions here, below qsort of the C library, which has no names in the
 * profile; the vdso; frames that are not code; a library that is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "output/estimate.h"
#include "output/legacy.h"
#include "output/pprof.h"
#include "output/symbols.h"
#include "output/table.h"

#define MODULES	 256
#define SEGMENTS 512
#define SITES	 16
#define NOINLINE __attribute__((noinline))

static struct module_info modules[MODULES];
static struct segment segments[SEGMENTS];
static uint32_t n_modules, n_segments;
static struct symbols *symbols;
static struct table *table;
static struct buf maps;
static struct heap_site sites[SITES];
static uint32_t n_sites;
static int is_of_heap;

/* --- a real stack --------------------------------------------------------------------------- */

enum { LEAF, MIDDLE, OUTER, IN_QSORT, CALLS };
static uint64_t places[CALLS]; /* LEAF: its first instruction, else return addresses */

NOINLINE static void leaf_function(void)
{
	places[LEAF] = (uint64_t)leaf_function;
	places[MIDDLE] = (uint64_t)__builtin_return_address(0);
	__asm__ volatile("");
}

NOINLINE static void middle_function(void)
{
	leaf_function();
	places[OUTER] = (uint64_t)__builtin_return_address(0);
	__asm__ volatile("");
}

NOINLINE static int outer_function(const void *a, const void *b)
{
	middle_function();
	places[IN_QSORT] = (uint64_t)__builtin_return_address(0);
	__asm__ volatile("");
	return *(const char *)a - *(const char *)b;
}

/* --- what the profile is built of ------------------------------------------------------------ */

static void die(const char *what, int error)
{
	fprintf(stderr, "legacy: %s: %s\n", what, strerror(-error));
	exit(1);
}

static uint32_t module_of(const char *path)
{
	for (uint32_t i = 0; i < n_modules; i++)
		if (!strcmp(modules[i].path, path))
			return i + 1;
	if (n_modules == MODULES)
		die("modules", -E2BIG);
	modules[n_modules].path = strdup(path);
	modules[n_modules].flags = n_modules ? 0 : MODULE_IS_EXE;
	return ++n_modules;
}

static void read_maps(void)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	char program[4096] = "";

	if (fd < 0 || buf_read_fd(&maps, fd) || !buf_text(&maps) ||
		readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		die("maps", -errno);
	close(fd);
	module_of(program);
	for (char *line = maps.data; line && *line; line = strchr(line, '\n') + 1) {
		struct segment s = {.start = 0};
		char path[4096] = "", x;
		int n = sscanf(line,
			"%" SCNx64 "-%" SCNx64 " %*2c%c%*c %" SCNx64 " %*s %*s%*[ ]%4095[^\n]",
			&s.start, &s.end, &x, &s.offset, path);
		if (n < 4 || x != 'x' || n_segments == SEGMENTS)
			continue;
		s.module = module_of(n == 5 ? path : "");
		segments[n_segments++] = s;
	}
}

static struct frame frame_at(uint64_t address, uint32_t flags)
{
	for (uint32_t i = 0; i < n_segments; i++)
		if (address >= segments[i].start && address < segments[i].end)
			return (struct frame){address - segments[i].start + segments[i].offset,
				segments[i].module, flags};
	die("an address in no mapping", -EFAULT);
	return (struct frame){.module = 0};
}

static void set_name(struct frame f, const char *name)
{
	const struct symbol s = {name, name, "/src/legacy.c", 1, 1};
	int error = symbols_add(symbols, f.module, f.offset, &s, 1);

	if (error)
		die("symbols", error);
}

static void add(const struct frame *v, uint32_t n, uint32_t thread, uint64_t count, int is_waiting)
{
	static struct stack stack;
	struct table_entry entry = {.count = count,
		.weight = count * 1000 * WEIGHT_ONE,
		.thread = thread,
		.state = 'S',
		.wait = is_waiting ? WAIT_MUTEX : 0,
		.lock = is_waiting ? 0x1000 : 0};

	if (n_sites < SITES) {
		sites[n_sites] = (struct heap_site){.all = {.objects = count, .bytes = count * 100},
			.live = {.objects = count / 2, .bytes = count / 2 * 100}};
		entry.lock = is_of_heap ? ++n_sites : entry.lock;
	}
	stack.n = n;
	stack.end = n > 4 ? STACK_NO_CFI : STACK_DONE;
	memcpy(stack.v, v, n * sizeof(*v));
	int error = table_add_entry(table, &stack, &entry);
	if (error)
		die("table", error);
}

static void fill(int is_waiting)
{
	struct frame chain[] = {frame_at(places[LEAF], 0),
		frame_at(places[MIDDLE] - 1, FRAME_RETURN),
		frame_at(places[OUTER] - 1, FRAME_RETURN),
		frame_at(places[IN_QSORT] - 1, FRAME_RETURN),
		{.offset = 0x1234, .module = n_modules}};
	struct frame vdso = frame_at(getauxval(AT_SYSINFO_EHDR) + 0x700, 0);
	struct frame missing = {.offset = PSEUDO_MISSING + MISSING_LATE};

	set_name(chain[LEAF], "leaf_function");
	set_name(chain[MIDDLE], "middle_function");
	set_name(chain[OUTER], "outer_function");
	add(chain, 4, 0, 3, is_waiting);
	add(chain, 4, 1, 5, is_waiting);
	add(chain + 1, 3, 2, 9, is_waiting);
	add(chain, 5, 0, 2, is_waiting); /* and no end */
	add(&vdso, 1, 0, 1, is_waiting);
	add(&missing, 1, 3, 4, is_waiting);
}

/* --- and written ----------------------------------------------------------------------------- */

static int open_sink(struct sink *sink, const char *folder, const char *kind, const char *end)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.%s", folder, kind, end);
	return sink_open(sink, path, 0);
}

static void write_text(const struct profile *p, const char *folder, const char *kind, int with_maps)
{
	struct sink sink;
	struct buf text;

	buf_init(&text, MIB);
	int error = legacy_text(p, with_maps ? maps.data : NULL, &text);
	if (!error)
		error = open_sink(&sink, folder, kind, with_maps ? "maps" : "txt");
	if (!error)
		error = sink_write(&sink, text.data, text.len);
	if (!error)
		error = sink_commit(&sink);
	buf_fini(&text);
	if (error)
		die(kind, error);
}

static void write_all(const struct profile_input *in, const char *folder, const char *kind)
{
	struct profile *p;
	struct sink sink;
	int error = profile_build(in, &p);

	if (!error)
		error = open_sink(&sink, folder, kind, "pb.gz");
	if (!error)
		error = pprof_write(p, &sink);
	if (!error)
		error = sink_commit(&sink);
	if (error)
		die(kind, error);
	write_text(p, folder, kind, 0);
	write_text(p, folder, kind, 1);
	profile_free(p);
}

int main(int argc, char **argv)
{
	static const char *const kinds[PROFILE_KINDS] = {[PROFILE_THREADS] = "thread",
		[PROFILE_THREADCREATE] = "threadcreate",
		[PROFILE_GOROUTINE] = "goroutine",
		[PROFILE_BLOCK] = "block",
		[PROFILE_MUTEX] = "mutex",
		[PROFILE_HEAP] = "heap",
		[PROFILE_ALLOCS] = "allocs"};
	struct thread_info threads[] = {{.tid = 10, .name = "a"}, {.tid = 11, .name = "a"},
		{.tid = 12, .name = "b"}, {.tid = 13, .name = "c"}};
	char bytes[] = "ba";

	buf_init(&maps, LIMIT_MAPS_TEXT);
	qsort(bytes, 2, 1, outer_function);
	read_maps();
	module_of("/lib/gone.so");
	for (int kind = 0; kind < PROFILE_KINDS && argc == 2; kind++) {
		if (!kinds[kind])
			continue;
		table = table_new();
		symbols = symbols_new();
		if (!table || !symbols)
			die("tables", -ENOMEM);
		is_of_heap = !!(KIND(kind) & KINDS_OF_HEAP);
		n_sites = 0;
		fill(kind == PROFILE_BLOCK || kind == PROFILE_MUTEX);
		const struct profile_heap heap = {sites, n_sites, 1, HEAP_ALL};
		const struct profile_input in = {.kind = kind,
			.heap = is_of_heap ? &heap : NULL,
			.table = table,
			.symbols = symbols,
			.threads = threads,
			.n_threads = sizeof(threads) / sizeof(*threads),
			.modules = modules,
			.n_modules = n_modules,
			.segments = segments,
			.n_segments = n_segments,
			.time = 1700000000000000000ull,
			.hz = 100};
		write_all(&in, argv[1], kinds[kind]);
		table_free(table);
		symbols_free(symbols);
	}
	for (uint32_t i = 0; i < n_modules; i++)
		free(modules[i].path);
	buf_fini(&maps);
	return argc == 2 ? 0 : 2;
}
