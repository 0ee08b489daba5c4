/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new thread's first stop and its creator's come in any order, and it may have ended before its
 * creator's is seen:
 *
 *   unknown ──first stop──▶ born ──announced by its creator──▶ known ──end──▶ unknown
 *      │                     └──end──▶ ended ──announced──▶ unknown
 *      ├──announced──▶ known, or, if it is a process: leaves ──first stop: let go──▶ unknown
 *      └──first stop, a process: let go──▶ left ──announced──▶ unknown
 *
 * Only what is announced counts, so each thread once.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/attached.h"
#include "agent/tracer/call.h"
#include "agent/tracer/ignored.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/watcher.h"
#include "base/now.h"

#define STUCK_NS    300000000ull
#define ATTEND_NS   200000ull
#define LISTINGS    64u		       /* rounds through the threads that are there */
#define TRIES	    5u		       /* where none could be attached to */
#define LAST_EVENTS 10000u	       /* that came before the end */
#define ID_MAX	    (4u * 1024 * 1024) /* PID_MAX_LIMIT */

enum stage { UNKNOWN, BORN, KNOWN, ENDED, LEAVES, LEFT, STAGE = 7, INTRODUCED = 8 };

/* By thread id, of the watcher that there is: one at a time. Only the pages of ids that occur are
 * ever touched. */
static unsigned char *stages;

static unsigned char *stage_of(pid_t tid)
{
	return &stages[tid > 0 && (uint32_t)tid <= ID_MAX ? tid : 0];
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void count_other(struct watcher *w, uint64_t held)
{
	count(&w->counts.others, 1);
	count(&w->counts.others_ns, held);
}

static int has_thread(const struct watched *p, pid_t tid)
{
	char path[32];

	snprintf(path, sizeof(path), "task/%d", tid);
	return faccessat(p->proc, path, F_OK, 0) == 0;
}

/* The process that a thread belongs to, or NULL. */
static struct watched *process_of(struct watcher *w, pid_t tid)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (has_thread(&w->v[i], tid))
			return &w->v[i];
	return NULL;
}

static struct watcher_record head(
	const struct watcher *w, const struct watched *p, enum watcher_what what, pid_t tid)
{
	return (struct watcher_record){
		.what = what, .tid = tid, .process = p - w->v, .program = p->program};
}

/* --- creations ---------------------------------------------------------------------------- */

/* Whether the new task is a thread of that process: 1 it is and counts. */
static int announce(const struct watched *p, pid_t tid)
{
	unsigned char *stage = stage_of(tid);
	enum stage before = *stage & STAGE;

	switch (before) {
	case BORN:
		*stage = KNOWN;
		return 1;
	case ENDED:
	case LEFT:
		*stage = UNKNOWN;
		return before == ENDED;
	default:
		*stage = has_thread(p, tid) ? KNOWN : LEAVES;
		return *stage == KNOWN;
	}
}

/* Its identity, the first time; later nothing is read. */
static void introduce(struct watcher *w, const struct watched *p, pid_t tid)
{
	struct proc_stat stat;
	char path[40];

	if (*stage_of(tid) & INTRODUCED)
		return;
	struct watcher_record *r = ring_reserve(&w->queue, sizeof(*r));
	snprintf(path, sizeof(path), "task/%d/stat", tid);
	if (!r || proc_stat_take(proc_file_open(p->proc, path), &stat) < 0)
		return;
	*r = head(w, p, WATCHER_CREATOR, tid);
	r->start_time = stat.start_time;
	memcpy(r->name, stat.comm, sizeof(r->name));
	ring_commit(&w->queue, sizeof(*r));
	*stage_of(tid) |= INTRODUCED;
}

/* Room for two stacks; where the main thread falls behind, for one or none. */
static struct watcher_record *reserve(struct watcher *w, size_t want)
{
	const size_t least = sizeof(struct watcher_record) + sizeof(struct capture);

	for (int stacks = 2; stacks >= 0; stacks--) {
		w->capturer.room = stacks * want;
		struct watcher_record *r = ring_reserve(&w->queue, least + w->capturer.room);
		if (r)
			return r;
	}
	count(&w->counts.no_room, 1);
	return NULL;
}

/* A program's mappings are read when it first creates a thread, before that goes on: it may end at
 * once. Not for longer than this takes at most. */
static void wait_until_shown(struct watcher *w, struct watched *p)
{
	const uint64_t until = clock_now() + 100000000;
	const struct timespec pause = {0, 20000};

	while (p->shown != p->program && clock_now() < until) {
		ring_wake(&w->queue);
		nanosleep(&pause, NULL);
	}
	p->shown = p->program;
}

