/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <zlib.h>

#include "base/limits.h"
#include "symbolize/elf_sections.h"
#include "symbolize/image.h"

void image_close(struct image *image)
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

static int is_accepted(Elf *elf, enum image_use use)
{
	GElf_Ehdr header;

	return elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 &&
	       gelf_getehdr(elf, &header) && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	       header.e_machine == EM_X86_64 &&
	       (header.e_type == ET_EXEC || header.e_type == ET_DYN ||
		       (header.e_type == ET_REL && use == IMAGE_DEBUG));
}

/* The note of a file of dwz's lies in a section that is not loaded; libdw looks at others only. */
static ssize_t id_in_section(const struct image *image, const void **id)
{
	GElf_Shdr header;
	Elf_Scn *section = image_section(image, ".note.gnu.build-id", &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	GElf_Nhdr note;
	size_t name, at;

	if (!data || !gelf_getnote(data, 0, &note, &name, &at) || note.n_type != NT_GNU_BUILD_ID)
		return 0;
	*id = (const char *)data->d_buf + at;
	return note.n_descsz;
}

static void read_build_id(struct image *image)
{
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(image->elf, &id);

	if (len <= 0)
		len = id_in_section(image, &id);
	if (len <= 0 || len > (ssize_t)IMAGE_BUILD_ID_MAX)
		return;
	memcpy(image->build_id, id, len);
	image->build_id_len = len;
}

static int map_file(struct image *image, int fd)
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

/* libelf refuses a file whose section headers are not in it. */
static int drop_missing_sections(struct image *image)
{
	Elf64_Ehdr *header = image->map;
	Elf64_Shdr first;
	uint64_t at = header->e_shoff, size = image->size;

	if (at < size && size - at >= 2 * sizeof(first) &&
		header->e_shnum <= (size - at) / sizeof(first)) {
		memcpy(&first, (char *)image->map + at + sizeof(first), sizeof(first));
		if (first.sh_type != SHT_NULL)
			return 0;
	}
	if (mprotect(header, sizeof(*header), PROT_READ | PROT_WRITE) < 0)
		return -ENOMEM;
	header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
	return 0;
}

static int begin(struct image *image, enum image_use use)
{
	if (use == IMAGE_MEMORY && drop_missing_sections(image) < 0) {
		image_close(image);
		return -ENOMEM;
	}
	elf_version(EV_CURRENT);
	image->elf = elf_memory(image->map, image->size);
	if (!image->elf || !is_accepted(image->elf, use)) {
		image_close(image);
		return -EINVAL;
	}
	unprotect_section_headers(image);
	sections_find(&image->sections, image->elf, 0);
	read_build_id(image);
	return 0;
}

int image_open(struct image *image, int fd, enum image_use use)
{
	memset(image, 0, sizeof(*image));
	int error = map_file(image, fd);

	close(fd);
	return error ? error : begin(image, use);
}

int image_of_bytes(struct image *image, void *bytes, size_t size, enum image_use use)
{
	*image = (struct image){.map = bytes, .size = size};
	return begin(image, use);
}

int image_same_build(const struct image *a, const struct image *b)
{
	return a->build_id_len && a->build_id_len == b->build_id_len &&
	       !memcmp(a->build_id, b->build_id, a->build_id_len);
}

uint32_t image_checksum(const struct image *image)
{
	return crc32_z(0, image->map, image->size);
}

Elf_Scn *image_section(const struct image *image, const char *name, GElf_Shdr *header)
{
	return elf_section_find(image->elf, name, header);
}

const unsigned char *image_section_bytes(const struct image *image, const GElf_Shdr *header)
{
	if (header->sh_offset > image->size || header->sh_size > image->size - header->sh_offset)
		return NULL;
	return (const unsigned char *)image->map + header->sh_offset;
}
