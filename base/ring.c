/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/ring.h"

#define ALIGN	  64u
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

void ring_produce(struct ring *ring)
{
	/* A producer before us may have ended anywhere; records begin at multiples of ALIGN. */
	ring->head = atomic_load(&ring->page->head) & ~(uint64_t)(ALIGN - 1);
	/* MADV_POPULATE_WRITE is 5.14; before that the first lap pays for its faults. */
#ifdef MADV_POPULATE_WRITE
	madvise(ring->page, TOTAL, MADV_POPULATE_WRITE);
#endif
}

static size_t record_bytes(size_t size)
{
	return ALIGN + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
}

static struct record *record_at(const struct ring *ring, uint64_t position)
{
	return (struct record *)(ring->data + (position & (LIMIT_RING_BYTES - 1)));
}

/* Bytes from position to the physical end of the ring. */
static size_t to_end(uint64_t position)
{
	return LIMIT_RING_BYTES - (position & (LIMIT_RING_BYTES - 1));
}

/* Bytes in use; a consumer that writes nonsense makes the ring look full, never larger. */
static uint64_t fill(const struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->page->tail, memory_order_acquire);

	return ring->head - tail <= LIMIT_RING_BYTES ? ring->head - tail : LIMIT_RING_BYTES;
}

static void publish(struct ring *ring, size_t bytes)
{
	ring->head += bytes;
	atomic_store_explicit(&ring->page->head, ring->head, memory_order_release);
}

void *ring_reserve(struct ring *ring, size_t size)
{
	size_t need = record_bytes(size);
	size_t end = to_end(ring->head);
	size_t skip = need > end ? end : 0;

	if (need > LIMIT_RING_BYTES || fill(ring) + skip + need > LIMIT_RING_BYTES)
		return NULL;
	if (skip) {
		*record_at(ring, ring->head) = (struct record){.magic = SKIP, .size = skip - ALIGN};
		publish(ring, skip);
	}
	return (unsigned char *)record_at(ring, ring->head) + ALIGN;
}

void ring_wake(struct ring *ring)
{
	uint64_t one = 1;

	/* A full counter means the consumer has been asked already. */
	if (write(ring->wake, &one, sizeof(one)) < 0)
		return;
}

void ring_commit(struct ring *ring, size_t size)
{
	uint64_t before = fill(ring);

	*record_at(ring, ring->head) = (struct record){.magic = RECORD, .size = size};
	atomic_fetch_add_explicit(&ring->page->pushed, 1, memory_order_relaxed);
	publish(ring, record_bytes(size));
	if (before < LIMIT_RING_BYTES / 4 && before + record_bytes(size) >= LIMIT_RING_BYTES / 4)
		ring_wake(ring);
}

long ring_pop(struct ring *ring, void *buffer, size_t room)
{
	for (;;) {
		uint64_t tail = atomic_load_explicit(&ring->page->tail, memory_order_relaxed);
		uint64_t head = atomic_load_explicit(&ring->page->head, memory_order_acquire);
		if (head == tail)
			return 0;
		if (head - tail > LIMIT_RING_BYTES || (tail & (ALIGN - 1)))
			return -EPROTO;

		struct record record = *record_at(ring, tail);
		size_t whole = record_bytes(record.size);
		if (whole > to_end(tail) || whole > head - tail)
			return -EPROTO;
		int taken = record.magic == RECORD && record.size <= room;
		if (taken)
			memcpy(buffer, record_at(ring, tail) + 1, record.size);
		atomic_store_explicit(&ring->page->tail, tail + whole, memory_order_release);
		if (record.magic == SKIP)
			continue;
		if (record.magic != RECORD)
			return -EPROTO;
		atomic_fetch_add_explicit(&ring->page->popped, 1, memory_order_relaxed);
		return taken ? (long)record.size : -E2BIG;
	}
}
