/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "agent/probe/blob.h"
#include "agent/probe/draw.h"
#include "agent/probe/filters.h"
#include "agent/probe/hooks.h"
#include "agent/probe/probe_parts.h"
#include "agent/probe/way_back.h"
#include "base/now.h"

#define TRIES	   50u /* to find no thread where it must not be */
#define MAP_TRIES  20u
#define LATE_TRIES 14u	      /* for all to reach their stops */
#define CODE_ALL   (64 * MIB) /* of a mapping, that is searched */

static int refuse_stop(struct probe_refused *why, int error)
{
	static const enum probe_cause causes[] = {[REMOTE_STOPPED] = PROBE_CAUSE_STOPPED,
		[REMOTE_LATE] = PROBE_CAUSE_LATE,
		[REMOTE_DENIED] = PROBE_CAUSE_TRACED,
		[REMOTE_GONE] = PROBE_CAUSE_GONE};

	return probe_refuse(why, causes[-error], 0);
}

/* --- before anyone is stopped --- */

/* Where code of the process has these bytes; 0: nowhere. */
static uint64_t find_code(struct probe *p, const void *bytes, size_t length)
{
	static uint8_t code[65536];

	for (uint32_t i = 0; i < p->space.n; i++) {
		const struct place *at = &p->space.v[i];
		if (!at->is_code || !at->is_readable || at->end - at->start > CODE_ALL)
			continue;
		for (uint64_t low = at->start; low < at->end; low += sizeof(code) - 16) {
			size_t n = at->end - low < sizeof(code) ? at->end - low : sizeof(code);
			const uint8_t *found =
				probe_read(p, low, code, n) ? NULL : memmem(code, n, bytes, length);
			if (found)
				return low + (found - code);
		}
	}
	return 0;
}

/* What calls are made with: see remote.h. */
static void find_instructions(struct probe *p)
{
	struct remote *r = &p->remote;

	r->restore = find_code(p, REMOTE_RESTORE);
	if (!r->restore)
		r->restore = find_code(p, REMOTE_RESTORE_SHORT);
	r->instruction = r->restore ? find_code(p, REMOTE_INSTRUCTION) : 0;
	if (r->instruction)
		return;
	r->restore = 0;
	r->instruction = find_code(p, "\x0f\x05", 2);
}

int probe_find_room(struct probe *p)
{
	int any = 0;

	for (uint32_t i = 0; i < p->remote.n; i++) {
		struct remote_thread *t = &p->remote.v[i];
		uint64_t sp = t->regs.rsp;
		const struct place *at = space_find(&p->space, sp);
		int is_known = at && space_stack_end(&p->space, sp, t->regs.fs_base) != sp;
		t->room = is_known && sp - at->start > 4096 ? sp - at->start - 4096 : 0;
		any |= t->room >= WAY_BACK_MAX;
	}
	return any && p->remote.restore;
}

/* Ticks of the time stamp counter in a second. */
static uint64_t measure_ticks(struct probe *p)
{
	uint64_t began = clock_now(), ticks = __rdtsc();

	probe_rest(p, 10000000);
	/* Where we were suspended it is long. */
	return (unsigned __int128)(__rdtsc() - ticks) * 1000000000ull / (clock_now() - began);
}

/* --- while all are stopped --- */

static int is_overwritten(const struct probe *p, uint64_t address)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (patch_is_inside(&p->patches[i], address))
			return 1;
	return 0;
}

/* Where a thread goes on once the entries are taken over; 0: it is in the way. */
static uint64_t moved_pc(const struct probe *p, uint64_t pc)
{
	uint64_t moved = pc;

	for (uint32_t k = 0; k < p->n && moved == pc; k++)
		moved = patch_moved_pc(&p->patches[k], pc);
	return moved;
}

/* All that a thread may come back to is not overwritten. */
static int is_the_way_clear(struct probe *p)
{
	for (uint32_t i = 0; i < p->remote.n; i++) {
		const struct remote_thread *t = &p->remote.v[i];
		if (!moved_pc(p, t->regs.rip) || probe_scan_stack(p, t, is_overwritten))
			return 0;
	}
	return 1;
}

