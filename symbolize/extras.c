/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "symbolize/extras.h"

/* All that one module may want: split files, and two of each other kind. */
#define EXTRAS_MAX (LIMIT_SPLIT_FILES + 2 * EXTRA_KINDS)

void extras_fini(struct extras *x)
{
	for (uint32_t i = 0; i < x->n; i++) {
		image_close(&x->v[i]->image);
		free(x->v[i]->names);
		free(x->v[i]);
	}
	free(x->v);
	index_fini(&x->by_key);
	memset(x, 0, sizeof(*x));
}

struct wanted {
	const struct extras *extras;
	uint32_t kind, index;
};

static int is_same(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct extra_file *f = &w->extras->v[position]->file;

	return f->kind == w->kind && f->index == w->index;
}

static uint64_t key_of(uint32_t kind, uint32_t index)
{
	return hash_pair(kind, index);
}

struct extra *extras_find(const struct extras *x, enum extra_kind kind, uint32_t index)
{
	struct wanted w = {x, kind, index};
	long found = index_find(&x->by_key, key_of(kind, index), is_same, &w);

	return found < 0 ? NULL : x->v[found];
}

static int add(struct extras *x, struct extra *e)
{
	int error = list_room(&x->v, x->n, 1, &x->room, sizeof(*x->v), EXTRAS_MAX);

	if (!error)
		error = index_add(&x->by_key, key_of(e->file.kind, e->file.index), x->n);
	if (!error)
		x->v[x->n++] = e;
	return error;
}

static int names_fit(const struct extra_file *file)
{
	return file->name_len < LIMIT_PATH && file->folder_len < LIMIT_PATH;
}

/* Wants the file unless it was wanted before; its state. name and folder (NULL: none) need no
 * terminator, their lengths are in file. One past the ceilings is missing. */
static enum extra_state want(
	struct extras *x, const struct extra_file *file, const char *name, const char *folder)
{
	struct extra *e = extras_find(x, file->kind, file->index);

	if (e)
		return e->state;
	if (!names_fit(file) || (file->kind == EXTRA_SPLIT && x->splits >= LIMIT_SPLIT_FILES))
		return EXTRA_MISSING;
	e = calloc(1, sizeof(*e));
	char *names = malloc(file->name_len + file->folder_len + 1);
	if (e)
		e->file = *file;
	if (!e || !names || add(x, e) < 0) {
		free(e);
		free(names);
		return EXTRA_MISSING;
	}
	if (file->name_len)
		memcpy(names, name, file->name_len);
	if (file->folder_len)
		memcpy(names + file->name_len, folder, file->folder_len);
	e->names = names;
	x->splits += file->kind == EXTRA_SPLIT;
	return EXTRA_NEW;
}

int extras_want_split(
	struct extras *x, uint32_t index, const char *comp_dir, const char *name, uint64_t dwo_id)
{
	struct extra_file file = {
		.kind = EXTRA_SPLIT,
		.index = index,
		.name_len = strnlen(name, LIMIT_PATH),
		.folder_len = comp_dir ? strnlen(comp_dir, LIMIT_PATH) : 0,
		.build_id_len = sizeof(dwo_id),
	};

	memcpy(file.build_id, &dwo_id, sizeof(dwo_id));
	switch (want(x, &file, name, comp_dir)) {
	case EXTRA_HERE:
		return 0;
	case EXTRA_MISSING:
		return -ENOENT;
	default:
		return -EAGAIN;
	}
}

struct extra *extras_expect(struct extras *x, const struct extra_file *file)
{
	struct extra_file own = {.kind = file->kind, .index = file->index};

	if (want(x, &own, NULL, NULL) == EXTRA_MISSING)
		return NULL;
	struct extra *e = extras_find(x, own.kind, own.index);
	if (e->state == EXTRA_NEW)
		e->state = EXTRA_ASKED;
	return e;
}

const struct extra *extras_next(struct extras *x)
{
	if (x->told && x->v[x->told - 1]->names) {
		free(x->v[x->told - 1]->names);
		x->v[x->told - 1]->names = NULL;
	}
	while (x->told < x->n) {
		struct extra *e = x->v[x->told++];
		if (e->state != EXTRA_NEW)
			continue;
		e->state = EXTRA_ASKED;
		return e;
	}
	return NULL;
}

/* --- what an image names ------------------------------------------------------------------ */

/* A name with its terminator at the start of a section; its length, 0: it makes no sense. */
static size_t link_name(const struct image *image, const char *section, const char **name,
	const unsigned char **rest, size_t *rest_len)
{
	GElf_Shdr header;
	const unsigned char *bytes =
		image_section(image, section, &header) ? image_section_bytes(image, &header) : NULL;
	size_t n = bytes ? strnlen((const char *)bytes, header.sh_size) : 0;

	if (!n || n == header.sh_size)
		return 0;
	*name = (const char *)bytes;
	*rest = bytes + n + 1;
	*rest_len = header.sh_size - n - 1;
	return n;
}

/* .gnu_debuglink: a name, then the checksum of that file at the next multiple of 4. */
static void want_debug(struct extras *x, const struct image *image)
{
	struct extra_file file = {.kind = EXTRA_DEBUG, .build_id_len = image->build_id_len};
	const unsigned char *rest;
	const char *name = NULL;
	size_t left, n = link_name(image, ".gnu_debuglink", &name, &rest, &left);
	size_t gap = 3 - n % 4;

	memcpy(file.build_id, image->build_id, image->build_id_len);
	if (n && left >= gap + sizeof(file.checksum)) {
		memcpy(&file.checksum, rest + gap, sizeof(file.checksum));
		file.name_len = n;
	}
	if (file.build_id_len || file.name_len)
		want(x, &file, name, NULL);
}

/* .gnu_debugaltlink: a name, then the build id of that file. */
static void want_alt(struct extras *x, const struct image *image, uint32_t index)
{
	struct extra_file file = {.kind = EXTRA_ALT, .index = index};
	const unsigned char *id;
	const char *name;
	size_t n, left;

	n = link_name(image, ".gnu_debugaltlink", &name, &id, &left);
	if (!n || !left || left > sizeof(file.build_id))
		return;
	memcpy(file.build_id, id, left);
	file.build_id_len = left;
	file.name_len = n;
	want(x, &file, name, NULL);
}

void extras_read(struct extras *x, const struct image *image, uint32_t index, int wants_debug)
{
	struct extra_file package = {.kind = EXTRA_PACKAGE, .index = index};
	GElf_Shdr header;

	if (wants_debug)
		want_debug(x, image);
	if (!image_section(image, ".debug_info", &header))
		return;
	want_alt(x, image, index);
	/* Split files leave their addresses here. */
	if (image_section(image, ".debug_addr", &header))
		want(x, &package, NULL, NULL);
}
