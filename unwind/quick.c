/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/quick.h"

#include "unwind/places.h"
#include "unwind/rule.h"

void trail_fetch(const struct trail *trail, const struct slice *stack)
{
	for (uint32_t i = 0; i < trail->n; i++)
		if (trail->at[i] - stack->base < stack->len)
			__builtin_prefetch(stack->bytes + (trail->at[i] - stack->base));
}

void quick_walk(struct quick *q, const struct places *places, struct ground *ground,
	struct slice *stack, struct stack *out, struct trail *trail)
{
	uint64_t pc = q->pc, sp = q->sp, rbp = q->rbp, last = stack->len - 8;
	uint32_t has_rbp = q->has_rbp, flags = q->flags, n = out->n;

	if (stack->len < 8)
		return;
	while (n < LIMIT_FRAMES) {
		uint64_t is_return = flags & FRAME_RETURN;
		if (ground_find(ground, pc - is_return) < 0 || !ground->module)
			break;
		const struct mapping *map = ground->map;
		uint64_t key = pc - is_return + ground->key + (is_return ? PLACES_RETURN : 0);
		uint32_t brief = places_at(places, key)->brief;
		if (!brief || (brief_by_rbp(brief) && !has_rbp))
			break;
		uint64_t cfa = (brief_by_rbp(brief) ? rbp : sp) + brief_cfa(brief);
		uint64_t at = cfa - 8 - stack->base, below = brief_rbp(brief);
		/* From the return address at `at` down to the lowest register. */
		if (cfa <= sp || at > last || at < brief_lowest(brief))
			break;
		trail->at[n % TRAIL_MOST] = cfa - 8;
		out->v[n++] = (struct frame){
			pc - is_return - map->start + map->offset, map->module, flags};
		uint64_t saved = slice_at(stack, at - below);
		pc = slice_at(stack, at);
		rbp = below ? saved : rbp;
		has_rbp = brief_loses_rbp(brief) ? 0 : has_rbp | below;
		sp = cfa;
		flags = FRAME_RETURN;
	}
	if (n != out->n && sp > stack->used_end)
		stack->used_end = sp;
	*q = (struct quick){pc, sp, rbp, has_rbp, flags};
	out->n = n;
	trail->n = n < TRAIL_MOST ? n : TRAIL_MOST;
}
