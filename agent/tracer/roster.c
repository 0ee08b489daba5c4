/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/tracer/roster.h"
#include "base/list.h"
#include "base/now.h"
#include "base/wire.h"

#define EXEC_NS		2000000ull /* one exec is over after that */
#define WANTED_NS	SECOND	   /* between two readings of maps that were asked for */
#define PARENTS_AT_ONCE 2u	   /* whose children's CPU time is read in a tick */
#define FIGURES		1000u	   /* processes in one message */

_Static_assert(FIGURES * sizeof(struct tracer_process) <= LIMIT_MESSAGE, "fits");

int roster_init(struct roster *r, int sock, struct ring *ring, const struct tracer_start *start)
{
	*r = (struct roster){
		.common = {.sock = sock,
			.ring = ring,
			.next_serial = start->first_serial,
			.next_generation = start->first_generation,
			.next_process = start->first_process,
			.began = threads_time(),
			.launched = start->flags & START_LAUNCHED ? start->launched : 0},
		.with_children = !!(start->flags & START_CHILDREN),
		.changed = 1,
	};
	int error = thread_names_set(&r->common.names, start->threads);
	if (error)
		return error;
	r->ends = epoll_create1(EPOLL_CLOEXEC);
	return r->ends < 0 ? -errno : 0;
}

/* Its end wakes us, where the kernel has pidfds; else it is seen at the next refresh. */
static void watch(struct roster *r, struct process *p)
{
	struct epoll_event e = {.events = EPOLLIN};

	if (p->target.pidfd >= 0)
		epoll_ctl(r->ends, EPOLL_CTL_ADD, p->target.pidfd, &e);
}

static struct process *find(const struct roster *r, pid_t pid)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i]->target.pid == pid)
			return r->v[i];
	return NULL;
}

/* 0, or -1 and why. */
static int add(
	struct roster *r, const struct tracer_pid *which, int is_new, struct tracer_refused *why)
{
	int error = list_room(&r->v, r->n, 1, &r->room, sizeof(*r->v), LIMIT_PROCESSES);
	if (error) {
		*why = (struct tracer_refused){
			.cause = REFUSED_TOO_MANY, .detail = LIMIT_PROCESSES, .pid = which->pid};
		if (error == -ENOMEM) {
			why->cause = REFUSED_OTHER;
			why->detail = ENOMEM;
		}
		return -1;
	}
	struct process *p = process_open(&r->common, which, is_new, why);
	if (!p)
		return -1;
	struct process *parent = find(r, p->target.stat.ppid);
	p->has_parent = parent != NULL;
	if (parent)
		parent->is_parent = 1;
	r->v[r->n++] = p;
	watch(r, p);
	r->changed = 1;
	return 0;
}

static int has(const void *arg, pid_t pid)
{
	const struct roster *r = arg;
	uint32_t n = r->n_left_out < ROSTER_LEFT_OUT ? r->n_left_out : ROSTER_LEFT_OUT;

	if (find(r, pid))
		return 1;
	for (uint32_t i = 0; i < n; i++)
		if (r->left_out[i] == pid)
			return 1;
	return 0;
}

/* One more; where it may not be profiled the others are. */
static void add_extra(struct roster *r, pid_t pid, int is_new)
{
	struct tracer_pid which = {.pid = pid, .number = r->common.next_process};
	struct tracer_refused why;

	if (add(r, &which, is_new, &why) == 0) {
		r->common.next_process++;
		process_tell_threads(r->v[r->n - 1]);
		return;
	}
	r->left_out[r->n_left_out++ % ROSTER_LEFT_OUT] = pid;
	/* One that has ended meanwhile is no failure, and we are nobody's target. */
	if (why.cause == REFUSED_OURSELVES || family_is_gone(pid))
		return;
	why.is_extra = 1;
	wire_send(r->common.sock, TRACER_REFUSED, &why, sizeof(why), -1);
}

static void found_new(void *arg, pid_t pid)
{
	add_extra(arg, pid, 1);
}

static void found_old(void *arg, pid_t pid)
{
	add_extra(arg, pid, 0);
}

