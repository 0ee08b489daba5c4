/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "agent/heap_report.h"
#include "agent/modules_report.h"
#include "agent/phases.h"
#include "agent/summary_json.h"
#include "agent/tracer/stats.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/ring.h"
#include "output/profile.h"
#include "output/pseudo.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

static void put_target(struct json *j, const struct session *s)
{
	const struct collection *c = &s->data;

	json_object(j, "target");
	json_number(j, "pid", c->first.pid);
	json_string(j, "comm", c->first.comm);
	json_number(j, "processes", c->processes_seen);
	json_number(j, "processes_ended", c->processes_ended);
	json_number(j, "processes_left_out", s->left_out);
	json_number(j, "execs", s->written->stats.execs);
	json_number(j, "ended_early", s->target_ended && !phases_end_is_meant(s));
	json_end_object(j);
}

static void put_window(struct json *j, const struct session *s)
{
	const struct interval *i = s->written;
	const struct tracer_stats *t = &i->stats;

	json_object(j, "window");
	json_number(j, "number", i->number);
	json_number(j, "began_ns", i->wall_began);
	json_real(j, "seconds", SECONDS(i->ended - i->began));
	json_number(j, "hz_asked", s->options->hz);
	json_real(j, "hz", interval_rate(i));
	json_number(j, "ticks", t->ticks);
	json_number(j, "ticks_missed", t->ticks_missed);
	json_number(j, "ticks_late", t->ticks_late);
	json_real(j, "seconds_slowed", SECONDS(t->slowed_ns));
	json_number(j, "goroutines_not_looked_at", t->goroutines_beyond);
	json_end_object(j);
}

static void put_skipped(struct json *j, const struct tracer_stats *t)
{
	static const char *const words[SKIPS] = {
		[SKIP_BLOCKED] = "blocked",
		[SKIP_GONE] = "gone",
		[SKIP_LATE] = "late",
		[SKIP_DENIED] = "denied",
		[SKIP_QUEUED] = "queued",
		[SKIP_RING_FULL] = "no_room",
		[SKIP_UNREADABLE] = "unreadable",
		[SKIP_UNKNOWN] = "unknown",
	};

	json_object(j, "skipped");
	for (int skip = 0; skip < SKIPS; skip++)
		json_number(j, words[skip], t->skipped[skip]);
	json_end_object(j);
}

static void put_stacks(struct json *j, const struct session *s)
{
	const struct interval *i = s->written;

	json_object(j, "stacks");
	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		if (!(s->options->kinds & KIND(kind)))
			continue;
		json_object(j, profile_kind_name(kind));
		json_number(j, "all", i->received[kind]);
		json_number(j, "lost", interval_lost(i, kind));
		for (int end = 0; end < STACK_ENDS; end++)
			json_number(j, pseudo_end_word(end), i->ends[kind][end]);
		json_end_object(j);
	}
	json_number(j, "guessed", i->guessed);
	json_end_object(j);
}

static void put_cpu(struct json *j, const struct interval *i)
{
	json_object(j, "cpu");
	json_real(j, "profile", SECONDS(interval_threads_cpu(i) + interval_ended_cpu(i)));
	json_real(j, "clock", SECONDS(i->clock));
	json_real(j, "ended_unseen", SECONDS(interval_ended_cpu(i)));
	json_real(j, "left_out", SECONDS(i->left_out));
	json_end_object(j);
}

static void put_stops(struct json *j, const struct tracer_stats *t)
{
	json_object(j, "stops");
	json_number(j, "number", t->stops);
	json_real(j, "seconds", SECONDS(t->stop_ns));
	json_real(j, "p50", stats_stop_us(t, 0.5) / 1e6);
	json_real(j, "p99", stats_stop_us(t, 0.99) / 1e6);
	json_number(j, "queued", t->queued_stops);
	json_real(j, "queued_seconds", SECONDS(t->queued_ns));
	json_number(j, "calls_kept", t->repaired);
	json_number(j, "calls_cut_short", t->cut_short);
	json_number(j, "calls_failed", t->failed);
	json_number(j, "signals_passed_on", t->signals);
	json_end_object(j);
}

static void put_creations(struct json *j, const struct tracer_creations *t)
{
	json_object(j, "creations");
	json_number(j, "created", t->created);
	json_number(j, "no_room", t->no_room);
	json_number(j, "attached", t->attached);
	json_real(j, "attach_seconds", SECONDS(t->attach_ns));
	json_number(j, "other_stops", t->others);
	json_real(j, "other_stops_seconds", SECONDS(t->others_ns));
	json_number(j, "group_stops", t->group_stops);
	json_number(j, "processes_let_go", t->let_go);
	json_end_object(j);
}

static void put_trouble(struct json *j, const struct session *s)
{
	json_object(j, "trouble");
	json_number(j, "tracer_restarts", s->tracer.restarts);
	json_number(j, "worker_restarts", s->worker.restarts);
	json_number(j, "maps_failed", s->written->stats.maps_failed);
	json_number(j, "kernel_unread", s->written->stats.kernel_unread);
	json_number(j, "lists_failed", s->written->stats.lists_failed);
	json_number(j, "messages_broken", s->data.broken);
	json_number(j, "mappings_lost", s->data.segments_lost);
	json_end_object(j);
}

static void put_file(struct json *j, const char *key, const struct want *w)
{
	if (w)
		json_string(j, key, w->path ? w->path : "?");
}

static void put_module(void *arg, const struct module_report *r)
{
	struct json *j = arg;
	char id[2 * sizeof(r->info->build_id) + 1];

	json_object(j, NULL);
	json_string(j, "path", r->info->path);
	json_string(j, "build_id", hex_text(id, r->info->build_id, r->info->build_id_len));
	json_real(j, "share", r->share);
	json_string(j, "source", r->source);
	json_string(j, "symbols", r->symbols);
	json_string(j, "unwinding", r->unwinding);
	json_string(j, "debug", r->debug);
	put_file(j, "debug_file", r->debug_file);
	put_file(j, "alt", r->alt[0] ? r->alt[0] : r->alt[1]);
	put_file(j, "package", r->package[0] ? r->package[0] : r->package[1]);
	json_number(j, "other_build", r->is_other_build);
	json_number(j, "split_files", r->splits.found);
	json_number(j, "split_files_missing", r->splits.missing);
	json_end_object(j);
}

void summary_json(const struct session *s, struct buf *out)
{
	struct json j = {.out = out};

	json_object(&j, NULL);
	json_string(&j, "version", PACKAGE_VERSION);
	put_target(&j, s);
	put_window(&j, s);
	put_skipped(&j, &s->written->stats);
	put_stacks(&j, s);
	put_cpu(&j, s->written);
	put_stops(&j, &s->written->stats);
	if (s->options->kinds & KIND(PROFILE_THREADCREATE))
		put_creations(&j, &s->written->creations);
	if (s->options->kinds & KINDS_OF_HEAP)
		heap_report_json(s, &j);
	put_trouble(&j, s);
	json_array(&j, "modules");
	if (modules_report_each(s, put_module, &j) < 0)
		out->failed = -ENOMEM;
	json_end_array(&j);
	json_end_object(&j);
	buf_string(out, "\n");
}
