/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/limits.h"
#include "symbolize/dwarf/section.h"
#include "symbolize/elf_sections.h"

#define COMPRESSED_ZLIB 1u /* ch_type; ELFCOMPRESS_ZSTD is not in every elf.h */
#define COMPRESSED_ZSTD 2u

static const char *const names[SECTIONS] = {
	[SECTION_INFO] = "info",
	[SECTION_ABBREV] = "abbrev",
	[SECTION_ADDR] = "addr",
	[SECTION_LINE] = "line",
	[SECTION_LINE_STR] = "line_str",
	[SECTION_RANGES] = "ranges",
	[SECTION_RNGLISTS] = "rnglists",
	[SECTION_STR] = "str",
	[SECTION_STR_OFFSETS] = "str_offsets",
	[SECTION_CU_INDEX] = "cu_index",
};

/* Which one it is by its name without ".debug_"; SECTIONS if none. */
static enum section_id id_of(const char *name, int is_split)
{
	size_t n = strlen(name);
	int is_dwo = n > 4 && !strcmp(name + n - 4, ".dwo");

	n -= is_dwo ? 4 : 0;
	for (int id = 0; id < SECTIONS; id++) {
		int has_ending = id != SECTION_CU_INDEX;
		if (strlen(names[id]) == n && !strncmp(names[id], name, n) &&
			is_dwo == (is_split && has_ending))
			return id;
	}
	return SECTIONS;
}

/* .zdebug_: "ZLIB", the content's size with the highest byte first, then the packed content. */
static void open_old_packing(struct section *s)
{
	if (s->size < 12 || memcmp(s->bytes, "ZLIB", 4) != 0) {
		s->packing = PACKING_UNKNOWN;
		return;
	}
	for (int i = 4; i < 12; i++)
		s->unpacked = s->unpacked << 8 | s->bytes[i];
	s->packing = PACKING_ZLIB;
	s->bytes += 12;
	s->size -= 12;
}

static void open_packing(struct section *s)
{
	Elf64_Chdr header;

	s->packing = PACKING_UNKNOWN;
	if (s->size < sizeof(header))
		return;
	memcpy(&header, s->bytes, sizeof(header));
	s->unpacked = header.ch_size;
	s->bytes += sizeof(header);
	s->size -= sizeof(header);
	if (header.ch_type == COMPRESSED_ZLIB)
		s->packing = PACKING_ZLIB;
	else if (header.ch_type == COMPRESSED_ZSTD)
		s->packing = PACKING_ZSTD;
}

static void take(struct sections *s, const GElf_Shdr *header, const char *name, int is_split,
	const unsigned char *image)
{
	int is_old = !strncmp(name, ".zdebug_", 8);
	enum section_id id = SECTIONS;

	if (is_old || !strncmp(name, ".debug_", 7))
		id = id_of(name + 7 + is_old, is_split);
	/* The first of a name is the one. */
	if (id == SECTIONS || s->v[id].size)
		return;
	struct section *to = &s->v[id];
	*to = (struct section){.bytes = image + header->sh_offset, .size = header->sh_size};
	if (is_old)
		open_old_packing(to);
	else if (header->sh_flags & SHF_COMPRESSED)
		open_packing(to);
}

void sections_find(struct sections *s, Elf *elf, int is_split)
{
	size_t size;
	const char *image = elf_rawfile(elf, &size);
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	memset(s, 0, sizeof(*s));
	if (!image)
		return;
	while ((section = elf_section_next(elf, section, &header))) {
		if (header.sh_type == SHT_NOBITS || header.sh_offset > size ||
			header.sh_size > size - header.sh_offset)
			continue;
		const char *name = elf_section_name(elf, &header);
		if (name)
			take(s, &header, name, is_split, (const unsigned char *)image);
	}
}

static int is_readable(enum packing packing)
{
#ifdef HAVE_ZSTD
	return packing != PACKING_UNKNOWN;
#else
	return packing == PACKING_NONE || packing == PACKING_ZLIB;
#endif
}

int sections_are_unreadable(const struct sections *s)
{
	for (int id = 0; id < SECTIONS; id++)
		if (s->v[id].size && !is_readable(s->v[id].packing))
			return 1;
	return 0;
}

static int unpack_zlib(unsigned char *out, const struct section *s)
{
	uLongf size = s->unpacked;

	return uncompress(out, &size, s->bytes, s->size) == Z_OK && size == s->unpacked ? 0
											: -EINVAL;
}

static int unpack_zstd(unsigned char *out, const struct section *s)
{
#ifdef HAVE_ZSTD
	return ZSTD_decompress(out, s->unpacked, s->bytes, s->size) == s->unpacked ? 0 : -EINVAL;
#else
	(void)out, (void)s;
	return -EINVAL;
#endif
}

static int unpack(struct section *s)
{
	if (s->unpacked > LIMIT_UNPACKED || !is_readable(s->packing))
		return -EINVAL;
	unsigned char *out = malloc(s->unpacked + 1);
	if (!out)
		return -ENOMEM;
	int error = s->packing == PACKING_ZLIB ? unpack_zlib(out, s) : unpack_zstd(out, s);
	if (error) {
		free(out);
		return error;
	}
	s->bytes = out;
	s->size = s->unpacked;
	return 0;
}

int sections_unpack(struct sections *s, const struct sections *found)
{
	int error = 0;

	*s = *found;
	for (int id = 0; id < SECTIONS && !error; id++) {
		if (s->v[id].packing == PACKING_NONE)
			continue;
		error = unpack(&s->v[id]);
		if (error)
			/* Nothing of this one, nor of those after it, is ours to free. */
			for (int rest = id; rest < SECTIONS; rest++)
				s->v[rest] = (struct section){0};
	}
	if (error)
		sections_free(s);
	return error;
}

void sections_free(struct sections *s)
{
	for (int id = 0; id < SECTIONS; id++)
		if (s->v[id].packing != PACKING_NONE)
			free((void *)s->v[id].bytes);
	memset(s, 0, sizeof(*s));
}

struct cursor section_at(const struct sections *s, enum section_id id, uint64_t offset)
{
	const struct section *section = &s->v[id];
	struct cursor c = {section->bytes, section->bytes + section->size, 0};

	cursor_skip(&c, offset);
	return c;
}
