/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "agent/modules_report.h"
#include "agent/perf_maps.h"
#include "agent/phases.h"
#include "agent/heap_report.h"
#include "agent/summary.h"
#include "agent/tracer/stats.h"
#include "base/log.h"
#include "base/path.h"
#include "base/ring.h"
#include "config.h"
#include "output/profile.h"
#include "output/pseudo.h"
#include "output/table.h"
#include "output/tally.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static void rare_skips(const struct tracer_stats *t, struct buf *out)
{
	if (t->skipped[SKIP_LATE])
		buf_printf(out, ", %" PRIu64 " did not stop in time", t->skipped[SKIP_LATE]);
	if (t->skipped[SKIP_DENIED])
		buf_printf(out, ", %" PRIu64 " could not be stopped", t->skipped[SKIP_DENIED]);
	if (t->skipped[SKIP_UNKNOWN])
		buf_printf(out, ", %" PRIu64 " could not be read", t->skipped[SKIP_UNKNOWN]);
	buf_string(out, "\n");
}

/* Of what ticks brought. */
static uint64_t lost_in_worker(const struct interval *i)
{
	uint64_t most = 0;

	/* A capture may have gone into several profiles. */
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (!(KIND(kind) & KINDS_OF_MOMENT) && interval_lost(i, kind) > most)
			most = interval_lost(i, kind);
	return most;
}

static void samples_line(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	const struct tracer_stats *t = &i->stats;
	uint64_t skipped = t->skipped[SKIP_BLOCKED] + t->skipped[SKIP_GONE];
	int is_of_cpu = !!(s->options->kinds & KIND(PROFILE_CPU));

	if (is_of_cpu)
		buf_printf(out, "samples   %" PRIu64 " at ", i->received[PROFILE_CPU]);
	buf_printf(out,
		"%s%" PRIu64 " ticks (%" PRIu64 " missed, %" PRIu64 " late): %.4g Hz of %u asked; "
		"%" PRIu64 " lost in the worker, %" PRIu64 " for want of room\n",
		is_of_cpu ? "" : "ticks     ", t->ticks, t->ticks_missed, t->ticks_late,
		interval_rate(i), s->options->hz, lost_in_worker(i), t->skipped[SKIP_RING_FULL]);
	if (!(s->options->kinds & (KIND(PROFILE_CPU) | KIND(PROFILE_WALL))))
		return;
	buf_printf(out,
		"          not sampled: %" PRIu64 " went to sleep or ended before their stop, "
		"%" PRIu64 " not their turn",
		skipped, t->skipped[SKIP_QUEUED]);
	rare_skips(t, out);
	if (t->slowed_ns)
		buf_printf(out,
			"rate      lowered for %.1fs, to keep the pauses below %g%% of the CPU time "
			"(-max-stop)\n",
			SECONDS(t->slowed_ns), s->options->most_stop / 1e4);
}

static void ends_line(const struct interval *i, enum profile_kind kind, struct buf *out)
{
	const char *between = ": ";

	if (!i->received[kind])
		return;
	uint64_t lost = KIND(kind) & KINDS_OF_MOMENT ? interval_lost(i, kind) : 0;
	uint64_t beyond = kind == PROFILE_GOROUTINE ? i->stats.goroutines_beyond : 0;
	if (lost)
		buf_printf(out, "stacks    %s: %" PRIu64 " lost in the worker\n",
			profile_kind_name(kind), lost);
	if (beyond)
		buf_printf(out,
			"stacks    goroutine: %" PRIu64 " past the first %u not looked at\n",
			beyond, LIMIT_GOROUTINES);
	buf_printf(out, "stacks    %s: %.1f%% complete", profile_kind_name(kind),
		percent(i->ends[kind][STACK_DONE], i->received[kind]));
	for (int end = 1; end < STACK_ENDS; end++)
		if (i->ends[kind][end]) {
			buf_printf(out, "%s%" PRIu64 " %s", between, i->ends[kind][end],
				pseudo_end_word(end));
			between = ", ";
		}
	buf_string(out, "\n");
}

