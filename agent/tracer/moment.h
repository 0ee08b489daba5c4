/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is taken of a moment, at the begin of an interval or at its end: every thread once, for the
 * threads profile and for -dump, and every goroutine.
 */
#ifndef TRACER_MOMENT_H
#define TRACER_MOMENT_H

#include "agent/tracer/capture.h"
#include "agent/tracer/roster.h"

/* As mode says, nothing where it has no such profile. A late thread may be held afterwards. */
void moment_take_threads(
	const struct tracer_mode *mode, struct capturer *c, const struct roster *roster);

/* Of the programs that session has told of; it is told of processes that show none. */
void moment_take_goroutines(
	const struct tracer_mode *mode, struct capturer *c, const struct roster *roster);

/* Session is told of the command line of each process, as much as fits in a message. */
void moment_tell_commands(const struct roster *roster);

void moment_take_all(
	const struct tracer_mode *mode, struct capturer *c, const struct roster *roster);

#endif
