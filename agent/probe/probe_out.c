/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "agent/probe/probe_parts.h"

#define OUT_TRIES 1000u

static int is_ours(const struct probe *p, uint64_t address)
{
	return address >= p->base && address < p->base + PROBE_STATE;
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
	const struct place *at = space_read(&p->space, p->pid) < 0
					 ? NULL
					 : space_find(&p->space, p->base + PROBE_SHARED);
	uint64_t magic = 0;

	return at && at->is_probe && at->start == p->base + PROBE_SHARED &&
	       probe_read(p, p->base, &magic, sizeof(magic)) == 0 && magic == PROBE_MAGIC;
}

static int restore(struct probe *p)
{
	int error = probe_set_state(p, 0, 1);

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

int probe_disarm(struct probe *p)
{
	int result = -1;

	if (!p->is_armed)
		return 0;
	for (uint32_t tries = 0; tries < OUT_TRIES && result; tries++) {
		probe_beat(p);
		int error = remote_stop(&p->remote, p->pid);
		if (error == -REMOTE_GONE) {
			result = 0;
			break;
		}
		if (!error && !is_there(p)) {
			remote_release(&p->remote);
			result = 0;
			break;
		}
		if (!error) {
			p->stops++;
			result = restore(p) ? result : 1;
			if (result == 1 && is_clear(p) &&
				probe_call(p, SYS_munmap, p->base, PROBE_SIZE, 0, 0, 0) == 0)
				result = 0;
			remote_release(&p->remote);
		}
		if (result)
			probe_rest(p, PAUSE_NS);
	}
	probe_close_memory(p);
	return result;
}

void probe_forget(struct probe *p)
{
	probe_close_memory(p);
	probe_unmap_here(p);
	p->is_armed = 0;
}
