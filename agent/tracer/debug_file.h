/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Separate debug information by build id, under /usr/lib/debug/.build-id of the host only, and only
 * through directories and files that root owns: nothing the target can place is ever opened.
 */
#ifndef TRACER_DEBUG_FILE_H
#define TRACER_DEBUG_FILE_H

#include <stddef.h>

/* A descriptor that the caller closes, or -errno (-ENOENT: not installed). */
int debug_file_open(const unsigned char *build_id, size_t n);

#define DEBUG_FILE_FOLDER "/usr/lib/debug"

/* ROOT FOLDER/.build-id/ab/cdef... ENDING; 0, or -ENAMETOOLONG. */
int debug_file_path(char *out, size_t room, const char *root, const char *folder,
	const unsigned char *build_id, size_t n, const char *ending);

#endif
