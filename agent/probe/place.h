/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space of a process, as /proc/PID/maps tells it: where a probe finds room, where a
 * stack ends, and whether a probe is there already.
 */
#ifndef PROBE_PLACE_H
#define PROBE_PLACE_H

#include <stdint.h>
#include <sys/types.h>

struct place {
	uint64_t start, end;
	uint64_t offset; /* in its file */
	uint8_t is_readable, is_code, is_stack, is_probe, is_anonymous;
};

struct space {
	struct place *v;
	uint32_t n, room;
};

/* Read anew, in the order of addresses. 0 or -errno, with nothing in it; -ESRCH, -ENOENT: the
 * process has ended. */
int space_read(struct space *p, pid_t pid);

/* One line of that file. 0 or -errno. */
int space_add(struct space *p, const char *line);
void space_fini(struct space *p);

/* Counts as in use from now on. 0 or -errno. */
int space_take(struct space *p, uint64_t start, uint64_t size);

/* What holds that address; NULL: nothing. */
const struct place *space_find(const struct space *p, uint64_t address);

/* Room for size bytes within 2 GiB of all code in [low, high), away from what grows; 0: none. */
uint64_t space_room(const struct space *p, uint64_t low, uint64_t high, uint64_t size);

/* The end of the used stack of a thread with that stack pointer and thread pointer: of the memory
 * that is its stack for as long as it lives. sp itself where that is not known for sure. */
uint64_t space_stack_end(const struct space *p, uint64_t sp, uint64_t thread);

#define PLACE_NAME  "cpprof-probe"		      /* of the memory file, */
#define PLACE_LINK  "/memfd:" PLACE_NAME " (deleted)" /* and what its descriptor leads to */
#define PLACE_REACH (2040ull << 20)		      /* bytes of a jump, but for some room */

#endif
