/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/brief.h"
#include "agent/locks.h"
#include "agent/naming.h"
#include "agent/perf_maps.h"
#include "base/list.h"
#include "output/table.h"

#define BATCH 2048u /* offsets in one message */

_Static_assert(sizeof(struct worker_symbolize) + BATCH * 8 <= LIMIT_MESSAGE, "fits");

static int take_frame(void *arg, const struct frame *frame)
{
	struct naming *n = arg;

	if (!frame->module)
		return 0;
	int error = list_room(&n->frames, n->n, 1, &n->room, sizeof(*n->frames), UINT32_MAX / 4);
	if (error)
		return error;
	n->frames[n->n++] = (struct naming_frame){frame->offset, frame->module};
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct naming_frame *x = a, *y = b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Where a client waits it gets names at least. */
static enum symbols_level first_level(const struct session *s)
{
	int is_hurried = s->options->serves && s->options->symbols == SYMBOLS_FULL;

	return is_hurried ? SYMBOLS_SYMTAB : s->options->symbols;
}

int naming_collect(struct session *s)
{
	struct naming *n = &s->naming;
	int error = 0;

	n->n = n->next = n->asked = n->awaits = n->module = 0;
	n->level = first_level(s);
	wants_begin(&s->wants);
	for (int kind = 0; kind < PROFILE_KINDS && !error; kind++)
		error = table_each_frame(s->written->tables[kind], take_frame, n);
	if (n->n)
		qsort(n->frames, n->n, sizeof(*n->frames), by_place);
	size_t kept = 0;
	for (size_t i = 0; i < n->n; i++)
		if (!kept || by_place(&n->frames[i], &n->frames[kept - 1]) != 0)
			n->frames[kept++] = n->frames[i];
	n->n = kept;
	for (size_t i = 0; i < kept; i++)
		s->data.modules[n->frames[i].module - 1].has_frames = 1;
	return error;
}

/* A module whose file no worker may read keeps its addresses; what an interval before had a name
 * for is not asked again, unless it is code that comes and goes. */
static int is_to_be_asked(const struct session *s, const struct naming_frame *f)
{
	uint32_t never = MODULE_NO_FILE | MODULE_REFUSED | MODULE_BLACKLISTED | MODULE_UNREADABLE |
			 MODULE_KERNEL;
	const struct module *m = &s->data.modules[f->module - 1];
	int is_first = s->naming.level == first_level(s);
	uint32_t lines;

	if (perf_maps_is_usable(m))
		return is_first;
	if (m->info.flags & never)
		return 0;
	const struct symbol *known = symbols_find(s->symbols, f->module, f->offset, &lines);
	return !known || (!is_first && !*known->file && !m->symtab_only &&
				 !(m->info.flags & MODULE_NO_DWARF));
}

/* The next part of a request; 1 if that is not all of it. */
static int ask_part(struct session *s, struct worker_symbolize *ask, uint32_t *sent)
{
	struct naming *n = &s->naming;
	uint64_t offsets[BATCH];

	ask->more = 0;
	for (ask->n = 0; n->next + n->asked < n->n; n->asked++) {
		const struct naming_frame *f = &n->frames[n->next + n->asked];
		if (f->module != ask->module || *sent + ask->n == LIMIT_ASKED)
			break;
		if (!is_to_be_asked(s, f))
			continue;
		ask->more = ask->n == BATCH;
		if (ask->more)
			break;
		offsets[ask->n++] = f->offset;
	}
	*sent += ask->n;
	brief_send(
		s, TO_WORKER_SYMBOLIZE, ask, sizeof(*ask), offsets, ask->n * sizeof(*offsets), -1);
	return ask->more;
}

static void skip_known(struct session *s)
{
	struct naming *n = &s->naming;

	while (n->next < n->n && !is_to_be_asked(s, &n->frames[n->next]))
		n->next++;
}

/* All have names. 1 where lines are to be asked for. */
static int begin_next_pass(struct session *s)
{
	struct naming *n = &s->naming;

	if (n->level == s->options->symbols)
		return 0;
	n->level = s->options->symbols;
	n->next = n->module = 0;
	skip_known(s);
	return n->next < n->n;
}

int naming_ask(struct session *s, int again)
{
	struct naming *n = &s->naming;
	uint32_t sent = 0;

	n->awaits = 0;
	if (s->options->symbols == SYMBOLS_NONE)
		return 0;
	if (!again)
		n->next += n->asked;
	n->asked = 0;
	skip_known(s);
	if (n->next >= n->n && (locks_ask(s, again) || !begin_next_pass(s)))
		return s->locks.asked > 0;
	struct worker_symbolize ask = {
		.module = n->frames[n->next].module,
		.level = n->level,
		.demangle = s->options->demangle,
	};
	if (s->data.modules[ask.module - 1].symtab_only && ask.level == SYMBOLS_FULL)
		ask.level = SYMBOLS_SYMTAB;
	if (n->module != ask.module || again)
		perf_maps_brief(s, ask.module);
	n->module = ask.module;
	while (ask_part(s, &ask, &sent))
		;
	return 1;
}

/* A string of n bytes at *p, copied into room with its terminator; NULL if the message ends. */
static const char *take_string(
	const unsigned char **p, const unsigned char *end, uint32_t n, char **room)
{
	char *out = *room;

	if ((size_t)(end - *p) < n)
		return NULL;
	memcpy(out, *p, n);
	out[n] = '\0';
	*p += n;
	*room += n + 1;
	return out;
}

static int take_line(
	const unsigned char **p, const unsigned char *end, char **room, struct symbol *out)
{
	struct worker_line line;

	if ((size_t)(end - *p) < sizeof(line))
		return -EPROTO;
	memcpy(&line, *p, sizeof(line));
	*p += sizeof(line);
	out->line = line.line;
	out->start_line = line.start_line;
	out->name = take_string(p, end, line.name_len, room);
	out->system_name = out->name ? take_string(p, end, line.system_name_len, room) : NULL;
	out->file = out->system_name ? take_string(p, end, line.file_len, room) : NULL;
	return out->file ? 0 : -EPROTO;
}

static int take_address(
	struct session *s, uint32_t module, const unsigned char **p, const unsigned char *end)
{
	static char room[LIMIT_MESSAGE + 3 * (LIMIT_INLINE_DEPTH + 1)];
	struct symbol lines[LIMIT_INLINE_DEPTH + 1];
	struct worker_address address;
	char *free_room = room;

	if ((size_t)(end - *p) < sizeof(address))
		return -EPROTO;
	memcpy(&address, *p, sizeof(address));
	*p += sizeof(address);
	if (address.lines > LIMIT_INLINE_DEPTH + 1)
		return -EPROTO;
	for (uint32_t i = 0; i < address.lines; i++)
		if (take_line(p, end, &free_room, &lines[i]) < 0)
			return -EPROTO;
	if (!address.lines)
		return 0;
	return symbols_add(s->symbols, module, address.offset, lines, address.lines);
}

int naming_on_kernel(struct session *s, const struct wire_message *m)
{
	const struct tracer_kernel *k = wire_payload(m, sizeof(*k));
	char name[LIMIT_KERNEL_NAME];
	struct symbol line = {.name = name, .system_name = name, .file = ""};

	if (!k || !s->options->kernel || k->number != s->data.n_kernel ||
		m->size - sizeof(*k) >= sizeof(name) || k->number >= LIMIT_KERNEL_NAMES)
		return -EPROTO;
	memcpy(name, k + 1, m->size - sizeof(*k));
	name[m->size - sizeof(*k)] = '\0';
	s->data.n_kernel++;
	s->data.only_wchan |= k->is_wchan;
	return symbols_add(s->symbols, KERNEL_MODULE, k->number, &line, 1);
}

int naming_on_symbols(struct session *s, const struct wire_message *m)
{
	const struct worker_symbols *head = wire_payload(m, sizeof(*head));
	const unsigned char *p, *end = m->payload + m->size;

	struct naming *n = &s->naming;
	int is_late = n->late > 0;
	if (!head || !head->module || head->module > s->data.n_modules ||
		(!is_late && head->module != n->module))
		return -EPROTO;
	p = (const unsigned char *)(head + 1);
	for (uint32_t i = 0; i < head->addresses; i++)
		if (take_address(s, head->module, &p, end) < 0)
			return -EPROTO;
	n->late -= is_late && head->last;
	return !is_late && head->last;
}

void naming_give_up(struct session *s)
{
	s->naming.late += s->phase == PHASE_SYMBOLIZE && !s->naming.awaits;
}