/* Who is in what will be overwritten goes on in the thunk, which does the same before and after. */
static int move_threads(struct probe *p)
{
	int error = 0;

	for (uint32_t i = 0; i < p->remote.n && !error; i++)
		error = remote_move(&p->remote.v[i], moved_pc(p, p->remote.v[i].regs.rip));
	return error;
}

/* The slot of a thread, as blob.c finds it, with the bounds of its stack. */
static void fill_slot(struct probe *p, const struct remote_thread *t, uint64_t mean)
{
	uint64_t thread = t->regs.fs_base, sp = t->regs.rsp;
	uint64_t at = p->base + PROBE_SLOTS +
		      ((uint32_t)(thread >> 6) * 0x9e3779b1u >> 20) * PROBE_SLOT_SIZE;
	struct probe_slot slot;

	if (!thread || probe_read(p, at, &slot, sizeof(slot)) || slot.thread)
		return;
	const struct place *stack = space_find(&p->space, sp);
	slot = (struct probe_slot){.thread = thread, .mean = mean};
	slot.high = space_stack_end(&p->space, sp, thread);
	slot.low = stack ? stack->start : 0;
	if (slot.high == sp)
		slot.low = slot.high = 0;
	slot.random = (__rdtsc() ^ thread * 0x9e3779b97f4a7c15ull) | 1;
	slot.left = draw_gap(&slot.random, mean);
	probe_write(p, at, &slot, sizeof(slot));
}

/* A program that has just begun has no thread pointer, by which a slot is found. */
static int tell_main_stack(struct probe *p)
{
	for (uint32_t i = 0; i < p->space.n; i++) {
		const struct place *at = &p->space.v[i];
		const uint64_t bounds[2] = {at->start, at->end};
		if (at->is_stack)
			return probe_write(p,
				p->base + PROBE_STATE + offsetof(struct probe_state, low), bounds,
				sizeof(bounds));
	}
	return 0;
}

static int write_patches(struct probe *p, struct probe_refused *why)
{
	struct probe_shared *shared = (void *)p->records.shared;
	uint8_t jump[PATCH_JUMP];
	uint32_t i;
	int error = 0;

	for (i = 0; i < p->n && !error; i++) {
		struct patch *patch = &p->patches[i];
		struct probe_saved *saved = &shared->saved[i];
		saved->address = patch->address;
		saved->n = PATCH_JUMP;
		memcpy(saved->bytes, patch->saved, PATCH_JUMP);
		shared->n_patches = i + 1;
		if (patch_jump(patch, p->entries[i], jump))
			error = -ERANGE;
		else
			error = probe_write(p, patch->address, jump, sizeof(jump));
	}
	if (!error)
		error = slots_write(p);
	if (!error)
		return 0;
	while (i-- > 0)
		probe_write(p, p->patches[i].address, p->patches[i].saved, PATCH_JUMP);
	return probe_refuse(why, PROBE_CAUSE_MEMORY, -error);
}

/* Everything is in place but the jumps. */
static int fill(struct probe *p, uint64_t mean, struct probe_refused *why)
{
	probe_beat(p);
	for (uint32_t i = 0; i < p->remote.n; i++)
		fill_slot(p, &p->remote.v[i], mean);
	int error = probe_set_state(p, 1, mean);
	error = error ? error : tell_main_stack(p);
	error = error ? error : move_threads(p);
	return error ? probe_refuse(why, PROBE_CAUSE_MEMORY, -error) : 0;
}

/* Hooks find their thread by the word that the thread pointer leads to. */
static int have_pointers(const struct probe *p)
{
	for (uint32_t i = 0; i < p->remote.n; i++)
		if (!p->remote.v[i].regs.fs_base)
			return 0;
	return 1;
}

/* A module may have gone since its functions were read, or another come in its place. */
static int is_code_as_read(const struct probe *p)
{
	uint8_t now[PATCH_MOVED];

	for (uint32_t i = 0; i < p->n; i++) {
		const struct patch *patch = &p->patches[i];
		if (probe_read(p, patch->address, now, patch->moved) ||
			memcmp(now, patch->saved, patch->moved))
			return 0;
	}
	return 1;
}

/* One that a thread of a run that was killed has brought in only now. */
static int has_another(const struct probe *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->space.n; i++)
		n += p->space.v[i].is_probe;
	return n > p->n_inert;
}

/* All are stopped. 0 armed, -1 and why; BUSY may be tried again. is_new: a program that has not
 * begun has never been anywhere. */
