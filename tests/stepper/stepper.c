/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepper [-entry] [-excuse NAME,NAME...] PROGRAM [ARG...]: runs a program one instruction at a
 * time, keeps its true stack (shadow.h), and unwinds it at each as the worker does. -entry: from
 * the program's own entry point on, not from the dynamic loader's. Prints
 *
 *   steps N instructions N deepest N signals N
 *   whole N short N wrong N guessed N excused N
 *   frames N found N
 *   blocked N whole N short N wrong N guessed N
 *   differs STEPS MODULE FUNCTION+OFFSET END FRAMES
 *
 * whole: the truth; short: its leaf side, and an end that says so; wrong: anything else, guessed:
 * that again, but with a frame that is marked as a guess; excused: not whole, and the truth goes
 * through one of these functions (=NAME: that is where it is). blocked: the same after system
 * calls, unwound from pc and sp alone. differs: each address at which a stack is not whole nor
 * excused, how the first one ends, and how many of its frames are true. STEPPER_SHOWS: the stacks
 * themselves.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/list.h"
#include "tests/stepper/shadow.h"
#include "tests/stepper/view.h"

#define SHOWN	  300
#define PLACES	  (1u << 20)
#define PC_AND_SP (1u << DWREG_PC | 1u << DWREG_RSP)
#define RIP_OF_UCONTEXT                                                                            \
	(40 + 16 * 8) /* struct sigcontext: 16 registers, then rip; see unwind/unwind.c */

/* One address of the program. */
struct place {
	uint64_t pc, differ;
	uint32_t end, frames; /* of the first that differs */
};

enum verdict { WHOLE, SHORT, WRONG, GUESSED, EXCUSED, VERDICTS };

static struct {
	pid_t pid;
	char *excused; /* names with a comma before and after each */
	struct view now;
	struct shadow truth;
	struct place *places;
	struct index by_pc;
	uint32_t n_places, room, deepest;
	uint64_t steps, signals, frames, found; /* found: true frames from the leaf on */
	uint64_t stepped[VERDICTS], blocked[VERDICTS];
} run;

static int is_pc(const void *arg, uint32_t position)
{
	return run.places[position].pc == *(const uint64_t *)arg;
}

static struct place *place_of(uint64_t pc)
{
	uint64_t hash = hash_pair(0, pc);
	long at = index_find(&run.by_pc, hash, is_pc, &pc);

	if (at >= 0)
		return &run.places[at];
	if (list_room(&run.places, run.n_places, 1, &run.room, sizeof(struct place), PLACES) < 0 ||
		index_add(&run.by_pc, hash, run.n_places) < 0)
		abort();
	run.places[run.n_places] = (struct place){.pc = pc};
	return &run.places[run.n_places++];
}

/* The address of the true frame i, 0 the leaf. */
static uint64_t true_address(uint32_t i)
{
	return i ? shadow_address(&run.truth, i - 1) : run.now.user.rip;
}

/* How many frames from the leaf on are true. */
static uint32_t same_frames(void)
{
	const struct stack *s = &run.now.stack;
	uint32_t n = 0;

	while (n < s->n && n <= run.truth.n && view_address(&s->v[n]) == true_address(n))
		n++;
	return n;
}

static int is_excused(void)
{
	char name[300], wanted[304];

	for (uint32_t i = 0; run.excused && i <= run.truth.n; i++) {
		view_name(true_address(i), name, sizeof(name));
		const char *function = strchr(name, ' ') + 1;
		/* ",=NAME,": with the sign or behind it. */
		snprintf(wanted, sizeof(wanted), ",=%.*s,", (int)strcspn(function, "+"), function);
		if (!i && strstr(run.excused, wanted))
			return 1;
		wanted[1] = ',';
		if (strstr(run.excused, wanted + 1))
			return 1;
	}
	return 0;
}

static enum verdict judge(uint32_t same)
{
	const struct stack *s = &run.now.stack;
	int is_guessed = 0;

