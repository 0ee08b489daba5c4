/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/profiles.h"
#include "agent/serve/symbols_page.h"
#include "output/symbols.h"
#include "output/table.h"

/* Each address of the question, until a callback returns an error. A word that is no number, as Go
 * reads them (base prefix or decimal), is passed over. */
static int each_address(const char *text, int (*each)(void *arg, uint64_t address), void *arg)
{
	int error = 0;

	while (*text && !error) {
		size_t n = strcspn(text, "+ ");
		char *end;
		errno = 0;
		uint64_t address = strtoull(text, &end, 0);
		if (n && end == text + n && !errno && address && *text != '-')
			error = each(arg, address);
		text += n + !!text[n];
	}
	return error;
}

struct looking {
	struct session *session;
	const struct maps *maps;
	struct interval *sum;
	struct buf *out;
};

static const struct maps *maps_of(const struct session *s, int32_t pid)
{
	const struct process_info *p =
		pid ? collection_process_of_pid(&s->data, pid) : profiles_first(s);

	return p ? generations_newest(&s->data.maps, p->number) : NULL;
}

static int place_of(const struct maps *maps, uint64_t address, struct frame *out)
{
	for (uint32_t i = 0; maps && i < maps->n; i++) {
		const struct mapping *m = &maps->v[i];
		if (address < m->start || address >= m->end)
			continue;
		*out = (struct frame){
			.offset = address - m->start + m->offset, .module = m->module};
		return 1;
	}
	return 0;
}

static int collect(void *arg, uint64_t address)
{
	struct looking *l = arg;
	struct stack stack = {.n = 1, .end = STACK_DONE};

	if (!place_of(l->maps, address, &stack.v[0]))
		return 0;
	return table_add(l->sum->tables[PROFILE_CPU], &stack, 0, 0, 1);
}

/* MHD has decoded the query's only "parameter": its plus signs are blanks. */
static enum MHD_Result first_key(
	void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	const char **out = arg;

	(void)kind, (void)value;
	*out = key;
	return MHD_NO;
}

static const char *question(struct exchange *e)
{
	const char *text = NULL;

	if (e->is_post)
		text = buf_text(&e->posted);
	else
		MHD_get_connection_values(e->connection, MHD_GET_ARGUMENT_KIND, first_key, &text);
	return text ? text : "";
}

/* A sum without threads: the entries are of thread 0, which nobody looks at. */
int symbols_page_collect(struct session *s, struct exchange *e, struct interval *sum)
{
	static const struct thread_info nobody;
	struct looking l = {.session = s, .maps = maps_of(s, e->wish.pid), .sum = sum};
	long thread = interval_thread(sum, 0, &nobody);

	return thread < 0 ? (int)thread : each_address(question(e), collect, &l);
}

static int put_name(void *arg, uint64_t address)
{
	struct looking *l = arg;
	struct frame place;
	uint32_t n = 0;
	const struct symbol *lines = NULL;

	if (place_of(l->maps, address, &place))
		lines = symbols_find(l->session->symbols, place.module, place.offset, &n);
	/* The physical function is the last one. */
	if (lines && n && *lines[n - 1].name)
		buf_printf(l->out, "0x%" PRIx64 " %s\n", address, lines[n - 1].name);
	return 0;
}

void symbols_page_answer(struct session *s, struct exchange *e)
{
	struct looking l = {.session = s, .maps = maps_of(s, e->wish.pid), .out = &e->body};

	e->status = 200;
	e->type = HTTP_TEXT;
	buf_string(&e->body, "num_symbols: 1\n");
	each_address(question(e), put_name, &l);
}
