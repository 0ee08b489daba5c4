/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program started through its dynamic loader (ld.so(8): "ld.so [OPTION...] PROGRAM
 * [ARGUMENT...]"): /proc/PID/exe is the loader then, and the program is only a mapping.
 */
#ifndef TRACER_LOADER_H
#define TRACER_LOADER_H

#include <stddef.h>

/* Whether a file of that path is a dynamic loader of glibc or musl, by its name. */
int loader_is(const char *path);

/* The program's name as it was given, out of the n bytes of /proc/PID/cmdline (arguments end with
 * NUL, as must the last one); NULL if there is none. Borrowed from cmdline. */
const char *loader_program(const char *cmdline, size_t n);

#endif