/* Not twice one that is there, and none of ours. */
static void found_of_name(void *arg, pid_t pid)
{
	if (!has(arg, pid) && pid != getpid() && pid != getppid())
		add_extra(arg, pid, 0);
}

static int start_by_name(
	struct roster *r, const struct tracer_start *start, struct tracer_refused *why)
{
	char name[sizeof(start->name) + 1] = "";

	memcpy(name, start->name, sizeof(start->name));
	family_of_name(name, found_of_name, r);
	if (r->n)
		return 0;
	*why = (struct tracer_refused){.cause = REFUSED_NAME, .detail = r->n_left_out};
	return -1;
}

int roster_start(struct roster *r, const struct tracer_start *start, const struct tracer_pid *pids,
	struct tracer_refused *why)
{
	int is_again = start->flags & START_RESTARTED;

	for (uint32_t i = 0; i < start->n; i++) {
		int error = add(r, &pids[i], 0, why);
		/* After a restart those are left that still live. */
		if (error && !is_again)
			return -1;
		if (!error && start->flags & START_LAUNCHED)
			r->v[r->n - 1]->is_waiting = !is_again;
	}
	if (start->flags & START_BY_NAME && !is_again && start_by_name(r, start, why) < 0)
		return -1;
	if (r->with_children) {
		family_of_new(&r->family, has, found_new, r);
		family_of_all(has, found_old, r);
	}
	return r->n ? 0 : -1;
}

/* A process counts the CPU time of the children that it waited for, those of theirs included: what
 * is more than that of the children we know is of some that came and went between two looks. It is
 * less while a child has ended and was not waited for, and wrong for a moment in between: what two
 * looks agree on stays. */
static void count_unseen(struct roster *r)
{
	uint64_t all = r->ended_children;

	for (uint32_t i = 0; i < r->n; i++)
		all += r->v[i]->children - r->v[i]->children_begin;
	uint64_t excess = all > r->ended_as_child ? all - r->ended_as_child : 0;
	uint64_t agreed = excess < r->excess ? excess : r->excess;
	if (agreed > r->unseen)
		r->unseen = agreed;
	r->excess = excess;
}

/* A parent's account must not be old when it ends: its own parent may take its status at once. */
static void read_some_children(struct roster *r)
{
	uint32_t read = 0;

	for (uint32_t steps = 0; steps < r->n && read < PARENTS_AT_ONCE; steps++) {
		struct process *p = r->v[r->turn++ % r->n];
		if (!p->is_parent)
			continue;
		process_read_children(p);
		read++;
	}
	count_unseen(r);
}

void roster_find_new(struct roster *r)
{
	if (!r->with_children)
		return;
	family_of_new(&r->family, has, found_new, r);
	read_some_children(r);
}

static void tell_processes(struct roster *r)
{
	static struct tracer_process figures[FIGURES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		struct process *p = r->v[i];
		if (p->clock == p->told_clock && !p->has_ended)
			continue;
		p->told_clock = p->clock;
		figures[n] = (struct tracer_process){p->number, p->has_ended, p->clock};
		if (++n == FIGURES) {
			wire_send(r->common.sock, TRACER_PROCESSES, figures, sizeof(figures), -1);
			n = 0;
		}
	}
	if (n)
		wire_send(r->common.sock, TRACER_PROCESSES, figures, n * sizeof(*figures), -1);
}

static void end_process(struct roster *r, struct process *p)
{
	if (p->is_waiting) {
		p->is_waiting = 0;
		process_read_program(p);
	}
	process_look(p);
	process_find_perf_map(p);
	process_read_children(p);
	r->ended_children += p->children - p->children_begin;
	if (p->has_parent)
		r->ended_as_child += p->clock + p->children;
	for (uint32_t i = 0; i < p->threads.n; i++)
		p->threads.v[i].ended = p->threads.v[i].unsent = 1;
	process_tell_threads(p);
	p->has_ended = 1;
	r->ended_clock += p->clock;
	r->ended_threads += p->threads.seen;
	r->ended_maps_failed += p->mappings.failed;
}

