/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>

#include "agent/raw_check.h"

#define MODULE_FLAGS (MODULE_IS_EXE | MODULE_NO_FILE | MODULE_FROM_MEMORY | MODULE_REFUSED)
#define TIME_MAX     ((uint64_t)INT64_MAX)
#define CPU_MAX	     (TIME_MAX >> 1) /* of all CPUs of a large machine in years */
#define THREAD_MAX   (TIME_MAX >> 4) /* 18 years */
#define COUNT_MAX    (TIME_MAX >> 16)
/* Numbers may be left out: of what was found and ended before it was told of. */
#define GAP_MAX LIMIT_THREADS

int raw_check_run(const struct tracer_recording *run)
{
	uint32_t all = KIND(PROFILE_KINDS) - 1;

	return run->kinds && !(run->kinds & ~all) && run->hz >= 1 && run->hz <= 10000 &&
			       run->wall_began <= TIME_MAX
		       ? 0
		       : -EPROTO;
}

/* One that is known, or the next but for a few. *n: the last of them + 1. */
static int check_number(uint32_t *n, uint32_t number)
{
	if (number >= UINT32_MAX - 1 || (number >= *n && number - *n > GAP_MAX))
		return -EPROTO;
	if (number >= *n)
		*n = number + 1;
	return 0;
}

static int check_attached(struct raw_check *c, const struct tracer_attached *a, uint32_t size)
{
	if (size != sizeof(*a) || a->pid <= 0 || a->clock > CPU_MAX)
		return -EPROTO;
	return check_number(&c->n_processes, a->number);
}

static int check_ready(struct raw_check *c, uint32_t size)
{
	if (size != sizeof(struct tracer_ready) || !c->n_processes)
		return -EPROTO;
	c->is_ready = 1;
	return 0;
}

static int check_processes(const struct raw_check *c, const struct tracer_process *p, uint32_t size)
{
	if (!size || size % sizeof(*p))
		return -EPROTO;
	for (uint32_t n = size / sizeof(*p); n-- > 0; p++)
		if (p->number >= c->n_processes || p->clock > CPU_MAX)
			return -EPROTO;
	return 0;
}

static int check_module(struct raw_check *c, const struct tracer_module *m, uint32_t size)
{
	if (size < sizeof(*m) || m->path_len != size - sizeof(*m) || m->path_len > LIMIT_PATH ||
		m->number != c->n_modules + 1 || m->number > LIMIT_MODULES ||
		(m->flags & ~MODULE_FLAGS))
		return -EPROTO;
	c->n_modules++;
	return 0;
}

static int check_mapping(struct raw_check *c, const struct mapping *m)
{
	/* Memory without a file has its own address for an offset. */
	if (m->start < c->last_end || m->end <= m->start || !m->module ||
		m->module > c->n_modules || (m->offset > TIME_MAX && m->offset != m->start))
		return -EPROTO;
	c->last_end = m->end;
	return 0;
}

static int check_maps(struct raw_check *c, const struct maps_part *part, uint32_t size)
{
	const struct mapping *v = (const struct mapping *)(part + 1);

	if (size < sizeof(*part) || part->n > LIMIT_MAPPINGS - c->n_building ||
		size != sizeof(*part) + part->n * sizeof(*v) || !part->generation ||
		part->generation < c->generation || part->process >= c->n_processes)
		return -EPROTO;
	for (uint32_t i = 0; i < part->n; i++)
		if (check_mapping(c, &v[i]) < 0)
			return -EPROTO;
	c->n_building += part->n;
	if (part->last) {
		c->generation = part->generation;
		c->n_building = 0;
		c->last_end = 0;
	}
	return 0;
}

static int check_threads(struct raw_check *c, const struct tracer_thread *t, uint32_t size)
{
	if (!size || size % sizeof(*t))
		return -EPROTO;
	for (uint32_t n = size / sizeof(*t); n-- > 0; t++) {
		if (t->process >= c->n_processes || t->cpu > THREAD_MAX ||
			check_number(&c->n_serials, t->serial) < 0)
			return -EPROTO;
	}
	return 0;
}

static int check_stats(const struct tracer_stats *s, uint32_t size)
{
	if (size != sizeof(*s) || s->stop_ns > CPU_MAX || s->queued_ns > CPU_MAX ||
		s->unseen_ns > CPU_MAX || s->slowed_ns > TIME_MAX)
		return -EPROTO;
	if (s->stops > COUNT_MAX)
		return -EPROTO;
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (s->captured[kind] > COUNT_MAX)
			return -EPROTO;
	for (int i = 0; i < SKIPS; i++)
		if (s->skipped[i] > COUNT_MAX)
			return -EPROTO;
	return 0;
}

