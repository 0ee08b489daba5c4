/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a recording, as they are on this machine: below symfs (NULL: none) first, then where
 * they were recorded, then by build id where debug packages and distributions keep them.
 *
 * What a path names is only looked at if it is a regular file, and only opened for reading.
 */
#ifndef AGENT_PLAYER_FILES_H
#define AGENT_PLAYER_FILES_H

#include <stddef.h>

#include "agent/tracer/debug_places.h"

/* The file with that identity (see struct tracer_identity), for reading. Caller closes. path: as
 * recorded, not terminated. -ENOENT: there is none, -ESTALE: there is another one. */
int player_files_module(
	const char *symfs, const char *path, size_t path_len, const struct tracer_identity *wanted);

/* A file that belongs to a module, from q->file.candidate on, which is set to the place that has
 * one; path: which. -ENOENT: none. Who takes it compares what it must. */
int player_files_extra(const char *symfs, struct debug_question *q, char *path, size_t room);

#endif
