/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocation probe as the tracer's loop sees it: put in on session's word, read now and then,
 * taken out at the end of the window, and what it found told to session.
 */
#ifndef PROBE_HEAP_H
#define PROBE_HEAP_H

#include "agent/probe/pressure.h"
#include "agent/probe/probe.h"
#include "agent/tracer/capture.h"
#include "agent/tracer/hold.h"
#include "agent/tracer/roster.h"

struct heap {
	struct probe probe;
	struct pressure pressure;
	struct capturer *capturer;
	struct process *process;
	const struct hold *hold; /* of a command */
	uint64_t program;	 /* that it runs, as struct process tells them apart */
	uint32_t kinds;
	int sock;		 /* to session */
	struct tracer_heap past; /* sums of programs before this one */
	uint64_t cut;		 /* stacks of which not all was copied */
	uint32_t taken;		 /* records, when last looked */
};

/* Takes over what was asked for in the one process there is, and answers. size: of ask with its
 * lists. Where it is a command that is held, it goes on then, or ends if the answer is no. beat:
 * see remote.h. */
void heap_begin(struct heap *h, const struct tracer_probe *ask, size_t size, struct roster *roster,
	struct capturer *capturer, struct hold *hold, void (*beat)(void *arg), void *arg);

/* What the probe has recorded becomes captures; as much of it as there is room for. */
void heap_take(struct heap *h);

/* How long it may be left alone, in ns; most where there is none. */
uint64_t heap_patience(const struct heap *h, uint64_t most);

/* What is recorded and alive at this moment, told to session; the probe stays in. Nothing if none
 * is in. */
void heap_tell(struct heap *h);

/* Whether its process has ended, or runs another program, or it has switched itself off: then its
 * end is due, while we still know the process. */
int heap_is_over(const struct heap *h);

/* What a command does that is held or followed: now and then. Where it runs another program, what
 * was recorded in the one before is kept, and none of it is alive. */
void heap_attend(struct heap *h, struct hold *hold);

/* Takes the rest, and the probe out, and tells session. Nothing if none is in. */
void heap_end(struct heap *h);

#endif
