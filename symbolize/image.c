/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <zlib.h>

#include "base/limits.h"
#include "symbolize/image.h"
#include "symbolize/packed.h"

#define COMPRESSED_ZSTD 2u /* ELFCOMPRESS_ZSTD, unknown to this libelf's elf.h */

void image_close(struct image *image)
{
	elf_end(image->elf);
	if (image->map)
		munmap(image->map, image->room);
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
	Elf64_Shdr *header;
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
	image->size = image->room = st.st_size;
	return 0;
}

/* --- sections that zstd packed ------------------------------------------------------------ */

/* Of debug information, all but what nobody here asks for. */
static int is_needed(const char *name)
{
	static const char *const unused[] = {
		"loc", "aranges", "macro", "macinfo", "pub", "gnu_pub", "names"};

	for (size_t i = 0; i < sizeof(unused) / sizeof(*unused); i++)
		if (!strncmp(name, unused[i], strlen(unused[i])))
			return 0;
	return 1;
}

static const Elf64_Chdr *zstd_header(const struct image *image, const Elf64_Shdr *section)
{
	const Elf64_Chdr *header = (const void *)((const char *)image->map + section->sh_offset);
	uint32_t type;

	if (section->sh_type == SHT_NOBITS || !(section->sh_flags & SHF_COMPRESSED) ||
		section->sh_size < sizeof(*header) || section->sh_offset > image->size ||
		section->sh_size > image->size - section->sh_offset)
		return NULL;
	memcpy(&type, &header->ch_type, sizeof(type));
	return type == COMPRESSED_ZSTD ? header : NULL;
}

int image_cannot_unpack(const struct image *image, const Elf64_Shdr *section)
{
	return zstd_header(image, section) && image->room == image->size;
}

/* header: NULL where nobody here asks for the section. */
typedef int packed_section(struct image *image, Elf64_Shdr *section, const Elf64_Chdr *header);

/* Each section of debug information that zstd packed. Ends when f answers not 0, which is returned.
 */
static int each_packed(struct image *image, packed_section *f)
{
	Elf_Scn *section = NULL;
	size_t names;
	int error = 0;

	if (elf_getshdrstrndx(image->elf, &names) < 0)
		return 0;
	while (!error && (section = elf_nextscn(image->elf, section))) {
		Elf64_Shdr *header = elf64_getshdr(section);
		const Elf64_Chdr *packed = header ? zstd_header(image, header) : NULL;
		const char *name = packed ? elf_strptr(image->elf, names, header->sh_name) : NULL;
		if (name && !strncmp(name, ".debug_", 7))
			error = f(image, header, is_needed(name + 7) ? packed : NULL);
	}
	return error;
}

static size_t plain_size(const Elf64_Chdr *header)
{
	Elf64_Xword n;

	memcpy(&n, &header->ch_size, sizeof(n));
	return n;
}

#define ALIGNED(n) (((n) + 15) & ~(size_t)15)

static int add_room(struct image *image, Elf64_Shdr *section, const Elf64_Chdr *header)
{
	size_t n = header ? plain_size(header) : 0;

	(void)section;
	if (n > LIMIT_UNPACKED || image->room + ALIGNED(n) > image->size + LIMIT_UNPACKED)
		return -E2BIG;
	image->room += ALIGNED(n);
	return 0;
}

/* Room behind the file's bytes for what will be unpacked: addresses only, until it is. 0: there is
 * some. */
