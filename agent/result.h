/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a run: profiles into files, the top table on stdout, the honesty block on stderr.
 */
#ifndef AGENT_RESULT_H
#define AGENT_RESULT_H

#include "agent/session.h"

/* Before anything is sampled: can all outputs be written? 0, or -errno after telling the user. */
int result_probe(const struct session *s);

/* Likewise for files that may come into that folder ("out/"). */
int result_probe_folder(const char *folder);

/* Writes all. The program's exit status: 0, 1 (told), 4 (no samples at all, told, also with -q). A
 * dump that nobody reads any more is the run's last. */
int result_write(struct session *s);

/* The file of a profile that began at that time (CLOCK_REALTIME, ns), as options say. */
void result_file_name(
	const struct session *s, enum profile_kind kind, uint64_t wall, char *out, size_t room);

/* Into that file, or standard output; 0, or -errno: told. */
int result_write_bytes(const struct buf *bytes, const char *path);

#endif
