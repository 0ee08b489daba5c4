/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of Go's own dumps (debug=2), which tools that group and diff such stacks read:
 *
 *   thread 4711 "worker" [sleeping, futex mutex, 5 minutes]:
 *   take_order(...)
 *   	/src/shop.c:12 +0x1a2b
 */
#include <inttypes.h>
#include <stdio.h>

#include "output/dump_words.h"
#include "output/pseudo.h"
#include "output/syscalls.h"
#include "output/wait_kind.h"

/* Go tells of waits of a minute and more. */
static void put_minutes(const struct dump_thread *t, struct buf *out)
{
	int64_t minutes = t->idle_ns / 60000000000ll;

	if (t->state != 'R' && minutes > 0)
		buf_printf(out, ", %" PRId64 " minute%s", minutes, minutes == 1 ? "" : "s");
}

static void put_head(const struct dump_thread *t, struct buf *out)
{
	const char *call = syscalls_name(t->wait.call), *kind = wait_kind_word(t->wait.kind);

	buf_string(out, "thread ");
	dump_put_thread(out, t);
	buf_printf(out, " [%s", pseudo_state(t->state));
	if (call)
		buf_printf(out, ", %s%s%s", call, kind ? " " : "", kind ? kind : "");
	put_minutes(t, out);
	buf_string(out, "]:\n");
}

static void put_line(const struct dump *d, const struct dump_line *l, struct buf *out)
{
	if (!l->module) {
		buf_printf(out, "...stack ends: %s...\n", l->function);
		return;
	}
	dump_put_escaped(out, *l->function ? l->function : "?");
	buf_string(out, "(...)\n\t");
	dump_put_escaped(out, *l->file ? l->file : dump_module(d, l->module));
	buf_printf(out, ":%u +0x%" PRIx64 "\n", l->line, l->offset);
}

int dump_goroutine(const struct dump *d, struct buf *out)
{
	for (uint32_t i = 0; i < d->n_threads; i++) {
		const struct dump_thread *t = &d->threads[i];
		const struct dump_group *g = &d->groups[t->group];
		if (i)
			buf_string(out, "\n");
		put_head(t, out);
		for (uint32_t l = 0; l < g->n_lines; l++)
			put_line(d, &d->lines[g->first_line + l], out);
	}
	return out->failed;
}
