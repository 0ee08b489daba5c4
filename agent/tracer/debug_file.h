/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens the files that belong to a module, for a worker that has read their names in it.
 *
 * Those names may be hostile, and we may be root. So a file is opened below the target's own root,
 * or below our /usr/lib/debug if root owns it; it must be a regular ELF file; and the target must
 * be allowed to read it anyway: by its mode, and by the modes of all folders that lead to it.
 */
#ifndef TRACER_DEBUG_FILE_H
#define TRACER_DEBUG_FILE_H

#include "agent/tracer/debug_places.h"
#include "agent/tracer/known_modules.h"
#include "agent/tracer/roots.h"
#include "base/wire.h"

/* TO_TRACER_EXTRA: answers session with the file, or why there is none. */
void debug_file_answer(int sock, const struct known_modules *modules, const struct wire_message *m);

#endif
