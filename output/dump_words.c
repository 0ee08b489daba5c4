/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/now.h"
#include "output/dump_words.h"
#include "output/pseudo.h"
#include "output/syscalls.h"
#include "output/wait_kind.h"

void dump_put_escaped(struct buf *out, const char *text)
{
	char shown[4 * LIMIT_NAME + 1];

	buf_string(out, log_escape(shown, sizeof(shown), text));
}

const char *dump_state(uint32_t letter)
{
	return letter == 'D' ? "uninterruptible (D)" : pseudo_state(letter);
}

void dump_put_time(struct buf *out, uint64_t ns)
{
	uint64_t s = ns / SECOND;

	if (s < 1)
		buf_printf(out, "%.3fs", ns / 1e9);
	else if (s < 60)
		buf_printf(out, "%.1fs", ns / 1e9);
	else if (s < 3600)
		buf_printf(out, "%" PRIu64 "m%" PRIu64 "s", s / 60, s % 60);
	else if (s < 48 * 3600)
		buf_printf(out, "%" PRIu64 "h%" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		buf_printf(out, "%" PRIu64 "d%" PRIu64 "h", s / 86400, s / 3600 % 24);
}

void dump_put_thread(struct buf *out, const struct dump_thread *t)
{
	buf_printf(out, "%d \"", t->tid);
	dump_put_escaped(out, t->name);
	buf_string(out, "\"");
}

void dump_put_lock(struct buf *out, const struct dump_thread *t)
{
	const char *word = wait_kind_word(t->wait.kind);

	if (!word)
		return;
	buf_string(out, word);
	if (t->lock) {
		buf_string(out, " ");
		dump_put_escaped(out, t->lock);
	} else if (t->wait.lock) {
		buf_printf(out, " 0x%" PRIx64, wait_kind_lock(t->wait.kind, t->wait.lock));
	}
}

static void put_holder(struct buf *out, const struct dump *d, const struct dump_thread *t)
{
	const char *verb = t->wait.kind == WAIT_JOIN ? "of" : "held by";

	if (t->wait.flags & WAIT_READERS)
		buf_string(out, " held by readers");
	if (!t->wait.holder)
		return;
	if (t->holder == DUMP_NO_INDEX) {
		buf_printf(out, " %s %d, %s", verb, t->wait.holder,
			t->wait.flags & WAIT_HOLDER_GONE ? "a thread that has ended"
							 : "a thread of another process");
		return;
	}
	const struct dump_thread *holder = &d->threads[t->holder];
	const char *place = dump_place(d, holder);
	buf_printf(out, " %s ", verb);
	dump_put_thread(out, holder);
	if (*place) {
		buf_string(out, " in ");
		dump_put_escaped(out, place);
	}
}

static void put_call(struct buf *out, const struct dump_thread *t)
{
	const char *name = syscalls_name(t->wait.call);

	if (name)
		buf_string(out, name);
	else
		buf_printf(out, "system call %d", t->wait.call);
	if (wait_kind_word(t->wait.kind)) {
		buf_string(out, "(");
		dump_put_lock(out, t);
		if (t->fd >= 0)
			buf_printf(out, " fd %d ", t->fd);
		dump_put_escaped(out, t->fd_text);
		buf_string(out, ")");
	} else if (t->fd >= 0 || *t->fd_text) {
		buf_string(out, "(");
		if (t->fd >= 0)
			buf_printf(out, "fd %d ", t->fd);
		dump_put_escaped(out, t->fd_text);
		buf_string(out, ")");
	}
}

/* The innermost functions of the kernel; of the others a reader has no use. */
static void put_kernel(struct buf *out, const char *kernel)
{
	const char *between = "in the kernel: ";
	uint32_t shown = 6;

	while (*kernel && shown--) {
		size_t n = strcspn(kernel, "\n");
		buf_printf(out, "%s%.*s", between, (int)n, kernel);
		between = " < ";
		kernel += n + (kernel[n] == '\n');
	}
}

void dump_put_wait(struct buf *out, const struct dump *d, const struct dump_thread *t)
{
	int in_call = t->wait.call >= 0;

	if (in_call) {
		put_call(out, t);
		put_holder(out, d, t);
	}
	if (*t->kernel && (t->state == 'D' || !in_call) && !t->moved) {
		if (in_call)
			buf_string(out, ", ");
		put_kernel(out, t->kernel);
	}
}
