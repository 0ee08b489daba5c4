/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <math.h>

#include "agent/allocators.h"
#include "agent/heap_launch.h"
#include "agent/heap_report.h"
#include "base/allocator_names.h"
#include "output/estimate.h"
#include "output/measure.h"

static void sums(const struct interval *i, struct estimate *all, struct estimate *live)
{
	for (uint32_t k = 0; k < i->n_sites; k++) {
		estimate_join(all, &i->sites[k].all);
		estimate_join(live, &i->sites[k].live);
	}
}

static void put_sum(const char *what, const struct estimate *e, struct buf *out)
{
	char bytes[32];

	measure_value(bytes, sizeof(bytes), e->bytes, measure_of(e->bytes, MEASURE_BYTES));
	buf_printf(out, "%s %s +-%.1f%% (%" PRIu64 " sample%s)", what, bytes,
		100 * estimate_error(e), e->samples, e->samples == 1 ? "" : "s");
}

void heap_report_line(const struct session *s, struct buf *out)
{
	struct estimate all = {0}, live = {0};

	sums(s->written, &all, &live);
	put_sum("since the begin allocated", &all, out);
	put_sum(", in use", &live, out);
}

static int has_own_prefix(const struct allocators *a)
{
	const struct allocator_function *f = (const void *)a->lists;

	for (uint32_t i = 0; i < a->head.n_functions; i++)
		if (f[i].prefix == ALLOCATOR_OWN_PREFIX)
			return 1;
	return 0;
}

static void put_prefix(const struct session *s, struct buf *out)
{
	const char *prefix = s->options->alloc_prefix;

	if (prefix && s->allocators && !has_own_prefix(s->allocators))
		buf_printf(out,
			"          -alloc-prefix: there is no allocator whose functions are named "
			"%smalloc, %sfree or the like\n",
			prefix, prefix);
}

/* What of it is not seen, for reasons of the program's own. */
static void put_limits(const struct session *s, struct buf *out)
{
	allocators_put_unseen(s, out);
	if (s->armed.by_slots)
		buf_printf(out,
			"          %u functions are seen only where they are called through %u slots (GOT), "
			"as their entries cannot be taken over:\n"
			"          not through an address that was taken before, from a library that came "
			"later, in their own library; a page\n"
			"          (4 KiB) stays in the process, for what it may have read there\n",
			s->armed.by_slots, s->armed.slots);
	if (s->armed.outside)
		buf_printf(out, "          %u functions cannot be taken over, and are not seen\n",
			s->armed.outside);
	if (s->armed.by_slots && s->allocators && s->allocators->slots_cut)
		buf_printf(out, "          %u slots more were not looked at\n",
			s->allocators->slots_cut);
}

static void put_dropped(const struct tracer_heap *h, struct buf *out)
{
	char bytes[32];
	int64_t weight = h->dropped_weight;

	if (h->dropped)
		buf_printf(out, " (about %s more)",
			measure_value(
				bytes, sizeof(bytes), weight, measure_of(weight, MEASURE_BYTES)));
}

void heap_report_rate(const struct session *s, struct buf *out)
{
	uint64_t asked = s->options->heap_rate, last = s->written->heap.mean;

	buf_printf(out, "a sample each %" PRIu64 " bytes", asked);
	if (last > asked)
		buf_printf(out, ", made rarer under pressure, %" PRIu64 " at the end", last);
}

void heap_report_json(const struct session *s, struct json *j)
{
	const struct interval *i = s->written;
	const struct tracer_heap *h = &i->heap;
	struct estimate all = {0}, live = {0};

	sums(i, &all, &live);
	json_object(j, "heap");
	json_string(j, "since", heap_launch_since(s));
	json_real(j, "allocated_bytes", all.bytes);
	json_real(j, "allocated_error", estimate_error(&all));
	json_number(j, "allocated_samples", all.samples);
	json_real(j, "inuse_bytes", live.bytes);
	json_real(j, "inuse_error", estimate_error(&live));
	json_number(j, "inuse_samples", live.samples);
	json_number(j, "rate_asked", s->options->heap_rate);
	json_number(j, "rate_at_the_end", h->mean);
	json_number(j, "no_room", h->dropped);
	json_real(j, "no_room_bytes", h->dropped_weight);
	json_real(j, "no_room_error",
		h->dropped_weight > 0 ? sqrt(h->dropped_variance) / h->dropped_weight : 0);
	json_number(j, "damaged", h->lost);
	json_number(j, "not_known_to_be_freed", h->table_full);
	json_number(j, "without_slot", h->no_slot);
	json_number(j, "stops", h->stops);
	json_real(j, "longest_stop", h->longest_ns / 1e9);
	json_end_object(j);
}

void heap_report_text(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	const struct tracer_heap *h = &i->heap;
	struct estimate all = {0}, live = {0};

	if (heap_launch_is_early(s)) {
		buf_string(out, "heap      it was over before its libraries were loaded\n");
		return;
	}
	sums(i, &all, &live);
	buf_printf(out, "heap      %s: ", heap_launch_since(s));
	put_sum("allocated", &all, out);
	put_sum(", in use", &live, out);
	buf_string(out, "\n          ");
	heap_report_rate(s, out);
	buf_printf(out, "; lost: %" PRIu64 " for want of room", h->dropped);
	put_dropped(h, out);
	buf_printf(out, ", %" PRIu64 " damaged, %" PRIu64 " in the worker\n", h->lost,
		i->samples_lost);
	if (h->table_full || h->no_slot)
		buf_printf(out,
			"          %" PRIu64 " samples count as freed for want of room, %" PRIu64
			" allocations of threads past 4096 not seen\n",
			h->table_full, h->no_slot);
	put_limits(s, out);
	put_prefix(s, out);
	buf_printf(out, "          all threads stopped %u time%s, at most %.1fms\n", h->stops,
		h->stops == 1 ? "" : "s", h->longest_ns / 1e6);
	if (h->is_off)
		buf_string(out,
			"          it had switched itself off, for we were held up: what was "
			"allocated from then on is not in it\n");
	if (h->programs)
		buf_printf(out,
			"          with what %u program%s allocated that the process ran before\n",
			h->programs, h->programs == 1 ? "" : "s");
	if (h->is_gone)
		buf_string(out, "          the process began another program (exec), whose "
				"allocations are not in it\n");
	if (h->left > 0)
		buf_string(out, "          taken out; its memory (9 MiB, without use) stays, for a "
				"thread may come back to it\n");
	else if (h->left < 0)
		buf_string(out, "          the process could not be stopped at the end: the probe "
				"stays in it, and switches itself off\n");
}

void heap_report_comment(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	struct estimate all = {0}, live = {0};

	sums(i, &all, &live);
	if (i->live_is_change)
		buf_string(out, "what came in this time, less what went: ");
	else
		buf_printf(out, "only what was allocated %s: ", heap_launch_since(s));
	put_sum(i->all_is_change && !i->live_is_change ? "in this time" : "allocated", &all, out);
	if (!i->live_is_change)
		put_sum(", in use", &live, out);
	buf_printf(out, "; no room %" PRIu64, i->heap.dropped);
	put_dropped(&i->heap, out);
	buf_printf(out, ", lost %" PRIu64 "\n", i->heap.lost + i->samples_lost);
}
