/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "agent/heap_launch.h"
#include "agent/phases.h"
#include "agent/profiles.h"
#include "agent/summary.h"
#include "base/now.h"

static const char *lock_name(const void *arg, const struct thread_info *thread, uint64_t lock)
{
	return locks_name(arg, thread->pid, lock);
}

const struct process_info *profiles_first(const struct session *s)
{
	const struct collection *c = &s->data;

	for (uint32_t i = 0; i < c->n_processes; i++)
		if (!c->processes[i].has_ended)
			return &c->processes[i];
	return NULL;
}

uint32_t profiles_program(const struct session *s, int32_t pid)
{
	const struct process_info *p = collection_process_of_pid(&s->data, pid);
	const struct maps *maps = p ? generations_newest(&s->data.maps, p->number) : NULL;

	for (uint32_t i = 0; maps && i < maps->n; i++)
		if (s->data.modules[maps->v[i].module - 1].info.flags & MODULE_IS_EXE)
			return maps->v[i].module;
	return 0;
}

/* Where the process has its code: its own mappings, behind those of modules that it has not mapped
 * any more. One module may lie elsewhere in each process. 0 or -ENOMEM; the caller frees. */
static int own_segments(const struct session *s, int32_t pid, struct segment **out, uint32_t *n_out)
{
	const struct collection *c = &s->data;
	const struct process_info *p = collection_process_of_pid(&s->data, pid);
	const struct maps *maps = p ? generations_newest(&c->maps, p->number) : NULL;
	uint32_t more = maps ? maps->n : 0, n = 0;
	char *is_mapped = calloc(c->n_modules + 1, 1);
	struct segment *v = calloc(c->n_segments + more + 1, sizeof(*v));

	*out = v;
	if (!v || !is_mapped) {
		free(is_mapped);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < more; i++)
		is_mapped[maps->v[i].module] = 1;
	for (uint32_t i = 0; i < c->n_segments; i++)
		if (!is_mapped[c->segments[i].module])
			v[n++] = c->segments[i];
	for (uint32_t i = 0; i < more; i++) {
		const struct mapping *m = &maps->v[i];
		v[n++] = (struct segment){m->start, m->end, m->offset, m->module};
	}
	free(is_mapped);
	*n_out = n;
	return 0;
}

/* One of many that all count from when the probe went in, as Go's heap profiles do from the
 * program's begin: it is of its moment. */
static int is_of_moment(const struct session *s, const struct profiles_how *how)
{
	return (KIND(how->kind) & KINDS_OF_MOMENT) ||
	       ((KIND(how->kind) & KINDS_OF_HEAP) && s->options->every_ns &&
		       how->part != HEAP_ALLOCATED);
}

static uint64_t duration_of(const struct session *s, const struct profiles_how *how)
{
	const struct interval *i = s->written;
	int is_of_time = how->is_delta || !is_of_moment(s, how);

	return is_of_time && !how->is_in_ns ? i->ended - i->began : 0;
}

/* Go's: of a profile its begin, of a difference its end, of a counter now. */
static uint64_t time_of(const struct session *s, const struct profiles_how *how)
{
	const struct interval *i = s->written;
	int is_of_end =
		how->is_delta || ((KIND(how->kind) & KINDS_OF_HEAP) && is_of_moment(s, how));

	if (how->is_in_ns)
		return clock_wall();
	return i->wall_began + (is_of_end ? i->ended - i->began : 0);
}

/* Of a command that began as another program, the one that it became. */
static uint32_t program_shown(const struct session *s, const struct profiles_how *how)
{
	if (heap_launch_is(s) && (KIND(how->kind) & KINDS_OF_HEAP))
		return profiles_program(s, s->data.first.pid);
	return how->pid ? profiles_program(s, how->pid) : 0;
}

static void fill(const struct session *s, const struct profiles_how *how, struct profile_heap *heap,
	struct profile_input *in)
{
	const struct collection *c = &s->data;
	const struct interval *i = s->written;

	*heap = (struct profile_heap){i->sites, i->n_sites, s->options->heap_rate, how->part};
	*in = (struct profile_input){
		.kind = how->kind,
		.table = i->tables[how->kind],
		.symbols = s->symbols,
		.threads = i->threads,
		.n_threads = i->n_threads,
		.with_pids = !how->pid && c->processes_seen > 1,
		.is_like_go = how->is_like_go,
		.n_modules = c->n_modules,
		.program = program_shown(s, how),
		.segments = c->segments,
		.n_segments = c->n_segments,
		.ended_cpu = interval_ended_cpu(i),
		.time = time_of(s, how),
		.duration = duration_of(s, how),
		.hz = s->options->hz,
		.ticks_weight = i->stats.ticks_weight,
		.heap = KIND(how->kind) & KINDS_OF_HEAP ? heap : NULL,
		.is_in_ns = how->is_in_ns,
		.lock_name = lock_name,
		.lock_arg = &s->locks,
		.most_samples = how->is_limited ? PROFILE_SAMPLES_MAX : 0,
		.most_bytes = how->is_limited ? PROFILE_BYTES_MAX : 0,
	};
}

int profiles_build(const struct session *s, const struct profiles_how *how, struct profile **out)
{
	struct module_info *modules = collection_module_infos(&s->data);
	struct segment *segments = NULL;
	struct profile_input in;
	struct profile_heap heap;
	struct buf comments;

	if (!modules)
		return -ENOMEM;
	buf_init(&comments, 64 * KIB);
	summary_comments(s, how->kind,
		how->pid ? collection_process_of_pid(&s->data, how->pid) : NULL, &comments);
	fill(s, how, &heap, &in);
	in.modules = modules;
	in.comments = buf_text(&comments);
	int error = in.comments ? 0 : -ENOMEM;
	if (how->pid && !error)
		error = own_segments(s, how->pid, &segments, &in.n_segments);
	if (segments)
		in.segments = segments;
	if (!error)
		error = profile_build(&in, out);
	free(segments);
	buf_fini(&comments);
	free(modules);
	return error;
}
