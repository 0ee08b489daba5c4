/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "agent/probe/probe_parts.h"
#include "agent/tracer/memory.h"

#define SCAN_MAX (8 * MIB)

long probe_call(
	struct probe *p, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return remote_call(&p->remote, number, (uint64_t[6]){a, b, c, d, e, 0});
}

int probe_refuse(struct probe_refused *why, enum probe_cause cause, int detail)
{
	why->cause = cause;
	why->detail = detail;
	return -1;
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
	ssize_t done = pwrite(p->memory, bytes, n, at);

	return done == (ssize_t)n ? 0 : done < 0 ? -errno : -EIO;
}

int probe_read(const struct probe *p, uint64_t at, void *bytes, size_t n)
{
	ssize_t done = pread(p->memory, bytes, n, at);

	return done == (ssize_t)n ? 0 : done < 0 ? -errno : -EIO;
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
	uint64_t sp = (t->regs.rsp - 128) & -8ull;
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
