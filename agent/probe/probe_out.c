/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <x86intrin.h>

#include "agent/probe/probe_parts.h"
#include "agent/tracer/memory.h"

#define OUT_TRIES 1000u

static int is_ours(const struct probe *p, uint64_t address)
{
	return (address >= p->base && address < p->base + PROBE_STATE) || island_holds(p, address);
}

static int is_clear(struct probe *p)
{
	int64_t inside;

	if (probe_read(p, p->base + PROBE_STATE + offsetof(struct probe_state, inside), &inside,
		    sizeof(inside)) ||
		inside != 0)
		return 0;
	for (uint32_t i = 0; i < p->remote.n; i++)
		if (is_ours(p, p->remote.v[i].regs.rip) ||
			probe_scan_stack(p, &p->remote.v[i], is_ours))
			return 0;
	return 1;
}

/* The process may run another program by now, in which that memory is something else. */
static int is_there(struct probe *p)
{
	const struct place *at =
		space_read(&p->space, p->pid) < 0 ? NULL : space_find(&p->space, p->base);
	uint64_t ours = 0, now = 0;

	return at && at->is_anonymous && at->start == p->base &&
	       probe_read(p, p->base, &ours, sizeof(ours)) == 0 && ours == PROBE_MAGIC &&
	       memory_read(p->remote.v[0].tid, p->base, &now, sizeof(now)) == sizeof(now) &&
	       now == PROBE_MAGIC;
}

static int restore(struct probe *p)
{
	int error = probe_set_state(p, 0, 1);

	slots_restore(p);
	for (uint32_t i = 0; i < p->n; i++) {
		const struct patch *patch = &p->patches[i];
		int failed = probe_write(p, patch->address, patch->saved, PATCH_JUMP);
		error = error ? error : failed;
	}
	for (uint32_t i = 0; i < p->remote.n; i++) {
		struct remote_thread *t = &p->remote.v[i];
		uint64_t pc = t->regs.rip;
		for (uint32_t k = 0; k < p->n; k++) {
			uint64_t back = patch_restored_pc(&p->patches[k], pc);
			pc = back ? back : pc;
		}
		t->is_changed |= pc != t->regs.rip;
		t->regs.rip = pc;
	}
	return error;
}

/* As probe_disarm. */
static int take_out(struct probe *p)
{
	int result = -1;

	for (uint32_t tries = 0; tries < OUT_TRIES && result; tries++) {
		probe_beat(p);
		int error = remote_stop(&p->remote, p->pid);
		if (error == -REMOTE_GONE) {
			result = 0;
			break;
		}
		if (!error && !is_there(p)) {
			remote_release(&p->remote);
			p->is_gone = 1;
			result = 0;
			break;
		}
		if (!error) {
			p->stops++;
			result = restore(p) ? result : 1;
			probe_find_room(p);
			if (result == 1 && is_clear(p) &&
				probe_call(p, SYS_munmap, p->base, PROBE_SIZE, 0, 0, 0) == 0) {
				island_unmap(p);
				result = 0;
			}
			remote_release(&p->remote);
		}
		if (result)
			probe_rest(p, PAUSE_NS);
	}
	return result;
}

int probe_disarm(struct probe *p)
{
	int result = p->is_armed ? take_out(p) : 0;

	probe_close_memory(p);
	return result;
}

int probe_is_off(const struct probe *p)
{
	uint32_t is_on = 1;

	return probe_read(p, p->base + PROBE_STATE + offsetof(struct probe_state, is_on), &is_on,
		       sizeof(is_on)) == 0 &&
	       !is_on;
}

/* Only a jump into the probe is taken back. */
static int is_our_jump(const struct probe *p, uint64_t address)
{
	uint8_t code[PATCH_JUMP];
	int32_t distance;

	if (probe_read(p, address, code, sizeof(code)) || code[0] != 0xe9)
		return 0;
	memcpy(&distance, code + 1, sizeof(distance));
	return is_ours(p, address + PATCH_JUMP + distance);
}

/* What is to be restored. 0; -1: the probe is in use. */
static int learn_old(struct probe *p)
{
	const struct place *at = space_find(&p->space, p->base + PROBE_SHARED);
	struct probe_shared shared;

	p->n = p->n_islands = 0;
	slots_begin(p);
	/* One that died before it had that has not changed anything. */
	if (!at || !at->is_probe)
		return 0;
	if (at->end - at->start != SHARED_SIZE ||
		probe_read(p, at->start, &shared, sizeof(shared)) || shared.deadline > __rdtsc() ||
		shared.n_patches > PROBE_HOOKS)
		return -1;
	island_learn(p, &shared);
	for (uint32_t i = 0; i < shared.n_patches; i++) {
		const struct probe_saved *saved = &shared.saved[i];
		struct patch *patch = &p->patches[p->n];
		if (saved->n != PATCH_JUMP || !is_our_jump(p, saved->address))
			continue;
		*patch = (struct patch){.address = saved->address};
		memcpy(patch->saved, saved->bytes, PATCH_JUMP);
		p->n++;
	}
	return 0;
}

/* The region of an old one begins with its text. 0: there is none. */
static uint64_t find_old(struct probe *p)
{
	for (uint32_t i = 0; i < p->space.n; i++) {
		const struct place *at = &p->space.v[i];
		uint64_t magic = 0;
		if (at->is_anonymous && at->is_readable &&
			!probe_read(p, at->start, &magic, sizeof(magic)) && magic == PROBE_MAGIC)
			return at->start;
	}
	return 0;
}

int probe_take_out_old(struct probe *p)
{
	int error = 0;

	p->base = find_old(p);
	if (!p->base)
		return 0;
	error = learn_old(p) < 0 || take_out(p) ? -1 : 0;
	p->n = 0;
	p->base = 0;
	return error || space_read(&p->space, p->pid) < 0 ? -1 : 0;
}

void probe_forget(struct probe *p)
{
	probe_close_memory(p);
	probe_unmap_here(p);
	p->is_armed = 0;
}
