/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "symbolize/otel_context.h"
#include "symbolize/otel_context.pb-c.h"

#define VERSION 2u

int otel_header(
	const unsigned char *header, size_t n, uint64_t *payload_address, uint32_t *payload_size)
{
	struct otel_header h;

	if (n < sizeof(h))
		return -ENOENT;
	memcpy(&h, header, sizeof(h));
	if (memcmp(h.signature, "OTEL_CTX", 8) || h.version != VERSION)
		return -ENOENT;
	if (!h.published_at)
		return -EAGAIN;
	if (!h.payload || !h.payload_size || h.payload_size > LIMIT_OTEL_PAYLOAD ||
		h.payload > UINT64_MAX - h.payload_size)
		return -EPROTO;
	*payload_address = h.payload;
	*payload_size = h.payload_size;
	return 0;
}

static int copy_name(const Otel__Resource *r, char *out, size_t room)
{
	for (size_t i = 0; r && i < r->n_attributes; i++) {
		const Otel__KeyValue *pair = r->attributes[i];
		if (strcmp(pair->key, "service.name") || !pair->value ||
			!*pair->value->string_value)
			continue;
		snprintf(out, room, "%s", pair->value->string_value);
		return 0;
	}
	return -ENOENT;
}

/* Drafts of the specification had the resource alone. */
static int in_resource(const unsigned char *payload, size_t n, char *out, size_t room)
{
	Otel__Resource *r = otel__resource__unpack(NULL, n, payload);

	if (!r)
		return -EPROTO;
	int error = copy_name(r, out, room);
	otel__resource__free_unpacked(r, NULL);
	return error;
}

int otel_service_name(const unsigned char *payload, size_t n, char *out, size_t room)
{
	if (n > LIMIT_OTEL_PAYLOAD)
		return -EPROTO;
	Otel__ProcessContext *c = otel__process_context__unpack(NULL, n, payload);
	int error = c ? copy_name(c->resource, out, room) : -EPROTO;

	if (c)
		otel__process_context__free_unpacked(c, NULL);
	if (!error)
		return 0;
	int alone = in_resource(payload, n, out, room);
	return alone == -EPROTO ? error : alone;
}
