/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the files that belong to a module are looked for, in order: text only, nothing is opened.
 *
 * Names come from the module's file, which may be hostile: whoever opens a place keeps it below the
 * root it is meant for.
 */
#ifndef TRACER_DEBUG_PLACES_H
#define TRACER_DEBUG_PLACES_H

#include <stddef.h>

#include "base/message.h"

#define DEBUG_FOLDER "/usr/lib/debug"

/* A path here: a name below a folder below DEBUG_FOLDER. */
#define DEBUG_PLACE_MAX (3 * LIMIT_PATH)

/* A question with its strings, terminated. */
struct debug_question {
	struct extra_file file;
	char name[LIMIT_PATH], folder[LIMIT_PATH], path[LIMIT_PATH];
};

struct debug_place {
	int in_host; /* in our own file system, below DEBUG_FOLDER; else in the target's */
	char path[DEBUG_PLACE_MAX];
};

/* strings: the n bytes that follow the file. 0; -EPROTO: that makes no sense. */
int debug_question_take(
	struct debug_question *q, const struct extra_file *file, const void *strings, size_t n);

/* Place number n. 0; -EAGAIN: there is none of this number; -ENOENT: nor of any after it. */
int debug_place(const struct debug_question *q, uint32_t n, struct debug_place *out);

/* ROOT FOLDER/.build-id/ab/cdef... ENDING; 0, or -ENAMETOOLONG. */
int debug_place_of_id(char *out, size_t room, const char *root, const char *folder,
	const unsigned char *build_id, size_t n, const char *ending);

#endif
