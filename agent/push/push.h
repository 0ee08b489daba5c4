/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pushing: each window's profiles go to every store of -push. For session: nothing here waits, and
 * times are CLOCK_MONOTONIC nanoseconds.
 *
 *	push_init	before the loop, while the process is small: it is forked
 *	push_add	a window's profiles; they may be freed then
 *	push_poll_fds, push_timeout_ms, push_step	in each round of the loop
 *	push_take_failed	after push_add and push_step: what is to be saved as files instead
 *	push_stop	no more windows come; the loop goes on until push_is_idle
 *	push_tell, push_fini
 *
 * A store that is away is waited for as long as there is room (base/limits.h), and holds up no
 * other store. What is lost is counted and told: see destination.h, and push_tell.
 */
#ifndef PUSH_PUSH_H
#define PUSH_PUSH_H

#include <poll.h>
#include <stdint.h>

#include "agent/push/destination.h"

/* 0: the usual one. */
struct push_times {
	uint32_t connect_ms;		  /* 5 s */
	uint32_t total_ms;		  /* 10 s, of a request; more for large ones (client.h) */
	uint32_t shortest_ms, longest_ms; /* 0.5 s and 5 min: pauses between tries */
	uint32_t end_ms;		  /* 10 s: for what is left at the end */
};

/* Windows that wait for being written as files: at the end all that wait or are on their way may
 * fail at once. */
#define PUSH_FAILED (PUSH_URLS * (LIMIT_PUSH_QUEUE + 1))

struct push {
	const struct push_options *options;
	struct destination v[PUSH_URLS];
	uint32_t n; /* 0: nothing is pushed */
	char host[65];
	struct push_times times;
	uint64_t stop_at; /* 0: not yet */
	struct parcel *failed[PUSH_FAILED];
	uint32_t n_failed;
	uint64_t unsaved; /* profiles of windows that failed and were not taken in time */
};

/* p has zeros, and times of its own or zeros. o is borrowed. before_telling (may be NULL) is called
 * before each line that is told. 0, or -errno told. */
int push_init(
	struct push *p, const struct push_options *o, void (*before_telling)(void *arg), void *arg);

/* service: as the program calls itself (OTEL process context); NULL: not known. 0, or -errno told.
 */
int push_add(struct push *p, const struct profile *const *profiles, uint32_t n, const char *comm,
	int pid, const char *service);

/* What to poll for, at most room; how many. */
int push_poll_fds(const struct push *p, struct pollfd *fds, int room);

/* How long the loop may sleep for it; -1: for ever. */
int push_timeout_ms(const struct push *p, uint64_t now);

void push_step(struct push *p, uint64_t now);

/* Nothing waits and nothing is on its way. */
int push_is_idle(const struct push *p);

/* What is left gets push_times.end_ms; then it is given up, and push is idle. */
void push_stop(struct push *p, uint64_t now);

/* The next window that some store did not get, and will not; NULL: none. It has the bytes of its
 * files, and is for parcel_release. Each comes once, whatever number of stores it failed at. */
struct parcel *push_take_failed(struct push *p);

/* Something was refused, given up, or dropped: the exit status is 1. */
int push_has_failed(const struct push *p);

/* Of store i < n: what became of it, how many profiles wait, and what people know it by. */
const struct push_counts *push_counts(const struct push *p, uint32_t i);
uint32_t push_waiting(const struct push *p, uint32_t i);
const char *push_name(const struct push *p, uint32_t i);

/* A line for each store: what it got and what not; and one for what could not even be kept as
 * files. */
void push_tell(const struct push *p);

void push_fini(struct push *p);

#endif
