/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>

#include "symbolize/module.h"

#define SEGMENTS_MAX 1024u /* PT_LOAD entries kept; real files have two to six */
#define MODULE_BLOCKED                                                                             \
	(MODULE_NO_FILE | MODULE_REFUSED | MODULE_BLACKLISTED | MODULE_UNREADABLE |                \
		MODULE_OTHER_FILE)
#define BUILD_ID_MAX 32u

/* One mapped file. libelf gets the memory, not the descriptor: then neither libelf nor libdw can
 * be made to call readlink or pread on it, and thousands of modules need no descriptors. */
struct image {
	void *map;
	size_t size;
	Elf *elf;
	struct sections sections;
	unsigned char build_id[BUILD_ID_MAX];
	uint32_t build_id_len;
};

struct segment_load {
	uint64_t offset, vaddr, size;
	uint32_t is_code;
};

enum has {
	HAS_INFO = 1,
	HAS_FRAME = 2,
	HAS_EH_FRAME = 4,
	HAS_SYMBOLS = 8,
	HAS_ZSTD = 16, /* some debug section that cannot be read */
};

/* An answer of libdw that is asked for once; NULL then means "none". */
enum opened { OPENED_EH = 1, OPENED_FRAME = 2 };

struct module {
	uint32_t id, flags;
	uint32_t has, debug_has; /* enum has, of the image and of its debug file */
	uint32_t opened;	 /* enum opened */
	struct image own, debug;
	Dwarf *frames; /* of debug_frame */
	Dwarf_CFI *eh_frame, *debug_frame;
	struct gopclntab *gopclntab;
	struct segment_load *segments;
	size_t n_segments;
};

static void image_close(struct image *image)
{
	elf_end(image->elf);
	if (image->map)
		munmap(image->map, image->size);
	memset(image, 0, sizeof(*image));
}

/* Inflating a compressed section, libelf marks its header as plain, in place: that table alone
 * becomes writable, in our private copy. (All of a large file would count against RLIMIT_DATA.) */
static void unprotect_section_headers(struct image *image)
{
	GElf_Ehdr header;
	size_t n, page = sysconf(_SC_PAGESIZE);

	if (!gelf_getehdr(image->elf, &header) || elf_getshdrnum(image->elf, &n) < 0 ||
		header.e_shoff >= image->size ||
		n > (image->size - header.e_shoff) / sizeof(Elf64_Shdr))
		return;
	size_t start = header.e_shoff / page * page;
	size_t end = header.e_shoff + n * sizeof(Elf64_Shdr);
	mprotect((char *)image->map + start, end - start, PROT_READ | PROT_WRITE);
}

static int image_is_accepted(Elf *elf)
{
	GElf_Ehdr header;

	return elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 &&
	       gelf_getehdr(elf, &header) && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	       header.e_machine == EM_X86_64 &&
	       (header.e_type == ET_EXEC || header.e_type == ET_DYN);
}

static void image_read_build_id(struct image *image)
{
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(image->elf, &id);

	if (len <= 0 || len > (ssize_t)BUILD_ID_MAX)
		return;
	memcpy(image->build_id, id, len);
	image->build_id_len = len;
}

static int image_map(struct image *image, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size < (off_t)sizeof(Elf64_Ehdr) || (uint64_t)st.st_size > LIMIT_MODULE_BYTES)
		return -EINVAL;
	void *map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	image->map = map;
	image->size = st.st_size;
	return 0;
}

/* Takes fd. 0 or -errno; image is empty on failure. */
static int image_open(struct image *image, int fd)
{
	int rc = image_map(image, fd);

	close(fd);
	if (rc)
		return rc;
	elf_version(EV_CURRENT);
	image->elf = elf_memory(image->map, image->size);
	if (!image->elf || !image_is_accepted(image->elf)) {
		image_close(image);
		return -EINVAL;
	}
	unprotect_section_headers(image);
	sections_find(&image->sections, image->elf, 0);
	image_read_build_id(image);
	return 0;
}

static int segment_is_sane(const struct module *m, const GElf_Phdr *p)
{
	return p->p_type == PT_LOAD && p->p_filesz && p->p_offset < m->own.size &&
	       p->p_filesz <= m->own.size - p->p_offset && p->p_vaddr + p->p_filesz > p->p_vaddr;
}

