/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/tracer/proc_file.h"
#include "agent/tracer/process.h"
#include "base/now.h"
#include "base/wire.h"

/* Listing threads that come and go takes at most a 20th of the time; a 100th where that brings
 * nothing new, for the kernel counts threads that we cannot see, too. */
#define LISTING_REST	  20
#define LISTING_LONG_REST 100
#define FIGURES		  1000u /* threads in one message */

_Static_assert(FIGURES * sizeof(struct tracer_thread) <= LIMIT_MESSAGE, "fits");

static uint64_t in_ns(uint64_t clock_ticks)
{
	return clock_ticks * (SECOND / sysconf(_SC_CLK_TCK));
}

static void tell_attached(const struct process *p, const struct proc_stat *stat)
{
	struct tracer_attached attached = {
		.pid = p->target.pid,
		.number = p->number,
		.n_threads = p->threads.n,
		.is_new = p->is_new,
		.start_time = p->target.stat.start_time,
		.clock = p->clock,
	};

	memcpy(attached.comm, stat->comm, sizeof(attached.comm));
	wire_send(p->common->sock, TRACER_ATTACHED, &attached, sizeof(attached), -1);
}

void process_read_program(struct process *p)
{
	struct proc_stat stat;
	int fd = target_open_file(&p->target, process_live_tid(p), "stat");

	if (proc_stat_take(fd, &stat) < 0)
		return;
	p->start_stack = stat.start_stack ? stat.start_stack : p->start_stack;
	tell_attached(p, &stat);
}

/* The kernel counts the threads of a process in the links of its task folder (fs/proc/base.c,
 * proc_task_getattr), besides those that a folder has anyway. */
static int64_t count_links(const struct process *p)
{
	struct stat st;

	return fstatat(p->target.proc, "task", &st, 0) < 0 ? -1 : (int64_t)st.st_nlink;
}

static void learn_links(struct process *p)
{
	int64_t links = count_links(p), threads = p->target.stat.n_threads;

	/* Where threads came or went meanwhile the sum is another one. */
	p->links = links - threads == 2 || links - p->live == 2 ? 2 : -1;
}

int process_count_is_right(const struct process *p)
{
	int64_t links = p->links < 0 ? -1 : count_links(p);

	return links < 0 || links - p->links == p->live;
}

/* A process none of whose threads can be opened is refused: -1 and why. */
static int list_first(struct process *p, struct tracer_refused *why)
{
	int error = threads_refresh(&p->threads);

	if (error)
		error = threads_refresh(&p->threads);
	p->common->lists_failed += error != 0;
	if (!error || p->threads.n)
		return 0;
	why->cause = error == -ENOENT || error == -ESRCH ? REFUSED_NO_PROCESS : REFUSED_OTHER;
	why->detail = -error;
	return -1;
}

struct process *process_open(
	struct common *c, const struct tracer_pid *which, int is_new, struct tracer_refused *why)
{
	struct process *p = calloc(1, sizeof(*p));

	*why = (struct tracer_refused){.pid = which->pid};
	if (!p) {
		why->cause = REFUSED_OTHER;
		why->detail = ENOMEM;
		return NULL;
	}
	if (target_open(&p->target, which->pid, which->pid == c->launched, why) < 0) {
		free(p);
		return NULL;
	}
	if (which->start_time && p->target.stat.start_time != which->start_time) {
		why->cause = REFUSED_IDENTITY;
		process_close(p);
		return NULL;
	}
	p->number = which->number;
	p->common = c;
	p->is_new = is_new;
	p->start_stack = p->target.stat.start_stack;
	p->children_begin = is_new ? 0 : in_ns(p->target.stat.children);
	p->children = p->children_begin;
	threads_init(&p->threads, &p->target, p, &c->next_serial, c->began);
	p->threads.first_listing_done = is_new;
	mappings_init(
		&p->mappings, &p->target, p->number, &c->modules, &c->next_generation, c->sock);
	perf_map_file_init(&p->perf_map);
	if (list_first(p, why) < 0) {
		process_close(p);
		return NULL;
	}
	p->live = p->threads.n;
	learn_links(p);
	process_read_clock(p);
	tell_attached(p, &p->target.stat);
	return p;
}

void process_close(struct process *p)
{
	threads_fini(&p->threads);
	mappings_fini(&p->mappings);
	perf_map_file_fini(&p->perf_map);
	tids_fini(&p->tids);
	target_close(&p->target);
	free(p);
}

