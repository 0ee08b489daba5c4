/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /metrics: what the server has done to its target and for its clients, in Prometheus' text form
 * 0.0.4. Counters are of the whole run.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "agent/serve/answer.h"
#include "config.h"
#include "output/profile.h"

#define PREFIX "cpprof_attach_"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
	head(out, name, "counter", help);
	buf_printf(out, PREFIX "%s %" PRIu64 "\n", name, value);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	buf_printf(out, PREFIX "%s %.9g\n", name, value);
}

static void seconds(struct buf *out, const char *name, const char *help, uint64_t ns)
{
	head(out, name, "counter", help);
	buf_printf(out, PREFIX "%s %.9g\n", name, ns / 1e9);
}

/* Of a label. */
static void put_value(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			buf_string(out, "\\");
		if (*text == '\n')
			buf_string(out, "\\n");
		else
			buf_append(out, text, 1);
	}
}

static void put_captures(const struct tracer_stats *t, struct buf *out)
{
	head(out, "captures_total", "counter", "Stacks taken, by the profile that they are for.");
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (KIND(kind) & ~KIND(PROFILE_ALLOCS)) /* those of heap */
			buf_printf(out, PREFIX "captures_total{profile=\"%s\"} %" PRIu64 "\n",
				profile_kind_name(kind), t->captured[kind]);
}

static void put_skipped(const struct tracer_stats *t, struct buf *out)
{
	static const char *const reasons[SKIPS] = {"blocked", "ended", "late", "denied", "queued",
		"ring_full", "unreadable", "unknown"};

	head(out, "not_sampled_total", "counter",
		"Running threads that gave no sample, by reason.");
	for (int skip = 0; skip < SKIPS; skip++)
		buf_printf(out, PREFIX "not_sampled_total{reason=\"%s\"} %" PRIu64 "\n",
			reasons[skip], t->skipped[skip]);
}

static void put_sampler(const struct tracer_stats *t, struct buf *out)
{
	counter(out, "ticks_total", "Looks at the target.", t->ticks);
	counter(out, "ticks_missed_total", "Looks that were due and not taken.", t->ticks_missed);
	put_captures(t, out);
	put_skipped(t, out);
	counter(out, "stops_total", "Pauses of single threads.", t->stops);
	seconds(out, "stop_seconds_total",
		"How long these took, but for those in a queue for a CPU.", t->stop_ns);
	counter(out, "calls_repaired_total", "System calls kept from returning EINTR.",
		t->repaired);
	counter(out, "calls_failed_total", "System calls that returned EINTR.", t->failed);
	counter(out, "calls_cut_short_total", "System calls that may have been cut short.",
		t->cut_short);
	seconds(out, "slowed_seconds_total", "Time at a lower rate, to keep the pauses short.",
		t->slowed_ns);
}

/* Figures are those of the last look at it. */
static void put_heap(const struct session *s, struct buf *out)
{
	const struct heap_record *r = &s->data.heap;
	const struct tracer_heap *f = &r->figures;

	gauge(out, "heap_probe_up", "1 while the allocation probe is in the process.",
		s->heap.is_in);
	counter(out, "heap_probe_refused_total", "Times that it could not go in.",
		s->server->probe_refused);
	gauge(out, "heap_sites", "Stacks that allocations were sampled of.", r->n_sites);
	gauge(out, "heap_samples", "Samples that are kept: alive, or not known to be dead.",
		r->n_kept);
	gauge(out, "heap_samples_unknown",
		"Samples that were alive at the last look and whose stacks were lost.",
		r->n_unknown);
	counter(out, "heap_samples_folded_total", "Samples that are dead.", r->n_folded);
	counter(out, "heap_samples_dropped_total", "Samples that the probe had no room for.",
		f->dropped);
	counter(out, "heap_samples_lost_total", "Samples that were damaged or lost on their way.",
		f->lost + r->lost);
	counter(out, "heap_samples_untracked_total",
		"Samples that count as freed, for want of room.", f->table_full);
	counter(out, "heap_probe_stops_total", "Pauses of all threads, to put it in or out.",
		f->stops);
}