static void cpu_text(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	uint64_t sum = interval_threads_cpu(i) + interval_ended_cpu(i);

	if (i->has_left_out) {
		buf_printf(out,
			"%.3fs in the profile, of %.3fs by the process clock; the rest is of threads "
			"that -thread leaves out\n",
			SECONDS(sum), SECONDS(i->clock));
		return;
	}
	buf_printf(out,
		"%.3fs in the profile, %.3fs by the process clock (%+.2f%%); "
		"%.3fs of threads that ended unseen\n",
		SECONDS(sum), SECONDS(i->clock), percent((double)sum - (double)i->clock, i->clock),
		SECONDS(interval_ended_cpu(i)));
}

/* Where all that was asked for is of a moment there is no window to be a part of. */
static void stops_line(const struct interval *i, int has_window, struct buf *out)
{
	const struct tracer_stats *t = &i->stats;
	double window = SECONDS(i->ended - i->began), cpu = SECONDS(i->clock);

	buf_printf(out, "stops     %" PRIu64 ", p50 %.0fus, p99 %.0fus, %.3fs in all",
		t->stops - t->queued_stops, stats_stop_us(t, 0.5), stats_stop_us(t, 0.99),
		SECONDS(t->stop_ns));
	if (has_window)
		buf_printf(out, ": %.2f%% of the CPU time used, %.2f%% of the window",
			percent(SECONDS(t->stop_ns), cpu), percent(SECONDS(t->stop_ns), window));
	buf_string(out, "\n");
	if (t->queued_stops)
		buf_printf(out,
			"          %" PRIu64
			" more took %.3fs, in which the thread waited for a CPU that "
			"others had\n",
			t->queued_stops, SECONDS(t->queued_ns));
	buf_printf(out,
		"calls     %" PRIu64 " kept from returning EINTR, %" PRIu64
		" that may have been cut short by a stop",
		t->repaired, t->cut_short);
	if (t->failed)
		buf_printf(out, ", %" PRIu64 " that returned EINTR", t->failed);
	buf_string(out, "\n");
}

/* Of the profile that stays attached: what it saw, and what that took. */
static void creations_lines(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	const struct tracer_creations *t = &i->creations;

	buf_printf(out,
		"created   %" PRIu64 " threads; %" PRIu64
		" of their stacks lost for want of room, %" PRIu64 " in the worker\n",
		t->created, t->no_room, interval_lost(i, PROFILE_THREADCREATE));
	if (s->tracer.restarts)
		buf_string(out,
			"          not counted: those created while the tracer was replaced\n");
	if (t->attached)
		buf_printf(out,
			"attached  to %" PRIu64 " thread%s in %.1fms, and to those they created\n",
			t->attached, t->attached == 1 ? "" : "s", (double)t->attach_ns / 1e6);
	buf_printf(out,
		"          stopped %" PRIu64
		" times more, %.3fs in all, at births, signals and execs; "
		"%" PRIu64 " group stops kept, %" PRIu64 " new processes let go\n",
		t->others, SECONDS(t->others_ns), t->group_stops, t->let_go);
}

static void processes_line(const struct session *s, struct buf *out)
{
	const struct collection *c = &s->data;

	if (c->processes_seen > 1)
		buf_printf(out, "processes %u profiled, %u of them ended\n", c->processes_seen,
			c->processes_ended);
	if (s->left_out)
		buf_printf(out, "processes %u left out, they cannot be attached to\n", s->left_out);
}

static void trouble_line(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;

	uint64_t overflow = 0;
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		overflow += table_overflow(i->tables[kind]);
	if (overflow)
		buf_printf(out, "table     full: %" PRIu64 " stacks lost frames\n", overflow);
	if (i->stats.maps_failed || s->data.broken || s->data.segments_lost)
		buf_printf(out,
			"trouble   %u reads of the maps failed, %u mappings too many, "
			"%" PRIu64 " broken messages\n",
			i->stats.maps_failed, s->data.segments_lost, s->data.broken);
	if (i->stats.lists_failed)
		buf_printf(out,
			"trouble   %" PRIu64 " listings of the threads failed, or in part\n",
			i->stats.lists_failed);
}

