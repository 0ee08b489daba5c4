/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "agent/tracer/sampler.h"

#define FEW_PROCESSES 64u  /* so many are asked in each tick whether threads were born */
#define FEW_THREADS   32u  /* so many are all looked at in each tick */
#define FEW_WAITERS   256u /* the same where those that wait count, too */
#define IDLE_LOOKS    25u  /* looks without a move after which a thread is only seen in turn */
#define ACTIVE_LOOKS  8u   /* threads that run now and then: so many are looked at in each tick */
#define ROUND_TICKS   25u  /* idle threads: all of them within so many ticks */
#define REST_TICKS    10u  /* for a thread that did not reach its stop in time */
#define OTHERS_TICKS  100u /* after a thread had to wait for its CPU */
#define STALE_NS      200000ull /* a check this old is made again before the stop */

/* Who was looked at and taken in a tick. */
struct turns {
	int our_cpu;
	int ours; /* one of those on our CPU was taken */
	uint32_t taken, asked;
};

/* Of those that were running: several for each CPU, so that some are on one. */
static uint32_t running_looks(const struct sampler *s)
{
	return 4 * s->cpus.n + 16;
}

int sampler_prepare(struct sampler *s, struct process *const *processes, uint32_t n)
{
	uint32_t threads = 0;

	s->processes = s->waiters.processes = processes;
	s->n_processes = s->waiters.n_processes = n;
	s->n = 0;
	s->stale = 0;
	for (uint32_t i = 0; i < n; i++)
		threads += processes[i]->threads.n;
	if (threads > s->room) {
		void *v = realloc(s->v, threads * 2 * sizeof(*s->v));
		s->v = v ? v : s->v;
		void *candidates =
			v ? realloc(s->candidates, threads * 2 * sizeof(*s->candidates)) : NULL;
		s->candidates = candidates ? candidates : s->candidates;
		void *sleepers = candidates
					 ? realloc(s->sleepers, threads * 2 * sizeof(*s->sleepers))
					 : NULL;
		if (!sleepers)
			return -ENOMEM;
		s->sleepers = sleepers;
		s->room = threads * 2;
	}
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < processes[i]->threads.n; j++)
			s->v[s->n++] = &processes[i]->threads.v[j];
	return 0;
}

static int is_unknown(struct sampler *s)
{
	s->capturer.stats->skipped[SKIP_UNKNOWN]++;
	return 0;
}

/* Its CPU time at this tick: each reading sums up all its threads. */
static uint64_t clock_of(const struct sampler *s, struct process *p)
{
	if (p->ticked != s->now) {
		p->ticked = s->now;
		process_read_clock(p);
	}
	return p->clock;
}

/* Runnable at this moment. stat costs four times schedstat, so it is read only where the thread can
 * have become runnable: it moved, or it was running when last seen. */
static int is_running(struct sampler *s, struct thread *th)
{
	struct process *p = th->process;
	struct proc_stat stat;
	int error = thread_look(th, s->now);

	if (error == -ESRCH) {
		p->live--;
		p->stale = s->stale = 1;
		return 0;
	}
	if (error)
		return is_unknown(s);
	if (!th->moved && !th->was_running)
		return 0;
	clock_of(s, p); /* should it end before the next look, this is what is known of it */
	int state = thread_state(th, &stat);
	if (state < 0 && state != -ESRCH)
		return is_unknown(s);
	if (state > 0 && stat.n_threads != p->live)
		p->stale = s->stale = 1;
	if (state != 'R') {
		if (s->crowded && state > 0)
			thread_calibrate(&p->target, th);
		return 0;
	}
	p->faulted |= stat.faults != th->faults;
	th->faults = stat.faults;
	if (stat.start_stack && p->start_stack && stat.start_stack != p->start_stack)
		p->exec_seen = s->exec_seen = 1;
	/* These maps are another program's, or none of the user's yet. */
	return !p->exec_seen && !p->is_waiting;
}

/* Of a thread that is one of looks taken out of n. */
static void set_weight(const struct sampler *s, struct thread *th, uint32_t n, uint32_t looks)
{
	uint64_t weight = (uint64_t)s->weight * n / looks;

	th->weight = weight > UINT16_MAX ? UINT16_MAX : weight;
}

/* Whether one of n threads is among the so many that are looked at, by chance; what is found there
 * stands for those that were not. */
static int is_looked_at(struct sampler *s, struct thread *th, uint32_t n, uint32_t looks)
{
	th->weight = s->weight;
	if (n <= looks)
		return 1;
	set_weight(s, th, n, looks);
	return clock_random(s->clock, n) < looks;
}

static int wants_waiters(const struct sampler *s)
{
	return !!(s->capturer.asked & WAITERS_KINDS);
}