static int patch_stopped(struct probe *p, uint64_t mean, int is_new, struct probe_refused *why)
{
	why->cause = PROBE_CAUSE_NONE;
	if (!probe_is_there(p))
		return probe_refuse(why, PROBE_CAUSE_GONE, 0);
	int error = probe_know_space(p);
	if (error)
		return probe_refuse_space(why, error);
	probe_find_room(p);
	if (!is_new && !have_pointers(p))
		return probe_refuse(why, PROBE_CAUSE_POINTER, 0);
	if (!is_code_as_read(p))
		return probe_refuse(why, PROBE_CAUSE_MODULE, 0);
	if (slots_choose(p, why) < 0)
		return -1;
	if (!is_new && !is_the_way_clear(p))
		return probe_refuse(why, PROBE_CAUSE_BUSY, 0);
	if (fill(p, mean, why) == 0 && write_patches(p, why) == 0)
		return 0;
	return probe_move_back(p), -1;
}

/* Stops them all, or one; a late one is given several chances. */
static int stop(struct probe *p, int is_one, struct probe_refused *why)
{
	int error = 0;

	for (uint32_t tries = 0; tries < LATE_TRIES; tries++) {
		probe_beat(p);
		error = probe_stop(p, is_one, tries);
		if (error != -REMOTE_LATE)
			break;
		probe_rest(p, PAUSE_NS);
	}
	return error ? refuse_stop(why, error) : 0;
}

static int patch_all(struct probe *p, uint64_t mean, struct probe_refused *why)
{
	for (uint32_t tries = 0; tries < TRIES; tries++) {
		if (stop(p, 0, why) < 0)
			return -1;
		int armed = patch_stopped(p, mean, 0, why);
		remote_release(&p->remote);
		if (!armed || why->cause != PROBE_CAUSE_BUSY)
			return armed;
		probe_rest(p, PAUSE_NS);
	}
	return -1;
}

/* 0, or -1 and why: nothing is mapped. */
static int map_islands(struct probe *p, struct probe_refused *why)
{
	int error = island_map(p);

	if (!error)
		return 0;
	probe_call(p, SYS_munmap, p->base, PROBE_SIZE, 0, 0, 0);
	return probe_refuse(why, PROBE_CAUSE_CALL, -error);
}

/* Those that are stopped: 0; -1 and why; 1: others may do it. */
static int map_stopped(struct probe *p, struct probe_refused *why)
{
	int error = probe_know_space(p);

	*why = (struct probe_refused){0};
	if (error)
		return probe_refuse_space(why, error);
	if (has_another(p))
		return probe_refuse(why, PROBE_CAUSE_CALL, EEXIST);
	if (!probe_find_room(p) && p->remote.is_one)
		return 1;
	if (probe_map(p, why) == 0 && map_islands(p, why) == 0)
		return 0;
	/* Each has a signal on its way. */
	if (why->cause == PROBE_CAUSE_CALL && why->detail == EAGAIN)
		return 1;
	return why->cause == PROBE_CAUSE_SECCOMP && p->remote.is_one ? 1 : -1;
}

/* One thread is stopped for it, or all where that one would not find its way back, should we die,
 * or has a filter. */
static int map(struct probe *p, struct probe_refused *why)
{
	uint64_t before = probe_births();
	int mapped = 1;

	for (uint32_t tries = 0; tries < MAP_TRIES && mapped > 0; tries++) {
		if (stop(p, tries % 2 == 0, why) < 0)
			break;
		mapped = map_stopped(p, why);
		remote_release(&p->remote);
	}
	probe_clean_children(p, before);
	return mapped ? -1 : 0;
}

/* A thread that is held does not go on in between. */
static int arm_held(struct probe *p, uint64_t mean, struct probe_refused *why)
{
	if (stop(p, 0, why) < 0)
		return -1;
	int is_new = p->remote.n == 1, armed = map_stopped(p, why);
	if (armed > 0)
		armed = -1;
	if (!armed) {
		armed = patch_stopped(p, mean, is_new, why);
		if (armed && island_unmap(p) == 0)
			probe_call(p, SYS_munmap, p->base, PROBE_SIZE, 0, 0, 0);
	}
	remote_release(&p->remote);
	return armed;
}

