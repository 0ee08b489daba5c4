/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "agent/session.h"
#include "agent/windows.h"

/* Marks are no closer: each is a look at all threads. */
#define APART_NS 25000000ull

/* The longest interval in which anything is sampled. */
#define LONGEST_NS 60000000000ull

int windows_init(struct windows *v)
{
	*v = (struct windows){0};
	return interval_init(&v->counters, 0);
}

void windows_fini(struct windows *v)
{
	while (v->first)
		windows_drop(v, v->first);
	interval_fini(&v->counters);
}

struct window *windows_add(struct windows *v, const struct window *how)
{
	struct window *w = malloc(sizeof(*w));
	struct window **last = &v->first;

	if (!w)
		return NULL;
	*w = *how;
	w->state = WINDOW_WAITS;
	w->next = NULL;
	w->ends = 0;
	w->takes = w->is_second = w->error = 0;
	w->base = NULL;
	if (interval_init(&w->sum, 0) < 0) {
		interval_fini(&w->sum);
		free(w);
		return NULL;
	}
	while (*last)
		last = &(*last)->next;
	*last = w;
	return w;
}

void windows_drop(struct windows *v, struct window *w)
{
	struct window **at = &v->first;

	while (*at && *at != w)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = w->next;
	v->dropped += w->state != WINDOW_DONE;
	v->is_left |= w->state != WINDOW_DONE && w->state != WINDOW_WAITS;
	interval_fini(&w->sum);
	free(w->base);
	free(w);
}

uint32_t windows_count(const struct windows *v)
{
	uint32_t n = 0;

	for (const struct window *w = v->first; w; w = w->next)
		n += w->state != WINDOW_DONE;
	return n;
}

static int stays_attached(uint32_t kinds)
{
	return !!(kinds & KIND(PROFILE_THREADCREATE));
}

/* When it will be over. */
static uint64_t end_of(const struct window *w, uint64_t now)
{
	if (w->state == WINDOW_OPEN)
		return w->ends;
	return (w->not_before > now ? w->not_before : now) + w->length;
}

static int is_of_heap(const struct window *w)
{
	return !!(w->kinds & KINDS_OF_HEAP);
}

/* Nobody is attached to for the heap. */
static int is_in_the_way(const struct window *w, uint32_t kinds)
{
	return !is_of_heap(w) && !(kinds & KINDS_OF_HEAP) && !(w->flags & WINDOW_COUNTERS) &&
	       w->state < WINDOW_CLOSES && stays_attached(w->kinds) != stays_attached(kinds);
}

uint64_t windows_conflict(const struct windows *v, uint32_t kinds, uint64_t now)
{
	uint64_t last = 0;

	for (const struct window *w = v->first; w; w = w->next)
		if (is_in_the_way(w, kinds) && end_of(w, now) + APART_NS > last)
			last = end_of(w, now) + APART_NS;
	return last > now ? last - now : 0;
}

uint64_t windows_due(const struct windows *v)
{
	uint64_t due = !v->is_left ? v->clears_at : v->next_mark ? v->next_mark : 1;

	for (const struct window *w = v->first; w; w = w->next) {
		uint64_t at = w->state == WINDOW_WAITS ? w->not_before : w->ends;
		if (w->state != WINDOW_WAITS && w->state != WINDOW_OPEN)
			continue;
		if (is_of_heap(w) && !v->has_heap)
			continue;
		if (at < v->next_mark)
			at = v->next_mark;
		if (!due || at < due)
			due = at ? at : 1;
	}
	return due;
}

/* --- at a mark ---------------------------------------------------------------------------- */

/* Those before it in the list have had their turn. */
static int may_open(const struct windows *v, struct window *w, uint64_t now)
{
	if (is_of_heap(w))
		return v->has_heap;
	if (w->flags & WINDOW_COUNTERS)
		return 1;
	if (now < w->not_before)
		return 0;
	for (const struct window *other = v->first; other; other = other->next)
		if (other != w && is_in_the_way(other, w->kinds) && other->state != WINDOW_WAITS) {
			w->not_before = end_of(other, now) + APART_NS;
			return 0;
		}
	return 1;
}