pid_t process_live_tid(const struct process *p)
{
	for (uint32_t i = 0; i < p->threads.n; i++)
		if (!p->threads.v[i].ended && p->threads.v[i].tid != p->target.pid)
			return p->threads.v[i].tid;
	return p->target.pid;
}

void process_list(struct process *p, uint64_t now)
{
	uint32_t seen = p->threads.seen;
	uint64_t began = clock_now();

	int error = threads_refresh(&p->threads);
	p->common->lists_failed += error != 0;
	process_tell_threads(p);
	threads_sweep(&p->threads);
	int is_news = error || p->listed != p->threads.n || seen != p->threads.seen;
	p->live = p->listed = p->threads.n;
	p->stale = 0;
	p->next_listing =
		now + (is_news ? LISTING_REST : LISTING_LONG_REST) * (clock_now() - began);
}

void process_read_maps(struct process *p)
{
	/* The copy of us that is to become the command has nothing to show. */
	if (p->is_waiting)
		return;
	/* Those of a main thread that has ended are empty. */
	int changed = mappings_refresh(&p->mappings, p->target.pid);
	if (changed < 0)
		changed = mappings_refresh(&p->mappings, process_live_tid(p));
	p->mappings.failed += changed < 0;
	if (changed == 1)
		process_find_perf_map(p);
}

void process_find_perf_map(struct process *p)
{
	pid_t tid = target_is_alive(&p->target) ? process_live_tid(p) : 0;
	struct common *c = p->common;

	/* In a file system of the target's own (FUSE) it may never be found. */
	if (ring_begin_read(c->ring, p->target.pid | RING_PERF_MAP))
		return;
	perf_map_file_look(&p->perf_map, &p->target, tid, &c->modules, p->number, c->sock);
	ring_end_read(c->ring);
}

/* Code of a library just opened runs only after a page fault: whoever had none since the last look
 * runs what was there then. Reading the maps takes at most a fiftieth of the time, or a tenth where
 * that brings something new. */
int process_read_maps_of_faults(struct process *p)
{
	uint64_t began = clock_now();
	uint32_t generation = p->mappings.generation;

	if (!p->faulted || began < p->next_faults)
		return 0;
	p->faulted = 0;
	process_read_maps(p);
	uint64_t now = clock_now(), rest = p->mappings.generation != generation ? 10 : 50;
	p->next_faults = now + rest * (now - began);
	return 1;
}

/* While the kernel puts the new program together the place is 0; that of a main thread that has
 * ended says nothing. */
int process_runs_another(const struct process *p)
{
	struct proc_stat stat;

	if (proc_stat_take(proc_file_open(p->target.proc, "stat"), &stat) < 0 || stat.state == 'Z')
		return 0;
	return stat.start_stack != p->start_stack;
}

void process_read_again(struct process *p, uint64_t now)
{
	p->exec_seen = 0;
	p->is_waiting = 0;
	process_list(p, now);
	process_read_program(p);
	process_read_maps(p);
}

void process_look(struct process *p)
{
	uint64_t now = clock_now();

	for (uint32_t i = 0; i < p->threads.n; i++)
		/* Nobody looks again later: what cannot be read is tried twice. */
		for (int tries = 0; tries < 2 && !p->threads.v[i].ended; tries++)
			if (thread_look(&p->threads.v[i], now) == 0)
				break;
	process_read_clock(p);
}

void process_tell_threads(struct process *p)
{
	static struct tracer_thread figures[FIGURES];
	int sock = p->common->sock;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->threads.n; i++) {
		struct thread *th = &p->threads.v[i];
		if (!th->unsent)
			continue;
		th->unsent = 0;
		figures[n] = (struct tracer_thread){
			.serial = th->serial,
			.process = p->number,
			.tid = th->tid,
			.start_time = th->start_time,
			.cpu = th->last.cpu,
			.is_new = th->is_new,
			.has_ended = th->ended,
			.is_left_out = th->is_left_out,
		};
		memcpy(figures[n].name, th->name, sizeof(th->name));
		if (++n == FIGURES) {
			wire_send(sock, TRACER_THREADS, figures, sizeof(figures), -1);
			n = 0;
		}
	}
	if (n)
		wire_send(sock, TRACER_THREADS, figures, n * sizeof(*figures), -1);
}

void process_read_clock(struct process *p)
{
	uint64_t now = target_clock(&p->target);

	if (now)
		p->clock = now;
}

void process_read_children(struct process *p)
{
	struct proc_stat stat;

	if (proc_stat_take(proc_file_open(p->target.proc, "stat"), &stat) == 0)
		p->children = in_ns(stat.children);
}