static int reserve(struct image *image, int fd)
{
	size_t page = sysconf(_SC_PAGESIZE), size = image->size;

	image->room = ALIGNED(size);
	if (!packed_has_zstd() || each_packed(image, add_room) || image->room == ALIGNED(size)) {
		image->room = size;
		return -ENOENT;
	}
	image->room = (image->room + page - 1) / page * page;
	char *map = mmap(NULL, image->room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED ||
		mmap(map, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != map) {
		if (map != MAP_FAILED)
			munmap(map, image->room);
		image->room = size;
		return -ENOMEM;
	}
	munmap(image->map, size);
	image->map = map;
	return 0;
}

/* Its place follows those before it: image->end is where the next one goes. */
static int unpack(struct image *image, Elf64_Shdr *section, const Elf64_Chdr *header)
{
	size_t n = header ? plain_size(header) : 0, at = image->end;

	if (!header || n > image->room - at ||
		packed_zstd(header + 1, section->sh_size - sizeof(*header), (char *)image->map + at,
			n) < 0) {
		section->sh_type = SHT_NOBITS;
		if (header)
			image->unpacked = -EBADMSG;
		return 0;
	}
	image->end = at + ALIGNED(n) < image->room ? at + ALIGNED(n) : image->room;
	section->sh_offset = at;
	section->sh_size = n;
	section->sh_flags &= ~(Elf64_Xword)SHF_COMPRESSED;
	section->sh_addralign = 1;
	return 0;
}

/* The last page of the file's bytes is where the first section begins. */
static int unprotect_room(struct image *image)
{
	size_t page = sysconf(_SC_PAGESIZE), start = image->size / page * page;

	return mprotect((char *)image->map + start, image->room - start, PROT_READ | PROT_WRITE) < 0
		       ? -ENOMEM
		       : 0;
}

int image_unpack(struct image *image)
{
	if (image->unpacked <= 0)
		return image->unpacked;
	image->unpacked = 0;
	if (!image->elf || image->room == image->size)
		return 0;
	if (unprotect_room(image) < 0)
		return image->unpacked = -ENOMEM;
	image->end = ALIGNED(image->size);
	each_packed(image, unpack);
	return image->unpacked;
}

/* --- opening ------------------------------------------------------------------------------ */

/* libelf refuses a file whose section headers are not in it. */
static int drop_missing_sections(struct image *image)
{
	Elf64_Ehdr *header = image->map;
	Elf64_Shdr first;
	size_t room = image->size - sizeof(first);

	if (header->e_shoff < room && header->e_shoff + sizeof(first) <= room) {
		memcpy(&first, (char *)image->map + header->e_shoff + sizeof(first), sizeof(first));
		size_t n = (image->size - header->e_shoff) / sizeof(first);
		if (first.sh_type != SHT_NULL && header->e_shnum <= n)
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
	image->unpacked = 1;
	image->elf = elf_memory(image->map, image->room);
	if (!image->elf || !is_accepted(image->elf, use)) {
		image_close(image);
		return -EINVAL;
	}
	return 0;
}

static void finish(struct image *image)
{
	unprotect_section_headers(image);
	read_build_id(image);
}

int image_open(struct image *image, int fd, enum image_use use)
{
	memset(image, 0, sizeof(*image));
	int error = map_file(image, fd);

	if (!error)
		error = begin(image, use);
	if (!error && reserve(image, fd) == 0) {
		elf_end(image->elf);
		error = begin(image, use);
	}
	close(fd);
	if (!error)
		finish(image);
	return error;
}

int image_of_bytes(struct image *image, void *bytes, size_t size, enum image_use use)
{
	*image = (struct image){.map = bytes, .size = size, .room = size};
	int error = begin(image, use);

	if (!error)
		finish(image);
	return error;
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

Elf_Scn *image_section(const struct image *image, const char *name, Elf64_Shdr **header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (!image->elf || elf_getshdrstrndx(image->elf, &names) < 0)
		return NULL;
	while ((section = elf_nextscn(image->elf, section))) {
		*header = elf64_getshdr(section);
		if (!*header || (*header)->sh_type == SHT_NOBITS)
			continue;
		const char *found = elf_strptr(image->elf, names, (*header)->sh_name);
		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

const unsigned char *image_section_bytes(const struct image *image, const Elf64_Shdr *header)
{
	size_t all = image->end ? image->end : image->size;

	if (header->sh_offset > all || header->sh_size > all - header->sh_offset)
		return NULL;
	return (const unsigned char *)image->map + header->sh_offset;
}
