/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker is told: modules with their files, mappings, questions. Nothing leaves where no
 * worker is running; a new one is told all.
 */
#ifndef AGENT_BRIEF_H
#define AGENT_BRIEF_H

#include "agent/session.h"

/* As wire_send2, but never waits. fd must stay open as long as the collection. */
void brief_send(struct session *s, enum message_type type, const void *head, size_t head_size,
	const void *tail, size_t tail_size, int fd);

void brief_module(struct session *s, uint32_t id);
void brief_maps(struct session *s, const struct maps *g);
/* What a tracer told is the worker's to read. */
void brief_context(struct session *s, const struct wire_message *m);
void brief_all(struct session *s);

#endif
