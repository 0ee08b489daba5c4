/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/tracer/futex.h"
#include "agent/tracer/memory.h"

int futex_read(struct futex *f)
{
	pid_t tid = process_live_tid(f->process);
	long n = memory_read(tid, f->address - FUTEX_BEFORE, f->around, sizeof(f->around));

	f->first = -FUTEX_BEFORE;
	/* At the begin of its mapping. */
	if (n < FUTEX_BEFORE + 4) {
		f->first = 0;
		n = memory_read(tid, f->address, f->around + FUTEX_BEFORE, FUTEX_AFTER);
	}
	if (n < 4) {
		f->end = f->first;
		return n < 0 ? n : -EFAULT;
	}
	f->end = f->first + n;
	return 0;
}

static int is_there(const struct futex *f, int at, int size)
{
	return at >= f->first && at + size <= f->end;
}

int64_t futex_word(const struct futex *f, int at)
{
	uint32_t value;

	if (!is_there(f, at, sizeof(value)))
		return -1;
	memcpy(&value, f->around + FUTEX_BEFORE + at, sizeof(value));
	return value;
}

uint64_t futex_words(const struct futex *f, int at)
{
	uint64_t value;

	if (!is_there(f, at, sizeof(value)))
		return UINT64_MAX;
	memcpy(&value, f->around + FUTEX_BEFORE + at, sizeof(value));
	return value;
}

uint64_t futex_elsewhere(const struct futex *f, uint64_t address, size_t size)
{
	uint64_t value = 0;

	if (size > sizeof(value) ||
		memory_read(process_live_tid(f->process), address, &value, size) != (long)size)
		return 0;
	return value;
}

pid_t futex_thread(const struct futex *f, int64_t id)
{
	struct process *p = f->process;

	if (id <= 0 || id > TIDS_MOST)
		return 0;
	return f->is_private ? tids_find(&p->tids, &p->threads, id)
			     : tids_find_anywhere(&p->tids, &p->threads, id);
}

void futex_found(
	const struct futex *f, enum wait_kind kind, int base, int64_t holder, struct wait *out)
{
	pid_t thread = holder ? futex_thread(f, holder) : -EAGAIN;

	out->kind = kind;
	out->lock = f->address + base;
	out->holder = thread > 0 ? thread : 0;
	out->flags |= thread == 0 ? WAIT_HOLDER_GONE : 0;
}

void futex_doubt_ended(struct wait *out)
{
	if (out->flags & WAIT_HOLDER_GONE)
		out->kind = WAIT_FUTEX;
}
