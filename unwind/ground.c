/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/ground.h"

#include "unwind/call_site.h"
#include "unwind/places.h"

int ground_enter(struct ground *g, uint64_t pc)
{
	const struct mapping *map = call_site_mapping(g->maps, pc);

	if (!map)
		return -1;
	g->map = map;
	g->start = map->start;
	g->size = map->end - map->start;
	g->key = places_key(map->module, map->offset, 0) - map->start;
	g->module = modules_get(g->modules, map->module);
	if (g->module && (!module_is_readable(g->module) || map->offset > LIMIT_MODULE_BYTES))
		g->module = NULL;
	return 0;
}
