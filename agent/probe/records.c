/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "agent/probe/records.h"

static struct probe_record *record_at(const struct records *r, uint64_t number)
{
	return (void *)(r->shared + PROBE_RING + number % PROBE_RECORDS * PROBE_RECORD);
}

void records_init(struct records *r, void *shared)
{
	memset(r, 0, offsetof(struct records, copy));
	r->shared = shared;
	((struct probe_shared *)shared)->magic = PROBE_MAGIC;
	for (uint64_t i = 0; i < PROBE_RECORDS; i++)
		record_at(r, i)->sequence = i;
}

static int is_sane(const struct probe_record *c)
{
	if (c->hook >= PROBE_HOOKS || c->slot >= PROBE_N_SLOTS || c->stack_length > PROBE_STACK_MAX)
		return 0;
	if (c->kind == PROBE_KIND_THREAD)
		return c->stack_length == 0;
	return c->kind == PROBE_KIND_SAMPLE && c->id && c->mean && c->size &&
	       c->size < 1ull << 40 && c->mean <= 1ull << 40;
}

/* Its place may be used again. */
static void release(struct records *r)
{
	__atomic_store_n(
		&record_at(r, r->tail)->sequence, r->tail + PROBE_RECORDS, __ATOMIC_RELEASE);
	r->tail++;
	r->since = 0;
}

/* Whether the record at the tail has been begun. */
static int is_begun(const struct records *r)
{
	return RECORDS_FIGURE(r, head) > r->tail;
}

/* 1 copied, 0 not there yet. */
static int take(struct records *r, uint64_t now)
{
	struct probe_record *at = record_at(r, r->tail), *copy = (void *)r->copy;

	if (__atomic_load_n(&at->sequence, __ATOMIC_ACQUIRE) == r->tail + 1) {
		uint32_t length = __atomic_load_n(&at->stack_length, __ATOMIC_RELAXED);
		if (length > PROBE_STACK_MAX)
			length = 0;
		memcpy(r->copy, at, sizeof(*at) + length);
		/* It may be another one by now; what was copied holds. */
		if (copy->stack_length > length)
			copy->stack_length = PROBE_RECORD;
		release(r);
		return 1;
	}
	if (!is_begun(r))
		return 0;
	if (!r->since)
		r->since = now;
	if (r->is_over || now - r->since > RECORDS_PATIENCE_NS) {
		r->lost++;
		release(r);
	}
	return 0;
}

const struct probe_record *records_next(struct records *r, uint64_t now)
{
	/* A target that fills the ring with nonsense has us look at one round of it at most. */
	for (int i = 0; i < PROBE_RECORDS && take(r, now); i++) {
		const struct probe_record *copy = (void *)r->copy;
		if (is_sane(copy))
			return copy;
		/* With what a thread tells of its stack no sample is lost. */
		r->lost += copy->kind != PROBE_KIND_THREAD;
	}
	return NULL;
}

uint32_t records_live(const struct records *r, uint32_t *ids, uint32_t room)
{
	const struct probe_entry *e = (const void *)(r->shared + PROBE_TABLE);
	uint32_t n = 0;

	for (uint32_t i = 0; i < RECORDS_LIVE && n < room; i++, e++) {
		uint64_t pointer = __atomic_load_n(&e->pointer, __ATOMIC_ACQUIRE);
		uint32_t id = __atomic_load_n(&e->id, __ATOMIC_RELAXED);
		if (pointer > 1 && __atomic_load_n(&e->pointer, __ATOMIC_ACQUIRE) == pointer)
			ids[n++] = id;
	}
	return n;
}