/* In the stop: what a capture of its creator needs. The record's size. */
static size_t read_creator(
	struct watcher *w, struct watched *p, pid_t tid, struct watcher_record *r, size_t want)
{
	struct capture *cap = (struct capture *)(r + 1);
	struct thread th = {.process = &p->as_captured, .tid = tid, .weight = WEIGHT_ONE};

	*r = head(w, p, WATCHER_CREATION, tid);
	capture_creator(&w->capturer, &th, want, cap);
	return sizeof(*r) + sizeof(*cap) + cap->stack_len + cap->other_len;
}

static void on_clone(struct watcher *w, pid_t tid, uint64_t began)
{
	struct watched *p = process_of(w, tid);
	size_t want = atomic_load_explicit(&w->want, memory_order_relaxed);

	if (!p || !announce(p, attached_subject(tid))) {
		attached_go_on(tid, 0);
		return;
	}
	introduce(w, p, tid);
	struct watcher_record *r = reserve(w, want);
	size_t size = r ? read_creator(w, p, tid, r, want) : 0;
	int is_first = p->shown != p->program;
	if (!is_first)
		attached_go_on(tid, 0);
	uint64_t held = clock_now() - began;
	if (r) {
		r->held = held;
		ring_commit(&w->queue, size);
	} else {
		count_other(w, held);
	}
	p->creates = 1;
	if (is_first) {
		wait_until_shown(w, p);
		attached_go_on(tid, 0);
	}
}

/* --- the other stops ---------------------------------------------------------------------- */

/* The first stop of a new one: 1 it is a process, and was let go. */
static int is_let_go(struct watcher *w, pid_t tid)
{
	unsigned char *stage = stage_of(tid);
	enum stage before = *stage & STAGE;

	if (before == BORN || before == KNOWN)
		return 0;
	if (before != LEAVES && process_of(w, tid)) {
		*stage = BORN;
		return 0;
	}
	*stage = before == LEAVES ? UNKNOWN : LEFT;
	attached_let_go(tid);
	count(&w->counts.let_go, 1);
	return 1;
}

/* The main thread forgets it. */
static void end_creator(struct watcher *w, pid_t tid)
{
	if (!(*stage_of(tid) & INTRODUCED))
		return;
	struct watcher_record *r = ring_reserve(&w->queue, sizeof(*r));
	if (!r)
		return;
	*r = (struct watcher_record){.what = WATCHER_END, .tid = tid};
	ring_commit(&w->queue, sizeof(*r));
}

static void on_end(struct watcher *w, pid_t tid)
{
	unsigned char *stage = stage_of(tid);

	end_creator(w, tid);
	/* One that was killed before its first stop has been created all the same. */
	*stage = (*stage & STAGE) == BORN || *stage == UNKNOWN ? ENDED : UNKNOWN;
}

/* All others of the process have ended or will be seen to; its caller's id is nobody's now. */
static void on_exec(struct watcher *w, pid_t tid)
{
	struct watched *p = process_of(w, tid);
	pid_t before = attached_subject(tid);

	end_creator(w, before);
	if (before != tid)
		*stage_of(before) = UNKNOWN;
	*stage_of(tid) = KNOWN;
	if (!p)
		return;
	p->program++;
	struct watcher_record *r = ring_reserve(&w->queue, sizeof(*r));
	if (!r)
		return;
	*r = head(w, p, WATCHER_EXEC, tid);
	ring_commit(&w->queue, sizeof(*r));
}

static void mend_call(struct watcher *w, const struct attached_stop *stop)
{
	struct tracee_calls calls = {0};

	ignored_mend(stop->tid, stop->signal, &calls);
	count(&w->counts.repaired, calls.repaired);
	count(&w->counts.failed, calls.failed);
	count(&w->counts.cut_short, calls.cut_short);
}

static void on_signal(struct watcher *w, const struct attached_stop *stop)
{
	mend_call(w, stop);
	attached_go_on(stop->tid, stop->signal);
	count(&w->counts.signals, 1);
}

static void on_other(struct watcher *w, const struct attached_stop *stop)
{
	switch (stop->event) {
	case ATTACHED_TRAP:
		if (!is_let_go(w, stop->tid))
			attached_go_on(stop->tid, 0);
		break;
	case ATTACHED_GROUP:
		count(&w->counts.group_stops, 1);
		if (!is_let_go(w, stop->tid))
			attached_stay(stop->tid);
		break;
	case ATTACHED_EXEC:
		on_exec(w, stop->tid);
		attached_go_on(stop->tid, 0);
		break;
	default:
		on_signal(w, stop);
	}
}

