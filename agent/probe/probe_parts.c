/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "agent/probe/probe_parts.h"
#include "agent/tracer/memory.h"

#define SCAN_MAX    (8 * MIB)
#define PATIENCE_MS 10u

int probe_stop(struct probe *p, int is_one, uint32_t tries)
{
	p->remote.patience_ms = PATIENCE_MS << (tries < 8 ? tries / 2 : 4);
	space_read(&p->space, p->pid);
	int error = (is_one ? remote_stop_one : remote_stop)(&p->remote, p->pid);
	p->stops += !error && !is_one;
	return error;
}

long probe_call(
	struct probe *p, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return remote_call(&p->remote, number, NULL, (uint64_t[6]){a, b, c, d, e, 0});
}

long probe_call_named(struct probe *p, long number, const char *name, uint64_t b)
{
	return remote_call(&p->remote, number, name, (uint64_t[6]){0, b});
}

int probe_refuse(struct probe_refused *why, enum probe_cause cause, int detail)
{
	why->cause = cause;
	why->detail = detail;
	return -1;
}

int probe_refuse_space(struct probe_refused *why, int error)
{
	return error == -ESRCH || error == -ENOENT ? probe_refuse(why, PROBE_CAUSE_GONE, 0)
						   : probe_refuse(why, PROBE_CAUSE_MAPS, -error);
}

void probe_rest(struct probe *p, uint64_t ns)
{
	struct timespec pause = {.tv_nsec = ns};

	nanosleep(&pause, NULL);
	if (p->remote.beat)
		p->remote.beat(p->remote.arg);
}

int probe_write(const struct probe *p, uint64_t at, const void *bytes, size_t n)
{
	uint8_t old;
	ssize_t done = pwrite(p->memory, bytes, n, at);

	if (done == (ssize_t)n)
		return 0;
	/* A kernel that is set up so refuses what the program itself may not write, and lets a
	 * tracer. Not where that memory is gone: another program may run. */
	if (!p->remote.n || probe_read(p, at, &old, sizeof(old)))
		return done < 0 ? -errno : -EIO;
	return remote_poke(&p->remote, at, bytes, n);
}

int probe_read(const struct probe *p, uint64_t at, void *bytes, size_t n)
{
	ssize_t done = pread(p->memory, bytes, n, at);

	return done == (ssize_t)n ? 0 : done < 0 ? -errno : -EIO;
}

int probe_know_space(struct probe *p)
{
	int is_known = p->space.n && !p->remote.rescued;

	for (uint32_t i = 0; i < p->remote.n && is_known; i++) {
		const struct user_regs_struct *r = &p->remote.v[i].regs;
		is_known = space_stack_end(&p->space, r->rsp, r->fs_base) != r->rsp;
	}
	p->remote.rescued = 0;
	return is_known ? 0 : space_read(&p->space, p->pid);
}

int probe_set_state(const struct probe *p, uint32_t is_on, uint64_t mean)
{
	struct probe_state state = {.is_on = is_on, .mean = mean};

	return probe_write(p, p->base + PROBE_STATE, &state, offsetof(struct probe_state, inside));
}

/* Whether some word of the thread's stack is an address for which test is true. */
int probe_scan_stack(struct probe *p, const struct remote_thread *t,
	int (*test)(const struct probe *p, uint64_t address))
{
	static uint64_t words[8192];
	const struct place *at = space_find(&p->space, t->regs.rsp);
	uint64_t sp = (t->regs.rsp - MEMORY_RED_ZONE) & -8ull;
	uint64_t end = space_stack_end(&p->space, t->regs.rsp, t->regs.fs_base);

	if (!at)
		return 0;
	if (sp < at->start)
		sp = at->start;
	if (end == t->regs.rsp)
		end = at->end;
	if (end - sp > SCAN_MAX)
		end = sp + SCAN_MAX;
	for (; sp < end; sp += sizeof(words)) {
		size_t n = end - sp < sizeof(words) ? end - sp : sizeof(words);
		long got = memory_read(t->tid, sp, words, n);
		for (long i = 0; i < got / 8; i++)
			if (test(p, words[i]))
				return 1;
	}
	return 0;
}

void probe_unmap_here(struct probe *p)
{
	if (p->records.shared)
		munmap(p->records.shared, SHARED_SIZE);
	p->records.shared = NULL;
}

void probe_close_memory(struct probe *p)
{
	if (p->memory >= 0)
		close(p->memory);
	p->memory = -1;
	space_fini(&p->space);
}

void probe_beat(struct probe *p)
{
	if (p->records.shared)
		__atomic_store_n(&((struct probe_shared *)p->records.shared)->deadline,
			__rdtsc() + PROBE_SILENCE_S * p->ticks_per_s, __ATOMIC_RELAXED);
}

/* Only in a slot that is this thread's: its place is taken from the target's own word. */
void probe_tell_stack(struct probe *p, const struct probe_record *of)
{
	uint64_t at = p->base + PROBE_SLOTS + of->slot * PROBE_SLOT_SIZE;
	uint64_t bounds[2], thread;

	if (space_read(&p->space, p->pid) < 0 || probe_read(p, at, &thread, sizeof(thread)) ||
		thread != of->thread)
		return;
	const struct place *stack = space_find(&p->space, of->sp);
	bounds[1] = space_stack_end(&p->space, of->sp, of->thread);
	bounds[0] = stack ? stack->start : 0;
	if (stack && bounds[1] != of->sp)
		probe_write(p, at + offsetof(struct probe_slot, low), bounds, sizeof(bounds));
}
