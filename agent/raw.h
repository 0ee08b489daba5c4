/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder (-save-raw): what the tracer says, in order, and the captures that the worker passes
 * on, into a file that can be played again. Lives in session.
 *
 * All functions are harmless where nothing is asked to be saved. A failure is told to the user
 * once, removes what was written so that the profile has its room, and ends the recording, nothing
 * else: later calls do nothing, raw.failed stays set. The caller sees to the order: what the tracer
 * said before it took a capture is handed over before that capture.
 */
#ifndef AGENT_RAW_H
#define AGENT_RAW_H

#include <zlib.h>

#include "agent/collection.h"
#include "agent/options.h"
#include "agent/raw_format.h"
#include "base/buf.h"
#include "output/sink.h"

struct raw {
	const char *path; /* NULL: nothing is recorded */
	const struct collection *data;
	struct sink sink;
	z_stream z;
	unsigned char *packed; /* what leaves z */
	int is_open, has_said; /* has_said: a tracer said something */
	int failed;
	struct buf held;  /* records that wait for the build id of a module among them */
	uint32_t awaited; /* that module's id, the last if they are several; 0: nothing waits */
	unsigned char *capture; /* being put together */
	uint32_t capture_len;
	struct tracer_recorded end; /* captures counts on while the recording goes on */
	uint64_t written;	    /* bytes of the finished file */
};

/* Options and data are borrowed as long as the recording goes on. 0 or -errno (told). */
int raw_open(
	struct raw *r, const struct options *o, uint64_t wall_began, const struct collection *data);

/* A message of the tracer; not of a module. */
void raw_message(struct raw *r, const struct wire_message *m);

/* A TRACER_MODULE after the collection took it: its id, or negative. Until the worker has told of
 * its build id (raw_module_info) this record and all after it are held back. */
void raw_module(struct raw *r, const struct wire_message *m, int id, int is_new);
void raw_module_info(struct raw *r, uint32_t id);

/* The next messages are another tracer's, or the first one's. */
void raw_new_tracer(struct raw *r);

/* A WORKER_CAPTURE. 0, or -EPROTO: makes no sense. A part of a capture whose worker died is given
 * up for the next one. */
int raw_capture(struct raw *r, const struct wire_message *m);

/* The end: all is written and the file gets its name. The window's begin (CLOCK_REALTIME) and
 * length. */
void raw_finish(struct raw *r, uint64_t wall_began, uint64_t duration, int target_ended);

/* Gives up what is not finished; idempotent. */
void raw_abort(struct raw *r);

#endif
