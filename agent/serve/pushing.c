/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/profiles.h"
#include "agent/result.h"
#include "agent/serve/pushing.h"
#include "base/log.h"
#include "base/now.h"
#include "output/profile.h"

int pushing_open(struct server *server)
{
	const char *output = server->session->options->output;
	int error = output ? result_probe_folder(output) : 0;

	return error ? error
		     : push_init(&server->push, &server->session->options->push, NULL, NULL);
}

/* --- windows ------------------------------------------------------------------------------ */

/* The state of a moment is not to be added up as what came in a time is. */
static enum heap_part part_of(int kind)
{
	return kind == PROFILE_HEAP ? HEAP_IN_USE : HEAP_ALLOCATED;
}

static uint32_t build_all(const struct session *s, const struct window *w, struct profile **out)
{
	uint32_t n = 0;

	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		struct profiles_how how = {.kind = kind, .is_limited = 1, .part = part_of(kind)};
		if (!(w->kinds & KIND(kind)))
			continue;
		int error = profiles_build(s, &how, &out[n]);
		if (error)
			log_error("cannot build the %s profile: %s", profile_kind_name(kind),
				strerror(-error));
		n += !error;
	}
	return n;
}

static void on_done(struct session *s, struct window *w)
{
	struct profile *profiles[PROFILE_KINDS];
	const struct process_info *first = &s->data.first;
	const struct process_info *p = collection_process(&s->data, first->number);
	uint32_t n = w->error ? 0 : build_all(s, w, profiles);

	/* The probe is not in, which was told; the next window waits for it. */
	if (w->error == -ENOTSUP)
		s->server->heap_is_due = s->server->heap_is_missing = 1;
	else if (w->error && w->error != -ESRCH)
		log_error("a window is lost: %s", strerror(-w->error));
	if (n)
		push_add(&s->server->push, (const struct profile *const *)profiles, n, first->comm,
			first->pid, p && *p->service ? p->service : NULL);
	while (n-- > 0)
		profile_free(profiles[n]);
	windows_drop(&s->windows, w);
}

static void begin(struct session *s, uint32_t kinds)
{
	uint32_t flags = kinds & KINDS_OF_HEAP ? WINDOW_ALIVE : WINDOW_CONTEXTS;
	struct window how = {
		.kinds = kinds, .flags = WINDOW_REPEATS | flags, .length = s->options->every_ns};
	struct window *w = kinds ? windows_add(&s->windows, &how) : NULL;

	if (w)
		w->is_done = on_done;
	else if (kinds) {
		log_error("out of memory");
		session_over(s, STATUS_FAILED);
	}
}

void pushing_begin(struct session *s)
{
	uint32_t kinds = s->options->push_kinds;

	begin(s, kinds & ~KINDS_OF_HEAP);
	begin(s, kinds & KINDS_OF_HEAP);
}

/* --- what fails --------------------------------------------------------------------------- */

static void save(struct session *s, const struct parcel *p)
{
	char path[LIMIT_PATH], shown[512];

	for (uint32_t i = 0; i < p->n; i++) {
		result_file_name(s, p->v[i].kind, p->time, path, sizeof(path));
		if (result_write_bytes(&p->v[i].pprof, path) == 0)
			log_note("not pushed; wrote %s", log_escape(shown, sizeof(shown), path));
	}
}

static void save_failed(struct server *server, int is_end)
{
	struct session *s = server->session;
	struct parcel *p;

	while ((p = push_take_failed(&server->push))) {
		if (is_end || s->options->output)
			save(s, p);
		parcel_release(p);
	}
}

void pushing_step(struct session *s)
{
	if (s->server->heap_is_due)
		begin(s, s->options->push_kinds & KINDS_OF_HEAP);
	s->server->heap_is_due = 0;
	push_step(&s->server->push, clock_now());
	save_failed(s->server, s->is_last);
}

static void wait_for_stores(struct push *p)
{
	struct pollfd fds[2 * PUSH_URLS];

	push_stop(p, clock_now());
	while (!push_is_idle(p)) {
		int n = push_poll_fds(p, fds, sizeof(fds) / sizeof(*fds));
		poll(fds, n, push_timeout_ms(p, clock_now()));
		push_step(p, clock_now());
	}
}

int pushing_close(struct server *server)
{
	struct push *p = &server->push;

	if (!p->n)
		return 0;
	wait_for_stores(p);
	save_failed(server, 1);
	push_tell(p);
	int failed = push_has_failed(p) || server->heap_is_missing;
	push_fini(p);
	return failed ? -1 : 0;
}
