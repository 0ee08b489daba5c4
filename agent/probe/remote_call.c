/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "agent/probe/remote_parts.h"
#include "agent/probe/way_back.h"
#include "agent/tracer/call.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/regs.h"

#define SYSCALL_LENGTH 2u
#define SYSCALL_STOP   (SIGTRAP | 0x80) /* with PTRACE_O_TRACESYSGOOD */
#define STOPS_MOST     16		/* on the way to the next one at a call */

int remote_get_regs(pid_t tid, struct user_regs_struct *regs)
{
	struct iovec iov = {regs, sizeof(*regs)};

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

int remote_set_regs(pid_t tid, const struct user_regs_struct *regs)
{
	struct iovec iov = {(void *)regs, sizeof(*regs)};

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

int remote_move(struct remote_thread *t, uint64_t pc)
{
	if (t->regs.rip == pc)
		return 0;
	t->regs.rip = pc;
	return remote_set_regs(t->tid, &t->regs);
}

int remote_poke(const struct remote *r, uint64_t at, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	while (n) {
		uint64_t word = at & -8ull, old;
		size_t skip = at - word, part = n < 8 - skip ? n : 8 - skip;
		errno = 0;
		old = ptrace(PTRACE_PEEKDATA, r->v[0].tid, word, 0);
		if (errno)
			return -errno;
		memcpy((uint8_t *)&old + skip, from, part);
		if (ptrace(PTRACE_POKEDATA, r->v[0].tid, word, old) < 0)
			return -errno;
		at += part, from += part, n -= part;
	}
	return 0;
}

/* --- calls --- */

/* Every signal is blocked, but SIGSTOP cannot be: it is passed on. Then the process is held by job
 * control, this thread only once we let it go. */
static int to_be_passed(int status)
{
	return !(status >> 16) && WSTOPSIG(status) == SIGSTOP ? SIGSTOP : 0;
}

/* To the next stop at a system call; 0 or -EIO. */
static int step_call(struct remote *r, pid_t tid)
{
	int status, signal = 0;

	for (int tries = 0; tries < STOPS_MOST; tries++) {
		if (ptrace(PTRACE_SYSCALL, tid, 0, signal) < 0 ||
			remote_wait(r, tid, REMOTE_CALL_MS, &status) < 0)
			return -EIO;
		if (WSTOPSIG(status) == SYSCALL_STOP && !(status >> 16))
			return 0;
		signal = to_be_passed(status);
	}
	return -EIO;
}

/* Back to where the kernel decides whether an interrupted call is made again: it does not ask after
 * a stop at a call. */
static int back_to_interrupt(struct remote *r, pid_t tid)
{
	int status, signal = 0;

	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		return -EIO;
	for (int tries = 0; tries < STOPS_MOST; tries++) {
		if (ptrace(PTRACE_CONT, tid, 0, signal) < 0 ||
			remote_wait(r, tid, REMOTE_CALL_MS, &status) < 0)
			return -EIO;
		if (remote_is_event(status))
			return 0;
		signal = to_be_passed(status);
	}
	return -EIO;
}

/* Whether the thread may make a call without being punished for it. */
static int is_free(const struct remote *r, struct remote_thread *t)
{
	if (!r->suspends && !t->filter)
		t->filter = call_is_filtered(t->tid) ? 2 : 1;
	return r->suspends || t->filter == 1;
}

/* One that has room for a way back; that waits for nothing, if there is one: its call is not begun
 * anew, however short. */
static struct remote_thread *best_caller(const struct remote *r)
{
	struct remote_thread *best = NULL;
	int best_rank = -1;

	for (uint32_t i = 0; i < r->n; i++) {
		struct remote_thread *t = &r->v[i];
		int rank = 2 * (t->room >= WAY_BACK_MAX) + !regs_in_syscall(&t->regs);
		if (!t->signal && t->filter != 2 && rank > best_rank) {
			best = t;
			best_rank = rank;
		}
	}
	return best;
}

static struct remote_thread *caller(const struct remote *r)
{
	struct remote_thread *t;

	while ((t = best_caller(r)) && !is_free(r, t))
		;
	return t;
}

static int why_nobody(const struct remote *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i].signal)
			return -EAGAIN;
	return -ENOEXEC;
}

static int is_code(pid_t tid, uint64_t at, const char *bytes, size_t n)
{
	uint8_t code[16];

	return memory_read(tid, at, code, n) == (long)n && !memcmp(code, bytes, n);
}

static int is_restore(pid_t tid, uint64_t at)
{
	return is_code(tid, at, REMOTE_RESTORE) || is_code(tid, at, REMOTE_RESTORE_SHORT);
}

/* Where a thread is when it makes a call. */
struct standpoint {
	uint64_t sp;
	uint64_t text; /* address of what the call is given */
	int is_below;  /* where something else may be: */
	uint8_t below[WAY_BACK_TEXT];
};

