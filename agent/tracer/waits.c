/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/tracer/file_locks.h"
#include "agent/tracer/futex.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/waits.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449 /* Linux 5.16 */
#endif
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13 /* Linux 5.14 */
#endif

/* The next of n numbers, as the kernel writes them; how many there were. */
static int take_numbers(const char *text, uint64_t *out, int n)
{
	int i;

	for (i = 0; i < n && *text == ' '; i++) {
		char *end;
		out[i] = strtoull(text + 1, &end, 16);
		if (end == text + 1)
			return i;
		text = end;
	}
	return i;
}

int waits_parse(const char *text, struct call_now *out)
{
	char *rest;
	uint64_t sp_pc[2];

	*out = (struct call_now){.nr = -1};
	if (!strncmp(text, "running", 7))
		return 0;
	long nr = strtol(text, &rest, 10);
	if (rest == text || nr < -1)
		return -EINVAL;
	if (nr >= 0) {
		if (take_numbers(rest, out->args, 6) != 6)
			return -EINVAL;
		for (int i = 0; i < 6; i++)
			rest = strchr(rest + 1, ' ');
	}
	if (!rest || take_numbers(rest, sp_pc, 2) != 2)
		return -EINVAL;
	out->nr = nr;
	out->sp = sp_pc[0];
	out->pc = sp_pc[1];
	return 1;
}

/* Some lock: which one the words around it tell. */
static void find_futex(struct futex *f, struct wait *out)
{
	out->kind = WAIT_FUTEX;
	out->lock = f->address;
	if (f->address % 4 || futex_read(f) < 0)
		return;
	if (f->is_pi) {
		/* The kernel goes by the word: a thread waits only for one that is there. A mutex
		 * begins at a multiple of 8, musl's with its type. */
		int64_t word = futex_word(f, 0);
		futex_found(f, WAIT_MUTEX, -(int)(f->address % 8), word & FUTEX_TID_MASK, out);
		out->flags |= word & FUTEX_OWNER_DIED ? WAIT_HOLDER_GONE : 0;
		return;
	}
	if (!futex_is_glibc(f, out))
		futex_is_musl(f, out);
}

static void futex_of_call(struct process *p, const struct call_now *call, struct wait *out)
{
	uint32_t op = call->args[1];
	struct futex f = {.process = p,
		.address = call->args[0],
		.expected = call->args[2],
		.is_private = !!(op & FUTEX_PRIVATE_FLAG)};

	op &= FUTEX_CMD_MASK;
	f.is_pi = op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2;
	find_futex(&f, out);
}

/* Of several at once the first stands for all. */
static void futexes_of_call(struct process *p, const struct call_now *call, struct wait *out)
{
	struct {
		uint64_t expected, address;
		uint32_t flags, unused;
	} first;

	out->kind = WAIT_FUTEX;
	if (memory_read(process_live_tid(p), call->args[0], &first, sizeof(first)) ==
		(long)sizeof(first))
		out->lock = first.address;
}

/* A call that begins anew after a signal: the arguments are still those of the first. */
static int is_futex_again(struct process *p, const struct call_now *call)
{
	uint32_t op = call->args[1] & FUTEX_CMD_MASK, word;

	return (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET) && call->args[1] < 1024 &&
	       call->args[0] % 4 == 0 && call->args[3] &&
	       memory_read(process_live_tid(p), call->args[0], &word, sizeof(word)) ==
		       (long)sizeof(word) &&
	       word == (uint32_t)call->args[2];
}

static int is_lock_of_file(const struct call_now *call)
{
	uint32_t command = call->args[1];

	return call->nr == SYS_flock ||
	       (call->nr == SYS_fcntl && (command == F_SETLKW || command == F_OFD_SETLKW));
}

void waits_find(struct process *p, const struct call_now *call, struct wait *out)
{
	*out = (struct wait){.call = call->nr, .kind = call->nr < 0 ? WAIT_NONE : WAIT_IDLE};
	if (call->nr == SYS_futex)
		futex_of_call(p, call, out);
	else if (call->nr == SYS_restart_syscall && is_futex_again(p, call))
		futex_of_call(p, call, out);
	else if (call->nr == SYS_futex_waitv)
		futexes_of_call(p, call, out);
	else if (is_lock_of_file(call))
		file_lock_find(&p->target, call->nr == SYS_flock, call->args[0], out);
	else if (call->nr == SYS_semop || call->nr == SYS_semtimedop)
		out->kind = WAIT_SEM;
}
