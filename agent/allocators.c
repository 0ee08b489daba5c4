/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allocators.h"
#include "base/allocator_names.h"
#include "base/path.h"

/* --- modules --- */

int allocators_learn(struct module *m, const struct wire_message *message)
{
	const struct worker_allocator *a = wire_payload(message, sizeof(*a));

	if (!a || a->n_functions > ALLOCATOR_FUNCTIONS_MAX || a->n_slots > ALLOCATOR_SLOTS_MAX ||
		message->size != sizeof(*a) + a->n_functions * sizeof(struct allocator_function) +
					 a->n_slots * sizeof(struct allocator_slot))
		return -EPROTO;
	m->allocator_known = 1;
	if (m->allocator || !(a->n_functions + a->n_slots + a->flags))
		return 0;
	m->allocator = malloc(message->size);
	if (!m->allocator)
		return -ENOMEM;
	memcpy(m->allocator, a, message->size);
	return 0;
}

static const struct allocator_function *functions(const struct module *m)
{
	return (const void *)(m->allocator + 1);
}

static const struct allocator_slot *slots(const struct module *m)
{
	return (const void *)(functions(m) + m->allocator->n_functions);
}

enum rank { RANK_LOADER, RANK_C_LIBRARY, RANK_LIBRARY, RANK_PROGRAM, RANKS };

/* The loader of glibc has a malloc for as long as there is no other. That of musl is the C library.
 */
static enum rank rank(const struct module *m)
{
	const char *name = path_base(m->info.path);

	if (m->info.flags & MODULE_IS_EXE)
		return RANK_PROGRAM;
	if (!strncmp(name, "ld-musl", 7) || !strncmp(name, "libc.so", 7) ||
		!strncmp(name, "libc-2.", 7) || !strncmp(name, "libc.musl", 9))
		return RANK_C_LIBRARY;
	return strncmp(name, "ld-", 3) ? RANK_LIBRARY : RANK_LOADER;
}

/* What a command ran before is not there any more. */
static int is_there(const struct session *s, uint32_t module)
{
	return collection_number(&s->data, module) && collection_is_mapped(&s->data, module);
}

/* --- sets: the functions of one prefix in one module --- */

/* Those of the C library's names replace it only as a whole; others may have lost what their
 * program does not call. */
static int is_set(const struct module *m, uint8_t prefix)
{
	const struct allocator_function *f = functions(m);
	int frees = 0, allocates = 0, has_malloc = 0, has_free = 0;

	for (uint32_t i = 0; m->allocator && i < m->allocator->n_functions; i++) {
		const struct allocator_name *name = &allocator_names[f[i].number];
		if (f[i].prefix != prefix || name->scope & (ALLOCATOR_CXX | ALLOCATOR_MAPPING))
			continue;
		has_malloc |= f[i].number == ALLOCATOR_MALLOC;
		has_free |= f[i].number == ALLOCATOR_FREE;
		frees |= name->size == ALLOCATOR_FREES;
		allocates |= name->size != ALLOCATOR_FREES;
	}
	return prefix == ALLOCATOR_NO_PREFIX ? has_malloc && has_free : frees && allocates;
}

static int is_sane(const struct module *m)
{
	const struct allocator_function *f = functions(m);

	for (uint32_t i = 0; m->allocator && i < m->allocator->n_functions; i++)
		if (f[i].number >= allocator_n_names || f[i].prefix >= ALLOCATOR_PREFIXES)
			return 0;
	return !!m->allocator;
}

/* Whether some other module has the C library's functions. */
static int has_another(const struct session *s, const struct module *than)
{
	const struct collection *c = &s->data;

	for (uint32_t i = 0; i < c->n_modules; i++) {
		const struct module *m = &c->modules[i];
		if (m != than && is_there(s, i + 1) && is_sane(m) && rank(m) != RANK_LOADER &&
			is_set(m, ALLOCATOR_NO_PREFIX))
			return 1;
	}
	return 0;
}

/* Whether functions of that set never call those of another: those of known allocators, and of the
 * C library; whose are not known may be wrappers around it. */
static int is_leaf(const struct session *s, const struct module *m, uint8_t prefix)
{
	if (s->options->alloc_mmap)
		return 0;
	if (prefix != ALLOCATOR_NO_PREFIX)
		return prefix != ALLOCATOR_OWN_PREFIX;
	return rank(m) <= RANK_C_LIBRARY || m->allocator->flags & ALLOCATOR_IS_KNOWN ||
	       !has_another(s, m);
}

static int is_wanted(const struct session *s, const struct module *m,
	const struct allocator_function *f, const int *sets)
{
	uint8_t scope = allocator_names[f->number].scope;

	if (scope & ALLOCATOR_MAPPING)
		return s->options->alloc_mmap;
	return sets[f->prefix] &&
	       (!(scope & ALLOCATOR_CXX) || m->allocator->flags & ALLOCATOR_OWN_OPERATORS);
}

/* --- the message --- */

