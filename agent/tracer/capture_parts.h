/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What captures of stopped threads (capture.c) and of blocked ones (capture_blocked.c) are made of.
 */
#ifndef TRACER_CAPTURE_PARTS_H
#define TRACER_CAPTURE_PARTS_H

#include "agent/tracer/capture.h"

/* How much stack is read of a thread. */
size_t capture_stack_wanted(const struct capturer *c, const struct thread *th, uint32_t kinds);

/* Room for as much of two stacks; where the worker falls behind, of one. NULL: none, counted. */
struct capture *capture_reserve(struct capturer *c, size_t stack);

/* All but registers, stack and flags. */
void capture_fill(struct capture *cap, const struct capturer *c, const struct thread *th,
	uint32_t kinds, int state);

/* The stack above sp, but not where a tracer before us never came back from. u: NULL where
 * only sp is known. 0 or -errno. */
int capture_read_stack(struct capturer *c, const struct thread *th, uint64_t sp,
	const struct user_regs_struct *u, size_t want, struct capture *cap);

/* The capture is of the first of c->charges that its thread holds; one is held. */
void capture_take_charge(struct capturer *c, struct capture *cap);

/* Of PROFILE_GOROUTINE: whether it is the goroutine asked for that the thread runs. */
int capture_runs_wanted(struct capturer *c, const struct thread *th, uint32_t kinds);

/* For those that refer to it, where the run has such: as long as the run count is runs (UINT64_MAX:
 * it runs). */
void capture_set_id(
	const struct capturer *c, struct thread *th, struct capture *cap, uint64_t runs);

#endif
