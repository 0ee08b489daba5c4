/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>

#include "symbolize/dynamic.h"
#include "symbolize/elf_sections.h"
#include "symbolize/module.h"
#include "symbolize/packed.h"

#define PAGE 4096u
#define MODULE_BLOCKED                                                                             \
	(MODULE_NO_FILE | MODULE_REFUSED | MODULE_BLACKLISTED | MODULE_UNREADABLE |                \
		MODULE_OTHER_FILE)

struct segment_load {
	uint64_t offset, vaddr, size;
	uint64_t in_memory; /* its size there */
	uint32_t is_code;
};

/* An answer of libdw that is asked for once; NULL then means "none". */
enum opened { OPENED_EH = 1, OPENED_FRAME = 2, OPENED_XZ = 4 };

struct module {
	uint32_t id, flags;
	uint32_t has, debug_has; /* enum module_has, of the image and of its debug file */
	uint32_t opened;	 /* enum opened */
	struct image own, minidebug;
	const struct image *debug; /* the debug file's, in extras; NULL */
	struct extras extras;
	Dwarf *frames; /* of debug_frame */
	Dwarf_CFI *eh_frame, *debug_frame;
	struct gopclntab *gopclntab;
	struct segment_load *segments;
	size_t n_segments;
};

static int segment_is_sane(const struct module *m, const GElf_Phdr *p)
{
	return p->p_type == PT_LOAD && p->p_filesz && p->p_offset < m->own.size &&
	       p->p_filesz <= m->own.size - p->p_offset && p->p_vaddr + p->p_filesz > p->p_vaddr;
}

static void add_segment(struct module *m, const GElf_Phdr *p)
{
	m->segments[m->n_segments++] = (struct segment_load){.offset = p->p_offset,
		.vaddr = p->p_vaddr,
		.size = p->p_filesz,
		.in_memory = p->p_memsz,
		.is_code = !!(p->p_flags & PF_X)};
}

static int read_segments(struct module *m)
{
	size_t n;
	GElf_Phdr p;

	if (elf_getphdrnum(m->own.elf, &n) < 0 || n == 0 || n > LIMIT_SEGMENTS)
		return -EINVAL;
	m->segments = calloc(n, sizeof(*m->segments));
	if (!m->segments)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(m->own.elf, i, &p))
			return -EINVAL;
		if (segment_is_sane(m, &p))
			add_segment(m, &p);
		if (p.p_type == PT_GNU_EH_FRAME)
			m->has |= HAS_EH_FRAME;
	}
	return m->n_segments ? 0 : -EINVAL;
}

/* libelf cannot read it then. */
static int is_packed_by_zstd(Elf_Scn *section, const GElf_Shdr *header)
{
	GElf_Chdr packed;

	return (header->sh_flags & SHF_COMPRESSED) && gelf_getchdr(section, &packed) &&
	       packed.ch_type != ELFCOMPRESS_ZLIB;
}

/* What a section of that name is good for; .zdebug is the old form of compression. */
static uint32_t section_kind(const char *name, Elf_Scn *section, const GElf_Shdr *h)
{
	if (h->sh_type == SHT_SYMTAB)
		return HAS_SYMTAB;
	if (h->sh_type == SHT_DYNSYM)
		return HAS_DYNSYM;
	if (h->sh_type == SHT_NOBITS)
		return 0;
	if (!strcmp(name, ".eh_frame"))
		return HAS_EH_FRAME;
	if (!strcmp(name, ".gnu_debugdata"))
		return HAS_XZ;
	if (strcmp(name, ".debug_frame") && strcmp(name, ".zdebug_frame"))
		return 0;
	return is_packed_by_zstd(section, h) ? HAS_ZSTD : HAS_FRAME;
}

/* All enum module_has of an image. */
static uint32_t read_sections(const struct image *image)
{
	Elf *elf = image->elf;
	uint32_t has = image->sections.v[SECTION_INFO].size ? HAS_INFO : 0;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	if (sections_are_unreadable(&image->sections))
		has = HAS_ZSTD;
	while ((section = elf_section_next(elf, section, &header))) {
		const char *name = elf_section_name(elf, &header);
		if (name)
			has |= section_kind(name, section, &header);
	}
	return has;
}

static void set_flags(struct module *m)
{
	uint32_t all = m->has | m->debug_has;
	int has_go = m->gopclntab != NULL; /* names, lines and frame sizes */

	m->flags &= ~MODULE_LACKS;
	if (!has_go && !(m->has & (HAS_EH_FRAME | HAS_FRAME)))
		m->flags |= MODULE_NO_CFI;
	if (!has_go && !(all & HAS_SYMBOLS))
		m->flags |= MODULE_NO_SYMBOLS;
	if (!has_go && !(all & HAS_INFO))
		m->flags |= MODULE_NO_DWARF;
	if (all & HAS_ZSTD)
		m->flags |= MODULE_ZSTD;
	if ((m->has & HAS_XZ) && !m->debug && !packed_has_xz())
		m->flags |= MODULE_XZ;
}

