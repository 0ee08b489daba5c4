/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "agent/last_stack.h"
#include "base/list.h"

void last_stack_fini(struct last_stack *l)
{
	free(l->frames);
	*l = (struct last_stack){0};
}

int last_stack_keep(struct last_stack *l, const struct worker_stack *w, const struct frame *frames)
{
	if (!w->id)
		return 0;
	l->id = 0;
	int error = list_room(&l->frames, 0, w->n + 1, &l->room, sizeof(*frames), LIMIT_FRAMES + 1);
	if (error)
		return error;
	memcpy(l->frames, frames, w->n * sizeof(*frames));
	l->id = w->id;
	l->end = w->end;
	l->missing = w->missing;
	l->n = w->n;
	return 0;
}

const struct frame *last_stack_of(const struct last_stack *l, struct worker_stack *w)
{
	int is_it = l->id && l->id == w->id;

	w->n = is_it ? l->n : 0;
	w->end = is_it ? l->end : STACK_WORKER_LOST;
	w->missing = is_it ? l->missing : MISSING_NOT;
	return l->frames;
}
