/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The perf map of a process that makes code at run time: /tmp/perf-PID.map as the process sees it,
 * PID its number in its own namespace.
 *
 * It may come at any time (java writes it when asked, or when it ends), be replaced, and be gone
 * before the process is. So it is looked for again and again, and session is told each time another
 * file is there; /tmp is held open, so that what was written last is found after the end. Links,
 * files with more than one name, of other users than the process's and root, and last written to
 * before the process began are not opened. No byte of it is read here.
 */
#ifndef TRACER_PERF_MAP_FILE_H
#define TRACER_PERF_MAP_FILE_H

#include "agent/tracer/known_modules.h"
#include "agent/tracer/target.h"

struct perf_map_file {
	int folder;	   /* /tmp; -1 */
	int32_t pid;	   /* in its own namespace; 0: not known yet */
	uint32_t uid;	   /* effective */
	int fd;		   /* the last one that was found; -1 */
	uint64_t dev, ino; /* of it */
	int error;	   /* why there is none now, as session was told */
	uint32_t modules;  /* of all that are known, those that were looked at */
	uint32_t told;	   /* and of these, those that session was told of */
	uint32_t n_jit;	   /* of these the process's without a file */
};

void perf_map_file_init(struct perf_map_file *f);
void perf_map_file_fini(struct perf_map_file *f);

/* Looks for it, through thread tid (0: the process has ended), if the process has modules without a
 * file; tells session for each of these what is new. */
void perf_map_file_look(struct perf_map_file *f, const struct target *t, pid_t tid,
	const struct known_modules *known, uint32_t process, int sock);

#endif
