/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "base/go_reasons.h"
#include "symbolize/elf_sections.h"
#include "symbolize/go_facts.h"
#include "symbolize/go_layout.h"
#include "symbolize/module.h"
#include "symbolize/pointers.h"

/* --- the list ----------------------------------------------------------------------------- */

#define CODE_MAX  4096u /* of runtime.allgadd, which has 300 bytes */
#define LOADS_MAX 32u

/* The addresses that code loads 64-bit words from: mov disp32(%rip),%r64. */
static uint32_t loads_of(const unsigned char *code, size_t n, uint64_t vaddr, uint64_t *out)
{
	const size_t size = 7;
	uint32_t found = 0;
	int32_t distance;

	for (size_t at = 0; at + size <= n && found < LOADS_MAX; at++) {
		const unsigned char *p = code + at;
		if ((p[0] != 0x48 && p[0] != 0x4c) || p[1] != 0x8b || (p[2] & 0xc7) != 0x05)
			continue;
		memcpy(&distance, p + 3, sizeof(distance));
		out[found++] = vaddr + at + size + (int64_t)distance;
	}
	return found;
}

static int has(const uint64_t *v, uint32_t n, uint64_t wanted)
{
	for (uint32_t i = 0; i < n; i++)
		if (v[i] == wanted)
			return 1;
	return 0;
}

/* runtime.allgadd appends to the slice runtime.allgs: it loads the three words of no other. */
static int find_list(const struct module *m, const struct gopclntab *t, struct go_facts *out)
{
	uint64_t loads[LOADS_MAX];
	struct go_function f;

	if (gopclntab_find_name(t, "runtime.allgadd", &f) < 0 || f.end <= f.start ||
		f.end - f.start > CODE_MAX ||
		module_vaddr_to_offset(m, f.start, &out->code_offset) < 0)
		return -1;
	const unsigned char *code = module_bytes(m, out->code_offset, f.end - f.start);
	uint32_t n = code ? loads_of(code, f.end - f.start, f.start, loads) : 0;
	out->code_address = f.start;
	for (uint32_t i = 0; i < n; i++)
		if (has(loads, n, loads[i] + 8) && has(loads, n, loads[i] + 16)) {
			out->list = loads[i];
			return 0;
		}
	return -1;
}

/* --- the version -------------------------------------------------------------------------- */

static const unsigned char *section_bytes(
	const struct module *m, const char *wanted, GElf_Shdr *header)
{
	return elf_section_find(module_elf(m), wanted, header)
		       ? module_bytes(m, header->sh_offset, header->sh_size)
		       : NULL;
}

/* 26 of "go1.26.8"; 0: not known. debug/buildinfo: after a header of 32 bytes the text's length. */
static unsigned minor_version(const struct module *m)
{
	static const char magic[] = "\xff Go buildinf:", start[] = "go1.";
	const size_t text = 33, least = text + sizeof(start) + 2;
	GElf_Shdr header;
	const unsigned char *p = section_bytes(m, ".go.buildinfo", &header);
	unsigned minor = 0;

	if (!p || header.sh_size < least || memcmp(p, magic, sizeof(magic) - 1) != 0 ||
		memcmp(p + text, start, sizeof(start) - 1) != 0)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		unsigned digit = p[text + sizeof(start) - 1 + i] - '0';
		if (digit <= 9)
			minor = 10 * minor + digit;
	}
	return minor;
}

/* --- reasons ------------------------------------------------------------------------------ */

static const char first_reason[] = "GC assist marking";

struct reasons {
	const struct module *module;
	struct go_facts *out;
};

/* A string of Go's; NULL: it makes no sense. */
static const char *string_at(const struct module *m, uint64_t vaddr, uint64_t *n)
{
	const uint64_t most = 64;
	uint64_t offset, at = pointers_at(m, vaddr);

	*n = pointers_at(m, vaddr + 8);
	if (!at || !*n || *n > most || module_vaddr_to_offset(m, at, &offset) < 0)
		return NULL;
	return (const char *)module_bytes(m, offset, *n);
}

/* waitReasonStrings: the first one is empty, so that this is the second. */
static int take_reasons(void *arg, uint64_t vaddr)
{
	const struct reasons *r = arg;
	const char *word;
	uint64_t n;

	if (pointers_at(r->module, vaddr + 8) != sizeof(first_reason) - 1)
		return 0;
	for (unsigned i = 1; i < GO_REASONS; i++, vaddr += 16) {
		word = string_at(r->module, vaddr, &n);
		if (!word)
			break;
		r->out->states[i] = go_reasons_find(word, n);
	}
	return r->out->states[2] != 0;
}

/* The word may be in the data by chance, too: what points to it tells. */
static int find_reasons_in(
	struct reasons *r, const unsigned char *bytes, uint64_t n, uint64_t vaddr)
{
	const size_t length = sizeof(first_reason) - 1;
	const unsigned char *at = bytes;

	while (at && (at = memmem(at, n - (at - bytes), first_reason, length))) {
		if (pointers_find(r->module, vaddr + (at - bytes), take_reasons, r))
			return 1;
		at++;
	}
	return 0;
}

static void find_reasons(const struct module *m, struct go_facts *out)
{
	static const char *const places[] = {".rodata", ".data.rel.ro"};
	struct reasons r = {m, out};
	GElf_Shdr header;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const unsigned char *bytes = section_bytes(m, places[i], &header);
		if (bytes && find_reasons_in(&r, bytes, header.sh_size, header.sh_addr))
			return;
	}
}

/* ------------------------------------------------------------------------------------------ */

enum go_lack go_facts_find(struct module *m, struct go_facts *out)
{
	const struct gopclntab *t = module_gopclntab(m);

	*out = (struct go_facts){0};
	if (!t)
		return GO_LACK_GO;
	if (find_list(m, t, out) < 0)
		return GO_LACK_LIST;
	if (go_layout_read(m, &out->layout) < 0 &&
		go_layout_of_version(minor_version(m), &out->layout) < 0)
		return GO_LACK_LAYOUT;
	find_reasons(m, out);
	return GO_LACK_NOTHING;
}