static void trapped_line(struct ring_page *page, struct buf *out)
{
	uint32_t n = atomic_load(&page->n_trapped), maps = 0;

	for (uint32_t i = 0; i < n && i < LIMIT_RESTARTS; i++)
		maps += !!(atomic_load(&page->trapped[i]) & RING_PERF_MAP);
	if (n > maps)
		buf_printf(
			out, "stacks    of %u threads in memory that does not answer\n", n - maps);
	if (maps)
		buf_printf(out, "JIT code  of %u processes whose /tmp does not answer\n", maps);
}

static void kernel_line(const struct session *s, struct buf *out)
{
	if (s->written->stats.kernel_unread)
		buf_printf(out, "kernel    of %u blocked threads its side could not be read\n",
			s->written->stats.kernel_unread);
	if (s->data.only_wchan)
		buf_string(out, "kernel    only the function that waits: whole kernel stacks take "
				"CAP_SYS_ADMIN (sudo)\n");
}

static void events_line(const struct session *s, struct buf *out)
{
	uint32_t restarts = s->tracer.restarts + s->worker.restarts;
	const struct tracer_stats *t = &s->written->stats;

	if (t->execs)
		buf_printf(out, "target    replaced its program %u time%s\n", t->execs,
			t->execs == 1 ? "" : "s");
	if (s->target_ended && !phases_end_is_meant(s))
		buf_string(out, "target    ended before the window did\n");
	if (t->rescued || t->signals)
		buf_printf(out,
			"races     %" PRIu64 " exec races repaired, %" PRIu64
			" signals passed on\n",
			t->rescued, t->signals);
	if (restarts)
		buf_printf(out, "restarts  tracer %u, worker %u\n", s->tracer.restarts,
			s->worker.restarts);
	trapped_line(s->ring->page, out);
	kernel_line(s, out);
	if (s->written->guessed)
		buf_printf(out,
			"guessed   %" PRIu64 " stacks have a step without unwind information\n",
			s->written->guessed);
	trouble_line(s, out);
}

/* --- what is missing, per module ----------------------------------------------------------- */

#define NAMES_SHOWN	5u
#define MODULE_UNREAD	(MODULE_REFUSED | MODULE_BLACKLISTED | MODULE_UNREADABLE | MODULE_OTHER_FILE)
#define MODULE_NAMELESS (MODULE_NO_SYMBOLS | MODULE_NO_DWARF)

struct lack {
	uint32_t flag;
	const char *text;
	int is_usual; /* most libraries have none: only with -v */
};

static const struct lack lacks[] = {
	{MODULE_REFUSED, "could not be opened", 0},
	{MODULE_OTHER_FILE, "not the file that was recorded", 0},
	{MODULE_UNREADABLE, "damaged", 0},
	{MODULE_BLACKLISTED, "not read any more, killed a worker", 0},
	{MODULE_NO_CFI, "no unwind information", 0},
	{MODULE_NO_SYMBOLS, "no symbols found", 0},
	{MODULE_ZSTD, "debug information packed by zstd, not readable here", 0},
	{MODULE_BAD_DWARF, "debug information damaged", 0},
	{MODULE_XZ, "symbols packed by xz, not readable here", 0},
	{MODULE_NO_DWARF, "no debug information", 1},
};

/* A stripped program still has a table of symbols, those that it takes from its libraries. */
static int is_nameless(const struct session *s, uint32_t first)
{
	const struct naming *naming = &s->naming;
	uint32_t id = naming->frames[first].module, n = 0;

	if (!s->symbols)
		return 0;
	for (uint32_t i = first; i < naming->n && naming->frames[i].module == id && !n; i++)
		symbols_find(s->symbols, id, naming->frames[i].offset, &n);
	return !n;
}

