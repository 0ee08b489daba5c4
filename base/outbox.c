/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/outbox.h"
#include "base/wire.h"

struct outbox_message {
	struct outbox_message *next;
	uint32_t type;
	int fd;
	size_t size;
	unsigned char payload[];
};

void outbox_clear(struct outbox *o)
{
	while (o->first) {
		struct outbox_message *next = o->first->next;
		free(o->first);
		o->first = next;
	}
	o->last = NULL;
}

static int keep(struct outbox *o, uint32_t type, const void *head, size_t head_size,
	const void *tail, size_t tail_size, int fd)
{
	struct outbox_message *m = malloc(sizeof(*m) + head_size + tail_size);

	if (!m)
		return -ENOMEM;
	*m = (struct outbox_message){.type = type, .fd = fd, .size = head_size + tail_size};
	if (head_size)
		memcpy(m->payload, head, head_size);
	if (tail_size)
		memcpy(m->payload + head_size, tail, tail_size);
	if (o->last)
		o->last->next = m;
	else
		o->first = m;
	o->last = m;
	return 0;
}

int outbox_send2(struct outbox *o, int sock, uint32_t type, const void *head, size_t head_size,
	const void *tail, size_t tail_size, int fd)
{
	if (head_size + tail_size > LIMIT_MESSAGE)
		return -EMSGSIZE;
	int error =
		o->first ? -EAGAIN : wire_try2(sock, type, head, head_size, tail, tail_size, fd);
	return error == -EAGAIN ? keep(o, type, head, head_size, tail, tail_size, fd) : error;
}

int outbox_flush(struct outbox *o, int sock)
{
	int error = 0;

	while (o->first && !error) {
		struct outbox_message *m = o->first;
		error = wire_try2(sock, m->type, m->payload, m->size, NULL, 0, m->fd);
		if (error)
			break;
		o->first = m->next;
		if (!o->first)
			o->last = NULL;
		free(m);
	}
	return error == -EAGAIN ? 0 : error;
}