static enum allocators_lack take_module(
	const struct session *s, uint32_t module, struct allocators *out)
{
	struct allocator_function *to = (void *)out->lists;
	const struct module *m = &s->data.modules[module - 1];
	const struct allocator_function *f = functions(m);
	int sets[ALLOCATOR_PREFIXES], any = 0;

	for (uint8_t p = 0; p < ALLOCATOR_PREFIXES; p++)
		any |= sets[p] = is_set(m, p);
	if (any && (m->allocator->flags & ALLOCATOR_CHECKS ||
			   strstr(path_base(m->info.path), "_debug")))
		return ALLOCATORS_CHECKED;
	for (uint32_t i = 0; i < m->allocator->n_functions; i++) {
		if (!is_wanted(s, m, &f[i], sets))
			continue;
		if (out->head.n_functions == ALLOCATOR_FUNCTIONS_MAX)
			return ALLOCATORS_MANY;
		out->modules[out->head.n_functions] = module;
		struct allocator_function *next = &to[out->head.n_functions++];
		*next = f[i];
		next->module = collection_number(&s->data, module);
		next->flags = is_leaf(s, m, f[i].prefix) ? ALLOCATOR_IS_LEAF : 0;
	}
	return ALLOCATORS_NOTHING;
}

static int is_taken(const struct allocators *a, const struct allocator_slot *s)
{
	const struct allocator_function *f = (const void *)a->lists;

	for (uint32_t i = 0; i < a->head.n_functions; i++)
		if (f[i].number == s->number && f[i].prefix == s->prefix)
			return 1;
	return 0;
}

static void take_slots(const struct session *s, uint32_t module, struct allocators *out)
{
	struct allocator_slot *to =
		(void *)((struct allocator_function *)(void *)out->lists + out->head.n_functions);
	const struct module *m = &s->data.modules[module - 1];

	for (uint32_t i = 0; i < m->allocator->n_slots; i++) {
		const struct allocator_slot *from = &slots(m)[i];
		if (!is_taken(out, from))
			continue;
		if (out->head.n_slots == ALLOCATOR_SLOTS_MAX) {
			out->slots_cut++;
			continue;
		}
		to[out->head.n_slots] = *from;
		to[out->head.n_slots++].module = collection_number(&s->data, module);
	}
}

size_t allocators_size(const struct allocators *a)
{
	return sizeof(a->head) + a->head.n_functions * sizeof(struct allocator_function) +
	       a->head.n_slots * sizeof(struct allocator_slot);
}

enum allocators_lack allocators_choose(const struct session *s, struct allocators *out)
{
	const struct collection *c = &s->data;
	enum allocators_lack lack = ALLOCATORS_NOTHING;
	int has_set = 0;

	memset(out, 0, sizeof(*out));
	if (!s->options->alloc_mmap && !s->options->alloc_prefix && allocators_managed(s))
		return ALLOCATORS_MANAGED;
	for (int r = RANKS - 1; r >= 0 && !lack; r--)
		for (uint32_t i = 0; i < c->n_modules && !lack; i++) {
			const struct module *m = &c->modules[i];
			if (!is_sane(m) || rank(m) != (enum rank)r || !is_there(s, i + 1) ||
				(r == RANK_LOADER && out->head.n_functions))
				continue;
			for (uint8_t p = 0; p < ALLOCATOR_PREFIXES; p++)
				has_set |= is_set(m, p);
			lack = take_module(s, i + 1, out);
		}
	if (!lack && !has_set)
		lack = ALLOCATORS_NONE;
	for (uint32_t i = 0; i < c->n_modules && !lack; i++)
		if (is_sane(&c->modules[i]) && is_there(s, i + 1))
			take_slots(s, i + 1, out);
	return lack;
}

void allocators_name(
	const struct session *s, const struct allocators *a, uint32_t which, struct buf *out)
{
	const struct allocator_function *f = (const void *)a->lists;

	if (which >= a->head.n_functions) {
		buf_string(out, "?");
		return;
	}
	f += which;
	buf_printf(out, "%s%s of %s",
		f->prefix == ALLOCATOR_OWN_PREFIX ? s->options->alloc_prefix
						  : allocator_prefixes[f->prefix],
		allocator_names[f->number].name,
		path_base(s->data.modules[a->modules[which] - 1].info.path));
}

const char *allocators_managed(const struct session *s)
{
	for (uint32_t i = 0; i < s->data.n_modules; i++) {
		const struct module *m = &s->data.modules[i];
		if (!is_there(s, i + 1))
			continue;
		if (m->info.flags & MODULE_IS_EXE && m->has & HAS_GO)
			return "Go";
		/* A command is looked at before its launcher (libjli) has loaded the machine. */
		if (!strcmp(path_base(m->info.path), "libjvm.so") ||
			!strcmp(path_base(m->info.path), "libjli.so"))
			return "Java";
	}
	return NULL;
}

static int has_arenas(const struct session *s)
{
	for (uint32_t i = 0; i < s->data.n_modules; i++) {
		const struct module *m = &s->data.modules[i];
		if (m->allocator && m->allocator->flags & ALLOCATOR_HAS_ARENAS &&
			is_there(s, i + 1))
			return 1;
	}
	return 0;
}

void allocators_put_unseen(const struct session *s, struct buf *out)
{
	const char *managed = allocators_managed(s);

	if (managed)
		buf_printf(out,
			"          what %s allocates itself is not in it: only what goes through the C "
			"library's functions\n",
			managed);
	if (has_arenas(s) && !s->options->alloc_mmap)
		buf_string(out,
			"          python keeps objects of up to 512 bytes in arenas, which it maps "
			"(unless PYTHONMALLOC says malloc):\n"
			"          these are not in it, -alloc-mmap shows the arenas\n");
}