void roster_drop_ended(struct roster *r)
{
	uint32_t kept = 0, ended = 0;

	for (uint32_t i = 0; i < r->n; i++)
		if (!target_is_alive(&r->v[i]->target)) {
			end_process(r, r->v[i]);
			ended++;
		}
	if (!ended)
		return;
	tell_processes(r);
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->v[i]->has_ended)
			process_close(r->v[i]);
		else
			r->v[kept++] = r->v[i];
	}
	r->n = kept;
	r->changed = 1;
}

void roster_refresh(struct roster *r, uint64_t now)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct process *p = r->v[i];
		uint64_t before = p->refreshed_clock;
		process_read_clock(p);
		/* What uses no CPU makes neither threads nor mappings. */
		if (p->clock == before && before)
			continue;
		p->refreshed_clock = p->clock;
		process_list(p, now);
		/* Else they are read when it is first met running. */
		if (p->mappings.generation)
			process_read_maps(p);
		process_find_perf_map(p);
		r->changed = 1;
	}
	tell_processes(r);
}

void roster_tell_all(struct roster *r, int list)
{
	for (uint32_t i = 0; r->with_children && i < r->n; i++)
		process_read_children(r->v[i]);
	if (r->with_children)
		count_unseen(r);
	for (uint32_t i = 0; i < r->n; i++) {
		if (list)
			r->common.lists_failed += threads_refresh(&r->v[i]->threads) != 0;
		process_look(r->v[i]);
		process_tell_threads(r->v[i]);
	}
	tell_processes(r);
	for (uint32_t i = 0; i < r->n; i++)
		process_find_perf_map(r->v[i]);
	r->changed |= list;
}

uint64_t roster_clock(const struct roster *r)
{
	uint64_t sum = r->ended_clock;

	for (uint32_t i = 0; i < r->n; i++)
		sum += r->v[i]->clock;
	return sum;
}

void roster_count(const struct roster *r, struct tracer_stats *stats)
{
	stats->threads_now = 0;
	stats->threads_seen = r->ended_threads;
	stats->maps_failed = r->ended_maps_failed;
	stats->processes_now = r->n;
	stats->unseen_ns = r->unseen;
	stats->lists_failed = r->common.lists_failed;
	for (uint32_t i = 0; i < r->n; i++) {
		stats->threads_now += r->v[i]->threads.n;
		stats->threads_seen += r->v[i]->threads.seen;
		stats->maps_failed += r->v[i]->mappings.failed;
	}
}

/* The process whose mappings in force are of that generation; NULL. */
static struct process *of_generation(const struct roster *r, uint32_t generation)
{
	for (uint32_t i = 0; generation && i < r->n; i++)
		if (r->v[i]->mappings.generation == generation)
			return r->v[i];
	return NULL;
}

int roster_read_changed(struct roster *r, uint32_t *execs)
{
	uint64_t now = clock_now();

	for (uint32_t i = 0; i < r->n; i++) {
		struct process *p = r->v[i];
		if (p->exec_seen) {
			/* The kernel writes the place of the new stack twice. */
			*execs += !p->is_waiting && now - p->exec_at > EXEC_NS;
			p->exec_at = now;
			process_read_again(p, now);
		} else if (p->stale && now >= p->next_listing) {
			process_list(p, now);
		} else {
			continue;
		}
		r->changed = 1;
	}
	return r->changed;
}

void roster_read_launched(struct roster *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i]->is_waiting) {
			process_read_again(r->v[i], clock_now());
			r->changed = 1;
		}
}

void roster_read_wanted_maps(struct roster *r, uint64_t now)
{
	uint32_t wanted =
		atomic_load_explicit(&r->common.ring->page->maps_wanted, memory_order_relaxed);
	struct process *p = of_generation(r, wanted);

	/* A stray pc asks for newer maps, too, and there are none: once a second is enough. */
	if (p && now >= p->next_maps) {
		process_read_maps(p);
		p->next_maps = now + WANTED_NS;
	}
}
