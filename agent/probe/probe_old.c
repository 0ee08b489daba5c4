/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes that are there because one of us was killed before it took its own out.
 */
#include "agent/probe/owner.h"
#include "agent/probe/probe_parts.h"

#define INERT_TRIES 10u /* nothing of it but its memory is there */

/* Its clock was measured by another, in a short time. */
#define WORD_TICKS(p) (2 * PROBE_SILENCE_S * (p)->ticks_per_s)

enum old {
	OLD_NONE,   /* a thread that was on its way has unmapped it meanwhile */
	OLD_IN_USE, /* another run's that lives */
	OLD_LEFT,
	OLD_BROKEN, /* what is to be restored is not known */
};

static int is_still_there(struct probe *p, const struct place *at)
{
	const struct place *now =
		space_read(&p->space, p->pid) < 0 ? NULL : space_find(&p->space, at->start);

	return now && now->is_probe;
}

/* What is to be restored. */
static enum old learn(struct probe *p, const struct place *at, int *is_damaged)
{
	struct probe_shared shared;

	p->n = p->n_islands = 0;
	slots_begin(p);
	if (at->end != p->base + PROBE_SIZE ||
		probe_read(p, p->base + PROBE_SHARED, &shared, sizeof(shared)))
		return is_still_there(p, at) ? OLD_BROKEN : OLD_NONE;
	if (owner_is_alive(&shared, WORD_TICKS(p)))
		return OLD_IN_USE;
	*is_damaged = shared.magic != PROBE_MAGIC || shared.n_patches > PROBE_HOOKS;
	island_learn(p, &shared);
	slots_learn(p, &shared);
	return probe_find_jumps(p, &shared) < 0 ? OLD_BROKEN : OLD_LEFT;
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

static void take_out(struct probe *p, const struct place *at, struct probe_found *found)
{
	int is_damaged = 0, got = -1;
	enum old old = learn(p, at, &is_damaged);

	if (old == OLD_LEFT)
		got = probe_take_out(p, p->n ? PROBE_CLEAR_TRIES : INERT_TRIES);
	found->in_use += old == OLD_IN_USE;
	found->broken += old == OLD_BROKEN;
	found->stuck += old == OLD_LEFT && got < 0;
	found->out += got == 0;
	found->inert += got == 1;
	found->damaged += got >= 0 && is_damaged;
}

int probe_take_out_old(struct probe *p, struct probe_found *found)
{
	struct place at = {0};
	int error = 0;

	*found = (struct probe_found){0};
	while (!error && (p->base = find_old(p, at.start, &at))) {
		take_out(p, &at, found);
		error = space_read(&p->space, p->pid);
	}
	int closed = error || found->in_use ? 0 : probe_close_left(p);
	found->closed = closed > 0 ? closed : 0;
	found->stuck += closed < 0;
	p->n = 0;
	p->base = 0;
	error = error ? error : space_read(&p->space, p->pid);
	return error || found->in_use || found->broken || found->stuck ? -1 : 0;
}
