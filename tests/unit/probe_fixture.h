/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the probe share: the allocator of the C library that they run with, and what of
 * a process must be as it was.
 */
#ifndef TEST_PROBE_FIXTURE_H
#define TEST_PROBE_FIXTURE_H

#include <dirent.h>
#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>

#include "agent/probe/probe.h"

#define TEXT 65536

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer has an allocator of its own; what is looked at is the C library's. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_valloc(size_t n);
void __libc_free(void *p);
#define malloc		   __libc_malloc
#define calloc		   __libc_calloc
#define realloc		   __libc_realloc
#define memalign(align, n) __libc_valloc(n)
#define free		   __libc_free
#endif

static struct probe_place functions[16];
static uint32_t n_functions;
static uint64_t low, high;

static void find(uint32_t number, const char *name)
{
	const ElfW(Sym) * symbol;
	Dl_info info;
	void *at = dlsym(dlopen("libc.so.6", RTLD_NOLOAD | RTLD_NOW), name);

	assert_non_null(at);
	assert_true(dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT));
	functions[n_functions++] = (struct probe_place){
		.function = number, .size = symbol->st_size, .address = (uintptr_t)at};
}

static void find_allocator(void)
{
	static const char *const names[] = {"malloc", "free", "calloc", "realloc", "reallocarray",
		"memalign", "aligned_alloc", "posix_memalign", "valloc", "pvalloc"};
	char line[512];

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		find(i, names[i]);
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f)) {
		unsigned long a, b;
		sscanf(line, "%lx-%lx", &a, &b);
		if (a <= functions[0].address && functions[0].address < b)
			low = a, high = b;
	}
	fclose(f);
	assert_true(low);
	for (uint32_t i = 0; i < n_functions; i++) {
		functions[i].low = low;
		functions[i].high = high;
		functions[i].is_leaf = 1;
	}
}

/* All of it, with a sample each so many bytes. */
static inline const struct probe_plan *plan(uint64_t mean)
{
	static struct probe_plan of;

	of = (struct probe_plan){.v = functions, .n = n_functions, .mean = mean};
	return &of;
}

static uint64_t text_sum(pid_t pid)
{
	static uint64_t words[1 << 20];
	char path[32];
	uint64_t sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	fseeko(f, low, SEEK_SET);
	size_t n = fread(words, 8, (high - low) / 8 < (1 << 20) ? (high - low) / 8 : 1 << 20, f);
	assert_true(n > 1000);
	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + words[i];
	fclose(f);
	return sum;
}

/* The program, the C library, and what is ours: the rest comes and goes. */
static int is_to_stay(const char *name, const char *rights, uint64_t size)
{
	return strstr(name, "test_probe") || strstr(name, "/libc.so") || strstr(name, PLACE_NAME) ||
	       (rights[2] == 'x' && *name != '/') || size == PROBE_SIZE;
}

static char *maps_text(pid_t pid, char *text)
{
	char path[300], line[512], rights[5], name[300];
	unsigned long start, end;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	*text = '\0';
	while (fgets(line, sizeof(line), f)) {
		*name = '\0';
		sscanf(line, "%lx-%lx %4s %*s %*s %*s %299s", &start, &end, rights, name);
		if (!is_to_stay(name, rights, end - start))
			continue;
		assert_true(n + strlen(line) < TEXT);
		n += snprintf(text + n, TEXT - n, "%s", line);
	}
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, e->d_name);
		ssize_t got = readlink(path, line, sizeof(line));
		if (got > 7 && !memcmp(line, "/memfd:", 7))
			n += snprintf(text + n, TEXT - n, "%s %.*s\n", e->d_name, (int)got, line);
	}
	closedir(d);
	return text;
}

static inline void is_as_before(const char *before, const char *now, int round)
{
	if (!strcmp(before, now))
		return;
	while (*before && *before == *now)
		before++, now++;
	while (before[-1] != '\n')
		before--, now--;
	fail_msg("round %d: was\n%.300s\nis now\n%.300s", round, before, now);
}

/* Stops have a deadline, which is an alarm. */
static inline void probe_on_alarm(int signal)
{
	(void)signal;
}

/* Memory that the test's processes share; NULL. */
static inline void *probe_set_up(size_t size)
{
	struct sigaction sa = {.sa_handler = probe_on_alarm};

	sigaction(SIGALRM, &sa, NULL);
	find_allocator();
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? NULL : shared;
}

#endif
