/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/path.h"
#include "output/compare.h"

static enum measure_of measured(const struct comparison *c)
{
	if (!strcmp(c->old->unit, "bytes"))
		return MEASURE_BYTES;
	return strcmp(c->old->unit, "nanoseconds") ? MEASURE_COUNT : MEASURE_TIME;
}

/* Sums of a foreign file may be anything. */
static int64_t whole(double value)
{
	return value > 9e18 ? (int64_t)9e18 : value < -9e18 ? (int64_t)-9e18 : llrint(value);
}

static char *put_value(char *out, size_t room, double value, struct measure in, int is_signed)
{
	char *at = out;
	int64_t n = whole(fabs(value));

	if (value < 0 || (is_signed && value > 0)) {
		*at++ = value < 0 ? '-' : '+';
		room--;
	}
	/* Events per second are seldom whole. */
	if (!*in.unit && fabs(value) < 1000 && fabs(value - llrint(value)) > 1e-9)
		snprintf(at, room, "%.3g", fabs(value));
	else
		measure_value(at, room, n, in);
	return out;
}

static char *compare_value(
	char *out, size_t room, const struct comparison *c, double value, int is_signed)
{
	struct measure in = measure_of(whole(fabs(value)), measured(c));

	return put_value(out, room, value, in, is_signed);
}

static char *percent(char *out, size_t room, const struct comparison *c, double diff)
{
	double share = c->total.old != 0 ? 100 * diff / fabs(c->total.old) : INFINITY;

	if (isfinite(share))
		snprintf(out, room, fabs(share) < 1000 ? "%+.2f%%" : "%+.3g%%", share);
	else
		snprintf(out, room, "-");
	return out;
}

/* --- what is compared ---------------------------------------------------------------------- */

static void put_side(const struct comparison *c, const struct tally *t, const char *name,
	double value, struct buf *out)
{
	char shown[300], when[80], sum[40];
	time_t seconds = t->time / 1000000000;
	struct tm tm;

	buf_printf(out, "%s: ", name);
	if (*t->file)
		buf_printf(out, "%s, ", log_escape(shown, sizeof(shown), path_base(t->file)));
	if (t->time > 0 && localtime_r(&seconds, &tm) &&
		strftime(when, sizeof(when), "%b %-d, %Y at %-I:%M:%S%P (%Z)", &tm))
		buf_printf(out, "%s, ", when);
	if (t->duration > 0)
		buf_printf(out, "%.4gs, ", t->duration);
	buf_printf(out, "%s%s\n", compare_value(sum, sizeof(sum), c, value, 0),
		c->is_per_second ? " per second" : "");
}

static void put_header(const struct comparison *c, struct buf *out)
{
	const struct change *t = &c->total;
	char type[200], diff[40], share[40], error[40];

	buf_printf(out, "Type: %s%s\n", log_escape(type, sizeof(type), c->old->type),
		c->is_per_second ? ", per second of each profile's duration" : "");
	put_side(c, c->old, "Old", t->old, out);
	put_side(c, c->new, "New", t->new, out);
	buf_printf(out, "Total: %s, %s of old, %s",
		t->new == t->old ? "0" : compare_value(diff, sizeof(diff), c, t->new - t->old, 1),
		percent(share, sizeof(share), c, t->new - t->old),
		t->is_significant ? "significant" : "within chance");
	if (t->error > 0)
		buf_printf(out, " (standard error %s)",
			compare_value(error, sizeof(error), c, t->error, 0));
	buf_string(out, "\n");
	if (c->old->sampling.way == SAMPLING_NONE && c->new->sampling.way == SAMPLING_NONE)
		buf_string(out, "Counted, not sampled: every difference is one.\n");
	else
		buf_printf(out,
			"Significant is what differs by more than %.0f standard errors of its "
			"sampling.\n",
			COMPARE_SIGMAS);
	if (c->is_same_run)
		buf_string(out,
			"Both are of one run: only what came and went in between is chance.\n");
	if (!c->has_places && c->old->sampling.way == SAMPLING_BYTES)
		buf_string(out, "The builds differ, and so may line numbers: by function.\n");
}

/* --- tables -------------------------------------------------------------------------------- */

static struct measure table_measure(
	const struct comparison *c, const struct changes *rows, uint32_t n)
{
	double smallest = 0, largest = fmax(fabs(c->total.old), fabs(c->total.new));

	for (uint32_t i = 0; i < n; i++) {
		double diff = fabs(rows->v[i].new - rows->v[i].old);
		if (diff > 0 && (smallest == 0 || diff < smallest))
			smallest = diff;
	}
	return measure_for_table(
		whole(smallest > 0 ? smallest : largest), whole(largest), measured(c));
}

static void put_row(
	const struct comparison *c, const struct change *row, struct measure in, struct buf *out)
{
	char name[LIMIT_NAME + 64], file[300], v[4][40], share[40];
	double diff = row->new - row->old;

	buf_printf(out, "%10s %10s %11s %9s %9s  %s", put_value(v[0], 40, row->old, in, 0),
		put_value(v[1], 40, row->new, in, 0), put_value(v[2], 40, diff, in, 1),
		percent(share, sizeof(share), c, diff), put_value(v[3], 40, row->error, in, 0),
		log_escape(name, sizeof(name), row->name));
	if (*row->file)
		buf_printf(out, " %s", log_escape(file, sizeof(file), row->file));
	if (row->line > 0)
		buf_printf(out, ":%" PRId64, row->line);
	buf_string(out, "\n");
}

static void put_table(const struct comparison *c, const struct changes *rows, const char *what,
	uint32_t lines, struct buf *out)
{
	uint32_t n = lines < rows->n ? lines : rows->n;
	struct measure in = table_measure(c, rows, n);

	buf_printf(out, "\n%s: %u of %u differ significantly", what, rows->n_significant, rows->n);
	if (n < rows->n)
		buf_printf(out, ", showing %u", n);
	buf_printf(out, "\n%10s %10s %11s %9s %9s\n", "old", "new", "diff", "of old", "error");
	for (uint32_t i = 0; i < n; i++) {
		if (i == rows->n_significant)
			buf_string(out, "  within chance:\n");
		put_row(c, &rows->v[i], in, out);
	}
}

static void put_verdict(const struct comparison *c, double part, struct buf *out)
{
	char name[LIMIT_NAME + 64], diff[40], share[40];
	const char *how;
	uint32_t n;
	const struct change *worst = compare_worst(c, part, &how, &n);

	if (!worst) {
		buf_printf(out,
			"\nNo regression: nothing grew significantly by more than %.4g%% of "
			"the old total.\n",
			100 * part);
		return;
	}
	buf_printf(out, "\nRegression: %s%s grew by %s, %s of the old total, more than %.4g%%",
		log_escape(name, sizeof(name), worst->name), how,
		compare_value(diff, sizeof(diff), c, worst->new - worst->old, 0),
		percent(share, sizeof(share), c, worst->new - worst->old), 100 * part);
	if (n > 1)
		buf_printf(out, "; so did %u other row%s", n - 1, n > 2 ? "s" : "");
	buf_string(out, "\n");
}

int compare_text(const struct comparison *c, uint32_t lines, double part, struct buf *out)
{
	put_header(c, out);
	if (lines && c->has_places)
		put_table(c, &c->places, "Sites", lines, out);
	else if (lines)
		put_table(c, &c->flat, "Functions (flat)", lines, out);
	if (lines)
		put_table(c, &c->cum, "Functions with what they call (cum)", lines, out);
	if (part >= 0)
		put_verdict(c, part, out);
	return out->failed;
}
