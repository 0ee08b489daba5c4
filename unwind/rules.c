/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/list.h"
#include "unwind/places.h"
#include "unwind/rule_compiler.h"
#include "unwind/rules.h"

#define RULES_MAX (1024u * 1024) /* distinct ones */
#define ROWS_MAX  (4u * 1024 * 1024)

/* A row in its page. A page's rows are a list that begins at a place of its own. */
struct page_row {
	uint16_t first, last;
	uint32_t rule;
	uint32_t next; /* number + 1; 0: none */
};

struct rules {
	/* Of addresses, and of pages: these have the number of their last row + 1. */
	struct places places;
	struct page_row *rows;
	uint32_t n_rows, rows_room;
	struct rule *v;
	uint32_t n, v_room;
	struct index by_value; /* of v */
	struct full_rules full;
	struct rules_figures figures;
};

static const struct rule no_rule = {.kind = RULE_NONE};

struct rules *rules_new(void)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (rules && places_init(&rules->places) == 0)
		return rules;
	free(rules);
	return NULL;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	full_rules_fini(&rules->full);
	index_fini(&rules->by_value);
	free(rules->v);
	free(rules->rows);
	places_fini(&rules->places);
	free(rules);
}

/* A page has its place among the others, which all have a module's id in their uppermost bits. */
static uint64_t page_key(uint32_t module, uint64_t offset)
{
	return (uint64_t)module << 35 | (offset / ROW_PAGE & 0x7ffffffffull);
}

static void add_row(struct rules *rules, uint32_t module, const struct row *row, uint32_t rule)
{
	uint64_t key = page_key(module, row->first);
	struct place *page = places_at(&rules->places, key);

	if (list_room(&rules->rows, rules->n_rows, 1, &rules->rows_room, sizeof(*rules->rows),
		    ROWS_MAX) < 0)
		return;
	if (!page->key) {
		page = places_add(&rules->places, key);
		if (!page)
			return;
	}
	rules->rows[rules->n_rows++] =
		(struct page_row){row->first % ROW_PAGE, row->last % ROW_PAGE, rule, page->number};
	page->number = rules->n_rows;
}

/* The number of the rule of the row around offset; -1: none that is known. */
static long row_rule(const struct rules *rules, uint32_t module, uint64_t offset)
{
	const struct place *page = places_at(&rules->places, page_key(module, offset));
	uint32_t at = offset % ROW_PAGE, next = page->key ? page->number : 0;

	while (next) {
		const struct page_row *row = &rules->rows[next - 1];
		if (at >= row->first && at <= row->last)
			return row->rule;
		next = row->next;
	}
	return -1;
}

struct wanted {
	const struct rules *rules;
	const struct rule *rule;
};

static int is_equal(const void *arg, uint32_t number)
{
	const struct wanted *w = arg;

	return !memcmp(&w->rules->v[number], w->rule, sizeof(*w->rule));
}

/* The number of an equal rule, or of a new one; -1 without memory. */
static long number_of(struct rules *rules, const struct rule *rule)
{
	uint64_t hash = hash_bytes(rule, sizeof(*rule));
	long found = index_find(&rules->by_value, hash, is_equal, &(struct wanted){rules, rule});

	if (found >= 0)
		return found;
	if (list_room(&rules->v, rules->n, 1, &rules->v_room, sizeof(*rule), RULES_MAX) < 0 ||
		index_add(&rules->by_value, hash, rules->n) < 0)
		return -1;
	rules->v[rules->n] = *rule;
	return rules->n++;
}

static int add_place(struct rules *rules, uint64_t key, uint32_t number)
{
	struct place *place = places_add(&rules->places, key);

	if (!place)
		return -1;
	place->number = number;
	place->brief = rule_brief(&rules->v[number]);
	return 0;
}

const struct rule *rules_compile(
	struct rules *rules, struct module *m, uint64_t offset, int is_return)
{
	struct rule rule;
	struct row row;

	rules->figures.compiled++;
	rule_compile(&rules->full, m, offset, is_return, &rule, &row);
	long number = number_of(rules, &rule);
	if (number < 0)
		return &no_rule;
	if (add_place(rules, places_key(module_id(m), offset, is_return), number) < 0)
		return &no_rule;
	if (row.first != row.last)
		add_row(rules, module_id(m), &row, number);
	return &rules->v[number];
}

/* From its row, if that is known. */
static const struct rule *rule_of_row(
	struct rules *rules, uint32_t module, uint64_t offset, uint64_t key)
{
	long number = row_rule(rules, module, offset);

	if (number < 0)
		return NULL;
	add_place(rules, key, number);
	return &rules->v[number];
}

const struct rule *rules_cached(
	struct rules *rules, uint32_t module, uint64_t offset, int is_return)
{
	uint64_t key = places_key(module, offset, is_return);
	const struct place *place = places_at(&rules->places, key);

	return place->key ? &rules->v[place->number] : rule_of_row(rules, module, offset, key);
}

const struct full_rule *rules_full(const struct rules *rules, const struct rule *rule)
{
	return &rules->full.v[rule->full];
}

const struct places *rules_places(const struct rules *rules)
{
	return &rules->places;
}

void rules_figures(const struct rules *rules, struct rules_figures *out)
{
	*out = rules->figures;
	out->distinct = rules->n;
	out->full = rules->full.n;
}
