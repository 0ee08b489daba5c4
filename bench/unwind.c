/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Warm and cold unwinding per frame against libdw's unwinder, on the same captures: PID's main
 * thread is stopped briefly for each capture, registers and stack are copied, and it runs on. Then
 * the copies are unwound by our rules (first pass: rules are compiled; later passes: warm) and by
 * libdwfl with callbacks that read the same copies. The captures lie where they were taken to,
 * which is in no near cache; the worker has just copied the one that it unwinds.
 *
 * hit_rate: the frames for which neither libdw nor the module's code was asked, because the address
 * or another one of its row in the unwind information had been met, in the first pass.
 *
 * Arguments: PID CAPTURES. Prints "KEY VALUE" lines.
 */
#include <elf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/regs.h"
#include "unwind/unwind.h"

#define STACK	  (64 * 1024)
#define MODULES	  256
#define WARM_RUNS 20
#define RULES	  65536

static struct modules modules;
static struct maps maps;
static char module_paths[MODULES][256];
static uint32_t n_modules;
static struct capture **captures;
static unsigned n_captures;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static uint32_t module_of(const char *path)
{
	for (uint32_t i = 0; i < n_modules; i++)
		if (!strcmp(module_paths[i], path))
			return i + 1;
	if (n_modules == MODULES)
		return 0;
	snprintf(module_paths[n_modules], sizeof(module_paths[0]), "%s", path);
	int fd = path[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	modules_open(&modules, fd, n_modules + 1, fd < 0 ? MODULE_NO_FILE : 0);
	return ++n_modules;
}

static void read_maps(int pid)
{
	char name[64], line[600], path[256], perms[8];
	unsigned long start, end, offset;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	FILE *f = fopen(name, "re");
	maps.v = calloc(4096, sizeof(*maps.v));
	while (f && fgets(line, sizeof(line), f)) {
		path[0] = '\0';
		sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &start, &end, perms, &offset, path);
		if (perms[2] == 'x' && maps.n < 4096)
			maps.v[maps.n++] = (struct mapping){start, end, offset, module_of(path), 0};
	}
	if (f)
		fclose(f);
}

