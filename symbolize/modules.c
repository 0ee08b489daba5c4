/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbolize/modules.h"

void modules_init(struct modules *table)
{
	memset(table, 0, sizeof(*table));
}

void modules_fini(struct modules *table)
{
	for (uint32_t i = 0; i < table->n; i++)
		module_close(table->v[i]);
	free(table->v);
	memset(table, 0, sizeof(*table));
}

static int grow(struct modules *table, uint32_t id)
{
	uint32_t n = table->n ? table->n : 64;

	while (n <= id)
		n *= 2;
	struct module **v = realloc(table->v, n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	memset(v + table->n, 0, (n - table->n) * sizeof(*v));
	table->v = v;
	table->n = n;
	return 0;
}

static int make_room(struct modules *table, uint32_t id)
{
	if (id == 0 || id > LIMIT_MODULES)
		return -E2BIG;
	if (modules_get(table, id))
		return -EEXIST;
	return id < table->n ? 0 : grow(table, id);
}

int modules_open(struct modules *table, int fd, uint32_t id, uint32_t flags)
{
	int rc = make_room(table, id);

	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return module_open(fd, id, flags, &table->v[id]);
}

struct module *modules_get(const struct modules *table, uint32_t id)
{
	return id < table->n ? table->v[id] : NULL;
}
