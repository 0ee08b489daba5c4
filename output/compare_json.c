/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/json.h"
#include "output/compare.h"

static void put_change(struct json *j, const char *key, const struct change *row)
{
	json_object(j, key);
	if (!key) {
		json_string(j, "function", row->name);
		if (*row->file)
			json_string(j, "file", row->file);
		if (row->line > 0)
			json_number(j, "line", row->line);
	}
	json_real(j, "old", row->old);
	json_real(j, "new", row->new);
	json_real(j, "difference", row->new - row->old);
	json_real(j, "standard_error", row->error);
	json_number(j, "significant", row->is_significant);
	json_end_object(j);
}

static void put_changes(struct json *j, const char *key, const struct changes *rows, uint32_t lines)
{
	json_array(j, key);
	for (uint32_t i = 0; i < rows->n && i < lines; i++)
		put_change(j, NULL, &rows->v[i]);
	json_end_array(j);
}

static void put_side(struct json *j, const char *key, const struct tally *t)
{
	json_object(j, key);
	json_string(j, "program", t->file);
	json_string(j, "build_id", t->build_id);
	json_real(j, "seconds", t->duration);
	json_end_object(j);
}

static void put_verdict(struct json *j, const struct comparison *c, double part)
{
	const char *how;
	uint32_t n;
	const struct change *worst = compare_worst(c, part, &how, &n);

	json_object(j, "regression");
	json_real(j, "over_percent", 100 * part);
	json_number(j, "found", n);
	if (worst)
		json_string(j, worst == &c->total ? "total" : "function", worst->name);
	json_end_object(j);
}

int compare_json(const struct comparison *c, uint32_t lines, double part, struct buf *out)
{
	struct json j = {.out = out};

	json_object(&j, NULL);
	json_string(&j, "type", c->old->type);
	json_string(&j, "unit", c->old->unit);
	json_number(&j, "per_second", c->is_per_second);
	json_number(&j, "same_run", c->is_same_run);
	json_real(&j, "sigmas", COMPARE_SIGMAS);
	put_side(&j, "old", c->old);
	put_side(&j, "new", c->new);
	put_change(&j, "total", &c->total);
	if (c->has_places)
		put_changes(&j, "sites", &c->places, lines);
	put_changes(&j, "flat", &c->flat, lines);
	put_changes(&j, "cum", &c->cum, lines);
	if (part >= 0)
		put_verdict(&j, c, part);
	json_end_object(&j);
	buf_string(out, "\n");
	return out->failed;
}
