/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name that a process gives itself: OpenTelemetry SDKs publish their resource attributes in its
 * memory for readers outside (base/otel.h).
 *
 * Who reads the payload reads the header again: it is the one that belongs to the payload only if
 * nothing in it has changed. All of it is the target's, so it is parsed by the worker only.
 */
#ifndef SYMBOLIZE_OTEL_CONTEXT_H
#define SYMBOLIZE_OTEL_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/otel.h"

/* 0, -ENOENT: no header of a version that we know, -EAGAIN: being changed, -EPROTO: sizes that
 * cannot be. The payload is at most LIMIT_OTEL_PAYLOAD bytes then. */
int otel_header(
	const unsigned char *header, size_t n, uint64_t *payload_address, uint32_t *payload_size);

/* The resource's service.name, cut to room, of any bytes but NUL. 0, -ENOENT: it has none, or
 * -EPROTO. */
int otel_service_name(const unsigned char *payload, size_t n, char *out, size_t room);

#endif