static int read_image(struct module *m)
{
	int rc = read_segments(m);

	if (rc)
		return rc;
	m->has |= read_sections(&m->own);
	struct dynamic dynamic;
	if (!(m->has & HAS_SYMBOLS) && dynamic_find(m, &dynamic) == 0)
		m->has |= HAS_DYNSYM;
	m->gopclntab = gopclntab_new(m);
	m->has |= m->gopclntab ? HAS_GO : 0;
	set_flags(m);
	extras_read(&m->extras, &m->own, 0, !(m->has & HAS_INFO));
	return 0;
}

static void forget_image(struct module *m)
{
	gopclntab_free(m->gopclntab);
	m->gopclntab = NULL;
	extras_fini(&m->extras);
	m->debug = NULL;
	image_close(&m->minidebug);
	image_close(&m->own);
	free(m->segments);
	m->segments = NULL;
	m->n_segments = 0;
	m->has = 0;
	set_flags(m);
	m->flags |= MODULE_UNREADABLE;
}

void module_refuse(struct module *m, uint32_t flag)
{
	uint32_t before = m->flags;

	forget_image(m);
	m->flags = before | flag;
}

int module_open(int fd, uint32_t id, uint32_t flags, struct module **out)
{
	struct module *m = calloc(1, sizeof(*m));

	*out = m;
	if (!m) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	m->id = id;
	m->flags = flags;
	if (fd < 0) {
		set_flags(m);
		if (!(flags & MODULE_BLOCKED))
			m->flags |= MODULE_UNREADABLE;
		return 0;
	}
	if (image_open(&m->own, fd, flags & MODULE_FROM_MEMORY ? IMAGE_MEMORY : IMAGE_CODE) ||
		read_image(m))
		forget_image(m);
	return 0;
}

void module_close(struct module *m)
{
	if (!m)
		return;
	/* .eh_frame's CFI is ours to end; .debug_frame's belongs to its Dwarf. */
	if (m->eh_frame)
		dwarf_cfi_end(m->eh_frame);
	dwarf_end(m->frames);
	gopclntab_free(m->gopclntab);
	extras_fini(&m->extras);
	image_close(&m->minidebug);
	image_close(&m->own);
	free(m->segments);
	free(m);
}

uint32_t module_id(const struct module *m)
{
	return m->id;
}

uint32_t module_flags(const struct module *m)
{
	return m->flags;
}

void module_lacks(struct module *m, uint32_t flag)
{
	m->flags |= flag;
}

uint32_t module_has(const struct module *m)
{
	return m->has;
}

int module_is_readable(const struct module *m)
{
	return m->own.elf != NULL;
}

size_t module_build_id(const struct module *m, const unsigned char **id)
{
	*id = m->own.build_id;
	return m->own.build_id_len;
}

/* --- files besides its own ---------------------------------------------------------------- */

const struct extra *module_next_want(struct module *m)
{
	return extras_next(&m->extras);
}

/* Whether the file is the one that was meant. Split files are told apart by their reader. */
static int is_meant(const struct module *m, const struct extra_file *wanted, const struct image *i)
{
	switch (wanted->kind) {
	case EXTRA_DEBUG:
		if (m->own.build_id_len)
			return image_same_build(i, &m->own);
		return image_checksum(i) == wanted->checksum;
	case EXTRA_ALT:
		return i->build_id_len == wanted->build_id_len &&
		       !memcmp(i->build_id, wanted->build_id, i->build_id_len);
	default:
		return 1;
	}
}

static void use_debug_file(struct module *m, const struct image *image)
{
	m->debug = image;
	m->debug_has = read_sections(image);
	set_flags(m);
	extras_read(&m->extras, image, 1, 0);
}

int module_take_extra(struct module *m, const struct extra_file *file, int fd)
{
	struct extra *e = extras_find(&m->extras, file->kind, file->index);
	struct image image;

	/* A worker before this one wanted it. */
	if (!e && file->kind == EXTRA_SPLIT)
		e = extras_expect(&m->extras, file);
	if (!e || e->state == EXTRA_HERE || fd < 0) {
		if (fd >= 0)
			close(fd);
		if (!e)
			return -EINVAL;
		if (e->state == EXTRA_HERE)
			return -EEXIST;
		e->state = EXTRA_MISSING;
		return 0;
	}
	if (image_open(&image, fd, IMAGE_DEBUG))
		return -EINVAL;
	if (!is_meant(m, &e->file, &image)) {
		image_close(&image);
		return -EINVAL;
	}
	e->image = image;
	e->state = EXTRA_HERE;
	if (file->kind == EXTRA_DEBUG)
		use_debug_file(m, &e->image);
	return 0;
}

const struct image *module_extra(const struct module *m, enum extra_kind kind, uint32_t index)
{
	const struct extra *e = extras_find(&m->extras, kind, index);

	return e && e->state == EXTRA_HERE ? &e->image : NULL;
}

int module_want_split(
	struct module *m, uint32_t index, const char *comp_dir, const char *name, uint64_t dwo_id)
{
	return extras_want_split(&m->extras, index, comp_dir, name, dwo_id);
}

