/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of what a process publishes of itself for readers outside (OTEP 4719, status:
 * development), in the machine's byte order. It is where a mapping begins whose name begins with
 * /memfd:OTEL_CTX, [anon_shmem:OTEL_CTX] or [anon:OTEL_CTX].
 */
#ifndef BASE_OTEL_H
#define BASE_OTEL_H

#include <stdint.h>

struct otel_header {
	char signature[8]; /* "OTEL_CTX", written last */
	uint32_t version;  /* 2 */
	uint32_t payload_size;
	uint64_t published_at; /* ns; 0 while it is being changed */
	uint64_t payload;      /* its address in that process: protobuf, a ProcessContext */
};

#define OTEL_HEADER 32u

_Static_assert(sizeof(struct otel_header) == OTEL_HEADER, "as the specification has it");

#endif
