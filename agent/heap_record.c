/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/heap_record.h"
#include "base/list.h"
#include "base/sorted.h"
#include "output/estimate.h"
#include "output/table.h"

int heap_record_init(struct heap_record *r)
{
	*r = (struct heap_record){.table = table_new(), .fold_at = RECORD_LEAST};
	return r->table ? 0 : -ENOMEM;
}

void heap_record_fini(struct heap_record *r)
{
	table_free(r->table);
	free(r->folded);
	free(r->kept);
	free(r->live);
	memset(r, 0, sizeof(*r));
}

/* --- samples ------------------------------------------------------------------------------ */

/* The number of the stack's site, or -ENOMEM. */
static long site_of(struct heap_record *r, const struct stack *stack)
{
	const struct table_entry one = {.count = 1};
	int error = list_room(
		&r->folded, r->n_sites, 1, &r->sites_room, sizeof(*r->folded), UINT32_MAX / 4);
	long site = error ? error : table_place_entry(r->table, stack, &one);

	if (site == r->n_sites)
		r->folded[r->n_sites++] = (struct heap_site){.all = {.samples = 0}};
	return site;
}

int heap_record_add(struct heap_record *r, const struct stack *stack, const struct heap_sample *s,
	uint32_t interval)
{
	int error = list_room(
		&r->kept, r->n_kept, 1, &r->kept_room, sizeof(*r->kept), LIMIT_HEAP_SAMPLES);
	long site = error ? error : site_of(r, stack);

	if (error == -E2BIG) {
		r->lost++;
		return 0;
	}
	if (site >= 0)
		r->kept[r->n_kept++] =
			(struct heap_kept){.sample = *s, .site = site, .interval = interval};
	return site < 0 ? site : 0;
}

/* --- snapshots ---------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	return sorted_order(*(const uint32_t *)a, *(const uint32_t *)b);
}

static int is_live(const struct heap_record *r, const struct heap_kept *k)
{
	return r->n_live &&
	       bsearch(&k->sample.id, r->live, r->n_live, sizeof(*r->live), compare_ids) != NULL;
}

int heap_record_tell(struct heap_record *r, const struct tracer_heap *part, const uint32_t *ids)
{
	if (r->is_whole)
		r->n_live = 0;
	r->is_whole = part->is_last;
	r->figures = *part;
	int error = list_room(
		&r->live, r->n_live, part->n, &r->live_room, sizeof(*r->live), LIMIT_HEAP_SAMPLES);
	if (error)
		return error;
	if (part->n)
		memcpy(r->live + r->n_live, ids, part->n * sizeof(*ids));
	r->n_live += part->n;
	if (part->is_last && r->n_live)
		qsort(r->live, r->n_live, sizeof(*r->live), compare_ids);
	return part->is_last ? 1 : 0;
}

void heap_record_fold(struct heap_record *r, uint64_t now)
{
	int counts = !r->counted_at || now >= r->counted_at + RECORD_APART_NS;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_kept; i++) {
		struct heap_kept *k = &r->kept[i];
		int was_missed = k->is_missed, is_dead = !is_live(r, k);
		k->is_missed = is_dead && (was_missed || counts);
		if (is_dead && was_missed && counts)
			estimate_add(&r->folded[k->site].all, &k->sample);
		else
			r->kept[n++] = *k;
	}
	if (!counts)
		return;
	r->n_folded += r->n_kept - n;
	r->n_kept = n;
	r->counted_at = now;
	r->fold_at = 2 * r->n_live + RECORD_LEAST;
}

int heap_record_is_due(const struct heap_record *r, uint64_t now)
{
	return r->n_kept >= r->fold_at &&
	       (!r->counted_at || now >= r->counted_at + RECORD_APART_NS);
}

/* --- what it comes to --------------------------------------------------------------------- */

struct heap_site *heap_record_sites(const struct heap_record *r, uint32_t interval)
{
	struct heap_site *v = calloc(r->n_sites + 1, sizeof(*v));

	if (!v)
		return NULL;
	if (r->n_sites)
		memcpy(v, r->folded, r->n_sites * sizeof(*v));
	for (uint32_t i = 0; i < r->n_kept; i++) {
		const struct heap_kept *k = &r->kept[i];
		/* What came after the mark is not in the snapshot that was taken there. */
		if ((int32_t)(k->interval - interval) > 0)
			continue;
		estimate_add(&v[k->site].all, &k->sample);
		if (is_live(r, k))
			estimate_add(&v[k->site].live, &k->sample);
	}
	return v;
}

void heap_record_clear_live(struct heap_site *sites, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sites[i].live = (struct estimate){0};
}

struct putting {
	const struct interval *from;
	struct table *to;
	uint32_t at; /* the site */
};

static int put_stack(void *arg, const struct table_entry *e)
{
	struct putting *p = arg;
	const struct heap_site *site = p->at < p->from->n_sites ? &p->from->sites[p->at] : NULL;
	struct table_entry to = *e;

	to.lock = ++p->at;
	return site && (site->all.samples || site->live.samples) ? table_copy_entry(p->to, &to) : 0;
}

static uint32_t known(const struct interval *all)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < all->n_sites; i++)
		n += all->sites[i].live.samples;
	return n;
}

int heap_record_put(struct heap_record *r, uint32_t interval, uint32_t kinds,
	const struct heap_site *less, uint32_t n_less, struct interval *out)
{
	int error = 0;

	free(out->sites);
	out->sites = heap_record_sites(r, interval);
	out->n_sites = out->sites ? r->n_sites : 0;
	out->heap = r->figures;
	out->samples_lost = r->lost;
	out->all_is_change = out->live_is_change = less != NULL;
	r->n_unknown = r->n_live - known(out);
	for (uint32_t i = 0; i < n_less && i < out->n_sites && less; i++) {
		estimate_subtract(&out->sites[i].all, &less[i].all);
		estimate_subtract(&out->sites[i].live, &less[i].live);
	}
	for (int kind = 0; kind < PROFILE_KINDS && out->sites && !error; kind++) {
		struct putting p = {.from = out, .to = out->tables[kind]};
		if (kinds & KINDS_OF_HEAP & KIND(kind))
			error = table_each(r->table, put_stack, &p);
	}
	return out->sites ? error : -ENOMEM;
}