static void at_mark(struct windows *v, struct window *w, uint64_t now)
{
	if (w->state == WINDOW_WAITS && !may_open(v, w, now))
		return;
	if (w->state == WINDOW_WAITS)
		w->state = w->flags & WINDOW_COUNTERS ? WINDOW_CLOSES : WINDOW_OPENS;
	else if (w->state != WINDOW_OPEN || now < w->ends)
		return;
	else if ((w->flags & WINDOW_DELTA) && !w->is_second)
		w->state = WINDOW_AGAIN;
	else
		w->state = WINDOW_CLOSES;
	if (w->state != WINDOW_CLOSES || !(w->flags & WINDOW_REPEATS))
		return;
	struct window *next = windows_add(v, w);
	if (next)
		next->state = WINDOW_OPENS;
}

static void add_background(const struct session *s, struct tracer_mode *mode)
{
	if (!s->options->background || mode->kinds & KIND(PROFILE_THREADCREATE))
		return;
	mode->kinds |= WINDOWS_BACKGROUND;
	if (!mode->hz)
		mode->hz = s->options->background;
}

static void settle(const struct session *s, struct tracer_mode *mode)
{
	add_background(s, mode);
	if (!mode->hz)
		mode->hz = s->options->hz;
}

void windows_first_mode(const struct session *s, struct tracer_mode *mode)
{
	*mode = (struct tracer_mode){0};
	settle(s, mode);
}

static void set_next(struct windows *v, const struct tracer_mode *mode, uint64_t now)
{
	v->next_mark = now + APART_NS;
	v->clears_at = mode->kinds & KINDS_OF_WINDOW ? now + LONGEST_NS : 0;
}

void windows_begin(struct session *s, uint64_t now)
{
	set_next(&s->windows, &s->mode, now);
}

void windows_end(struct windows *v)
{
	for (struct window *w = v->first; w; w = w->next)
		if (w->state < WINDOW_CLOSES)
			w->state = WINDOW_CLOSES;
}

static uint32_t flags_of_begin(const struct window *w)
{
	return MODE_BEGINS | (w->flags & WINDOW_DETAILS ? MODE_DETAILS : 0) |
	       (w->flags & WINDOW_CONTEXTS ? MODE_CONTEXTS : 0);
}

void windows_mark(struct session *s, uint64_t now, struct tracer_mode *next)
{
	struct windows *v = &s->windows;

	*next = (struct tracer_mode){0};
	v->is_left = 0;
	for (struct window *w = v->first; w; w = w->next) {
		at_mark(v, w, now);
		int begins = w->state == WINDOW_OPENS || w->state == WINDOW_AGAIN;
		uint32_t kinds = begins			   ? w->kinds
				 : w->state == WINDOW_OPEN ? w->kinds & KINDS_OF_WINDOW
							   : 0;
		if (is_of_heap(w)) {
			int is_told = begins || w->state == WINDOW_CLOSES;
			next->flags |= is_told ? MODE_HEAP : 0;
			continue;
		}
		next->kinds |= kinds;
		if (kinds & KINDS_OF_WINDOW)
			next->hz = s->options->hz;
		if (begins)
			next->flags |= flags_of_begin(w);
		if (w->state == WINDOW_CLOSES && (w->flags & WINDOW_COMMANDS))
			next->flags |= MODE_COMMANDS;
	}
	settle(s, next);
	set_next(v, next, now);
}

/* --- when its interval is there ----------------------------------------------------------- */

static void fail(struct window *w, int error)
{
	if (error < 0 && !w->error)
		w->error = error;
}

static void begin_heap(struct heap_record *r, struct window *w, const struct interval *i)
{
	w->base = heap_record_sites(r, i->number);
	w->n_base = w->base ? r->n_sites : 0;
	if (w->flags & WINDOW_ALIVE)
		heap_record_clear_live(w->base, w->n_base);
	w->sum.began = i->ended;
	fail(w, w->base ? 0 : -ENOMEM);
}

