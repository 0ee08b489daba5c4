/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <x86intrin.h>

#include "agent/probe/owner.h"
#include "agent/probe/probe_parts.h"
#include "agent/tracer/memory.h"

#define OUT_TRIES     80u /* three seconds */
#define UNMAP_TRIES   10u
#define PAUSE_MOST_NS 50000000ull

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
int probe_is_there(struct probe *p)
{
	const uint64_t at = p->base + PROBE_SHARED + offsetof(struct probe_shared, magic);
	uint64_t ours = 0, now = 0;

	return probe_read(p, at, &ours, sizeof(ours)) == 0 && ours == PROBE_MAGIC &&
	       memory_read(p->remote.v[0].tid, at, &now, sizeof(now)) == sizeof(now) &&
	       now == PROBE_MAGIC;
}

int probe_move_back(struct probe *p)
{
	int error = 0;

	for (uint32_t i = 0; i < p->remote.n; i++) {
		struct remote_thread *t = &p->remote.v[i];
		uint64_t pc = t->regs.rip;
		for (uint32_t k = 0; k < p->n; k++) {
			uint64_t back = patch_restored_pc(&p->patches[k], pc);
			pc = back ? back : pc;
		}
		int failed = remote_move(t, pc);
		error = error ? error : failed;
	}
	return error;
}

/* The code first, then who is in what stood in its place: that works until the very end. */
static int restore(struct probe *p)
{
	int error = probe_set_state(p, 0, 1);

	slots_restore(p);
	for (uint32_t i = 0; i < p->n; i++) {
		const struct patch *patch = &p->patches[i];
		int failed = probe_write(p, patch->address, patch->saved, PATCH_JUMP);
		error = error ? error : failed;
	}
	return error ? error : probe_move_back(p);
}

/* All are stopped. 0 nobody will come back to it; as probe_disarm. */
static int restore_stopped(struct probe *p)
{
	if (probe_know_space(p) < 0 || restore(p))
		return -1;
	return is_clear(p) ? 0 : 1;
}

/* Its memory, by one of the threads; the others go on. 0; 1: it stays. */
static int unmap(struct probe *p)
{
	int result = 1;

	for (uint32_t tries = 0; tries < UNMAP_TRIES && result; tries++) {
		/* The last tries by whoever finds its way back best. */
		int error = probe_stop(p, tries < UNMAP_TRIES / 2, tries);
		if (error == -REMOTE_GONE)
			return 0;
		if (!error) {
			int is_known = probe_know_space(p) == 0 && probe_find_room(p);
			p->is_gone = !probe_is_there(p);
			if (p->is_gone)
				result = 0;
			else if (is_known || tries >= UNMAP_TRIES / 2)
				result = island_unmap(p) ||
					 probe_call(p, SYS_munmap, p->base, PROBE_SIZE, 0, 0, 0);
			remote_release(&p->remote);
		}
		if (result)
			probe_rest(p, PAUSE_NS);
	}
	return result;
}

/* The longer it takes, the less often everyone is stopped for it. */
int probe_take_out(struct probe *p)
{
	uint64_t pause = PAUSE_NS;
	int result = -1;

	for (uint32_t tries = 0; tries < OUT_TRIES && result; tries++) {
		probe_beat(p);
		int error = probe_stop(p, 0, tries);
		if (error == -REMOTE_GONE)
			return 0;
		if (!error) {
			p->is_gone = !probe_is_there(p);
			int got = p->is_gone ? 0 : restore_stopped(p);
			/* Once its code is as before it stays so. */
			result = got < 0 ? result : got;
			remote_release(&p->remote);
		}
		if (result)
			probe_rest(p, pause);
		pause = pause < PAUSE_MOST_NS ? pause + pause / 8 : pause;
	}
	return result || p->is_gone ? result : unmap(p);
}

int probe_disarm(struct probe *p)
{
	int result = p->is_armed ? probe_take_out(p) : 0;

	/* Children that have a copy of it may be freed of it, too. */
	if (p->records.shared)
		owner_clear((void *)p->records.shared);
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
static int learn_old(struct probe *p, const struct place *at)
{
	struct probe_shared shared;

	p->n = p->n_islands = 0;
	slots_begin(p);
	if (at->end != p->base + PROBE_SIZE ||
		probe_read(p, p->base + PROBE_SHARED, &shared, sizeof(shared)) ||
		shared.magic != PROBE_MAGIC || owner_is_alive(&shared) ||
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

/* The lowest above that address; 0: there is none. */
static uint64_t find_old(struct probe *p, uint64_t above, struct place *out)
{
	for (uint32_t i = 0; i < p->space.n; i++) {
		const struct place *at = &p->space.v[i];
		if (at->is_probe && at->start > above) {
			*out = *at;
			return at->start - at->offset;
		}
	}
	return 0;
}

int probe_take_out_old(struct probe *p, struct probe_found *found)
{
	struct place at = {0};

	*found = (struct probe_found){0};
	while ((p->base = find_old(p, at.start, &at))) {
		int is_used = learn_old(p, &at) < 0;
		int got = is_used ? -1 : probe_take_out(p);
		found->out += got == 0;
		found->inert += got == 1;
		found->in_use += is_used;
		found->stuck += got < 0 && !is_used;
		if (space_read(&p->space, p->pid) < 0)
			break;
	}
	int closed = found->in_use ? 0 : probe_close_left(p);
	found->closed = closed > 0 ? closed : 0;
	p->n = 0;
	p->base = 0;
	return found->in_use || found->stuck || closed < 0 || space_read(&p->space, p->pid) < 0 ? -1
												: 0;
}

void probe_forget(struct probe *p)
{
	probe_close_memory(p);
	probe_unmap_here(p);
	p->is_armed = 0;
}