static int take(int pid)
{
	struct user_regs_struct u;
	struct iovec iov = {&u, sizeof(u)};
	struct capture *c = calloc(1, sizeof(*c) + STACK);
	int status;

	if (!c || ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return -1;
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -1;
	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
	struct iovec local = {c->stack, STACK};
	struct iovec remote = {(void *)(u.rsp - 128), STACK};
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	regs_from_user(&c->regs, &u);
	c->flags = CAPTURE_STOPPED;
	c->stack_base = u.rsp - 128;
	c->stack_len = n > 0 ? n : 0;
	captures[n_captures++] = c;
	return 0;
}

static void take_all(int pid, unsigned n)
{
	captures = calloc(n, sizeof(*captures));
	for (unsigned i = 0; i < n && take(pid) == 0; i++)
		usleep(3000 + rand() % 4000);
}

/* --- ours --------------------------------------------------------------------------------- */

static void ignore(void *arg, uint32_t module)
{
	(void)arg, (void)module;
}

static uint64_t unwind_all(struct rules *rules, double *ns)
{
	struct unwinder u = {.modules = &modules, .rules = rules, .reading = ignore};
	static struct stack stack;
	uint64_t frames = 0, need;
	double begin = now_ns();

	for (unsigned i = 0; i < n_captures; i++) {
		unwind_capture(&u, captures[i], &maps, &stack, &need);
		frames += stack.n;
	}
	*ns = now_ns() - begin;
	return frames;
}

static void bench_ours(void)
{
	struct rules *rules = rules_new();
	struct rules_figures first;
	double cold, warm, best = 0;
	uint64_t frames = unwind_all(rules, &cold);

	rules_figures(rules, &first);
	for (int i = 0; i < WARM_RUNS; i++) {
		unwind_all(rules, &warm);
		if (!best || warm < best)
			best = warm;
	}
	printf("captures %u\nframes %" PRIu64 "\naddresses %" PRIu64 "\nrules %u\n", n_captures,
		frames, first.compiled, first.distinct);
	printf("hit_rate %.4f\n", 1 - (double)first.compiled / frames);
	printf("warm_ns_per_frame %.1f\n", best / frames);
	printf("cold_ns_per_rule %.0f\n", (cold - best) / first.compiled);
	rules_free(rules);
}

/* --- one rule at first sight --------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What a rule takes that is not in the cache, as if nothing had been read before: modules are
 * opened anew. */
static void bench_cold(void)
{
	static double ns[RULES];
	static struct stack stack;
	struct modules fresh;
	struct rules *known = rules_new(), *rules = rules_new();
	struct unwinder u = {.modules = &modules, .rules = known, .reading = ignore};
	uint64_t need;
	unsigned n = 0;

	modules_init(&fresh);
	for (uint32_t i = 0; i < n_modules; i++)
		modules_open(&fresh, open(module_paths[i], O_RDONLY | O_CLOEXEC), i + 1, 0);
	for (unsigned i = 0; i < n_captures; i++) {
		unwind_capture(&u, captures[i], &maps, &stack, &need);
		for (uint32_t k = 0; k < stack.n && n < RULES; k++) {
			const struct frame *f = &stack.v[k];
			struct module *m = modules_get(&fresh, f->module);
			int is_return = f->flags & FRAME_RETURN;
			if (!m || rules_cached(rules, f->module, f->offset, is_return))
				continue;
			double begin = now_ns();
			rules_compile(rules, m, f->offset, is_return);
			ns[n++] = now_ns() - begin;
		}
	}
	qsort(ns, n, sizeof(*ns), by_value);
	printf("cold_ns_median %.0f\n", n ? ns[n / 2] : 0);
	rules_free(known);
	rules_free(rules);
	modules_fini(&fresh);
}

/* --- libdw's own -------------------------------------------------------------------------- */

static const struct capture *current;

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl, (void)arg;
	if (*thread_arg)
		return 0;
	*thread_arg = (void *)current;
	return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl, (void)arg;
	*thread_arg = (void *)current;
	return tid == 1;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *out, void *arg)
{
	(void)dwfl, (void)arg;
	uint64_t at = address - current->stack_base;
	if (current->stack_len < 8 || at > current->stack_len - 8)
		return false;
	memcpy(out, current->stack + at, 8);
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	(void)arg;
	Dwarf_Word r[REGS_COUNT];
	for (int i = 0; i < REGS_COUNT; i++)
		r[i] = current->regs.r[i];
	return dwfl_thread_state_registers(thread, 0, REGS_COUNT, r);
}

static int count_frame(Dwfl_Frame *frame, void *arg)
{
	Dwarf_Addr pc;
	uint64_t *frames = arg;

	if (dwfl_frame_pc(frame, &pc, NULL))
		++*frames;
	return *frames % 1000 ? DWARF_CB_OK : DWARF_CB_ABORT;
}

static void bench_libdw(int pid)
{
	static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo};
	static const Dwfl_Thread_Callbacks threads = {.next_thread = next_thread,
		.get_thread = get_thread,
		.memory_read = read_word,
		.set_initial_registers = set_registers};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	uint64_t frames = 0;
	double best = 0;

	dwfl_linux_proc_report(dwfl, pid);
	dwfl_report_end(dwfl, NULL, NULL);
	current = captures[0];
	if (!dwfl_attach_state(dwfl, NULL, 1, &threads, NULL)) {
		fprintf(stderr, "libdw: %s\n", dwfl_errmsg(-1));
		return;
	}
	for (int run = 0; run < 3; run++) {
		double begin = now_ns();
		frames = 0;
		for (unsigned i = 0; i < n_captures; i++) {
			uint64_t n = 0;
			current = captures[i];
			dwfl_getthread_frames(dwfl, 1, count_frame, &n);
			frames += n;
		}
		double took = now_ns() - begin;
		if (!best || took < best)
			best = took;
	}
	printf("libdw_frames %" PRIu64 "\nlibdw_ns_per_frame %.1f\n", frames, best / frames);
	dwfl_end(dwfl);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: unwind PID CAPTURES\n");
		return 2;
	}
	int pid = atoi(argv[1]);
	modules_init(&modules);
	read_maps(pid);
	take_all(pid, atoi(argv[2]));
	if (!n_captures) {
		fprintf(stderr, "no captures of process %d: %s\n", pid, strerror(errno));
		return 1;
	}
	bench_ours();
	bench_cold();
	bench_libdw(pid);
	modules_fini(&modules);
	return 0;
}
