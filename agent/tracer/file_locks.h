/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds the lock of a file (flock, fcntl) that a process waits for, by /proc/locks: there
 * whoever waits is listed below the one that has the lock, by process and inode.
 */
#ifndef TRACER_FILE_LOCKS_H
#define TRACER_FILE_LOCKS_H

#include "agent/tracer/target.h"

/* Fills out; the holder is a process's main thread, for the kernel does not say which of its
 * threads took the lock. is_flock: by flock, else by fcntl. */
void file_lock_find(const struct target *t, int is_flock, int fd, struct wait *out);

/* The holder's process in the text of /proc/locks for process pid, which waits for a lock of that
 * inode (0: of any); 0: not told. */
pid_t file_lock_holder(const char *text, int is_flock, pid_t pid, uint64_t inode);

#endif
