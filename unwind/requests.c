/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "symbolize/allocator.h"
#include "symbolize/loader_stop.h"
#include "symbolize/go_facts.h"
#include "symbolize/otel_context.h"
#include "unwind/tell.h"
#include "unwind/worker.h"

/* A file in the place of the recorded one, whose code is another, would give wrong stacks. */
static void refuse_other(struct worker *w, const struct worker_module *wanted)
{
	struct module *m = modules_get(&w->modules, wanted->module);
	const unsigned char *id;

	if (!m || !(wanted->flags & MODULE_RECORDED) || !module_is_readable(m))
		return;
	size_t n = module_build_id(m, &id);
	if (n != wanted->build_id_len || n > sizeof(wanted->build_id) ||
		memcmp(id, wanted->build_id, n) != 0)
		module_refuse(m, MODULE_OTHER_FILE);
}

void request_module(struct worker *w, struct wire_message *msg)
{
	const struct worker_module *m = wire_payload(msg, sizeof(*m));

	if (!m)
		return;
	int any = 0;
	worker_reading(w, m->module);
	int error = modules_open(&w->modules, msg->fd, m->module, m->flags);
	msg->fd = -1;
	if (!error) {
		refuse_other(w, m);
		struct module *module = modules_get(&w->modules, m->module);
		worker_check(w, tell_wants(w->sock, module, &any));
		worker_check(w, tell_module(w->sock, module));
	}
	worker_reading(w, 0);
}

/* What it wants in turn, and what is known of the module now, before the answer. */
void request_extra(struct worker *w, struct wire_message *msg)
{
	const struct extra_file *f = wire_payload(msg, sizeof(*f));
	struct module *m = f ? modules_get(&w->modules, f->module) : NULL;

	if (!m)
		return;
	struct extra_file answer = *f;
	int any = 0;
	worker_reading(w, f->module);
	answer.error = module_take_extra(m, f, msg->fd);
	msg->fd = -1;
	if (!answer.error) {
		worker_check(w, tell_wants(w->sock, m, &any));
		worker_check(w, tell_module(w->sock, m));
	}
	worker_reading(w, 0);
	worker_check(w, wire_send(w->sock, WORKER_EXTRA, &answer, sizeof(answer), -1));
}

/* Its names are asked for next. */
void request_perf_map(struct worker *w, const struct wire_message *msg)
{
	const struct worker_module *m = wire_payload(msg, sizeof(*m));
	struct worker_perf_map answer = {.error = -EBADF};

	if (!m)
		return;
	answer.module = m->module;
	worker_reading(w, m->module);
	if (msg->fd >= 0)
		answer.error = jit_set_map(&w->jit, m->module, msg->fd);
	worker_reading(w, 0);
	if (!answer.error) {
		answer.functions = perf_map_functions(w->jit.map);
		answer.bad = perf_map_bad(w->jit.map);
	}
	worker_check(w, wire_send(w->sock, WORKER_PERF_MAP, &answer, sizeof(answer), -1));
}

void request_go(struct worker *w, const struct wire_message *msg)
{
	const struct worker_go *ask = wire_payload(msg, sizeof(*ask));
	struct module *m = ask ? modules_get(&w->modules, ask->module) : NULL;
	struct worker_go answer = {.lack = GO_LACK_GO};

	if (!ask)
		return;
	answer.module = ask->module;
	worker_reading(w, ask->module);
	if (m)
		answer.lack = go_facts_find(m, &answer.facts);
	worker_reading(w, 0);
	worker_check(w, wire_send(w->sock, WORKER_GO, &answer, sizeof(answer), -1));
}

void request_allocator(struct worker *w, const struct wire_message *msg)
{
	static struct {
		struct allocator found;
		unsigned char list[sizeof(((struct allocator *)0)->functions) +
				   sizeof(((struct allocator *)0)->slots)];
	} room;
	struct allocator *a = &room.found;
	const struct worker_allocator_question *ask = wire_payload(msg, sizeof(*ask));
	struct module *m = ask ? modules_get(&w->modules, ask->module) : NULL;

	if (!ask || !memchr(ask->prefix, '\0', sizeof(ask->prefix)))
		return;
	a->head = (struct worker_allocator){.module = ask->module};
	worker_reading(w, ask->module);
	if (m) {
		allocator_find(m, ask, a);
		loader_stop_find(m, &a->head.loader);
	}
	worker_reading(w, 0);
	size_t functions = a->head.n_functions * sizeof(*a->functions);
	size_t slots = a->head.n_slots * sizeof(*a->slots);
	memcpy(room.list, a->functions, functions);
	memcpy(room.list + functions, a->slots, slots);
	worker_check(w, wire_send2(w->sock, WORKER_ALLOCATOR, &a->head, sizeof(a->head), room.list,
				functions + slots, -1));
}

