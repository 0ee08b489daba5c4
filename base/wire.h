/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the roles over SOCK_SEQPACKET: a type, a payload of at most LIMIT_MESSAGE bytes,
 * and at most one file descriptor.
 *
 * Both sides check the length against the type's struct: a payload shorter than that is an error,
 * never padded. The receiver owns the descriptor in message.fd (-1 if none) and closes it.
 * Descriptors arrive close-on-exec. See doc/INTERNALS.md for who sends what and when.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdint.h>
#include <stddef.h>

#include "base/limits.h"

struct wire_message {
	uint32_t type;
	uint32_t size; /* bytes in payload */
	int fd;
	_Alignas(16) unsigned char payload[LIMIT_MESSAGE];
};

/* A connected pair, close-on-exec. 0 or -errno. */
int wire_pair(int fd[2]);

/* 0 or -errno (-EPIPE: the other side is gone). fd is borrowed; -1 for none. Waits while the
 * other side's queue is full. */
int wire_send(int sock, uint32_t type, const void *payload, size_t size, int fd);

/* The same in two parts, so that a header and a list need no copy. */
int wire_send2(int sock, uint32_t type, const void *head, size_t head_size, const void *tail,
	size_t tail_size, int fd);

/* The same without waiting: -EAGAIN where the queue is full. */
int wire_try2(int sock, uint32_t type, const void *head, size_t head_size, const void *tail,
	size_t tail_size, int fd);

/* 1 a message, 0 none now (only with wait = 0), -EPIPE end of connection, -EPROTO broken message.
 */
int wire_recv(int sock, struct wire_message *m, int wait);

/* The payload as a struct of that size, or NULL if it is shorter. */
const void *wire_payload(const struct wire_message *m, size_t size);

#endif
