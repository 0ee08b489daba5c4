/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/goroutine.h"
#include "agent/tracer/memory.h"

#define TLS_G 8u    /* runtime.tlsg: so far below fs */
#define M_MAX 4096u /* no struct m is larger */

/* runtime/runtime2.go, struct g of all versions since 1.18; sched begins with sp, pc. */
struct g {
	uint64_t low, high; /* its stack */
	uint64_t guards[2], panics, defers;
	uint64_t m;
	uint64_t sp, pc;
};

static uint64_t word_at(pid_t tid, uint64_t address)
{
	uint64_t word;

	return memory_read(tid, address, &word, sizeof(word)) == sizeof(word) ? word : 0;
}

static int is_within(const struct g *g, uint64_t sp)
{
	return sp > g->low && sp <= g->high;
}

struct goroutine goroutine_of(pid_t tid, const struct user_regs_struct *u, uint32_t curg)
{
	struct goroutine out = {0};
	struct g g, user;
	uint64_t at = word_at(tid, u->fs_base - TLS_G);

	if (!at || curg >= M_MAX || memory_read(tid, at, &g, sizeof(g)) != sizeof(g))
		return out;
	if (is_within(&g, u->rsp))
		out.stack_end = g.high;
	uint64_t user_at = word_at(tid, g.m + curg);
	/* It asks for the time: the goroutine itself calls the vdso on the other stack, and keeps
	 * its sp in r12 (runtime.nanotime1). */
	if (user_at == at && !out.stack_end && is_within(&g, u->r12)) {
		out.sp = u->r12;
		out.sp_end = g.high;
	}
	if (!user_at || user_at == at ||
		memory_read(tid, user_at, &user, sizeof(user)) != sizeof(user))
		return out;
	if (user.m == g.m && is_within(&user, user.sp)) {
		out.sp = user.sp;
		out.sp_end = user.high;
		out.pc = user.pc;
	}
	return out;
}

int goroutine_is_run(pid_t tid, uint64_t held, uint64_t g)
{
	return g && word_at(tid, held) == g;
}