static void put_trouble(const struct session *s, struct buf *out)
{
	counter(out, "tracer_restarts_total", "Times the tracer was started again.",
		s->tracer.restarts);
	counter(out, "worker_restarts_total", "Times the worker was started again.",
		s->worker.restarts);
	counter(out, "broken_messages_total", "Messages between the roles that made no sense.",
		s->data.broken);
	counter(out, "counting_failures_total",
		"Intervals that are not in the block and mutex counters, for want of room.",
		s->windows.lost);
}

static void put_server(const struct server *server, struct buf *out)
{
	const struct http_counts *c = &server->http.counts;

	counter(out, "http_requests_total", "Requests.", c->requests);
	counter(out, "http_errors_total", "Requests that were answered with an error.", c->refused);
	counter(out, "http_hung_up_total", "Clients that went before they had their answer.",
		c->hung_up);
	counter(out, "http_response_bytes_total", "Bytes of the answers, without headers.",
		c->bytes);
	gauge(out, "http_requests", "Requests that are being answered.", server->http.n_exchanges);
	counter(out, "profiles_total", "Profiles that were answered.", server->profiles);
	counter(out, "profiles_hurried_total",
		"Of these, those whose names or lines were not all read in time.", server->hurried);
	gauge(out, "windows", "Windows that are open.", windows_count(&server->session->windows));
}

/* One of the counters of all stores. which: its place in struct push_counts. */
static void put_pushed(
	const struct push *p, const char *name, const char *help, size_t which, struct buf *out)
{
	head(out, name, "counter", help);
	for (uint32_t i = 0; i < p->n; i++) {
		const char *counts = (const char *)push_counts(p, i);
		uint64_t value;
		memcpy(&value, counts + which, sizeof(value));
		buf_printf(out, PREFIX "%s{store=\"", name);
		put_value(out, push_name(p, i));
		buf_printf(out, "\"} %" PRIu64 "\n", value);
	}
}

#define WHICH(member) offsetof(struct push_counts, member)

static void put_push(const struct push *p, struct buf *out)
{
	if (!p->n)
		return;
	put_pushed(p, "pushed_total", "Profiles that a store took.", WHICH(sent), out);
	put_pushed(p, "push_bytes_total", "Bytes of these.", WHICH(sent_bytes), out);
	put_pushed(p, "push_retries_total", "Requests that were made again.", WHICH(retried), out);
	put_pushed(p, "push_refused_total", "Profiles that a store refused.", WHICH(refused), out);
	put_pushed(p, "push_given_up_total", "Profiles that were tried too often.", WHICH(given_up),
		out);
	put_pushed(
		p, "push_dropped_total", "Profiles dropped for want of room.", WHICH(dropped), out);
	head(out, "push_waiting", "gauge", "Profiles that wait to be pushed.");
	for (uint32_t i = 0; i < p->n; i++) {
		buf_string(out, PREFIX "push_waiting{store=\"");
		put_value(out, push_name(p, i));
		buf_printf(out, "\"} %u\n", push_waiting(p, i));
	}
}

void answer_metrics(struct session *s, struct exchange *e)
{
	struct tracer_stats stats;
	struct buf *out = &e->body;

	collection_sum(&s->data, &stats);
	e->status = 200;
	e->type = "text/plain; version=0.0.4; charset=utf-8";
	head(out, "build_info", "gauge", "The program.");
	buf_printf(out, PREFIX "build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	gauge(out, "target_up", "1 while the target is attached to.",
		s->phase > PHASE_SNAPSHOT && !s->tracer_done && !s->is_last);
	gauge(out, "target_processes", "Processes that are profiled.", stats.processes_now);
	gauge(out, "target_threads", "Threads of these, when they were last listed.",
		stats.threads_now);
	gauge(out, "sampling_hertz", "Looks a second just now; 0: nobody asks for any.",
		s->mode.kinds & KINDS_OF_WINDOW ? s->mode.hz : 0);
	put_sampler(&stats, out);
	put_heap(s, out);
	put_trouble(s, out);
	put_server(s->server, out);
	put_push(&s->server->push, out);
}
