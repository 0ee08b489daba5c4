/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that belong to a module besides its own: which of them it names (enum extra_kind, in
 * base/message.h), what session has been asked for, and what came.
 *
 * Names come from the ELF file, which may be hostile: they go to session as they are, in bounds.
 * Each file is asked for once; one that did not come is missing for good.
 */
#ifndef SYMBOLIZE_EXTRAS_H
#define SYMBOLIZE_EXTRAS_H

#include "base/index.h"
#include "base/message.h"
#include "symbolize/image.h"

enum extra_state {
	EXTRA_NEW, /* session does not know of it yet */
	EXTRA_ASKED,
	EXTRA_HERE,
	EXTRA_MISSING,
};

struct extra {
	struct extra_file file; /* as it is asked for */
	char *names;		/* file.name_len + file.folder_len bytes; owned, while it is new */
	enum extra_state state;
	struct image image; /* EXTRA_HERE */
};

/* Zero-initialized is empty. */
struct extras {
	struct extra **v;
	uint32_t n, room;
	uint32_t splits; /* of these, EXTRA_SPLIT */
	uint32_t told;	 /* all before this one are not new */
	struct index by_key;
};

void extras_fini(struct extras *x);

/* NULL: was never wanted. Its address stays. */
struct extra *extras_find(const struct extras *x, enum extra_kind kind, uint32_t index);

/* Wants a split file unless it was wanted before; as module_want_split answers. */
int extras_want_split(
	struct extras *x, uint32_t index, const char *comp_dir, const char *name, uint64_t dwo_id);

/* Wants one that session knows of, unless it was wanted before. NULL: it is missing. */
struct extra *extras_expect(struct extras *x, const struct extra_file *file);

/* Wants what that image names: dwz's file and the package of split files as index, and, where
 * wants_debug, its debug file. */
void extras_read(struct extras *x, const struct image *image, uint32_t index, int wants_debug);

/* The next file that session has to be asked for; NULL: no more. Its names are there until the next
 * call. */
const struct extra *extras_next(struct extras *x);

#endif
