/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the goroutines of one process are read: for goroutines.c, which shows all of them, and
 * goroutine_waits.c, which looks at some at each tick.
 */
#ifndef TRACER_GOROUTINE_WALK_H
#define TRACER_GOROUTINE_WALK_H

#include "agent/tracer/capture.h"
#include "agent/tracer/memory.h"

#define GOROUTINE_BATCH MEMORY_PARTS

/* g.atomicstatus, runtime/runtime2.go. */
enum goroutine_status {
	G_RUNNABLE = 1,
	G_RUNNING = 2,
	G_SYSCALL = 3,
	G_WAITING = 4,
	G_COPYSTACK = 8,
	G_PREEMPTED = 9,
	G_LEAKED = 10,
	G_STATUSES = 12, /* the others are no goroutines, or not any more */
	G_SCAN = 0x1000, /* the collector reads its stack, too */
};

/* What a goroutine's struct says. It does not move while its stack is read. */
struct goroutine_view {
	uint64_t low, high; /* its stack */
	uint64_t m, id;
	uint64_t sp, pc, bp;
	uint32_t status, reason, turns, unused;
};

struct goroutine_walk {
	struct capturer *c;
	const struct process *process;
	const struct go_facts *facts;
	const struct thread *thread; /* that stands for those that no thread runs */
	pid_t tid;		     /* to read through */
	uint64_t bias;
	size_t size; /* of struct g as far as it matters */
	uint64_t *list;
	uint32_t n;
	const struct capture_more
		*as; /* what a capture of one that waits is; NULL: of the goroutine profile */
	unsigned char g[GOROUTINE_BATCH][GO_STRUCT_MAX];
};

/* By the mapping of the code that the facts name: facts, bias, size. */
enum go_lack goroutine_find_program(struct goroutine_walk *w);

/* 0 or -errno. */
int goroutine_read_parts(struct goroutine_walk *w, const struct memory_part *v, size_t n);
int goroutine_read(struct goroutine_walk *w, uint64_t address, void *out, size_t size);

void goroutine_see(const struct go_layout *l, const unsigned char *g, struct goroutine_view *v);

/* Whether it is a goroutine, and no struct that is free for one; whether it may be what the runtime
 * wrote. */
int goroutine_is_one(const struct goroutine_view *v);
int goroutine_makes_sense(const struct goroutine_view *v);

/* Whether it makes sense, and has a stack that no thread is on. */
int goroutine_has_stack(const struct goroutine_view *v);

int goroutine_state(const struct go_facts *f, const struct goroutine_view *v); /* enum go_state */

/* 1 captured, or there is no room; 0: it moved. */
int goroutine_capture(struct goroutine_walk *w, uint64_t g, const struct goroutine_view *v);

#endif
