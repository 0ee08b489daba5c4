/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/ring.h"

#define ALIGN	  64u
#define SPAN_MIN  (4 * MIB) /* of the room, used at first: it stays in the CPU's cache */
#define PAGE_PART ((sizeof(struct ring_page) + 4095) & ~(size_t)4095)
#define TOTAL	  (PAGE_PART + LIMIT_RING_BYTES)

/* Before each record; size counts the bytes after it. SKIP: go on at the start of the ring. */
struct record {
	uint32_t magic;
	uint32_t size;
	unsigned char pad[ALIGN - 8];
};

enum { RECORD = 0x70636170, SKIP = 0x70696b73 };

_Static_assert(sizeof(struct record) == ALIGN, "records stay aligned");

int ring_open(struct ring *ring)
{
	int error;

	ring->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ring->memfd = memfd_create("cpprof-ring", MFD_CLOEXEC);
	ring->page = NULL;
	ring->head = 0;
	if (ring->wake < 0 || ring->memfd < 0 || ftruncate(ring->memfd, TOTAL) < 0)
		goto fail;
	void *mem = mmap(NULL, TOTAL, PROT_READ | PROT_WRITE, MAP_SHARED, ring->memfd, 0);
	if (mem == MAP_FAILED)
		goto fail;
	ring->page = mem;
	ring->data = (unsigned char *)mem + PAGE_PART;
	ring->span = SPAN_MIN;
	ring->reader = 0;
	ring->is_short = 0;
	atomic_store(&ring->page->span, SPAN_MIN);
	return 0;
fail:
	error = -errno;
	ring_close(ring);
	return error;
}

void ring_close(struct ring *ring)
{
	if (ring->page)
		munmap(ring->page, TOTAL);
	if (ring->memfd >= 0)
		close(ring->memfd);
	if (ring->wake >= 0)
		close(ring->wake);
	*ring = (struct ring){.memfd = -1, .wake = -1};
}

static size_t record_bytes(size_t size)
{
	return ALIGN + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
}

static struct record *record_at(const struct ring *ring, uint64_t span, uint64_t position)
{
	return (struct record *)(ring->data + (position & (span - 1)));
}

/* Bytes from position to the end of the part in use. */
static size_t to_end(uint64_t span, uint64_t position)
{
	return span - (position & (span - 1));
}

/* The part in use as the other side says; 0 if that cannot be. */
static uint64_t read_span(const struct ring *ring)
{
	uint64_t span = atomic_load_explicit(&ring->page->span, memory_order_relaxed);

	return span >= SPAN_MIN && span <= LIMIT_RING_BYTES && !(span & (span - 1)) ? span : 0;
}

/* So that no page fault falls into a stop. MADV_POPULATE_WRITE is 5.14; before that the first lap
 * pays for its faults. */
static void prefault(struct ring *ring, uint64_t from, uint64_t to)
{
#ifdef MADV_POPULATE_WRITE
	madvise(ring->data + from, to - from, MADV_POPULATE_WRITE);
#else
	(void)ring, (void)from, (void)to;
#endif
}

/* Whoever ends inside a read leaves the thread's id behind. */
static void remember_trap(struct ring_page *page, uint32_t reader)
{
	uint32_t tid = atomic_exchange(&page->tracer_reads[reader], 0),
		 n = atomic_load(&page->n_trapped);

	if (!tid || n >= LIMIT_RESTARTS)
		return;
	atomic_store(&page->trapped[n], tid);
	atomic_store(&page->n_trapped, n + 1);
}

int ring_begin_read(struct ring *ring, uint32_t tid)
{
	struct ring_page *page = ring->page;
	uint32_t n = atomic_load_explicit(&page->n_trapped, memory_order_relaxed);

	for (uint32_t i = 0; i < n && i < LIMIT_RESTARTS; i++)
		if (atomic_load_explicit(&page->trapped[i], memory_order_relaxed) == tid)
			return 1;
	atomic_store(&page->tracer_reads[ring->reader], tid);
	return 0;
}

