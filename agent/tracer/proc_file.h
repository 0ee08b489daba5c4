/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small text files of /proc and of control groups.
 *
 * A descriptor may be passed as it comes from a failed open, as -errno, which is then the result.
 */
#ifndef TRACER_PROC_FILE_H
#define TRACER_PROC_FILE_H

#include <stddef.h>
#include <stdint.h>

/* For reading, in folder dir or AT_FDCWD; or -errno. */
int proc_file_open(int dir, const char *name);

/* Reads what fits into room and a terminator, and closes fd: its length, or -errno and an empty
 * text.
 */
int proc_file_take(int fd, char *text, size_t room);

/* Both. */
int proc_file_read(int dir, const char *name, char *text, size_t room);

/* Below that folder only, as resolve says (openat2(2)); or -errno. */
int proc_file_open_below(int folder, const char *name, uint64_t flags, uint64_t resolve);

/* The number after "KEY:" at the start of a line other than the first; 0 where there is none. */
long proc_file_number(const char *text, const char *key);

#endif
