/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for a role whose queue is full, in order. Who must go on reading what that role says may
 * not wait for it to read: two processes that each wait for the other's queue wait for ever.
 */
#ifndef BASE_OUTBOX_H
#define BASE_OUTBOX_H

#include <stdint.h>
#include <stddef.h>

struct outbox_message;

struct outbox {
	struct outbox_message *first, *last; /* NULL: nothing waits */
};

/* Forgets what waits; for a role that ended. */
void outbox_clear(struct outbox *o);

/* As wire_send2, but never waits: what cannot leave now is copied and kept. fd is borrowed until it
 * has left or the box is cleared. 0, -ENOMEM, or the socket's -errno. */
int outbox_send2(struct outbox *o, int sock, uint32_t type, const void *head, size_t head_size,
	const void *tail, size_t tail_size, int fd);

/* Sends what can leave; call when the socket can be written. 0 or the socket's -errno. */
int outbox_flush(struct outbox *o, int sock);

#endif