static void add_segment(struct module *m, const GElf_Phdr *p)
{
	m->segments[m->n_segments++] =
		(struct segment_load){p->p_offset, p->p_vaddr, p->p_filesz, !!(p->p_flags & PF_X)};
}

static int read_segments(struct module *m)
{
	size_t n;
	GElf_Phdr p;

	if (elf_getphdrnum(m->own.elf, &n) < 0 || n == 0 || n > SEGMENTS_MAX)
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

/* What a section of that name is good for; .zdebug is the old form of compression. */
static uint32_t section_kind(const char *name, const GElf_Shdr *h)
{
	if (h->sh_type == SHT_SYMTAB || h->sh_type == SHT_DYNSYM)
		return HAS_SYMBOLS;
	if (h->sh_type == SHT_NOBITS)
		return 0;
	if (!strcmp(name, ".eh_frame"))
		return HAS_EH_FRAME;
	return strcmp(name, ".debug_frame") && strcmp(name, ".zdebug_frame") ? 0 : HAS_FRAME;
}

/* All enum has of an image. */
static uint32_t read_sections(const struct image *image)
{
	Elf *elf = image->elf;
	size_t names;
	uint32_t has = image->sections.v[SECTION_INFO].size ? HAS_INFO : 0;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	if (sections_are_unreadable(&image->sections))
		has = HAS_ZSTD;
	if (elf_getshdrstrndx(elf, &names) < 0)
		return has;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		if (name)
			has |= section_kind(name, &header);
	}
	return has;
}

static void set_flags(struct module *m)
{
	uint32_t all = m->has | m->debug_has;
	int has_go = m->gopclntab != NULL; /* names, lines and frame sizes */

	m->flags &= ~(MODULE_NO_CFI | MODULE_NO_SYMBOLS | MODULE_NO_DWARF | MODULE_ZSTD);
	if (!has_go && !(m->has & (HAS_EH_FRAME | HAS_FRAME)))
		m->flags |= MODULE_NO_CFI;
	if (!has_go && !(all & HAS_SYMBOLS))
		m->flags |= MODULE_NO_SYMBOLS;
	if (!has_go && !(all & HAS_INFO))
		m->flags |= MODULE_NO_DWARF;
	if (all & HAS_ZSTD)
		m->flags |= MODULE_ZSTD;
}

static int read_image(struct module *m)
{
	int rc = read_segments(m);

	if (rc)
		return rc;
	m->has |= read_sections(&m->own);
	m->gopclntab = gopclntab_new(m);
	set_flags(m);
	return 0;
}

static void forget_image(struct module *m)
{
	gopclntab_free(m->gopclntab);
	m->gopclntab = NULL;
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
	if (image_open(&m->own, fd) || read_image(m))
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
	image_close(&m->debug);
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

int module_is_readable(const struct module *m)
{
	return m->own.elf != NULL;
}

size_t module_build_id(const struct module *m, const unsigned char **id)
{
	*id = m->own.build_id;
	return m->own.build_id_len;
}

int module_wants_debug_file(const struct module *m)
{
	return m->own.build_id_len && !m->debug.elf && !(m->has & HAS_INFO);
}

int module_set_debug_file(struct module *m, int fd)
{
	struct image image = {0};

	if (m->debug.elf || (m->has & HAS_INFO)) {
		close(fd);
		return -EEXIST;
	}
	if (image_open(&image, fd))
		return -EINVAL;
	if (!m->own.build_id_len || image.build_id_len != m->own.build_id_len ||
		memcmp(image.build_id, m->own.build_id, image.build_id_len)) {
		image_close(&image);
		return -EINVAL;
	}
	m->debug = image;
	m->debug_has = read_sections(&image);
	set_flags(m);
	return 0;
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
	return m->debug.elf;
}

const struct sections *module_debug_sections(const struct module *m)
{
	return m->has & HAS_INFO	 ? &m->own.sections
	       : m->debug_has & HAS_INFO ? &m->debug.sections
					 : NULL;
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
	size_t names;
	Elf_Scn *section = NULL;

	while (elf_getshdrstrndx(elf, &names) == 0 && (section = elf_nextscn(elf, section))) {
		Elf64_Shdr *header = elf64_getshdr(section);
		const char *name = header ? elf_strptr(elf, names, header->sh_name) : NULL;
		if (name && !strncmp(name, ".debug_", 7) && strcmp(name + 7, "frame") != 0)
			header->sh_type = SHT_NOBITS;
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