/* What a module lacks of what was asked for; first is the first of its frames. */
static uint32_t lacks_of(const struct session *s, uint32_t first)
{
	const struct module *m = &s->data.modules[s->naming.frames[first].module - 1];
	uint32_t flags = m->info.flags, unread = flags & MODULE_UNREAD;

	if (flags & MODULE_NO_FILE)
		return 0;
	if (unread)
		return unread; /* so nothing else is known of it */
	if (is_nameless(s, first))
		flags |= MODULE_NO_SYMBOLS;
	if (s->options->symbols == SYMBOLS_NONE)
		flags &= ~MODULE_NAMELESS;
	if (s->options->symbols != SYMBOLS_FULL)
		flags &= ~(MODULE_ZSTD | MODULE_BAD_DWARF | MODULE_NO_DWARF);
	if (flags & (MODULE_NO_SYMBOLS | MODULE_ZSTD | MODULE_FROM_MEMORY))
		flags &= ~MODULE_NO_DWARF;
	return flags;
}

static void put_module(const struct module *m, uint32_t before, struct buf *out)
{
	char shown[256];

	log_escape(shown, sizeof(shown), path_base(m->info.path));
	buf_printf(out, "%s%s", before ? ", " : "", shown);
}

static void lack_line(const struct session *s, const struct lack *lack, struct buf *out)
{
	const struct naming *naming = &s->naming;
	uint32_t n = 0, last = 0;

	for (uint32_t i = 0; i < naming->n; i++) {
		uint32_t id = naming->frames[i].module;
		if (id == last)
			continue;
		last = id;
		if (!(lacks_of(s, i) & lack->flag))
			continue;
		if (!n)
			buf_printf(out, "modules   %s: ", lack->text);
		if (n < NAMES_SHOWN)
			put_module(&s->data.modules[id - 1], n, out);
		n++;
	}
	if (n > NAMES_SHOWN)
		buf_printf(out, " and %u more", n - NAMES_SHOWN);
	if (n)
		buf_string(out, "\n");
}

static void modules_lines(const struct session *s, struct buf *out)
{
	for (size_t i = 0; i < sizeof(lacks) / sizeof(*lacks); i++)
		if (!lacks[i].is_usual || log_get_level() >= LOG_VERBOSE)
			lack_line(s, &lacks[i], out);
	modules_report_missing(s, out);
	if (log_get_level() >= LOG_VERBOSE)
		modules_report(s, out);
	perf_maps_text(s, out);
}

static void recording_line(const struct session *s, struct buf *out)
{
	const struct tracer_recorded *end = s->options->replay ? &s->replay.end : &s->raw.end;
	char shown[256];

	if (s->options->replay)
		buf_printf(out, "recording %" PRIu64 " captures, %" PRIu64 " more were lost\n",
			end->captures, end->lost);
	else if (s->options->save_raw && !s->raw.failed)
		buf_printf(out,
			"saved     %" PRIu64 " captures, %" PRIu64 " lost; %.1f MiB in %s\n",
			end->captures, end->lost, (double)s->raw.written / MIB,
			log_escape(shown, sizeof(shown), s->options->save_raw));
}

void summary_text(const struct session *s, struct buf *out)
{
	if (s->options->kinds & KINDS_OF_TICKS)
		samples_line(s, out);
	if (s->options->kinds & KIND(PROFILE_CPU)) {
		buf_string(out, "CPU       ");
		cpu_text(s, out);
	}
	if (s->options->kinds & KIND(PROFILE_THREADCREATE))
		creations_lines(s, out);
	if (s->options->kinds & KINDS_OF_HEAP)
		heap_report_text(s, out);
	processes_line(s, out);
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		ends_line(s->written, kind, out);
	if (s->options->kinds & ~KINDS_OF_HEAP)
		stops_line(s->written, !!(s->options->kinds & KINDS_OF_WINDOW), out);
	events_line(s, out);
	recording_line(s, out);
	modules_lines(s, out);
}

/* --- comments ----------------------------------------------------------------------------- */

