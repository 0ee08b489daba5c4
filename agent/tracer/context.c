/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/tracer/context.h"
#include "agent/tracer/memory.h"
#include "base/otel.h"
#include "base/wire.h"

static const char *const names[] = {"/memfd:OTEL_CTX", "[anon_shmem:OTEL_CTX]", "[anon:OTEL_CTX]"};

static int is_named(const char *line, size_t n)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (memmem(line, n, names[i], strlen(names[i])))
			return 1;
	return 0;
}

/* Where the mapping begins; 0: there is none. */
static uint64_t find(const char *maps)
{
	uint64_t start;

	for (const char *line = maps; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (is_named(line, strcspn(line, "\n")) &&
			sscanf(line, "%" SCNx64 "-", &start) == 1)
			return start;
	return 0;
}

/* What belongs together: the header is the same before and after. Its length, or 0. */
static size_t copy(pid_t tid, uint64_t at, unsigned char *out, size_t room)
{
	struct otel_header h, again;

	if (memory_read(tid, at, &h, sizeof(h)) != sizeof(h))
		return 0;
	memcpy(out, &h, sizeof(h));
	if (!h.payload_size || h.payload_size > room - sizeof(h) ||
		memory_read(tid, h.payload, out + sizeof(h), h.payload_size) != h.payload_size ||
		memory_read(tid, at, &again, sizeof(again)) != sizeof(again) ||
		memcmp(&h, &again, sizeof(h)) != 0)
		return 0;
	return sizeof(h) + h.payload_size;
}

void context_tell_all(const struct roster *roster)
{
	static unsigned char room[OTEL_HEADER + LIMIT_OTEL_PAYLOAD];
	struct buf maps;

	buf_init(&maps, LIMIT_MAPS_TEXT);
	for (uint32_t i = 0; i < roster->n; i++) {
		const struct process *p = roster->v[i];
		struct tracer_context c = {.process = p->number};
		buf_clear(&maps);
		const char *text = target_read_file(&p->target, p->target.pid, "maps", &maps) == 0
					   ? buf_text(&maps)
					   : NULL;
		uint64_t at = text ? find(text) : 0;
		c.len = at ? copy(p->target.pid, at, room, sizeof(room)) : 0;
		if (c.len)
			wire_send2(roster->common.sock, TRACER_CONTEXT, &c, sizeof(c), room, c.len,
				-1);
	}
	buf_fini(&maps);
}
