/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jit [SECONDS [MODE]]: a program that makes code at run time and writes a perf map of it.
 *
 * jit_60, jit_30 and jit_10 have these shares of the CPU time, each called by a chain jit_chain1 to
 * jit_chain20. Functions have frame pointers and no unwind information. MODE:
 *	map	the map is there from the begin (the default)
 *	none	no map; "map FILE" names one that is written all the same
 *	gone	the map is removed again when the work begins
 *	end	it is written when the work is over
 *	inside	in namespaces of processes and mounts of its own
 *	silent	the same, and /tmp is a file system that never answers
 *	ring	jit_ring0 calls jit_ring1 calls jit_ring2 calls jit_ring0 ..., and nothing else:
 *most of the time in first and last instructions
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "target.h"

enum { functions = 3, chain = 20, deck_size = 10, room = 65536, slice_us = 300, ring_depth = 30 };

static const char *const names[functions] = {"jit_60", "jit_30", "jit_10"};
static const int slices[functions] = {6, 3, 1};
static uint64_t used[functions];
static const char *mode = "map";

static unsigned char *code;
static size_t at;
static char map[room];
static size_t map_len;

typedef void made_function(uint64_t loops);

static void put(const char *bytes, size_t n)
{
	memcpy(code + at, bytes, n);
	at += n;
}

#define PUT(bytes) put(bytes, sizeof(bytes) - 1)

static size_t begin(void)
{
	at = (at + 15) / 16 * 16;
	return at;
}

/* Named in the map, with a line and a file in the way of V8 where there is one. */
static void end(size_t start, const char *name)
{
	map_len += (size_t)snprintf(map + map_len, sizeof(map) - map_len, "%" PRIxPTR " %zx %s\n",
		(uintptr_t)(code + start), at - start, name);
}

static void put_call(size_t to)
{
	int32_t distance = (int32_t)(to - (at + 5));

	PUT("\xe8");
	put((const char *)&distance, sizeof(distance));
}

#define PUT_ENTRY() PUT("\x55\x48\x89\xe5") /* push %rbp; mov %rsp,%rbp */
#define PUT_EXIT()  PUT("\x5d\xc3")	    /* pop %rbp; ret */

/* Spins rdi times. */
static size_t make_work(const char *name)
{
	size_t start = begin();

	PUT_ENTRY();
	PUT("\xb8\x01\x00\x00\x00");	     /* mov $1,%eax */
	PUT("\x48\x6b\xc0\x1d\x48\xff\xcf"); /* 1: imul $29,%rax,%rax; dec %rdi */
	PUT("\x75\xf7");		     /* jnz 1b */
	PUT_EXIT();
	end(start, name);
	return start;
}

static size_t make_caller(size_t callee, const char *name)
{
	size_t start = begin();

	PUT_ENTRY();
	put_call(callee);
	PUT_EXIT();
	end(start, name);
	return start;
}

static made_function *make_chain(const char *name)
{
	size_t callee = make_work(name);

	for (int i = chain; i > 0; i--) {
		char shown[64];
		snprintf(shown, sizeof(shown), "jit_chain%d /made/by/jit.x:%d:1", i, 100 + i);
		callee = make_caller(callee, shown);
	}
	return (made_function *)(uintptr_t)(code + callee);
}

/* if (--rdi) call the next one: three functions of one size. */
static made_function *make_ring(void)
{
	size_t first = begin(), size = 32;

	for (int i = 0; i < 3; i++) {
		char name[16];
		size_t start = begin();
		PUT_ENTRY();
		PUT("\x48\xff\xcf\x74\x05"); /* dec %rdi; jz over the call */
		put_call(first + (size_t)((i + 1) % 3) * size);
		PUT_EXIT();
		while (at < start + size)
			PUT("\xcc");
		snprintf(name, sizeof(name), "jit_ring%d", i);
		end(start, name);
	}
	return (made_function *)(uintptr_t)(code + first);
}

static void write_map(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, map, map_len) != (ssize_t)map_len) {
		perror(path);
		exit(1);
	}
	close(fd);
}

static void map_path(char *out, size_t n)
{
	snprintf(out, n, "/tmp/perf-%d.map", (int)getpid());
}

/* The child lives in the new namespaces; what it is called out here is told by us. */
static void go_inside(int is_silent)
{
	char options[64];

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0) {
		printf("skip no namespaces\n");
		exit(77);
	}
	pid_t child = fork();
	if (child) {
		int status = 0;
		printf("inside %d\nready %d\n", (int)child, (int)child);
		fflush(stdout);
		waitpid(child, &status, 0);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = is_silent ? open("/dev/fuse", O_RDWR | O_CLOEXEC) : -1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/tmp", is_silent ? "fuse" : "tmpfs", 0, is_silent ? options : NULL) <
			0) {
		perror("mount");
		exit(1);
	}
}

static void work(made_function *const *run, uint64_t unit)
{
	uint32_t seed = 4711;
	int deck[deck_size], n = 0;

	for (int f = 0; f < functions; f++)
		for (int i = 0; i < slices[f]; i++)
			deck[n++] = f;
	while (target_running()) {
		target_shuffle(deck, deck_size, &seed);
		for (int i = 0; i < deck_size; i++) {
			uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
			run[deck[i]](unit);
			used[deck[i]] += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
		}
	}
}

static void work_ring(made_function *run)
{
	while (target_running())
		for (int i = 0; i < 10000; i++)
			run(ring_depth);
}

int main(int argc, char **argv)
{
	made_function *run[functions], *ring;
	char path[64];
	uint64_t sum = 0;

	if (argc > 2)
		mode = argv[2];
	int is_silent = !strcmp(mode, "silent");
	if (is_silent || !strcmp(mode, "inside"))
		go_inside(is_silent);
	target_init(arg_number(argc, argv, 1, 0));
	code = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int f = 0; f < functions; f++)
		run[f] = make_chain(names[f]);
	ring = make_ring();
	mprotect(code, room, PROT_READ | PROT_EXEC);
	map_path(path, sizeof(path));
	if (argc > 3)
		write_map(argv[3]);
	else if (!is_silent && strcmp(mode, "none") != 0 && strcmp(mode, "end") != 0)
		write_map(path);
	target_ready();
	if (!strcmp(mode, "gone")) {
		/* Once it has been seen. */
		uint64_t until = clock_ns(CLOCK_MONOTONIC) + 1500000000u;
		while (clock_ns(CLOCK_MONOTONIC) < until)
			run[0](target.per_us * slice_us);
		used[0] = 0;
		unlink(path);
	}
	if (!strcmp(mode, "ring"))
		work_ring(ring);
	else
		work(run, target.per_us * slice_us);
	if (!strcmp(mode, "end"))
		write_map(path);
	for (int f = 0; f < functions; f++) {
		truth(names[f], used[f]);
		sum += used[f];
	}
	truth("accounted", sum);
	return 0;
}