static int count_guessed(void *arg, const struct table_entry *e)
{
	uint64_t *sum = arg;

	for (uint32_t i = 0; i < e->n; i++)
		if (e->frames[i].flags & FRAME_GUESSED) {
			*sum += e->count;
			break;
		}
	return 0;
}

static void comment_samples(const struct session *s, enum profile_kind kind, struct buf *out)
{
	const struct interval *i = s->written;
	const struct tracer_stats *t = &i->stats;
	uint64_t guessed = 0;

	table_each(i->tables[kind], count_guessed, &guessed);
	if (KIND(kind) & KINDS_OF_HEAP) {
		heap_report_comment(s, out);
		return;
	}
	if (kind == PROFILE_CPU)
		buf_printf(out,
			"samples %" PRIu64 " at %" PRIu64 " ticks, %.4g Hz: missed %" PRIu64
			", late %" PRIu64 ", lost %" PRIu64 ", no room %" PRIu64,
			i->received[kind], t->ticks, interval_rate(i), t->ticks_missed,
			t->ticks_late, interval_lost(i, kind), t->skipped[SKIP_RING_FULL]);
	else if (KINDS_OF_TICKS & KIND(kind))
		buf_printf(out, "looks %" PRIu64 " at %" PRIu64 " ticks, %.4g Hz: lost %" PRIu64,
			i->received[kind], t->ticks, interval_rate(i), interval_lost(i, kind));
	else if (kind == PROFILE_THREADCREATE)
		buf_printf(out, "created %" PRIu64 " threads: no room %" PRIu64 ", lost %" PRIu64,
			i->creations.created, i->creations.no_room, interval_lost(i, kind));
	else
		buf_printf(out, "%s %" PRIu64 ": lost %" PRIu64,
			kind == PROFILE_GOROUTINE ? "goroutines" : "threads", i->received[kind],
			interval_lost(i, kind));
	if (kind == PROFILE_GOROUTINE && t->goroutines_beyond)
		buf_printf(out, ", not looked at %" PRIu64, t->goroutines_beyond);
	buf_printf(out, "; guessed %" PRIu64 " stacks\n", guessed);
}

void summary_comments(const struct session *s, enum profile_kind kind, const struct process_info *p,
	struct buf *out)
{
	const struct process_info *first = p ? p : &s->data.first;
	const struct interval *i = s->written;
	const struct tracer_stats *t = &i->stats;
	char comm[4 * sizeof(first->comm) + 1]; /* a line break in it would make two comments */
	char pattern[512];

	buf_printf(out, "cpprof-attach %s, pid %d (%s)", PACKAGE_VERSION, first->pid,
		log_escape(comm, sizeof(comm), first->comm));
	if (s->data.processes_seen > 1 && !p)
		buf_printf(out, " and %u more", s->data.processes_seen - 1);
	if (KIND(kind) & KINDS_OF_HEAP)
		buf_string(out, ", "), heap_report_rate(s, out),
			buf_printf(out, ", from %" PRIu64 ".%09" PRIu64 TALLY_RUN,
				s->heap.began / 1000000000, s->heap.began % 1000000000);
	else
		buf_printf(out, ", %u Hz", s->options->hz);
	if (s->options->threads && !(KIND(kind) & KINDS_OF_HEAP))
		buf_printf(out, ", threads named like %s",
			log_escape(pattern, sizeof(pattern), s->options->threads));
	buf_string(out, "\n");
	comment_samples(s, kind, out);
	if (KIND(kind) & KINDS_OF_HEAP)
		return;
	if (kind == PROFILE_CPU) {
		buf_string(out, "CPU ");
		cpu_text(s, out);
	}
	buf_printf(out,
		"stops %" PRIu64 ", p50 %.0fus, p99 %.0fus; %.1f%% of the stacks complete; "
		"%" PRIu64 " calls may be cut short\n",
		t->stops, stats_stop_us(t, 0.5), stats_stop_us(t, 0.99),
		percent(i->ends[kind][STACK_DONE], i->received[kind]), t->cut_short);
}