/* One that makes no sense is answered by an empty name: it may have made sense before. */
void request_context(struct worker *w, const struct wire_message *msg)
{
	const struct tracer_context *c = wire_payload(msg, sizeof(*c));
	struct tracer_context answer;
	char name[256] = "";
	uint64_t address;
	uint32_t size;

	if (!c || c->len != msg->size - sizeof(*c))
		return;
	const unsigned char *header = (const unsigned char *)(c + 1);
	if (otel_header(header, c->len, &address, &size) < 0 || size != c->len - OTEL_HEADER ||
		otel_service_name(header + OTEL_HEADER, size, name, sizeof(name)) < 0)
		*name = '\0';
	answer = (struct tracer_context){.process = c->process, .len = strlen(name)};
	worker_check(w,
		wire_send2(w->sock, WORKER_CONTEXT, &answer, sizeof(answer), name, answer.len, -1));
}

/* Files that were found wanting come first: then the same is asked again. */
static int answer_address(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	struct worker *w = arg;
	struct module *m = modules_get(&w->modules, w->answers.module);
	int any = 0;

	if (!w->answers.answered && m)
		worker_check(w, tell_wants(w->sock, m, &any));
	if (any)
		return -EAGAIN;
	return answers_address(&w->answers, offset, lines, n);
}

/* What cannot be named keeps its address in the profile: a worker that ended here would be asked
 * the same by session again and again. Without memory for all there may be enough for names. */
static int answer_symbols(
	struct worker *w, const struct worker_symbolize *ask, const uint64_t *offsets)
{
	struct worker_symbolize rest = *ask;
	struct answers *a = &w->answers;
	int error = jit_has_map(&w->jit, ask->module)
			    ? jit_request(&w->jit, ask, offsets, answer_address, w)
			    : symbolizer_request(&w->symbolizer, ask, offsets, answer_address, w);

	if (error == -ENOMEM && ask->level == SYMBOLS_FULL) {
		symbolizer_fini(&w->symbolizer);
		rest.level = SYMBOLS_SYMTAB;
		rest.n -= a->answered;
		error = symbolizer_request(
			&w->symbolizer, &rest, offsets + a->answered, answer_address, w);
	}
	if (error && error != -EPIPE && error != -EAGAIN)
		error = answers_nothing(a, offsets, ask->n);
	return error && error != -EAGAIN ? error : answers_end_symbols(a);
}

/* Takes a part of a request. 0, or -errno: then it is as if nothing had been asked. */
static int take_offsets(
	struct worker *w, const struct worker_symbolize *part, const uint64_t *offsets)
{
	int error = list_room(&w->offsets, w->n_offsets, part->n, &w->offsets_room,
		sizeof(*w->offsets), LIMIT_ASKED);

	if (error)
		return error;
	memcpy(w->offsets + w->n_offsets, offsets, part->n * sizeof(*offsets));
	w->n_offsets += part->n;
	return 0;
}

void request_symbolize(struct worker *w, const struct wire_message *msg)
{
	const struct worker_symbolize *part = wire_payload(msg, sizeof(*part));

	if (!part || msg->size != sizeof(*part) + (size_t)part->n * sizeof(uint64_t))
		return;
	struct worker_symbolize ask = *part;
	/* Without an end session would wait; a new worker is asked again. */
	if (take_offsets(w, part, (const uint64_t *)(part + 1)) < 0) {
		w->over = 1;
		return;
	}
	if (ask.more)
		return;
	ask.n = w->n_offsets;
	w->n_offsets = 0;
	const struct module *m = modules_get(&w->modules, ask.module);
	uint32_t before = m ? module_flags(m) : 0;
	worker_reading(w, ask.module);
	answers_begin_symbols(&w->answers, ask.module);
	if (answer_symbols(w, &ask, w->offsets) < 0)
		w->over = 1;
	/* Some of it could not be unpacked. */
	if (m && before != module_flags(m))
		worker_check(w, tell_module(w->sock, m));
	worker_reading(w, 0);
}

/* What is not known is said to be, too: session waits for all. */
void request_data(struct worker *w, const struct wire_message *msg)
{
	const struct worker_data *ask = wire_payload(msg, sizeof(*ask));
	struct buf out;

	if (!ask || ask->n > LIMIT_DATA_ASKED ||
		msg->size != sizeof(*ask) + (size_t)ask->n * sizeof(uint64_t))
		return;
	const uint64_t *addresses = (const uint64_t *)(ask + 1);
	const struct maps *maps = generations_newest(&w->generations, ask->process);
	buf_init(&out, LIMIT_MESSAGE);
	for (uint32_t i = 0; i < ask->n; i++) {
		struct worker_datum d = {0};
		const char *name = data_names_find(
			&w->data_names, &w->modules, maps, addresses[i], ask->demangle, &d.offset);
		d.name_len = name ? strnlen(name, LIMIT_NAME) : 0;
		buf_append(&out, &d, sizeof(d));
		buf_append(&out, name, d.name_len);
	}
	/* Without memory for it a new worker is asked. */
	w->over |= out.failed != 0;
	if (!out.failed)
		worker_check(w,
			wire_send2(w->sock, WORKER_DATA, ask, sizeof(*ask), out.data, out.len, -1));
	buf_fini(&out);
}
