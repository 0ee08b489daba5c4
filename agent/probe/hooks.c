/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "agent/probe/blob.h"
#include "agent/probe/hooks.h"
#include "agent/probe/probe_parts.h"
#include "agent/tracer/proc_status.h"
#include "base/allocator_names.h"
#include "base/instruction.h"

#define CODE_MAX 16384u /* of a function, that is looked at */

/* --- room --- */

/* The first function's code is the most used: the region is near it, and near all others that a
 * place can be near to as well. */
int hooks_place(struct probe *p, const struct probe_plan *plan)
{
	uint64_t low = plan->v[0].low, high = plan->v[0].high;

	p->base = space_room(&p->space, low, high, PROBE_SIZE);
	for (uint32_t i = 1; i < plan->n && p->base; i++) {
		uint64_t least = plan->v[i].low < low ? plan->v[i].low : low;
		uint64_t most = plan->v[i].high > high ? plan->v[i].high : high;
		uint64_t base = space_room(&p->space, least, most, PROBE_SIZE);
		if (!base)
			continue;
		low = least;
		high = most;
		p->base = base;
	}
	p->near_low = low;
	p->near_high = high;
	p->n_islands = 0;
	return p->base && space_take(&p->space, p->base, PROBE_SIZE) == 0 ? 0 : -1;
}

/* --- numbers --- */

struct counts {
	uint32_t quick, frees, framed;
};

/* UINT32_MAX: there are no more. */
static uint32_t next_hook(struct counts *c, const struct probe_place *f)
{
	const struct allocator_name *name = &allocator_names[f->function];

	if (name->size == ALLOCATOR_FREES)
		return c->frees < PROBE_FREES ? PROBE_QUICK + c->frees++ : UINT32_MAX;
	if (f->is_leaf && c->quick < PROBE_QUICK)
		return c->quick++;
	return c->framed < PROBE_FRAMED ? PROBE_QUICK + PROBE_FREES + c->framed++ : UINT32_MAX;
}

static void describe(struct probe *p, const struct probe_place *f, uint32_t hook, uint32_t by)
{
	const struct allocator_name *name = &allocator_names[f->function];

	p->traits[hook] = (struct probe_trait){.size = name->size,
		.old = name->old,
		.result = name->result,
		.flags = name->flags,
		.is_leaf = f->is_leaf,
		.throws = !!name->throws_by,
		.by = by};
}

/* --- one function --- */

/* Of some thread's: then what returns must have been called. */
static int has_shadow_stack(const struct probe *p)
{
	struct proc_status status;

	return proc_status_of(p->pid, &status) < 0 ||
	       proc_status_has(&status, "x86_Thread_features", "shstk");
}

static const struct probe_place *place_at(const struct probe_plan *plan, uint64_t address)
{
	for (uint32_t i = 0; i < plan->n; i++)
		if (plan->v[i].address == address)
			return &plan->v[i];
	return NULL;
}

/* Whether a slot holds, or will hold, the address of one of them. */
static int slot_leads_to_one(const struct probe *p, const struct probe_plan *plan, uint64_t slot)
{
	uint64_t holds;

	for (uint32_t i = 0; i < plan->n_slots; i++)
		if (plan->slots[i].address == slot)
			return 1;
	return !probe_read(p, slot, &holds, sizeof(holds)) && place_at(plan, holds);
}

/* Through the table of linked functions, too, which jumps by a slot: jmp *slot(%rip). */
static int leads_to_one(const struct probe *p, const struct probe_plan *plan, uint64_t target)
{
	uint8_t code[16];
	int32_t distance;

	if (place_at(plan, target))
		return 1;
	if (probe_read(p, target, code, sizeof(code)))
		return 0;
	size_t at = memcmp(code, INSTRUCTION_ENDBR64) ? 0 : 4;
	at += code[at] == 0xf2;
	if (code[at] != 0xff || code[at + 1] != 0x25)
		return 0;
	memcpy(&distance, code + at + 2, sizeof(distance));
	return slot_leads_to_one(p, plan, target + at + 6 + distance);
}

/* Whether it calls another of them, or jumps there: then what is asked for would count twice. */
static int calls_another(const struct probe *p, const struct probe_plan *plan,
	const struct probe_place *f, const uint8_t *code, size_t n)
{
	struct instruction i;

	for (size_t at = 0; at < n && instruction_decode(code + at, n - at, &i) == 0;
		at += i.length) {
		uint64_t next = f->address + at + i.length, target = next + i.immediate;
		int32_t distance;
		if (i.is_wide || i.is_vector)
			continue;
		if ((i.opcode == 0xe8 || i.opcode == 0xe9) && target != f->address &&
			leads_to_one(p, plan, target))
			return 1;
		/* call or jmp *slot(%rip) */
		if (i.opcode != 0xff || (*i.modrm != 0x15 && *i.modrm != 0x25))
			continue;
		memcpy(&distance, i.modrm + 1, sizeof(distance));
		if (slot_leads_to_one(p, plan, next + distance))
			return 1;
	}
	return 0;
}

/* Thunks of functions that are far away, and of those that are called as they are, are a jump. */
static void set_thunk(struct probe *p, uint32_t hook, uint64_t to)
{
	island_jump(p->thunks[hook], to);
}