/* A look at the thread of that number; those that run and those that sleep. */
static void look_at(struct sampler *s, uint32_t i, uint32_t *n)
{
	struct thread *th = s->v[i];
	const struct process *p = th->process;
	int is_candidate = is_running(s, th);

	if (th->is_left_out)
		return;
	if (is_candidate)
		s->candidates[(*n)++] = i;
	else if (wants_waiters(s) && !th->ended && th->state != 'R' && !p->exec_seen &&
		 !p->is_waiting)
		s->sleepers[s->n_sleepers++] = i;
}

static int is_idle(const struct thread *th)
{
	return !th->was_running && th->idle_looks >= IDLE_LOOKS;
}

/* One clock instead of a look at each idle thread; not asked where the last tick found someone
 * running. (The clock of a process moves at a scheduler's tick or switch, so it cannot tell that
 * nobody is running just now; those that ran lately are looked at without asking it.) */
static int nothing_ran(struct sampler *s)
{
	if (s->busy)
		return 0;
	uint64_t now = 0;
	for (uint32_t i = 0; i < s->n_processes; i++)
		now += clock_of(s, s->processes[i]);
	int same = now && now == s->last_clock;
	s->last_clock = now;
	return same;
}

/* Idle threads in turn. How many candidates there are then. */
static uint32_t collect_idle(struct sampler *s, uint32_t n, uint32_t idle)
{
	uint32_t looks = idle / ROUND_TICKS + 1;

	for (uint32_t steps = 0, looked = 0; steps < s->n && looked < looks; steps++) {
		s->turn = s->turn + 1 < s->n ? s->turn + 1 : 0;
		struct thread *th = s->v[s->turn];
		if (th->ended || !is_idle(th))
			continue;
		looked++;
		set_weight(s, th, idle, looks);
		look_at(s, s->turn, &n);
	}
	return n;
}

/* Fills candidates; how many. */
static uint32_t collect(struct sampler *s)
{
	int few = s->n <= (wants_waiters(s) ? FEW_WAITERS : FEW_THREADS);
	uint32_t n = 0, idle = 0, active = 0, running = 0;

	s->n_sleepers = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		struct thread *th = s->v[i];
		if (th->ended)
			continue;
		int looked_at = 1;
		if (few) {
			th->weight = s->weight;
		} else if (th->was_running) {
			running++;
			looked_at = is_looked_at(s, th, s->running, running_looks(s));
		} else if (is_idle(th)) {
			idle++;
			continue;
		} else {
			active++;
			looked_at = is_looked_at(s, th, s->active, ACTIVE_LOOKS);
		}
		if (looked_at)
			look_at(s, i, &n);
	}
	s->active = active;
	s->running = running;
	return idle && (wants_waiters(s) || !nothing_ran(s)) ? collect_idle(s, n, idle) : n;
}

static void shuffle(struct sampler *s, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = clock_random(s->clock, i);
		uint32_t swap = s->candidates[i - 1];
		s->candidates[i - 1] = s->candidates[j];
		s->candidates[j] = swap;
	}
}

/* A thread that we took the CPU from looks like one that waits for it; so does every other on this
 * CPU that waits, until it is stopped. It ran until now if it used (nearly) all the time since the
 * last look; where the crowd takes turns it ran at least lately. */
static int was_on_our_cpu(const struct sampler *s, const struct thread *th)
{
	if (s->cpus.quota > 0)
		return th->ran >= th->since - th->since / 8;
	return th->ran > 0;
}

/* In a crowd only a thread that is on a CPU is stopped, and no more than there are CPUs: one of
 * ours, and of the others those that the kernel's counts say are on one, which is not cheap to ask.
 */
static int has_its_turn(struct sampler *s, struct thread *th, struct turns *t)
{
	if (th->rest) {
		th->rest--;
		return 0;
	}
	if (!s->crowded)
		return 1;
	if (t->taken >= (uint32_t)s->cpus.n)
		return 0;
	if (th->processor == t->our_cpu) {
		if (t->ours || !was_on_our_cpu(s, th))
			return 0;
		t->ours = 1;
		return 1;
	}
	if (t->asked >= running_looks(s))
		return 0;
	t->asked++;
	return thread_is_on_cpu(&th->process->target, th) == 1;
}

/* Only asked where a stop left in doubt whether a thread computes in its calls or waits in them. */
static int we_took_its_cpu(struct sampler *s, struct thread *th)
{
	const uint64_t slack = 1000;

	s->has_doubts = 1;
	uint64_t left = thread_switched_at(&th->process->target, th);
	return s->came && left + slack >= s->came && left <= s->came + slack;
}

/* A worker that does not keep up with one part of a program must not make that part look small:
 * what there was no room for is owed to the thread's next sample. */
static enum skip capture_with_debt(struct sampler *s, struct thread *th)
{
	const uint32_t most = 64 * WEIGHT_ONE;
	uint32_t whole = th->weight + th->owed;