	if (same == s->n && same == run.truth.n + 1 && s->end == STACK_DONE)
		return WHOLE;
	if (is_excused())
		return EXCUSED;
	if (same == s->n && s->end != STACK_DONE)
		return SHORT;
	for (uint32_t i = 0; i < s->n; i++)
		is_guessed |= s->v[i].flags & FRAME_GUESSED;
	return is_guessed ? GUESSED : WRONG;
}

static void show(uint32_t same)
{
	char name[300];
	const struct stack *s = &run.now.stack;

	printf("step %" PRIu64 ": end %u, %u frames of %u, %u true\n", run.steps, s->end, s->n,
		run.truth.n + 1, same);
	for (uint32_t i = 0; i < s->n; i++) {
		view_name(view_address(&s->v[i]), name, sizeof(name));
		printf("    ours  %s%s\n", name, s->v[i].flags & FRAME_GUESSED ? " guessed" : "");
	}
	for (uint32_t i = 0; i <= run.truth.n; i++) {
		view_name(true_address(i), name, sizeof(name));
		printf("    truth %s\n", name);
	}
}

static void compare(void)
{
	struct place *p = place_of(run.now.user.rip);

	view_unwind(&run.now, REGS_ALL);
	run.steps++;
	if (run.truth.n > run.deepest)
		run.deepest = run.truth.n;
	uint32_t same = same_frames();
	run.frames += run.truth.n + 1;
	run.found += same;
	enum verdict verdict = judge(same);
	run.stepped[verdict]++;
	if (verdict == WHOLE || verdict == EXCUSED || p->differ++)
		return;
	p->end = run.now.stack.end;
	p->frames = same;
	if (getenv("STEPPER_SHOWS"))
		show(same);
}

/* As a thread that sleeps is read: nothing is known but where it is. */
static void compare_blocked(void)
{
	view_unwind(&run.now, PC_AND_SP);
	uint32_t same = same_frames();
	enum verdict verdict = judge(same);
	run.blocked[verdict]++;
	if (verdict != WHOLE && verdict != EXCUSED && getenv("STEPPER_SHOWS"))
		show(same);
}

static void changes_maps(uint64_t call)
{
	if (call == SYS_mmap || call == SYS_munmap || call == SYS_mprotect || call == SYS_execve ||
		call == SYS_brk)
		view_maps_changed();
}

/* One instruction; signal: is delivered before it. The status that waitpid has, or -1. */
static int step(int signal)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, run.pid, 0, signal) < 0 ||
		waitpid(run.pid, &status, __WALL) != run.pid)
		return -1;
	return status;
}

/* The kernel has put a handler's frame on the stack: the address of the trampoline, then the
 * ucontext. */
static void enter_handler(void)
{
	uint64_t sp = run.now.user.rsp, interrupted = view_word(sp + 8 + RIP_OF_UCONTEXT);
	uint64_t interrupted_sp = view_word(sp + 8 + RIP_OF_UCONTEXT - 8);

	shadow_push(&run.truth, interrupted_sp - 1, interrupted, 1);
	shadow_push(&run.truth, sp, view_word(sp), 0);
	run.signals++;
}

/* What the instruction at before did to the true stack. */
static void follow(const struct user_regs_struct *before, enum instruction what, int signal)
{
	uint64_t sp = run.now.user.rsp;

	if (signal && sp < before->rsp - 512 && run.now.user.rdi == (uint64_t)signal) {
		enter_handler();
		return;
	}
	if (what == INSTRUCTION_SYSCALL && before->rax == SYS_rt_sigreturn) {
		shadow_sigreturn(&run.truth);
		return;
	}
	shadow_sp(&run.truth, sp);
	if (what == INSTRUCTION_CALL && sp == before->rsp - 8)
		shadow_push(&run.truth, sp, view_word(sp), 0);
	if (what == INSTRUCTION_SYSCALL)
		changes_maps(before->rax);
}

