/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs in the target when an allocation is sampled, or may have been: no system call, no lock,
 * no allocation, no floating point, no data of its own. Called by blob_entry.S.
 */
#include "agent/probe/draw.h"
#include "agent/probe/layout.h"
#include "base/allocator_names.h"

#define PAGE	   4096ull
#define TRIES	   64u		/* slots that a thread may have its own in */
#define RING_TRIES 4096		/* for a record that others want, too */
#define GUARD	   (1ull << 62) /* left for allocations inside an allocation: they do not count */
#define SIZE_MAX_  (1ull << 40) /* what is larger fails, most likely: not ours to meddle with */
#define MISSING	   UINT32_MAX

/* All at a fixed distance from the code. */
#pragma GCC visibility push(hidden)

extern const struct probe_trait probe_traits[PROBE_HOOKS];
extern struct probe_state probe_state;
extern uint8_t probe_filter[65536];
extern struct probe_slot probe_slots[PROBE_N_SLOTS];
extern struct probe_shared probe_shared;
extern struct probe_entry probe_table[PROBE_BUCKETS][PROBE_WAYS];
extern uint8_t probe_ring[PROBE_RECORDS][PROBE_RECORD];

/* The stack as blob_entry.S leaves it. */
struct call {
	uint64_t slot; /* address */
	uint64_t left; /* of it, as it was */
	uint64_t size;
	uint64_t old;	 /* the pointer that realloc takes back, */
	uint32_t old_id; /* and its id; MISSING: it was not sampled */
	uint32_t hook;
	uint32_t is_sampled;
	uint32_t flags; /* CALL_SWAPS, CALL_THROWS */
	uint32_t by;	/* hook whose original is to be called */
	uint32_t unused;
	uint64_t unused2[2];
	uint64_t arguments[6]; /* rdi, rsi, rdx, rcx, r8, r9 */
	uint64_t registers[PROBE_REGISTERS];
	uint64_t pc; /* the caller goes on there */
};

_Static_assert(__builtin_offsetof(struct call, flags) == CALL_FLAGS, "as it is read");
_Static_assert(__builtin_offsetof(struct call, by) == CALL_BY, "as it is read");
_Static_assert(__builtin_offsetof(struct call, hook) == CALL_HOOK, "as it is read");
_Static_assert(__builtin_offsetof(struct call, is_sampled) == CALL_SAMPLED, "as it is read");
_Static_assert(__builtin_offsetof(struct call, arguments) == CALL_FRAME, "as it is pushed");
_Static_assert(__builtin_offsetof(struct call, pc) == CALL_FRAME + 96, "as it is pushed");

int probe_before(struct call *c, uint32_t hook);
uint64_t probe_after(struct call *c, uint64_t result);
void probe_release(uint64_t pointer);

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* --- live pointers --- */

static uint8_t *filter_of(uint64_t pointer)
{
	return &probe_filter[(uint32_t)(pointer >> 4) * 0x9e3779b1u >> 16];
}