static void take_heap(struct session *s, struct window *w, const struct interval *i)
{
	struct heap_record *r = &s->data.heap;
	int is_change = !(w->flags & WINDOW_COUNTERS);
	uint64_t wall = i->wall_began + (i->ended - i->began);

	if (w->state == WINDOW_OPENS) {
		begin_heap(r, w, i);
		w->sum.wall_began = wall;
	}
	if (w->state != WINDOW_CLOSES)
		return;
	/* Before the probe was in. */
	if (!s->windows.has_heap || (is_change && !w->base)) {
		fail(w, -ESRCH);
		return;
	}
	w->sum.ended = i->ended;
	if (!is_change) {
		w->sum.began = i->ended;
		w->sum.wall_began = wall;
	}
	fail(w, heap_record_put(r, i->number, w->kinds, w->base, w->n_base, &w->sum));
	w->sum.live_is_change &= !(w->flags & WINDOW_ALIVE);
}

static void take_into(struct session *s, struct window *w, const struct interval *i)
{
	struct windows *v = &s->windows;
	struct sum_part part = {.kinds = w->kinds, .pid = w->pid};

	if (is_of_heap(w)) {
		take_heap(s, w, i);
		return;
	}
	if (w->flags & WINDOW_COUNTERS) {
		if (w->state == WINDOW_CLOSES)
			fail(w, sum_add(&w->sum, &v->counters, &part));
		return;
	}
	if (!w->takes)
		return;
	/* Where there is nothing else, a part of the threads is not all of them. */
	if (i->is_torn && !(w->kinds & KINDS_OF_WINDOW))
		fail(w, -EAGAIN);
	part.is_less = (w->flags & WINDOW_DELTA) && !w->is_second;
	/* A look at all threads is in the interval that it begins with; others are other windows'.
	 */
	if (w->sum.ended && !(w->flags & WINDOW_DELTA))
		part.kinds &= KINDS_OF_WINDOW;
	fail(w, sum_add(&w->sum, i, &part));
	w->takes = !!(w->kinds & KINDS_OF_WINDOW);
}

/* The interval after i has begun. */
static void move_on(struct window *w, const struct interval *i)
{
	if (w->state == WINDOW_CLOSES) {
		/* It never began, or its second look never came. */
		if ((!(w->flags & WINDOW_COUNTERS) && !w->sum.ended) ||
			((w->flags & WINDOW_DELTA) && !w->is_second))
			fail(w, -ESRCH);
		w->state = WINDOW_DONE;
	} else if (w->state == WINDOW_OPENS || w->state == WINDOW_AGAIN) {
		w->is_second = w->state == WINDOW_AGAIN;
		w->ends = i->ended + (w->is_second ? 0 : w->length);
		w->takes = 1;
		w->state = WINDOW_OPEN;
	}
}

/* Time without a tick is not time without waits: the next ticks stand for it. */
static void count(struct windows *v, const struct interval *i, uint32_t kinds)
{
	uint64_t over = i->ended - i->began;

	if ((kinds & WINDOWS_BACKGROUND) && !i->stats.ticks_weight) {
		v->carried += over;
		return;
	}
	over = kinds & WINDOWS_BACKGROUND ? over + v->carried : 0;
	v->carried = 0;
	v->lost += sum_count(&v->counters, i, kinds, over) < 0;
}

void windows_take(struct session *s, const struct interval *i, const struct tracer_mode *mode)
{
	struct windows *v = &s->windows;

	if (mode->kinds & WINDOWS_COUNTED)
		count(v, i, mode->kinds & WINDOWS_COUNTED);
	for (struct window *w = v->first; w; w = w->next) {
		take_into(s, w, i);
		move_on(w, i);
	}
}

void windows_take_last(struct session *s, struct window *w)
{
	w->state = WINDOW_CLOSES;
	take_heap(s, w, s->shared);
	w->state = WINDOW_DONE;
}

struct window *windows_done(const struct windows *v)
{
	struct window *w = v->first;

	while (w && w->state != WINDOW_DONE)
		w = w->next;
	return w;
}