/* Its entry, with a thunk where it can be reached. */
static enum patch_refusal patch(struct probe *p, const struct probe_place *f, const uint8_t *code,
	size_t n, uint32_t hook, uint64_t *entry)
{
	const struct probe_head *head = (const void *)blob_code;
	struct patch *patch = &p->patches[p->n];
	uint64_t near = 0, thunk = p->base + PROBE_THUNKS + hook * PROBE_THUNK_SIZE;
	int is_near = f->low >= p->near_low && f->high <= p->near_high;
	struct island *i = is_near ? NULL : island_for(p, f->low, f->high);

	*entry = p->base + head->hooks[hook];
	if (!is_near) {
		near = i ? island_next(i) : 0;
		if (!near)
			return PATCH_FAR;
		thunk = near + PATCH_THUNK;
	}
	enum patch_refusal why = patch_make(patch, f->address, code, n, thunk, f->low, f->high);
	if (!why && patch->has_call && has_shadow_stack(p))
		why = PATCH_CALL;
	if (why || !i) {
		memcpy(p->thunks[hook], patch->thunk_code, PATCH_THUNK);
		return why;
	}
	island_jump(i->bytes + (near - i->base), *entry);
	memcpy(i->bytes + (thunk - i->base), patch->thunk_code, PATCH_THUNK);
	set_thunk(p, hook, thunk);
	*entry = near;
	return PATCH_FITS;
}

/* The hook of a function that has one already, by its address; or UINT32_MAX. */
static uint32_t hook_of(const struct probe *p, uint64_t address)
{
	for (uint32_t i = 0; i < p->n_taken; i++)
		if (p->taken[i].address == address)
			return p->taken[i].hook;
	return UINT32_MAX;
}

/* The hook of the function that does the same as that one, and does not throw. */
static uint32_t hook_by(
	const struct probe *p, const struct probe_plan *plan, const struct probe_place *f)
{
	uint32_t number = allocator_names[f->function].throws_by - 1;

	for (uint32_t i = 0; i < plan->n; i++)
		if (plan->v[i].function == number && plan->v[i].set == f->set)
			return hook_of(p, plan->v[i].address);
	return UINT32_MAX;
}

struct preparing {
	struct probe *p;
	const struct probe_plan *plan;
	struct probe_refused *why;
	struct counts counts;
};

static int refuse(struct preparing *g, uint32_t which, enum probe_cause cause, int detail)
{
	g->why->function = which;
	return probe_refuse(g->why, cause, detail);
}

static int take(struct preparing *g, uint32_t which, uint32_t by)
{
	static uint8_t code[CODE_MAX];
	struct probe *p = g->p;
	struct probe_place f = g->plan->v[which];
	const struct allocator_name *name = &allocator_names[f.function];
	size_t n = f.size < CODE_MAX ? f.size : CODE_MAX;
	uint64_t entry;

	if (f.address < f.low || f.address + n > f.high)
		return refuse(g, which, PROBE_CAUSE_MODULE, 0);
	int error = probe_read(p, f.address, code, n);
	if (error)
		return refuse(g, which, PROBE_CAUSE_MEMORY, -error);
	int is_wrapper = calls_another(p, g->plan, &f, code, n);
	f.is_leaf = f.is_leaf && !is_wrapper && name->flags & ALLOCATOR_IS_QUICK;
	uint32_t hook = next_hook(&g->counts, &f);
	if (hook == UINT32_MAX)
		return refuse(g, which, PROBE_CAUSE_MANY, 0);
	describe(p, &f, hook, by == UINT32_MAX ? hook : by);
	enum patch_refusal why = patch(p, &f, code, n, hook, &entry);
	if (why == PATCH_TAKEN)
		return refuse(g, which, PROBE_CAUSE_PATCH, why);
	p->taken[p->n_taken++] = (struct probe_taken){
		.address = f.address, .hook = hook, .place = which, .refusal = why};
	if (why == PATCH_FITS) {
		p->entries[p->n++] = entry;
		return 0;
	}
	/* Whoever is done by it calls it as it is. */
	set_thunk(p, hook, f.address);
	/* It is seen where it calls that one. */
	if (is_wrapper) {
		p->taken[p->n_taken - 1].refusal = PATCH_FITS;
		return 0;
	}
	if (slots_add(p, f.address, p->base + ((const struct probe_head *)blob_code)->hooks[hook]))
		return refuse(g, which, PROBE_CAUSE_PATCH, why);
	return 0;
}

/* Those that may throw come last: each needs one that does not. */
int hooks_prepare(struct probe *p, const struct probe_plan *plan, struct probe_refused *why)
{
	struct preparing g = {p, plan, why, {0}};

	p->n = p->n_taken = 0;
	memset(p->thunks, 0, sizeof(p->thunks));
	memset(p->traits, 0, sizeof(p->traits));
	slots_begin(p);
	for (int throws = 0; throws < 2; throws++)
		for (uint32_t i = 0; i < plan->n; i++) {
			const struct probe_place *f = &plan->v[i];
			int may = !!allocator_names[f->function].throws_by;
			uint32_t by = may ? hook_by(p, plan, f) : UINT32_MAX;
			if (may != throws || hook_of(p, f->address) != UINT32_MAX ||
				(may && by == UINT32_MAX))
				continue;
			if (take(&g, i, by) < 0)
				return -1;
		}
	return 0;
}