static int arm(struct probe *p, uint64_t mean, struct probe_refused *why)
{
	struct probe_refused failed;

	if (p->remote.held)
		return arm_held(p, mean, why);
	if (map(p, why) < 0)
		return -1;
	*why = (struct probe_refused){0};
	if (patch_all(p, mean, why) == 0)
		return 0;
	failed = *why;
	p->n = 0;
	probe_take_out(p, PROBE_CLEAR_TRIES);
	*why = failed;
	return -1;
}

static int open_memory(struct probe *p)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", p->pid);
	p->memory = open(path, O_RDWR | O_CLOEXEC);
	if (p->memory < 0)
		p->memory = open(path, O_RDONLY | O_CLOEXEC); /* see probe_write */
	return p->memory < 0 ? -errno : 0;
}

/* Before anyone is stopped. */
static int look(struct probe *p, struct probe_refused *why)
{
	int error = open_memory(p);

	if (error)
		return probe_refuse(why, PROBE_CAUSE_MEMORY, -error);
	error = space_read(&p->space, p->pid);
	if (error)
		return probe_refuse_space(why, error);
	p->ticks_per_s = measure_ticks(p);
	find_instructions(p);
	enum filtered filtered = filters_of(p->pid);
	p->remote.suspends = filtered && filters_may_suspend();
	return p->remote.suspends || filtered != FILTERED_ALL
		       ? 0
		       : probe_refuse(why, PROBE_CAUSE_SECCOMP, 0);
}

/* Only what is in use is another run's. */
static int refuse_old(const struct probe_found *old, struct probe_refused *why)
{
	return probe_refuse(why,
		old->in_use   ? PROBE_CAUSE_TAKEN
		: old->broken ? PROBE_CAUSE_BROKEN
		: old->stuck  ? PROBE_CAUSE_LATE
			      : PROBE_CAUSE_GONE,
		0);
}

static int begin(struct probe *p, const struct probe_plan *plan, struct probe_refused *why)
{
	struct probe_found old;

	if (look(p, why) < 0)
		return -1;
	if (probe_take_out_old(p, &old) < 0)
		return refuse_old(&old, why);
	p->n_inert = old.inert;
	if (!p->remote.instruction || hooks_place(p, plan) < 0)
		return probe_refuse(why, PROBE_CAUSE_ROOM, 0);
	return hooks_prepare(p, plan, why);
}

/* Whatever it was: a process that has ended has no memory any more. */
static void give_up(struct probe *p, struct probe_refused *why)
{
	int error = space_read(&p->space, p->pid);

	if (error == -ESRCH || error == -ENOENT)
		probe_refuse(why, PROBE_CAUSE_GONE, 0);
	probe_forget(p);
}

int probe_arm(struct probe *p, pid_t pid, const struct probe_plan *plan, struct probe_refused *why)
{
	int error = -1, is_raced = 1;

	p->pid = pid;
	p->is_gone = 0;
	p->plan = plan;
	/* The process may have taken the place that was free a moment ago. */
	for (uint32_t tries = 0; tries < 3 && error && is_raced; tries++) {
		int is_held = p->remote.held != 0;
		*why = (struct probe_refused){0};
		error = begin(p, plan, why);
		if (!error)
			error = arm(p, plan->mean, why);
		if (error)
			give_up(p, why);
		/* Who was held runs by now. */
		is_raced = !is_held && why->cause == PROBE_CAUSE_CALL && why->detail == EEXIST;
	}
	p->plan = NULL;
	p->is_armed = !error;
	if (!error && !p->remote.kept)
		probe_close_left(p);
	return error;
}

int probe_clean(struct probe *p, pid_t pid, struct probe_found *found, struct probe_refused *why)
{
	*found = (struct probe_found){0};
	*why = (struct probe_refused){0};
	p->pid = pid;
	p->is_gone = 0;
	int error = look(p, why);
	/* A stop brings home who has not made its last call yet. */
	if (!error) {
		error = stop(p, 0, why);
		if (!error)
			remote_release(&p->remote);
	}
	int unread = error ? 0 : space_read(&p->space, pid);
	if (unread)
		error = probe_refuse_space(why, unread);
	if (!error && probe_take_out_old(p, found) < 0)
		error = refuse_old(found, why);
	if (error)
		give_up(p, why);
	else
		probe_forget(p);
	return error ? -1 : 0;
}
