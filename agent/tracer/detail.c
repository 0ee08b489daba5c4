/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/tracer/descriptor.h"
#include "agent/tracer/detail.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/time_left.h"
#include "base/wire.h"

struct look {
	struct tracer_detail detail;
	struct call_now call;
	struct buf fd, kernel;
};

static void beat(void *arg)
{
	struct details *d = arg;

	atomic_fetch_add(&d->ring->page->tracer_beat, 1);
}

void details_begin(struct details *d, struct ring *ring, uint32_t interval)
{
	memset(d, 0, sizeof(*d));
	d->ring = ring;
	d->interval = interval;
	d->sockets.beat = beat;
	d->sockets.arg = d;
}

void details_end(struct details *d)
{
	sockets_fini(&d->sockets);
}

static void read_call(const struct thread *th, struct call_now *call)
{
	char text[256];

	if (proc_file_take(target_open_file(&th->process->target, th->tid, "syscall"), text,
		    sizeof(text)) <= 0 ||
		waits_parse(text, call) < 1)
		*call = (struct call_now){.nr = -1};
}

/* "[<0>] do_wait+0x5a/0xd0" in each line: only the names, without the way in, which all have. */
static void put_kernel_stack(struct buf *out, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		const char *name = strchr(line, ']');
		name = name ? name + 1 + strspn(name + 1, " ") : line;
		size_t n = strcspn(name, "+");
		if (!strncmp(name, "do_syscall_64", 13) || !strncmp(name, "entry_SYSCALL", 13))
			break;
		if (n && out->len + n < LIMIT_DETAIL_TEXT - 1)
			buf_printf(out, "%s%.*s", out->len ? "\n" : "", (int)n, name);
	}
}

/* The whole stack is only for root, and worth its time only where nothing else tells. */
static void read_kernel(const struct thread *th, int state, struct buf *out)
{
	const struct target *t = &th->process->target;
	char text[4 * KIB] = "";

	if (state == 'D')
		proc_file_take(target_open_file(t, th->tid, "stack"), text, sizeof(text));
	if (!*text &&
		proc_file_take(target_open_file(t, th->tid, "wchan"), text, sizeof(text)) > 0 &&
		!strcmp(text, "0"))
		return;
	put_kernel_stack(out, text);
}

/* Where a tracer before us never came back from the target's memory, it is left alone. */
static void read_wait(struct details *d, const struct thread *th, struct look *l)
{
	const struct target *t = &th->process->target;
	struct tracer_detail *out = &l->detail;

	if (ring_begin_read(d->ring, th->tid)) {
		out->wait = (struct wait){.call = l->call.nr};
		return;
	}
	waits_find(th->process, &l->call, &out->wait);
	out->left_ns = time_left(th->tid, &l->call, out->idle_ns);
	descriptor_polled(&d->sockets, t, th->tid, &l->call, &l->fd);
	ring_end_read(d->ring);
	out->fd = descriptor_of(&l->call);
	if (out->fd >= 0)
		descriptor_text(&d->sockets, t, th->tid, out->fd, &l->fd);
}

static void forget_call(struct look *l)
{
	l->detail.wait = (struct wait){.call = -1};
	l->detail.left_ns = TIME_FOR_EVER;
	l->detail.fd = -1;
	buf_clear(&l->fd);
	buf_clear(&l->kernel);
}

static void send(const struct thread *th, struct look *l)
{
	const size_t most = LIMIT_DETAIL_TEXT - 1;
	char texts[2 * LIMIT_DETAIL_TEXT];
	struct tracer_detail *out = &l->detail;

	out->fd_len = l->fd.len < most ? l->fd.len : most;
	out->kernel_len = l->kernel.len < most ? l->kernel.len : most;
	if (out->fd_len)
		memcpy(texts, l->fd.data, out->fd_len);
	if (out->kernel_len)
		memcpy(texts + out->fd_len, l->kernel.data, out->kernel_len);
	wire_send2(th->process->common->sock, TRACER_DETAIL, out, sizeof(*out), texts,
		out->fd_len + out->kernel_len, -1);
}

/* A thread that job control holds was stopped for its stack, and has run for that. */
static int has_moved(const struct thread *th, int state, uint64_t runs, uint64_t *after)
{
	struct schedstat now;

	*after = runs;
	if (schedstat_read(th->schedstat_fd, &now) < 0)
		return 1;
	*after = now.runs;
	return state == 'R' || (state != 'T' && now.runs != runs);
}

int detail_begin(struct details *d, struct thread *th, int state, struct before *out)
{
	out->state = state;
	out->idle = state == 'R' ? 0 : idle_time(&d->idle, &th->process->target, th);
	return schedstat_read(th->schedstat_fd, &out->runs) < 0 ? -ESRCH : 0;
}

void detail_tell(struct details *d, struct thread *th, const struct before *before)
{
	struct look l = {
		.detail =
			{
				.thread = th->serial,
				.interval = d->interval,
				.state = before->state,
				.cpu = before->runs.cpu,
				.runs = before->runs.runs,
				.idle_ns = before->idle,
				.left_ns = TIME_FOR_EVER,
				.fd = -1,
			},
	};

	buf_init(&l.fd, 64 * KIB);
	buf_init(&l.kernel, 64 * KIB);
	read_call(th, &l.call);
	memcpy(l.detail.args, l.call.args, sizeof(l.detail.args));
	read_wait(d, th, &l);
	read_kernel(th, before->state, &l.kernel);
	if (has_moved(th, before->state, before->runs.runs, &l.detail.runs_after)) {
		l.detail.flags = DETAIL_MOVED;
		forget_call(&l);
	}
	th->is_held_up = l.detail.wait.holder != 0;
	send(th, &l);
	buf_fini(&l.fd);
	buf_fini(&l.kernel);
}

static void tell_again(struct details *d, struct thread *th)
{
	struct look l = {.detail = {.thread = th->serial,
				 .interval = d->interval,
				 .flags = DETAIL_AGAIN,
				 .fd = -1}};
	struct schedstat before;

	if (schedstat_read(th->schedstat_fd, &before) < 0)
		return;
	l.detail.runs = before.runs;
	read_call(th, &l.call);
	read_wait(d, th, &l);
	if (!has_moved(th, 'S', before.runs, &l.detail.runs_after))
		send(th, &l);
}

void details_again(struct details *d, struct threads *threads)
{
	for (uint32_t i = 0; i < threads->n; i++) {
		if (threads->v[i].is_held_up && !threads->v[i].ended)
			tell_again(d, &threads->v[i]);
		beat(d);
	}
}
