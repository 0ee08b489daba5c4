/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "base/instruction.h"
#include "symbolize/elf_sections.h"
#include "unwind/stubs.h"

#define LONGEST	  11u /* endbr64, bnd, jmp *slot(%rip) */
#define CRT_BYTES 64u /* the longest function of the compiler's start files */
#define ANY	  -1
#define SECTIONS  256u /* looked at: linkers make some forty */

struct stub_section {
	const char *name;
	GElf_Shdr header;
};

static int find_section(const struct module *m, uint64_t vaddr, struct stub_section *out)
{
	Elf *elf = module_elf(m);
	Elf_Scn *section = NULL;
	GElf_Shdr *h = &out->header;

	for (unsigned i = 0; i < SECTIONS && (section = elf_section_next(elf, section, h)); i++) {
		if (!(h->sh_flags & SHF_EXECINSTR) || h->sh_type != SHT_PROGBITS ||
			vaddr - h->sh_addr >= h->sh_size)
			continue;
		out->name = elf_section_name(elf, h);
		return out->name ? 0 : -1;
	}
	return -1;
}

static int is_endbr(const unsigned char *p)
{
	return !memcmp(p, INSTRUCTION_ENDBR64);
}

/* Each function's stub is "jmp *slot" and perhaps "push number; jmp first", the first one "push
 * *slot; jmp *slot". p: code at the instruction, before: bytes that may be read before it. */
static int plt_depth(const unsigned char *p, size_t before)
{
	const unsigned char *at = p + instruction_marks(p);

	if (at[0] == 0xff && at[1] == 0x35)
		return 16;
	if (at[0] == 0xff && at[1] == 0x25)
		return before >= 6 && p[-6] == 0xff && p[-5] == 0x35 ? 24 : 8;
	if (at[0] == 0x68)
		return 8;
	if (at[0] == 0xe9)
		return before >= 5 && p[-5] == 0x68 ? 16 : 8;
	return -1;
}

/* Eight bytes are kept between the first instruction and the last, which returns. */
static int init_depth(const unsigned char *code, size_t size, size_t at)
{
	size_t first = size > 4 && is_endbr(code) ? 4 : 0;
	int keeps = code[first] == 0x50 ||
		    (size - first > 4 && !memcmp(code + first, "\x48\x83\xec\x08", 4));

	if (!keeps || code[size - 1] != 0xc3)
		return -1;
	return at <= first || at == size - 1 ? 8 : 16;
}

/* p, of which n bytes may be read, against bytes of which ANY may have any value. */
static int is_like(const unsigned char *p, size_t n, const int16_t *bytes, size_t size)
{
	if (n < size)
		return 0;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != ANY && p[i] != bytes[i])
			return 0;
	return 1;
}

/* __do_global_dtors_aux: "cmpb $0,done(%rip); jne; push %rbp", soon "mov %rsp,%rbp", at its end
 * "pop %rbp; ret", and a "ret" for the jne. p: where it begins, at: the instruction in question. */
static int dtors_find(const unsigned char *p, size_t n, size_t at, struct stub *out)
{
	static const int16_t begin[] = {0x80, 0x3d, ANY, ANY, ANY, ANY, 0, 0x75, ANY, 0x55};

	if (!is_like(p, n, begin, sizeof(begin) / sizeof(*begin)))
		return -1;
	const unsigned char *set = memmem(p + 10, n - 10 < 11 ? n - 10 : 11, "\x48\x89\xe5", 3);
	const unsigned char *pop = memmem(p + 10, n - 10, "\x5d\xc3", 2);
	if (!set || !pop || at > 9u + p[8])
		return -1;
	*out = (struct stub){DWREG_RSP, 8, 0};
	if (at >= 10 && p + at <= pop)
		*out = p + at <= set ? (struct stub){DWREG_RSP, 16, 1}
				     : (struct stub){DWREG_RBP, 16, 1};
	return 0;
}

/* (de)register_tm_clones: "lea x(%rip),%rdi; lea y(%rip),%rax or %rsi; cmp or sub", and no frame.
 */
static int clones_find(const unsigned char *p, size_t n, size_t at, struct stub *out)
{
	static const int16_t begin[] = {0x48, 0x8d, 0x3d, ANY, ANY, ANY, ANY, 0x48, 0x8d, ANY, ANY,
		ANY, ANY, ANY, 0x48, ANY, ANY};

	if (!is_like(p, n, begin, sizeof(begin) / sizeof(*begin)))
		return -1;
	if (memcmp(p + 15, "\x39\xf8", 2) && memcmp(p + 15, "\x29\xfe", 2))
		return -1;
	const unsigned char *end = memmem(p, n, "\x00\xc3", 2);
	if (end && p + at > end + 1)
		return -1;
	*out = (struct stub){DWREG_RSP, 8, 0};
	return 0;
}

/* Frames without a frame pointer. */
static int by_depth(int depth, struct stub *out)
{
	*out = (struct stub){DWREG_RSP, depth, 0};
	return depth < 0 ? -1 : 0;
}

static int crt_find(const unsigned char *code, size_t size, size_t at, struct stub *out)
{
	if (size - at > 4 && is_endbr(code + at))
		at += 4;
	/* frame_dummy, or any other function that begins with a jump. */
	if (at >= 4 && is_endbr(code + at - 4) && code[at] == 0xe9)
		return by_depth(8, out);
	for (size_t back = 0; back <= at && back < CRT_BYTES; back++) {
		const unsigned char *p = code + at - back;
		size_t n = size - (at - back);
		n = n < CRT_BYTES ? n : CRT_BYTES;
		if (dtors_find(p, n, back, out) == 0 || clones_find(p, n, back, out) == 0)
			return 0;
	}
	return -1;
}

int stubs_find(const struct module *m, uint64_t vaddr, struct stub *out)
{
	struct stub_section s;

	if (find_section(m, vaddr, &s) < 0)
		return -1;
	const unsigned char *code = module_bytes(m, s.header.sh_offset, s.header.sh_size);
	size_t at = vaddr - s.header.sh_addr, size = s.header.sh_size;
	if (!code)
		return -1;
	if (!strcmp(s.name, ".text"))
		return crt_find(code, size, at, out);
	if (!strcmp(s.name, ".init") || !strcmp(s.name, ".fini"))
		return by_depth(init_depth(code, size, at), out);
	if (!strncmp(s.name, ".plt", 4) || !strcmp(s.name, ".iplt")) {
		unsigned char bytes[6 + LONGEST] = {0};
		size_t before = at < 6 ? at : 6, after = size - at;
		memcpy(bytes + 6 - before, code + at - before, before);
		memcpy(bytes + 6, code + at, after < LONGEST ? after : LONGEST);
		return by_depth(plt_depth(bytes + 6, before), out);
	}
	return -1;
}