void ring_end_read(struct ring *ring)
{
	atomic_store_explicit(&ring->page->tracer_reads[ring->reader], 0, memory_order_release);
}

void ring_produce(struct ring *ring)
{
	for (uint32_t reader = 0; reader < RING_READERS; reader++)
		remember_trap(ring->page, reader);
	/* A producer before us may have ended anywhere; records begin at multiples of ALIGN. */
	ring->head = atomic_load(&ring->page->head) & ~(uint64_t)(ALIGN - 1);
	ring->span = read_span(ring);
	if (!ring->span)
		ring->span = LIMIT_RING_BYTES;
	prefault(ring, 0, ring->span);
}

/* Bytes in use; a consumer that writes nonsense makes the ring look full, never larger. */
static uint64_t fill(const struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->page->tail, memory_order_acquire);

	return ring->head - tail <= ring->span ? ring->head - tail : ring->span;
}

void ring_wake(struct ring *ring)
{
	uint64_t one = 1;

	/* A full counter means the consumer has been asked already. */
	if (write(ring->wake, &one, sizeof(one)) < 0)
		return;
}

/* What is skipped fills the ring as well as a record does. */
static void publish(struct ring *ring, size_t bytes)
{
	uint64_t before = fill(ring), now = before + bytes, quarter = ring->span / 4;

	ring->head += bytes;
	atomic_store_explicit(&ring->page->head, ring->head, memory_order_release);
	if (before < quarter && now >= quarter)
		ring_wake(ring);
	ring->is_short |= now > 2 * quarter;
}

/* A consumer that falls behind gets more room, at a moment when nothing is in the ring: positions
 * mean other places then. */
static void grow(struct ring *ring)
{
	uint64_t span = ring->span;

	if (!ring->is_short || fill(ring) || span == LIMIT_RING_BYTES)
		return;
	ring->is_short = 0;
	ring->span = span * 2;
	prefault(ring, span, ring->span);
	atomic_store_explicit(&ring->page->span, ring->span, memory_order_relaxed);
}

void *ring_reserve(struct ring *ring, size_t size)
{
	grow(ring);
	size_t need = record_bytes(size);
	size_t end = to_end(ring->span, ring->head);
	size_t skip = need > end ? end : 0;

	if (need > ring->span || fill(ring) + skip + need > ring->span)
		return NULL;
	if (skip) {
		*record_at(ring, ring->span, ring->head) =
			(struct record){.magic = SKIP, .size = skip - ALIGN};
		publish(ring, skip);
	}
	return (unsigned char *)record_at(ring, ring->span, ring->head) + ALIGN;
}

void ring_commit(struct ring *ring, size_t size)
{
	*record_at(ring, ring->span, ring->head) = (struct record){.magic = RECORD, .size = size};
	atomic_fetch_add_explicit(&ring->page->pushed, 1, memory_order_relaxed);
	publish(ring, record_bytes(size));
}

long ring_pop(struct ring *ring, void *buffer, size_t room)
{
	for (;;) {
		uint64_t tail = atomic_load_explicit(&ring->page->tail, memory_order_relaxed);
		uint64_t head = atomic_load_explicit(&ring->page->head, memory_order_acquire);
		if (head == tail)
			return 0;
		uint64_t span = read_span(ring);
		if (!span || head - tail > span || (tail & (ALIGN - 1)))
			return -EPROTO;

		struct record record = *record_at(ring, span, tail);
		size_t whole = record_bytes(record.size);
		if (whole > to_end(span, tail) || whole > head - tail)
			return -EPROTO;
		int taken = record.magic == RECORD && record.size <= room;
		if (taken)
			memcpy(buffer, record_at(ring, span, tail) + 1, record.size);
		atomic_store_explicit(&ring->page->tail, tail + whole, memory_order_release);
		if (record.magic == SKIP)
			continue;
		if (record.magic != RECORD)
			return -EPROTO;
		atomic_fetch_add_explicit(&ring->page->popped, 1, memory_order_relaxed);
		return taken ? (long)record.size : -E2BIG;
	}
}
