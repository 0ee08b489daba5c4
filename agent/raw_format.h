/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording: a gzip stream of a header and then records, each a type, a size and a payload. See
 * doc/INTERNALS.md, section 8.
 *
 * What the tracer said is a record of the message's own type. All else has a type of its own here,
 * or is one of the messages that only a player says. Numbers are the machine's own.
 */
#ifndef AGENT_RAW_FORMAT_H
#define AGENT_RAW_FORMAT_H

#include "base/message.h"

#define RAW_MAGIC      "cpprofrw"
#define RAW_VERSION    4u
#define RAW_BYTE_ORDER 0x01020304u
#define RAW_MACHINE    62u /* EM_X86_64 */

/* Of the gzip stream, in one piece. */
#define RAW_PACKED (64 * KIB)

struct raw_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint32_t machine;
	uint32_t unused;
	struct tracer_recording run;
};

struct raw_record {
	uint32_t type; /* enum message_type of a tracer or player, or enum raw_type */
	uint32_t size; /* of the payload */
};

enum raw_type {
	RAW_CAPTURE = 256, /* struct capture + stack */
	RAW_IMAGE,	   /* the image of the next TRACER_MODULE, which has no file */
	RAW_PERF_MAP,	   /* struct raw_perf_map + a part of the file that the TRACER_PERF_MAPs
			      after it mean; these are as when the run ended */
};

struct raw_perf_map {
	uint64_t at; /* where in the file; 0: another file */
};

/* Types of what the tracer says: those unknown to recorder and player are passed on as they are. */
#define RAW_FIRST_SAID ((uint32_t)TRACER_ATTACHED)
#define RAW_LAST_SAID  ((uint32_t)TO_WORKER_MODULE - 1)

#define RAW_PAYLOAD_MAX LIMIT_IMAGE

_Static_assert(CAPTURE_MAX <= RAW_PAYLOAD_MAX, "a capture fits");
_Static_assert(LIMIT_MESSAGE <= RAW_PAYLOAD_MAX, "a message fits");

/* What version 4 is. One of these fails? Then the new layout is another version. */
_Static_assert(sizeof(struct raw_header) == 40, "RAW_VERSION");
_Static_assert(sizeof(struct capture) == 280, "RAW_VERSION");
_Static_assert(sizeof(struct mapping) == 32, "RAW_VERSION");
_Static_assert(sizeof(struct maps_part) == 16, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_attached) == 48, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_module) == 32, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_thread) == 56, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_ready) == 8, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_process) == 16, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_stats) == 1328, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_done) == 16, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_creations) == 64, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_identity) == 64, "RAW_VERSION");
_Static_assert(sizeof(struct tracer_recorded) == 40, "RAW_VERSION");

#endif
