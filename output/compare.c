/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/compare.h"

/* A sum of one side, per second if that is asked. */
struct side {
	double value, variance;
	double weight; /* of one sample, on the average */
	double came, came_variance;
};

static double scale_of(const struct comparison *c, const struct tally *t)
{
	return c->is_per_second ? 1 / t->duration : 1;
}

/* Of all samples of a profile; what it says of its period where it has none. */
static double usual_weight(const struct comparison *c, const struct tally *t)
{
	const struct tally_sum *all = &t->sum;
	double weight = all->value != 0 ? all->variance / fabs(all->value) : t->sampling.period;

	return weight * scale_of(c, t);
}

static struct side side_of(
	const struct comparison *c, const struct tally *t, const struct tally_sum *sum)
{
	double scale = scale_of(c, t);
	struct side s = {sum->value * scale, sum->variance * scale * scale, 0, sum->came,
		sum->came_variance};

	if (s.value != 0)
		s.weight = s.variance / fabs(s.value);
	return s;
}

/* A side without samples of a row would have had some like the other's. */
static double missing_weight(const struct comparison *c, const struct tally *missing,
	const struct tally *other, double weight)
{
	double there = usual_weight(c, other);

	return there > 0 ? weight * usual_weight(c, missing) / there : weight;
}

/* A single allocation of S bytes is missed with exp(-S / R), far more often than a variance says:
 * of less than that many rates nothing is significant. exp(-10) is what 4 errors are elsewhere. */
static double least_difference(const struct comparison *c)
{
	if (c->old->sampling.way != SAMPLING_BYTES || c->new->sampling.way != SAMPLING_BYTES)
		return 0;
	return 10 * fmax(c->old->sampling.period * scale_of(c, c->old),
			    c->new->sampling.period *scale_of(c, c->new));
}

static void judge(const struct comparison *c, struct change *row)
{
	row->is_significant =
		fabs(row->new - row->old) > fmax(COMPARE_SIGMAS * row->error, least_difference(c));
}

/* Both have the samples that were there all the time, and these say nothing of the difference. Of
 * what came in between, some has gone: no more than what came and did not add to the sum, and as
 * much may have gone of what was there. */
static double of_same_run(struct side old, struct side new)
{
	double came = new.came - old.came, diff = new.value - old.value;
	double weight = old.weight;

	if (came != 0)
		weight = fmax(weight, fabs((new.came_variance - old.came_variance) / came));
	if (weight <= 0)
		return INFINITY;
	return weight * fmax(fabs(diff), came < 0 ? diff - 2 * came : 2 * came - diff);
}

static void weigh(const struct comparison *c, struct side old, struct side new, struct change *out)
{
	double own = old.variance + new.variance, same = INFINITY;

	if (c->is_same_run)
		same = of_same_run(old, new);
	if (old.value == 0)
		old.weight = missing_weight(c, c->old, c->new, new.weight);
	if (new.value == 0)
		new.weight = missing_weight(c, c->new, c->old, old.weight);
	/* Had nothing changed, both were samples of one rate: (n1 + n2) w1 w2 is its variance. */
	double common = fabs(old.value) * new.weight + fabs(new.value) * old.weight;
	out->old = old.value;
	out->new = new.value;
	out->error = sqrt(fmin(same, fmax(own, common)));
	judge(c, out);
}

/* --- rows of both ------------------------------------------------------------------------- */

static int by_key(const struct tally_row *a, const struct tally_row *b)
{
	int order = strcmp(a->name, b->name);

	if (!order)
		order = strcmp(a->file, b->file);
	return order ? order : a->line < b->line ? -1 : a->line > b->line;
}

static int by_importance(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	double dx = fabs(x->new - x->old), dy = fabs(y->new - y->old);

	if (x->is_significant != y->is_significant)
		return x->is_significant ? -1 : 1;
	if (dx != dy)
		return dx > dy ? -1 : 1;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->file, y->file);
}

/* All that it allocated has gone again. */
static int is_unused(const struct tally_row *row)
{
	return !row || (row->sum.value == 0 && row->sum.variance == 0);
}

