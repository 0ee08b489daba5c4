/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolize/data_names.h"

void data_names_fini(struct data_names *d)
{
	symtab_fini(&d->symtab);
	names_fini(&d->names);
	d->current = NULL;
	d->debug = NULL;
}

/* The module in whose image the address is. */
static struct module *find_module(
	const struct modules *modules, const struct maps *maps, uint64_t address, uint64_t *vaddr)
{
	for (uint32_t i = 0; i < maps->n; i++) {
		struct module *m = modules_get(modules, maps->v[i].module);
		uint64_t bias;
		if (!m || !module_is_readable(m) || module_bias(m, &maps->v[i], &bias) < 0 ||
			!module_covers(m, address - bias))
			continue;
		*vaddr = address - bias;
		return m;
	}
	return NULL;
}

/* Also again where its debug file has come since. */
static int open_module(struct data_names *d, struct module *m, enum demangle_level level)
{
	if (d->current == m && d->debug == module_debug_elf(m) && d->names.level == level)
		return 0;
	data_names_fini(d);
	names_init(&d->names, level);
	int error = symtab_init_data(&d->symtab, m);
	if (error)
		return error;
	d->current = m;
	d->debug = module_debug_elf(m);
	return 0;
}

const char *data_names_find(struct data_names *d, const struct modules *modules,
	const struct maps *maps, uint64_t address, enum demangle_level level, uint64_t *offset)
{
	uint64_t vaddr;
	struct module *m = maps ? find_module(modules, maps, address, &vaddr) : NULL;

	if (!m)
		return NULL;
	if (d->reading)
		d->reading(d->arg, module_id(m));
	const struct symtab_entry *e =
		open_module(d, m, level) == 0 ? symtab_find(&d->symtab, vaddr) : NULL;
	const struct name *name = e ? names_function(&d->names, e->name, 0) : NULL;
	if (d->reading)
		d->reading(d->arg, 0);
	if (!name)
		return NULL;
	*offset = vaddr - e->start;
	return name->shown;
}