/* Saturates: a count that was lost must not end at 0 too early. */
static void filter_add(uint64_t pointer, int by)
{
	uint8_t *at = filter_of(pointer), old = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (old != 255 && !(by < 0 && !old) &&
		!__atomic_compare_exchange_n(
			at, &old, old + by, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}

static struct probe_entry *bucket(uint64_t pointer, int which)
{
	uint64_t hash = (pointer >> 4) * 0x9e3779b97f4a7c15ull;

	return probe_table[hash >> (which ? 51 : 38) & (PROBE_BUCKETS - 1)];
}

static int insert_into(struct probe_entry *e, uint64_t pointer, uint32_t id)
{
	for (int i = 0; i < PROBE_WAYS; i++, e++) {
		uint64_t none = 0;
		if (__atomic_load_n(&e->pointer, __ATOMIC_RELAXED) ||
			!__atomic_compare_exchange_n(
				&e->pointer, &none, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		e->id = id;
		__atomic_store_n(&e->pointer, pointer, __ATOMIC_RELEASE);
		return 1;
	}
	return 0;
}

static int insert(uint64_t pointer, uint32_t id)
{
	filter_add(pointer, 1);
	if (insert_into(bucket(pointer, 0), pointer, id) ||
		insert_into(bucket(pointer, 1), pointer, id))
		return 1;
	filter_add(pointer, -1);
	count(&probe_shared.table_full, 1);
	return 0;
}

/* Its id, or MISSING. */
static uint32_t remove(uint64_t pointer)
{
	for (int which = 0; which < 2; which++) {
		struct probe_entry *e = bucket(pointer, which);
		for (int i = 0; i < PROBE_WAYS; i++, e++) {
			uint64_t here = pointer;
			if (__atomic_load_n(&e->pointer, __ATOMIC_ACQUIRE) != pointer)
				continue;
			uint32_t id = e->id;
			if (!__atomic_compare_exchange_n(
				    &e->pointer, &here, 0, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
				continue;
			filter_add(pointer, -1);
			return id;
		}
	}
	return MISSING;
}

void probe_release(uint64_t pointer)
{
	/* In a child the filter is empty, but this thread may have been here when it was born. */
	if (pointer > 1 && probe_state.is_on)
		remove(pointer);
}

/* --- records --- */

/* NULL: there is no room; or the program has written over it, and nothing fits together. */
static struct probe_record *record_begin(uint64_t *number)
{
	uint64_t head = __atomic_load_n(&probe_shared.head, __ATOMIC_RELAXED);

	for (int i = 0; i < RING_TRIES; i++) {
		struct probe_record *r = (void *)probe_ring[head % PROBE_RECORDS];
		uint64_t sequence = __atomic_load_n(&r->sequence, __ATOMIC_ACQUIRE);
		if ((int64_t)(sequence - head) < 0)
			return 0; /* not read yet */
		if (sequence != head) {
			head = __atomic_load_n(&probe_shared.head, __ATOMIC_RELAXED);
			continue;
		}
		if (!__atomic_compare_exchange_n(&probe_shared.head, &head, head + 1, 0,
			    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		*number = head;
		return r;
	}
	return 0;
}

static void record_end(struct probe_record *r, uint64_t number)
{
	__atomic_store_n(&r->sequence, number + 1, __ATOMIC_RELEASE);
}

/* Of what is above the stack pointer as much as is there for sure: a page ends where it ends, and a
 * stack where the tracer found its end. */
static void copy_stack(struct probe_record *r, const struct probe_slot *s)
{
	uint64_t end = (r->sp | (PAGE - 1)) + 1, n;
	uint8_t *to = r->stack;
	const uint8_t *from = (const uint8_t *)r->sp;
	int is_known = s->low <= r->sp && r->sp < s->high;
	int is_main = probe_state.low <= r->sp && r->sp < probe_state.high;

	if (is_known)
		end = s->high;
	else if (is_main)
		end = probe_state.high;
	is_known |= is_main;
	n = end - r->sp;
	r->is_cut = !is_known || n > PROBE_STACK_MAX;
	if (n > PROBE_STACK_MAX)
		n = PROBE_STACK_MAX;
	r->stack_length = n;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void record_fill(struct probe_record *r, const struct call *c, const struct probe_slot *s)
{
	r->hook = c->hook;
	r->thread = s->thread;
	r->slot = s - probe_slots;
	r->size = c->size;
	r->mean = s->mean;
	r->pc = c->pc;
	r->sp = (uint64_t)(&c->pc + 1);
	for (int i = 0; i < PROBE_REGISTERS; i++)
		r->registers[i] = c->registers[i];
}

static void sample(const struct call *c, const struct probe_slot *s, uint64_t pointer)
{
	uint32_t id = __atomic_add_fetch(&probe_shared.next_id, 1, __ATOMIC_RELAXED);
	uint64_t number;
	struct probe_record *r = record_begin(&number);

	if (!r) {
		count(&probe_shared.dropped, 1);
		count(&probe_shared.dropped_bytes, c->size);
		count(&probe_shared.dropped_means, s->mean);
		return;
	}
	r->kind = PROBE_KIND_SAMPLE;
	record_fill(r, c, s);
	r->id = id;
	copy_stack(r, s);
	record_end(r, number);
	insert(pointer, id);
}

/* A thread that the tracer does not know: it finds its stack before it is sampled, most likely. */
static void tell_thread(const struct call *c, const struct probe_slot *s)
{
	uint64_t number;
	struct probe_record *r = record_begin(&number);

	if (!r)
		return;
	r->kind = PROBE_KIND_THREAD;
	record_fill(r, c, s);
	r->stack_length = 0;
	record_end(r, number);
}

/* --- threads --- */

static uint64_t thread_pointer(void)
{
	uint64_t thread;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(thread));
	return thread;
}

static uint64_t clock(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void redraw(struct probe_slot *s)
{
	s->mean = probe_state.mean;
	s->left = draw_gap(&s->random, s->mean);
}

/* NULL: all that it may have are others'. */
static struct probe_slot *slot_find(uint64_t thread, int *is_new)
{
	uint32_t first = (uint32_t)(thread >> 6) * 0x9e3779b1u >> 20;

	for (uint32_t i = 0; i < TRIES; i++) {
		struct probe_slot *s = &probe_slots[(first + i) % PROBE_N_SLOTS];
		uint64_t none = 0;
		*is_new = 0;
		if (s->thread == thread)
			return s;
		if (s->thread || !__atomic_compare_exchange_n(&s->thread, &none, thread, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		*is_new = 1;
		return s;
	}
	return 0;
}

static struct probe_slot *slot_of(const struct call *c)
{
	uint64_t thread = thread_pointer();
	int is_new;
	struct probe_slot *s = slot_find(thread, &is_new);

	if (!s)
		count(&probe_shared.no_slot, 1);
	if (!s || !is_new)
		return s;
	s->random = (clock() ^ thread * 0x9e3779b97f4a7c15ull) | 1;
	for (int k = 0; k < 4; k++)
		draw_random(&s->random);
	redraw(s);
	tell_thread(c, s);
	return s;
}

/* Switched off: the way is short from now on. In a child this is all that is ever written. */
static void be_quiet(void)
{
	int is_new;
	struct probe_slot *s = slot_find(thread_pointer(), &is_new);

	if (s)
		s->left = GUARD;
}

/* --- allocations --- */

static uint64_t product(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return p > UINT64_MAX ? UINT64_MAX : p;
}

static uint64_t size_of(const struct call *c, const struct probe_trait *t)
{
	const uint64_t *a = c->arguments;

	switch (t->size) {
	case ALLOCATOR_2:
		return a[1];
	case ALLOCATOR_3:
		return a[2];
	case ALLOCATOR_1x2:
		return product(a[0], a[1]);
	case ALLOCATOR_2x3:
		return product(a[1], a[2]);
	case ALLOCATOR_3x4:
		return product(a[2], a[3]);
	default:
		return a[0];
	}
}

/* mmap(address, length, protection, flags): no file, and not only room for later. */
static int is_memory(const struct call *c)
{
	const uint32_t anonymous = 0x20;

	return c->arguments[2] && c->arguments[3] & anonymous;
}

static void describe(struct call *c, uint32_t hook, const struct probe_trait *t)
{
	c->hook = hook;
	c->flags = (t->flags & ALLOCATOR_SWAPS ? CALL_SWAPS : 0) | (t->throws ? CALL_THROWS : 0);
	c->by = t->by;
	c->size = size_of(c, t);
	c->old = t->old ? c->arguments[t->old - 1] : 0;
}

/* Whether the original is to be called from here. */
int probe_before(struct call *c, uint32_t hook)
{
	const struct probe_trait *t = &probe_traits[hook];

	describe(c, hook, t);
	if (!probe_state.is_on) {
		be_quiet();
		return 0;
	}
	if (t->flags & ALLOCATOR_ANONYMOUS && !is_memory(c))
		return 0;
	struct probe_slot *s = c->size < SIZE_MAX_ ? slot_of(c) : 0;
	if (!s)
		return 0;
	c->is_sampled = s->left < c->size;
	if (c->is_sampled && clock() > probe_shared.deadline) {
		probe_state.is_on = 0;
		be_quiet();
		return 0;
	}
	int is_known = c->old > 1 && *filter_of(c->old); /* most likely: it was sampled */
	if (!c->is_sampled && t->is_leaf && !is_known) {
		s->left -= c->size;
		return 0;
	}
	c->slot = (uint64_t)s;
	c->left = s->left;
	s->left = GUARD;
	__atomic_fetch_add(&probe_state.inside, 1, __ATOMIC_ACQ_REL);
	/* Before the address can be used again. */
	c->old_id = is_known ? remove(c->old) : MISSING;
	return 1;
}

static void settle(
	struct call *c, const struct probe_trait *t, struct probe_slot *s, uint64_t pointer)
{
	/* What was mapped there is no more. */
	if (t->result == ALLOCATOR_MAPS && pointer && *filter_of(pointer))
		remove(pointer);
	if (!pointer) {
		s->left = c->left;
		if (c->old_id != MISSING && c->size && !(t->flags & ALLOCATOR_DROPS))
			insert(c->old, c->old_id);
	} else if (!c->is_sampled) {
		s->left = c->left - c->size;
	} else {
		sample(c, s, pointer);
		redraw(s);
	}
}

/* 0: it has failed. */
static uint64_t pointer_of(const struct call *c, const struct probe_trait *t, uint64_t result)
{
	switch (t->result) {
	case ALLOCATOR_STORES:
		return (uint32_t)result ? 0 : *(uint64_t *)c->arguments[0];
	case ALLOCATOR_IN_PLACE:
		return result >= c->size ? c->old : 0;
	case ALLOCATOR_MAPS:
		return result > -PAGE ? 0 : result;
	default:
		return result;
	}
}

/* What the original returned; and so does this. */
uint64_t probe_after(struct call *c, uint64_t result)
{
	const struct probe_trait *t = &probe_traits[c->hook];

	/* Not where it was switched off, or a child was born, meanwhile. */
	if (probe_state.is_on)
		settle(c, t, (struct probe_slot *)c->slot, pointer_of(c, t, result));
	__atomic_fetch_sub(&probe_state.inside, 1, __ATOMIC_ACQ_REL);
	return result;
}