/* Until the program's end, whose status is the result. */
static int step_all(void)
{
	int signal = 0, status = 0;

	if (view_take(&run.now) < 0)
		return -1;
	for (;;) {
		compare();
		struct user_regs_struct before = run.now.user;
		enum instruction what = shadow_instruction(run.now.code, VIEW_CODE);
		status = step(signal);
		if (status < 0 || !WIFSTOPPED(status))
			return status;
		if (what == INSTRUCTION_SYSCALL && before.rax != SYS_rt_sigreturn)
			changes_maps(before.rax);
		if (view_take(&run.now) < 0)
			return -1;
		follow(&before, what, signal);
		signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
		if (what == INSTRUCTION_SYSCALL && before.rax != SYS_rt_sigreturn)
			compare_blocked();
	}
}

static int by_pc(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->pc > y->pc) - (x->pc < y->pc);
}

static void print_verdicts(const uint64_t *v)
{
	printf("whole %" PRIu64 " short %" PRIu64 " wrong %" PRIu64 " guessed %" PRIu64
	       " excused %" PRIu64 "\n",
		v[WHOLE], v[SHORT], v[WRONG], v[GUESSED], v[EXCUSED]);
}

static void report(void)
{
	char name[300];

	printf("steps %" PRIu64 " instructions %u deepest %u signals %" PRIu64 "\n", run.steps,
		run.n_places, run.deepest, run.signals);
	print_verdicts(run.stepped);
	printf("frames %" PRIu64 " found %" PRIu64 "\n", run.frames, run.found);
	printf("blocked ");
	print_verdicts(run.blocked);
	qsort(run.places, run.n_places, sizeof(*run.places), by_pc);
	for (uint32_t i = 0, shown = 0; i < run.n_places && shown < SHOWN; i++) {
		const struct place *p = &run.places[i];
		if (!p->differ)
			continue;
		view_name(p->pc, name, sizeof(name));
		printf("differs %" PRIu64 " %s %u %u\n", p->differ, name, p->end, p->frames);
		shown++;
	}
}

static pid_t start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		personality(ADDR_NO_RANDOMIZE);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL);
	return pid;
}

static uint64_t entry_point(void)
{
	char name[64];
	Elf64_auxv_t v = {0};

	snprintf(name, sizeof(name), "/proc/%d/auxv", run.pid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	while (read(fd, &v, sizeof(v)) == sizeof(v) && v.a_type != AT_ENTRY)
		;
	close(fd);
	return v.a_un.a_val;
}

/* Through a breakpoint. 0 or -1. */
static int run_to_entry(void)
{
	void *at = (void *)entry_point();
	struct user_regs_struct regs;
	int status;
	long word = ptrace(PTRACE_PEEKTEXT, run.pid, at, 0);

	ptrace(PTRACE_POKETEXT, run.pid, at, (word & ~0xfful) | 0xcc);
	if (ptrace(PTRACE_CONT, run.pid, 0, 0) < 0 || waitpid(run.pid, &status, 0) != run.pid ||
		!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
		return -1;
	ptrace(PTRACE_POKETEXT, run.pid, at, word);
	ptrace(PTRACE_GETREGS, run.pid, 0, &regs);
	regs.rip = (uint64_t)at;
	return ptrace(PTRACE_SETREGS, run.pid, 0, &regs) < 0 ? -1 : 0;
}

/* Two processes that take turns at each instruction do so faster on one CPU. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	int at = 1, from_entry = 0;

	if (at < argc && !strcmp(argv[at], "-entry"))
		from_entry = at++;
	if (at + 1 < argc && !strcmp(argv[at], "-excuse")) {
		if (asprintf(&run.excused, ",%s,", argv[at + 1]) < 0)
			return 1;
		at += 2;
	}
	if (at >= argc) {
		fprintf(stderr, "usage: stepper [-entry] [-excuse NAME,...] PROGRAM [ARG...]\n");
		return 2;
	}
	stay_here();
	run.pid = start(argv + at);
	if (run.pid < 0 || (from_entry && run_to_entry() < 0)) {
		fprintf(stderr, "%s: %s\n", argv[at], strerror(errno));
		return 1;
	}
	view_init(run.pid);
	int status = step_all();
	report();
	return status ? 1 : 0;
}