	th->weight = whole > UINT16_MAX ? UINT16_MAX : whole;
	uint32_t kinds = s->capturer.asked & (KIND(PROFILE_CPU) | KIND(PROFILE_WALL));
	waiters_begin_capture(&s->waiters, th);
	enum skip skip = capture_running(&s->capturer, th, kinds, 'R');
	waiters_end_capture(&s->waiters, th, skip);
	if (skip == SKIP_RING_FULL)
		th->owed = th->weight > most ? most : th->weight;
	else if (skip == SKIPS)
		th->owed = 0;
	return skip;
}

static enum skip take(struct sampler *s, struct thread *th, int our_cpu)
{
	/* Each stop before this one took its time. */
	if (clock_now() - s->now > STALE_NS && !is_running(s, th))
		return SKIP_BLOCKED;
	if (!th->process->mappings.generation)
		process_read_maps(th->process);
	th->preempted = th->is_doubtful && th->processor == our_cpu && we_took_its_cpu(s, th);
	enum skip skip = capture_with_debt(s, th);
	/* Others want the CPUs, too: who waits is not stopped, for a while. */
	if (skip == SKIP_QUEUED)
		s->others = OTHERS_TICKS;
	if (skip == SKIP_LATE)
		th->rest = REST_TICKS;
	return skip;
}

/* A thread that has come since is not among those that are looked at. Of many processes only those
 * are asked that somebody is met running in. */
static void look_for_births(struct sampler *s)
{
	for (uint32_t i = 0; i < s->n_processes && s->n_processes <= FEW_PROCESSES; i++) {
		struct process *p = s->processes[i];
		uint64_t before = p->clock;
		if (clock_of(s, p) != before && !process_count_is_right(p))
			p->stale = s->stale = 1;
	}
}

/* Whether maps were read. */
static int read_maps_of_faults(struct sampler *s, uint32_t n)
{
	int any = 0;

	for (uint32_t i = 0; i < n; i++)
		any |= process_read_maps_of_faults(s->v[s->candidates[i]]->process);
	return any;
}

/* Who is on a CPU, of threads and programs that are those of now. How many candidates. */
static uint32_t look(struct sampler *s)
{
	look_for_births(s);
	uint32_t n = collect(s);
	if ((s->stale || s->exec_seen) && s->read_changed(s->arg))
		n = collect(s);
	/* A thread that its group's quota holds back cannot reach a stop either. */
	s->crowded = n > (uint32_t)s->cpus.n || s->cpus.quota > 0 || s->others;
	s->others -= s->others > 0;
	/* Who runs may be another one then; in a crowd somebody goes on running. */
	if (read_maps_of_faults(s, n) && !s->crowded)
		n = collect(s);
	s->busy = n != 0;
	return n;
}

/* Those that run, by a stop. */
static void take_candidates(struct sampler *s, uint32_t n)
{
	struct tracer_stats *stats = s->capturer.stats;
	struct turns turns = {.our_cpu = sched_getcpu()};

	shuffle(s, n);
	for (uint32_t i = 0; i < n && !s->capturer.tracee.late; i++) {
		struct thread *th = s->v[s->candidates[i]];
		enum skip skip = SKIP_QUEUED;
		s->capturer.is_on_wall = 0;
		if (has_its_turn(s, th, &turns)) {
			turns.taken++;
			skip = take(s, th, turns.our_cpu);
		}
		if (s->capturer.is_on_wall && !(s->capturer.asked & KIND(PROFILE_CPU)))
			continue;
		if (skip != SKIPS)
			stats->skipped[skip]++;
		if (!s->capturer.is_on_wall)
			waiters_missed(&s->waiters, th, skip);
	}
}

/* Those that wait, without one. */
static void take_sleepers(struct sampler *s)
{
	for (uint32_t i = 0; i < s->n_sleepers; i++) {
		struct thread *th = s->v[s->sleepers[i]];
		if (!th->process->mappings.generation)
			process_read_maps(th->process);
		waiters_look(&s->waiters, th);
	}
	charges_sort(&s->waiters.charges);
}

void sampler_tick(struct sampler *s, uint32_t weight)
{
	uint32_t asked = s->capturer.asked;
	/* Who holds a lock has to be known before that thread is stopped. */
	int sleepers_first = !!(asked & KIND(PROFILE_MUTEX));

	/* First of all: whatever happens on this CPU moves it. */
	s->came = s->has_doubts ? threads_own_switch() : 0;
	s->now = s->capturer.began = clock_now();
	s->weight = weight;
	s->capturer.stats->ticks_weight += weight;
	waiters_begin_tick(&s->waiters);
	uint32_t n = look(s);
	if (sleepers_first)
		take_sleepers(s);
	if (asked & (KIND(PROFILE_CPU) | KIND(PROFILE_WALL)))
		take_candidates(s, n);
	if (!sleepers_first)
		take_sleepers(s);
	waiters_charge(&s->waiters, s->crowded);
}
