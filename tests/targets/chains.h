/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains of functions with frames of all shapes, down to one that makes a call: whoever includes
 * this has CALLS(X) and for each of them CALL_x. There is a function for each call and shape (a
 * row), and a chain above each; walk_down() goes down one.
 */
#ifndef CHAINS_H
#define CHAINS_H

#include "shapes.h"

#define LINKS 4

/* What this thread is about. */
struct place {
	int row;
	int from;	/* the first of its links: 0 is the outermost, LINKS is none */
	int by_pointer; /* whether the last function is called so */
};

static _Thread_local struct place place;

/* --- the functions that block --- */

#define BLOCKING(call, shape)                                                                      \
	static FRAME void call##_##shape(long n)                                                   \
	{                                                                                          \
		(void)n;                                                                           \
		SHAPE_##shape(CALL_##call);                                                        \
		KEEP_FRAME();                                                                      \
	}
#define BLOCKING_IN(call) SHAPES(BLOCKING, call)
CALLS(BLOCKING_IN)

struct row {
	const char *call, *shape, *name;
	void (*run)(long n);
};

#define ROW(call, shape) {#call, #shape, #call "_" #shape, call##_##shape},
#define ROWS(call)	 SHAPES(ROW, call)
#define CASE(call, shape)                                                                          \
	case __COUNTER__ - first_case:                                                             \
		call##_##shape(n);                                                                 \
		break;
#define CASES(call) SHAPES(CASE, call)

static const struct row rows[] = {CALLS(ROWS)};
enum { n_rows = sizeof(rows) / sizeof(*rows) };

static FRAME void block_by_pointer(int row, long n)
{
	rows[row].run(n);
	KEEP_FRAME();
}

enum { first_case = __COUNTER__ + 1 };
static FRAME void block(int row, long n)
{
	switch (row) {
		CALLS(CASES)
	}
	KEEP_FRAME();
}

/* --- the chain above them --- */

static void descend(int level, long n);

#define LINK(y, shape)                                                                             \
	static FRAME void link_##shape(int level, long n)                                          \
	{                                                                                          \
		SHAPE_##shape(descend(level + 1, n));                                              \
		KEEP_FRAME();                                                                      \
	}
SHAPES(LINK, 0)

#define LINK_NAME(y, shape) "link_" #shape,
#define LINK_CASE(y, shape)                                                                        \
	case __COUNTER__ - first_link:                                                             \
		link_##shape(level, n);                                                            \
		break;

static const char *const link_names[] = {SHAPES(LINK_NAME, 0)};
enum { first_link = __COUNTER__ + 1 };

/* Four different ones for each row. */
static int link_of(int row, int level)
{
	return (row * 7 + level * 3 + row / shapes) % shapes;
}

static FRAME void descend(int level, long n)
{
	if (level == LINKS) {
		if (place.by_pointer)
			block_by_pointer(place.row, n);
		else
			block(place.row, n);
		KEEP_FRAME();
		return;
	}
	switch (link_of(place.row, level)) {
		SHAPES(LINK_CASE, 0)
	}
	KEEP_FRAME();
}

static FRAME void walk_down(const struct place *p, long n)
{
	place = *p;
	descend(place.from, n);
	KEEP_FRAME();
}

/* Names, leaf first. */
static void say_chain(const struct place *p)
{
	printf("%s;%s", rows[p->row].name, p->by_pointer ? "block_by_pointer" : "block");
	for (int level = LINKS; level-- > p->from;)
		printf(";descend;%s", link_names[link_of(p->row, level)]);
	printf(";descend;walk_down");
}

#endif