static int check_creations(const struct tracer_creations *t, uint32_t size)
{
	return size == sizeof(*t) && t->created <= COUNT_MAX && t->no_room <= COUNT_MAX &&
			       t->group_stops <= COUNT_MAX && t->let_go <= COUNT_MAX &&
			       t->others <= COUNT_MAX && t->others_ns <= COUNT_MAX &&
			       t->attached <= COUNT_MAX && t->attach_ns <= COUNT_MAX
		       ? 0
		       : -EPROTO;
}

static int check_capture(const struct raw_check *c, const struct capture *cap, uint32_t size)
{
	if (size < sizeof(*cap) || cap->stack_len > LIMIT_STACK_MAX ||
		cap->other_len > LIMIT_STACK_MAX ||
		cap->stack_len + cap->other_len != size - sizeof(*cap))
		return -EPROTO;
	if (cap->n_kernel || !cap->kinds || cap->kinds >= KIND(PROFILE_KINDS) ||
		cap->missing >= MISSING_REASONS || !cap->weight || cap->weight > UINT16_MAX ||
		cap->looks > UINT16_MAX || cap->again || cap->wait.kind >= WAIT_KINDS)
		return -EPROTO;
	return cap->process < c->n_processes && cap->thread < c->n_serials &&
			       cap->generation <= c->generation && !cap->interval
		       ? 0
		       : -EPROTO;
}

/* A tracer that began anew. */
static int check_restarted(struct raw_check *c, uint32_t size)
{
	c->n_modules = 0;
	c->n_building = 0;
	c->last_end = 0;
	return size ? -EPROTO : 0;
}

/* Parts of one file follow each other. */
static int check_perf_map(struct raw_check *c, const struct raw_perf_map *part, uint32_t size)
{
	if (size < sizeof(*part) || (part->at && (part->at != c->perf_map || !c->has_perf_map)) ||
		part->at > LIMIT_PERF_MAP - (size - sizeof(*part)))
		return -EPROTO;
	c->perf_map = part->at + (size - sizeof(*part));
	c->has_perf_map = 1;
	return 0;
}

static int check_perf_map_of(
	const struct raw_check *c, const struct tracer_perf_map *m, uint32_t size)
{
	return size == sizeof(*m) && m->module && m->module <= c->n_modules && m->pid > 0 &&
			       m->has_map <= (uint32_t)c->has_perf_map && m->error <= 0
		       ? 0
		       : -EPROTO;
}

static int check_identity(const struct tracer_identity *i, uint32_t size)
{
	return size == sizeof(*i) && i->build_id_len <= sizeof(i->build_id) ? 0 : -EPROTO;
}

/* A recording of no process at all is none. */
static int check_recorded(
	const struct raw_check *c, const struct tracer_recorded *end, uint32_t size)
{
	return size == sizeof(*end) && end->wall_began <= TIME_MAX && end->duration <= TIME_MAX &&
			       c->is_ready
		       ? 0
		       : -EPROTO;
}

int raw_check(struct raw_check *c, const struct raw_record *record, const void *payload)
{
	uint32_t size = record->size;

	switch (record->type) {
	case TRACER_ATTACHED:
		return check_attached(c, payload, size);
	case TRACER_READY:
		return check_ready(c, size);
	case TRACER_PROCESSES:
		return check_processes(c, payload, size);
	case TRACER_MODULE:
		return check_module(c, payload, size);
	case TRACER_MAPS:
		return check_maps(c, payload, size);
	case TRACER_THREADS:
		return check_threads(c, payload, size);
	case TRACER_SNAPSHOT_DONE:
		return size || !c->is_ready ? -EPROTO : 0;
	case TRACER_STATS:
		return check_stats(payload, size);
	case TRACER_CREATIONS:
		return check_creations(payload, size);
	case TRACER_DONE:
		return size == sizeof(struct tracer_done) ? 0 : -EPROTO;
	case TRACER_RESTARTED:
		return check_restarted(c, size);
	case TRACER_IDENTITY:
		return check_identity(payload, size);
	case TRACER_RECORDED:
		return check_recorded(c, payload, size);
	case TRACER_PERF_MAP:
		return check_perf_map_of(c, payload, size);
	case RAW_PERF_MAP:
		return check_perf_map(c, payload, size);
	case RAW_CAPTURE:
		return check_capture(c, payload, size);
	case RAW_IMAGE:
		return size && size <= LIMIT_IMAGE ? 0 : -EPROTO;
	case TRACER_REFUSED:
	case TRACER_MARK: /* a recording is one interval */
	case TRACER_EXTRA:
		return -EPROTO; /* never recorded */
	default:
		return record->type >= RAW_FIRST_SAID && record->type <= RAW_LAST_SAID &&
				       size <= LIMIT_MESSAGE
			       ? 0
			       : -EPROTO;
	}
}
