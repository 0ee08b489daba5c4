/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "unwind/call_site.h"

#define LONGEST                                                                                    \
	7u /* bytes of the longest call without prefixes: ff /2, SIB, 32-bit displacement          \
	    */

const struct mapping *call_site_mapping(const struct maps *maps, uint64_t pc)
{
	uint32_t low = 0, high = maps->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (maps->v[middle].end <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low < maps->n && pc >= maps->v[low].start ? &maps->v[low] : NULL;
}

/* call *reg, call *mem in all their lengths: ff /2 ending at end. */
static int is_indirect_call(const unsigned char *end)
{
	for (int length = 2; length <= (int)LONGEST; length++) {
		const unsigned char *at = end - length;
		if (at[0] != 0xff || (at[1] & 0x38) != 0x10)
			continue;
		int mod = at[1] >> 6, rm = at[1] & 7;
		int has_sib = mod != 3 && rm == 4;
		int displacement = mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0;
		if (mod == 0 && has_sib && length > 2 && (at[2] & 7) == 5)
			displacement = 4;
		if (length == 2 + has_sib + displacement)
			return 1;
	}
	return 0;
}

enum call_site call_site_before(
	const struct modules *modules, const struct maps *maps, uint64_t address, uint64_t *target)
{
	const struct mapping *map = call_site_mapping(maps, address - 1);
	const struct module *m = map ? modules_get(modules, map->module) : NULL;
	int32_t distance;

	if (!map || address - map->start < LONGEST)
		return CALL_NONE;
	if (!m || !module_is_readable(m))
		return CALL_UNSEEN;
	const unsigned char *p =
		module_bytes(m, address - LONGEST - map->start + map->offset, LONGEST);
	if (!p)
		return CALL_NONE;
	if (p[2] == 0xe8) {
		memcpy(&distance, p + 3, sizeof(distance));
		*target = address + (int64_t)distance;
		return CALL_DIRECT;
	}
	return is_indirect_call(p + LONGEST) ? CALL_INDIRECT : CALL_NONE;
}
