/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What session does otherwise when a recording is played than when a process is sampled: options
 * and times are the recording's, files must be those that were recorded, and a player that ends is
 * not started again. Harmless in all other runs.
 */
#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H

#include "agent/options.h"
#include "base/wire.h"

struct session;

struct replay {
	struct options options;		 /* as asked, but rate and kinds of the recording */
	struct tracer_identity identity; /* of the next module */
	struct tracer_recorded end;
	uint64_t wall_began; /* of the recorded run */
	int has_ended;
};

/* A message that only a player says. 0 or -EPROTO; may end the run. */
int replay_on_message(struct session *s, const struct wire_message *m);

/* A new module's file must be the one the player told of just before. */
void replay_module(struct session *s, uint32_t id);

/* The window began when the recorded one did. */
void replay_begin_window(struct session *s);

/* When the window ends: so long after its begin as the recorded one did; else now. */
uint64_t replay_window_end(struct session *s, uint64_t now);

/* The tracer's process is gone: 1 if this ends the run (told), 0 if it goes on as ever. */
int replay_on_role_ended(struct session *s, enum role role);

#endif
