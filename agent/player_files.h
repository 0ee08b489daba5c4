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

#include "base/message.h"

/* The file with that identity (see struct tracer_identity), for reading. Caller closes. path: as
 * recorded, not terminated. -ENOENT: there is none, -ESTALE: there is another one. */
int player_files_module(
	const char *symfs, const char *path, size_t path_len, const struct tracer_identity *wanted);

/* Separate debug information with that build id, or -errno. Who takes it compares the id. */
int player_files_debug(const char *symfs, const unsigned char *build_id, size_t n);

#endif
