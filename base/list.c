/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"

int list_room(void *v, uint32_t n, uint32_t more, uint32_t *room, size_t size, uint32_t most)
{
	void **array = v;

	if (more > most || n > most - more)
		return -E2BIG;
	if (n + more <= *room)
		return 0;
	uint64_t wanted = *room ? (uint64_t)*room * 2 : 64;
	while (wanted < n + more)
		wanted *= 2;
	if (wanted > most)
		wanted = most;
	void *bigger = realloc(*array, wanted * size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*room = wanted;
	return 0;
}