/* Puts a way back on the thread's stack, and the text where a signal would overwrite it. */
static struct standpoint lay_way_back(
	const struct remote *r, const struct remote_thread *t, uint64_t mask, const char *text)
{
	static uint8_t extended[16384], frame[WAY_BACK_MAX];
	const uint64_t below = t->regs.rsp - MEMORY_RED_ZONE - WAY_BACK_TEXT;
	struct standpoint own = {.sp = t->regs.rsp, .text = below}, at = {0};
	struct iovec iov = {extended, sizeof(extended)}, local = {frame, 0}, remote;

	if (r->restore && t->room >= WAY_BACK_MAX &&
		!ptrace(PTRACE_GETREGSET, t->tid, NT_X86_XSTATE, &iov))
		local.iov_len = way_back_make(
			&t->regs, mask, extended, iov.iov_len, r->restore, frame, &at.sp);
	at.text = at.sp + WAY_BACK_HEAD - WAY_BACK_TEXT;
	strncpy((char *)frame + WAY_BACK_HEAD - WAY_BACK_TEXT, text, WAY_BACK_TEXT);
	remote = (struct iovec){(void *)(uintptr_t)at.sp, local.iov_len};
	if (local.iov_len &&
		process_vm_writev(t->tid, &local, 1, &remote, 1, 0) == (ssize_t)local.iov_len)
		return at;
	/* Of a stack that is not known the end is not known either. */
	own.is_below = *text && memory_read(t->tid, below, own.below, sizeof(own.below)) ==
					(long)sizeof(own.below);
	if (own.is_below)
		remote_poke(r, below, text, strlen(text) + 1);
	return own;
}

static void prepare_call(
	const struct remote *r, struct user_regs_struct *regs, long number, const uint64_t args[6])
{
	regs->rip = r->instruction;
	regs->rax = number;
	regs->orig_rax = -1; /* no call to be restarted */
	regs->rdi = args[0];
	regs->rsi = args[1];
	regs->rdx = args[2];
	regs->r10 = args[3];
	regs->r8 = args[4];
	regs->r9 = args[5];
}

static long call(struct remote *r, pid_t tid, struct user_regs_struct *regs, long number)
{
	if (step_call(r, tid) < 0 || remote_get_regs(tid, regs) < 0)
		return -EIO;
	/* At the entry of some call: of ours, or somebody else's mind is at work here. */
	if ((long)regs->orig_rax != number || step_call(r, tid) < 0 ||
		remote_get_regs(tid, regs) < 0)
		return -EIO;
	return regs->rax;
}

/* At each point the thread has all that is its own, or registers from where it finds its way back
 * with its mask; until no signal can come in between it would do so without making the call. */
static long call_from(struct remote *r, const struct remote_thread *t,
	const struct standpoint *from, long number, const uint64_t args[6])
{
	struct user_regs_struct regs = t->regs;
	const uint64_t all = ~0ull;

	regs.rsp = from->sp;
	prepare_call(r, &regs, number, args);
	regs.rip += SYSCALL_LENGTH;
	if (remote_set_regs(t->tid, &regs) < 0 ||
		ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(all), &all) < 0)
		return -EIO;
	regs.rip -= SYSCALL_LENGTH;
	if (remote_set_regs(t->tid, &regs) < 0)
		return -EIO;
	return call(r, t->tid, &regs, number);
}

long remote_call(struct remote *r, long number, const char *text, const uint64_t args[6])
{
	struct remote_thread *t = caller(r);
	uint64_t before;

	if (!t)
		return why_nobody(r);
	/* They were found before the stop: what they lay in may be gone by now. A fault there would
	 * cost the program its handler of SIGSEGV. */
	if (!is_code(t->tid, r->instruction, REMOTE_CALL) ||
		ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(before), &before) < 0)
		return -EIO;
	if (r->restore && (!is_restore(t->tid, r->restore) ||
				  !is_code(t->tid, r->instruction, REMOTE_INSTRUCTION)))
		r->restore = 0;
	remote_set_alarm(r, 1);
	struct standpoint from = lay_way_back(r, t, before, text ? text : "");
	long result = call_from(r, t, &from, number,
		text ? (uint64_t[6]){from.text, args[1], args[2], args[3], args[4], args[5]}
		     : args);
	back_to_interrupt(r, t->tid);
	remote_set_alarm(r, 0);
	if (from.is_below)
		remote_poke(r, from.text, from.below, sizeof(from.below));
	ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(before), &before);
	remote_set_regs(t->tid, &t->regs);
	return result;
}

/* --- calls of one of us that was killed --- */

int remote_bring_home(struct remote_thread *t)
{
	struct user_regs_struct regs = t->regs;
	uint8_t frame[WAY_BACK_HEAD];
	uint64_t mask, restore, rip = regs.rip;

	if (memory_read(t->tid, regs.rsp, frame, sizeof(frame)) != sizeof(frame) ||
		!way_back_read(frame, regs.rsp, &regs, &mask, &restore))
		return 0;
	/* What is left of an old one lies at the stack pointer by chance. */
	if (!is_restore(t->tid, restore))
		return 0;
	if (!is_code(t->tid, rip, REMOTE_INSTRUCTION) &&
		!is_code(t->tid, rip - SYSCALL_LENGTH, REMOTE_INSTRUCTION))
		return 0;
	if (remote_set_regs(t->tid, &regs) < 0)
		return 0;
	ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(mask), &mask);
	t->regs = regs;
	return 1;
}