int module_offset_to_vaddr(const struct module *m, uint64_t offset, uint64_t *vaddr)
{
	int found = 0;

	for (size_t i = 0; i < m->n_segments; i++) {
		const struct segment_load *s = &m->segments[i];
		if (offset - s->offset >= s->size || (found && !s->is_code))
			continue;
		*vaddr = s->vaddr + (offset - s->offset);
		if (s->is_code)
			return 0;
		found = 1;
	}
	return found ? 0 : -ENOENT;
}

int module_vaddr_to_offset(const struct module *m, uint64_t vaddr, uint64_t *offset)
{
	for (size_t i = 0; i < m->n_segments; i++) {
		const struct segment_load *s = &m->segments[i];
		if (vaddr - s->vaddr >= s->size)
			continue;
		*offset = s->offset + (vaddr - s->vaddr);
		return 0;
	}
	return -ENOENT;
}

/* Mappings begin at a page, segments where they like. */
int module_bias(const struct module *m, const struct mapping *mapping, uint64_t *bias)
{
	for (size_t i = 0; i < m->n_segments; i++) {
		const struct segment_load *s = &m->segments[i];
		if (!s->is_code || mapping->offset < (s->offset & ~(uint64_t)(PAGE - 1)) ||
			mapping->offset >= s->offset + s->size)
			continue;
		*bias = mapping->start - mapping->offset - (s->vaddr - s->offset);
		return 0;
	}
	return -ENOENT;
}

int module_covers(const struct module *m, uint64_t vaddr)
{
	for (size_t i = 0; i < m->n_segments; i++)
		if (vaddr - m->segments[i].vaddr < m->segments[i].in_memory)
			return 1;
	return 0;
}

uint64_t module_code_end(const struct module *m, uint64_t vaddr)
{
	for (size_t i = 0; i < m->n_segments; i++) {
		const struct segment_load *s = &m->segments[i];
		if (s->is_code && vaddr - s->vaddr < s->size)
			return s->vaddr + s->size;
	}
	return 0;
}

const unsigned char *module_bytes(const struct module *m, uint64_t offset, size_t size)
{
	if (!m->own.map || offset > m->own.size || size > m->own.size - offset)
		return NULL;
	return (const unsigned char *)m->own.map + offset;
}

Elf *module_elf(const struct module *m)
{
	return m->own.elf;
}

Elf *module_debug_elf(const struct module *m)
{
	return m->debug ? m->debug->elf : NULL;
}

Elf *module_minidebug_elf(struct module *m)
{
	GElf_Shdr header;
	void *bytes;
	size_t n;

	if ((m->opened & OPENED_XZ) || !(m->has & HAS_XZ) || m->debug)
		return m->minidebug.elf;
	m->opened |= OPENED_XZ;
	const unsigned char *packed = image_section(&m->own, ".gnu_debugdata", &header)
					      ? image_section_bytes(&m->own, &header)
					      : NULL;
	if (!packed || packed_xz(packed, header.sh_size, &bytes, &n) < 0 ||
		image_of_bytes(&m->minidebug, bytes, n, IMAGE_DEBUG) < 0)
		m->flags |= MODULE_XZ;
	return m->minidebug.elf;
}

const struct sections *module_debug_sections(const struct module *m, uint32_t *index)
{
	*index = !(m->has & HAS_INFO);
	return !*index ? &m->own.sections : m->debug_has & HAS_INFO ? &m->debug->sections : NULL;
}

const struct gopclntab *module_gopclntab(const struct module *m)
{
	return m->gopclntab;
}

Dwarf_CFI *module_eh_frame(struct module *m)
{
	if (!(m->opened & OPENED_EH) && m->own.elf && !(m->flags & MODULE_NO_CFI))
		m->eh_frame = dwarf_getcfi_elf(m->own.elf);
	m->opened |= OPENED_EH;
	return m->eh_frame;
}

/* dwarf_begin_elf inflates all compressed debug sections; those that it is not asked for are made
 * to look empty, in our private copy of the headers. */
static Dwarf *begin_frames(Elf *elf)
{
	const uint32_t empty = SHT_NOBITS;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_section_next(elf, section, &header))) {
		char *own = (char *)elf64_getshdr(section); /* anywhere: not to be read as one */
		const char *name = own ? elf_section_name(elf, &header) : NULL;
		if (name && !strncmp(name, ".debug_", 7) && strcmp(name + 7, "frame") != 0)
			memcpy(own + offsetof(Elf64_Shdr, sh_type), &empty, sizeof(empty));
	}
	return dwarf_begin_elf(elf, DWARF_C_READ, NULL);
}

Dwarf_CFI *module_debug_frame(struct module *m)
{
	if (!(m->opened & OPENED_FRAME) && (m->has & HAS_FRAME)) {
		m->frames = begin_frames(m->own.elf);
		m->debug_frame = m->frames ? dwarf_getcfi(m->frames) : NULL;
	}
	m->opened |= OPENED_FRAME;
	return m->debug_frame;
}
