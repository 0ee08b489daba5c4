/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file systems that processes of the target see, each opened once while such a process lives,
 * and on whose behalf files in it are read.
 */
#ifndef TRACER_ROOTS_H
#define TRACER_ROOTS_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/tracer/target.h"

#define ROOTS_MAX 64u

struct root {
	int fd;			  /* O_PATH of a folder */
	uint64_t mount, dev, ino; /* of that folder */
	uint32_t uid, gid;	  /* the process's effective ids */
	int is_ours;		  /* it is our own root */
};

/* Zero-initialized is empty. */
struct roots {
	struct root v[ROOTS_MAX];
	uint32_t n;
};

void roots_fini(struct roots *r);

/* Position + 1 of the root that thread tid sees; 0: it cannot be had, or there are too many. */
uint32_t roots_of(struct roots *r, const struct target *t, pid_t tid);

/* Where a descriptor's file is, as seen by us: its length, or -errno. */
int roots_link(int fd, char *out, size_t room);

/* A path as seen by us, as seen from that folder: a part of it. NULL: it does not lie in there. */
const char *roots_inside(int folder, const char *path);

/* Our own, with the rights of that one (NULL: of nobody). 0 or -errno; the caller closes out->fd.
 */
int roots_open_ours(struct root *out, const struct root *rights);

#endif
