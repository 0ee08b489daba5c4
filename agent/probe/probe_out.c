/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <x86intrin.h>

#include "agent/probe/owner.h"
#include "agent/probe/probe_parts.h"
#include "agent/tracer/memory.h"

#define OUT_TRIES     PROBE_CLEAR_TRIES /* three seconds */
#define UNMAP_TRIES   10u
#define PAUSE_MOST_NS 50000000ull

int probe_holds(const struct probe *p, uint64_t address)
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
		if (probe_holds(p, p->remote.v[i].regs.rip) ||
			probe_scan_stack(p, &p->remote.v[i], probe_holds))
			return 0;
	return 1;
}

/* The process may run another program by now, in which that memory is something else. Where the
 * magic is there it is not; the program may have written over that, but not over its mappings. */
int probe_is_there(struct probe *p)
{
	const uint64_t shared = p->base + PROBE_SHARED;
	const uint64_t at = shared + offsetof(struct probe_shared, magic);
	uint64_t ours = 0, now = 0;

	if (probe_read(p, at, &ours, sizeof(ours)))
		return 0;
	if (ours == PROBE_MAGIC &&
		memory_read(p->remote.v[0].tid, at, &now, sizeof(now)) == sizeof(now) &&
		now == PROBE_MAGIC)
		return 1;
	const struct place *place =
		space_read(&p->space, p->pid) < 0 ? NULL : space_find(&p->space, shared);
	return place && place->is_probe && place->start - place->offset == p->base;
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

/* Whether a jump into the probe is there; -errno. */
int probe_has_jump(const struct probe *p, uint64_t address)
{
	uint8_t code[PATCH_JUMP];
	int32_t distance;
	int error = probe_read(p, address, code, sizeof(code));

	if (error || code[0] != 0xe9)
		return error;
	memcpy(&distance, code + 1, sizeof(distance));
	return probe_holds(p, address + PATCH_JUMP + distance);
}

/* The module may be there no more, and its place another's. What is there, but cannot be read, is
 * tried again: nobody may be left with a jump to nowhere. 0 or -errno. */
static int restore_entry(struct probe *p, const struct patch *patch)
{
	int got = probe_has_jump(p, patch->address);

	if (got < 0)
		return space_find(&p->space, patch->address) ? got : 0;
	return got ? probe_write(p, patch->address, patch->saved, PATCH_JUMP) : 0;
}

/* The code first, then who is in what stood in its place: that works until the very end. */
static int restore(struct probe *p)
{
	int error = probe_set_state(p, 0, 1);

	slots_restore(p);
	for (uint32_t i = 0; i < p->n; i++) {
		int failed = restore_entry(p, &p->patches[i]);
		error = error ? error : failed;
	}
	return error ? error : probe_move_back(p);
}

/* Somebody has put a jump of his own over ours, and may still make ours: its memory has to stay. */
static int is_led_to(const struct probe *p)
{
	uint8_t now[PATCH_MOVED];

	for (uint32_t i = 0; i < p->n; i++) {
		const struct patch *patch = &p->patches[i];
		if (patch->moved > PATCH_JUMP &&
			!probe_read(p, patch->address, now, patch->moved) &&
			memcmp(now, patch->saved, PATCH_JUMP) &&
			!memcmp(now + PATCH_JUMP, patch->saved + PATCH_JUMP,
				patch->moved - PATCH_JUMP))
			return 1;
	}
	return 0;
}

/* All are stopped. 0 nobody will come back to it; as probe_disarm. */
static int restore_stopped(struct probe *p)
{
	if (probe_know_space(p) < 0 || restore(p))
		return -1;
	return is_clear(p) && !is_led_to(p) ? 0 : 1;
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
				result = island_unmap(p) || slots_unmap_begun(p) ||
					 probe_call(p, SYS_munmap, p->base, PROBE_SIZE, 0, 0, 0);
			remote_release(&p->remote);
		}
		if (result)
			probe_rest(p, PAUSE_NS);
	}
	return result;
}

/* The longer it takes, the less often everyone is stopped for it. */
int probe_take_out(struct probe *p, uint32_t most)
{
	uint64_t pause = PAUSE_NS;
	uint32_t unclear = 0;
	int result = -1;

	for (uint32_t tries = 0; tries < OUT_TRIES && unclear < most && result; tries++) {
		probe_beat(p);
		int error = probe_stop(p, 0, tries);
		if (error == -REMOTE_GONE)
			return 0;
		if (!error) {
			p->is_gone = !probe_is_there(p);
			int got = p->is_gone ? 0 : restore_stopped(p);
			/* Once its code is as before it stays so. */
			result = got < 0 ? result : got;
			unclear += got > 0;
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
	int result = p->is_armed ? probe_take_out(p, PROBE_CLEAR_TRIES) : 0;

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

void probe_forget(struct probe *p)
{
	/* What could not be taken out is the next one's to take out. */
	if (p->records.shared)
		owner_clear((void *)p->records.shared);
	probe_close_memory(p);
	probe_unmap_here(p);
	p->is_armed = 0;
}