/* 1 there was an event, 0 there was none, -ECHILD. */
static int serve(struct watcher *w, int may_wait)
{
	struct attached_stop stop;

	atomic_store(&w->busy_since, 0);
	int got = attached_next(&stop, may_wait);
	if (got <= 0)
		return got;
	uint64_t began = clock_now();
	atomic_store(&w->busy_since, began);
	if (stop.event == ATTACHED_END) {
		on_end(w, stop.tid);
	} else if (stop.event == ATTACHED_CLONE) {
		on_clone(w, stop.tid, began);
	} else {
		on_other(w, &stop);
		count_other(w, clock_now() - began);
	}
	return 1;
}

/* --- begin and end ------------------------------------------------------------------------ */

/* What those do that are attached already; not after each, for a look at all takes its time. */
static void attend(struct watcher *w, uint64_t *last)
{
	uint64_t now = clock_now();

	if (now - *last < ATTEND_NS)
		return;
	while (serve(w, 0) == 1)
		;
	*last = clock_now();
}

/* Those that nobody has attached yet; how many. */
static uint32_t attach_listed(struct watcher *w, const struct watched *p)
{
	int fd = openat(p->proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t last = clock_now();
	uint32_t n = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		pid_t tid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
		if (!tid || *stage_of(tid) != UNKNOWN)
			continue;
		atomic_store(&w->busy_since, clock_now());
		if (attached_seize(tid) == 0) {
			*stage_of(tid) = KNOWN;
			n++;
		}
		attend(w, &last);
	}
	closedir(dir);
	return n;
}

/* Until a listing has nobody new: who is attached attaches those that he creates. In the middle of
 * an exec there is nobody at all. */
static void attach_all(struct watcher *w)
{
	const struct timespec pause = {0, 1000000};
	uint64_t began = clock_now();
	uint32_t more = 1, all = 0;

	for (uint32_t round = 0; more || (!all && round < TRIES); round++) {
		if (!more)
			nanosleep(&pause, NULL);
		more = 0;
		for (uint32_t i = 0; i < w->n && round < LISTINGS; i++)
			more += attach_listed(w, &w->v[i]);
		all += more;
		count(&w->counts.attached, more);
	}
	count(&w->counts.attach_ns, clock_now() - began);
	atomic_store(&w->is_attached, 1);
}

static void *run(void *arg)
{
	struct watcher *w = arg;
	int got = 0;

	attach_all(w);
	while (!atomic_load(&w->stop) && got != -ECHILD)
		got = serve(w, 1);
	for (uint32_t i = 0; got != -ECHILD && i < LAST_EVENTS && serve(w, 0) == 1; i++)
		;
	atomic_store(&w->busy_since, 0);
	atomic_store(&w->is_over, 1);
	return NULL;
}

int watcher_begin(struct watcher *w, const struct ring *to_worker, struct process *const *processes,
	uint32_t n)
{
	w->v = calloc(n, sizeof(*w->v));
	stages = calloc(ID_MAX + 1, 1);
	int error = w->v && stages ? ring_open(&w->queue) : -ENOMEM;

	if (error)
		return error;
	ring_produce(&w->queue);
	w->to_worker = *to_worker;
	w->to_worker.reader = 1;
	w->capturer.ring = &w->to_worker;
	w->want = LIMIT_STACK_UNKNOWN;
	for (w->n = 0; w->n < n; w->n++) {
		struct watched *p = &w->v[w->n];
		p->as_captured.number = processes[w->n]->number;
		p->proc = fcntl(processes[w->n]->target.proc, F_DUPFD_CLOEXEC, 3);
		if (p->proc < 0)
			return -errno;
	}
	return -pthread_create(&w->thread, NULL, run, w);
}

void watcher_end(struct watcher *w)
{
	const struct timespec pause = {0, 200000};

	atomic_store(&w->stop, 1);
	/* Its wait may begin just after a signal came. */
	while (!atomic_load(&w->is_over) && !watcher_is_stuck(w)) {
		pthread_kill(w->thread, SIGALRM);
		nanosleep(&pause, NULL);
	}
	if (atomic_load(&w->is_over))
		pthread_join(w->thread, NULL);
}

void watcher_free(struct watcher *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		close(w->v[i].proc);
	free(w->v);
	free(stages);
	stages = NULL;
	ring_close(&w->queue);
	memset(w, 0, sizeof(*w));
}

int watcher_is_stuck(const struct watcher *w)
{
	uint64_t since = atomic_load(&w->busy_since);

	return since && clock_now() - since > STUCK_NS;
}
