/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/brief.h"
#include "base/log.h"
#include "base/wire.h"

void brief_send(struct session *s, enum message_type type, const void *head, size_t head_size,
	const void *tail, size_t tail_size, int fd)
{
	if (s->worker.sock < 0)
		return;
	int error = outbox_send2(
		&s->to_worker, s->worker.sock, type, head, head_size, tail, tail_size, fd);
	if (error == -ENOMEM) {
		log_error("out of memory");
		session_over(s, STATUS_FAILED);
	}
	/* Any other failure is the worker's end, of which supervisor tells. */
}

void brief_module(struct session *s, uint32_t id)
{
	const struct module *m = &s->data.modules[id - 1];
	if (m->info.flags & MODULE_KERNEL)
		return;
	struct worker_module msg = {
		.module = id, .flags = m->info.flags, .build_id_len = m->info.build_id_len};
	int usable = !(m->info.flags & MODULE_BLACKLISTED);

	memcpy(msg.build_id, m->info.build_id, sizeof(msg.build_id));
	brief_send(s, TO_WORKER_MODULE, &msg, sizeof(msg), NULL, 0, usable ? m->fd : -1);
	wants_tell(s, id);
}

void brief_maps(struct session *s, const struct maps *g)
{
	uint32_t most = (LIMIT_MESSAGE - sizeof(struct maps_part)) / sizeof(struct mapping);
	uint32_t at = 0;

	do {
		struct maps_part part = {
			.generation = g->generation, .process = g->process, .n = g->n - at};
		if (part.n > most)
			part.n = most;
		part.last = at + part.n == g->n;
		brief_send(s, TO_WORKER_MAPS, &part, sizeof(part), g->v + at,
			part.n * sizeof(*g->v), -1);
		at += part.n;
	} while (at < g->n);
}

void brief_all(struct session *s)
{
	for (uint32_t id = 1; id <= s->data.n_modules; id++)
		brief_module(s, id);
	for (uint32_t i = 0; i < s->data.maps.n; i++)
		brief_maps(s, &s->data.maps.kept[i]);
}

void brief_context(struct session *s, const struct wire_message *m)
{
	const struct tracer_context *c = wire_payload(m, sizeof(*c));

	if (c && c->len == m->size - sizeof(*c))
		brief_send(s, TO_WORKER_CONTEXT, c, sizeof(*c), c + 1, c->len, -1);
	else
		s->data.broken++;
}