static int join(const struct comparison *c, const struct tally_rows *old,
	const struct tally_rows *new, struct changes *out)
{
	static const struct tally_sum nothing;
	uint32_t i = 0, k = 0;

	out->v = calloc((size_t)old->n + new->n + 1, sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	while (i < old->n || k < new->n) {
		const struct tally_row *a = i < old->n ? &old->v[i] : NULL;
		const struct tally_row *b = k < new->n ? &new->v[k] : NULL;
		int order = !a ? 1 : !b ? -1 : by_key(a, b);
		if (order > 0)
			a = NULL;
		if (order < 0)
			b = NULL;
		i += a != NULL;
		k += b != NULL;
		if (is_unused(a) && is_unused(b))
			continue;
		const struct tally_row *of = a ? a : b;
		struct change *row = &out->v[out->n++];
		*row = (struct change){.name = of->name, .file = of->file, .line = of->line};
		weigh(c, side_of(c, c->old, a ? &a->sum : &nothing),
			side_of(c, c->new, b ? &b->sum : &nothing), row);
		out->n_significant += row->is_significant;
	}
	qsort(out->v, out->n, sizeof(*out->v), by_importance);
	return 0;
}

/* Each sample is in one row of these, so their errors are the total's: of one run that is less than
 * can be said of the sum, where what only passes through in one place hides what stays in another.
 */
static void judge_total(struct comparison *c)
{
	double variance = 0;

	for (uint32_t i = 0; i < c->flat.n; i++)
		variance += c->flat.v[i].error * c->flat.v[i].error;
	if (c->is_same_run)
		c->total.error = fmin(c->total.error, sqrt(variance));
	judge(c, &c->total);
}

int compare_take(const struct tally *old, const struct tally *new, struct comparison *c)
{
	*c = (struct comparison){.old = old, .new = new};
	c->is_per_second = tally_is_of_time(old) && tally_is_of_time(new);
	c->is_same_run = old->run && new->run && !strcmp(old->run, new->run);
	c->has_places =
		old->sampling.way == SAMPLING_BYTES && !strcmp(old->build_id, new->build_id);
	c->total = (struct change){.name = "total", .file = ""};
	weigh(c, side_of(c, old, &old->sum), side_of(c, new, &new->sum), &c->total);
	int error = join(c, &old->flat, &new->flat, &c->flat);
	if (!error)
		judge_total(c);
	if (!error)
		error = join(c, &old->cum, &new->cum, &c->cum);
	if (!error && c->has_places)
		error = join(c, &old->places, &new->places, &c->places);
	if (error)
		compare_fini(c);
	return error;
}

void compare_fini(struct comparison *c)
{
	free(c->flat.v);
	free(c->cum.v);
	free(c->places.v);
	*c = (struct comparison){0};
}

/* --- the verdict -------------------------------------------------------------------------- */

static int is_worse(const struct change *row, double least)
{
	return row->is_significant && row->new - row->old > least;
}

/* How much of the row is growth, in steps, so that the outermost of equals is not preferred by a
 * rounding. */
static int newness(const struct change *row)
{
	return row->new > 0 ? fmin(1000, 1000 * (row->new - row->old) / row->new) : 0;
}

const struct change *compare_worst(
	const struct comparison *c, double part, const char **how, uint32_t *n)
{
	const struct change *flat = NULL, *cum = NULL;
	double least = part * fabs(c->total.old);

	*n = is_worse(&c->total, least);
	for (uint32_t i = 0; i < c->flat.n_significant; i++) {
		const struct change *row = &c->flat.v[i];
		if (!is_worse(row, least))
			continue;
		flat = flat ? flat : row;
		++*n;
	}
	for (uint32_t i = 0; i < c->cum.n_significant; i++) {
		const struct change *row = &c->cum.v[i];
		if (!is_worse(row, least))
			continue;
		cum = !cum || newness(row) > newness(cum) ? row : cum;
		++*n;
	}
	*how = flat || !cum ? "" : " with what it calls";
	return flat ? flat : cum ? cum : *n ? &c->total : NULL;
}
