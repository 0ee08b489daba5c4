/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "symbolize/dynamic.h"
#include "symbolize/module.h"

#define PAGE 4096u

/* Of the dynamic section; 0: not there. */
struct pointers {
	uint64_t symbols, names, names_len, hash, gnu_hash;
};

static const unsigned char *bytes_at(const struct module *m, uint64_t vaddr, size_t n)
{
	uint64_t offset;

	return module_vaddr_to_offset(m, vaddr, &offset) < 0 ? NULL : module_bytes(m, offset, n);
}

static int read_pointers(const struct module *m, const GElf_Phdr *p, struct pointers *out)
{
	const unsigned char *bytes = module_bytes(m, p->p_offset, p->p_filesz);
	Elf64_Dyn d;

	for (uint64_t at = 0; bytes && at + sizeof(d) <= p->p_filesz; at += sizeof(d)) {
		memcpy(&d, bytes + at, sizeof(d));
		if (d.d_tag == DT_SYMTAB)
			out->symbols = d.d_un.d_ptr;
		else if (d.d_tag == DT_STRTAB)
			out->names = d.d_un.d_ptr;
		else if (d.d_tag == DT_STRSZ)
			out->names_len = d.d_un.d_val;
		else if (d.d_tag == DT_HASH)
			out->hash = d.d_un.d_ptr;
		else if (d.d_tag == DT_GNU_HASH)
			out->gnu_hash = d.d_un.d_ptr;
		else if (d.d_tag == DT_NULL)
			break;
	}
	return out->symbols && out->names && out->names_len && (out->hash || out->gnu_hash);
}

static uint32_t word(const unsigned char *p, uint64_t number)
{
	uint32_t value;

	memcpy(&value, p + 4 * number, sizeof(value));
	return value;
}

/* DT_HASH says how many symbols there are. */
static uint32_t count_hash(const struct module *m, uint64_t at)
{
	const unsigned char *head = bytes_at(m, at, 8);

	return head ? word(head, 1) : 0;
}

/* DT_GNU_HASH does not: one more than the last of the chain that begins last. */
static uint32_t count_gnu_hash(const struct module *m, uint64_t at)
{
	const unsigned char *head = bytes_at(m, at, 16);
	uint32_t last = 0;

	if (!head)
		return 0;
	uint32_t buckets = word(head, 0), first = word(head, 1), bloom = word(head, 2);
	if (!buckets || buckets > LIMIT_SYMBOLS || bloom > LIMIT_SYMBOLS || (bloom & (bloom - 1)))
		return 0;
	uint64_t table = at + 16 + 8 * (uint64_t)bloom;
	const unsigned char *v = bytes_at(m, table, 4 * (size_t)buckets);
	for (uint32_t i = 0; v && i < buckets; i++)
		last = word(v, i) > last ? word(v, i) : last;
	if (!v || last < first || last > LIMIT_SYMBOLS)
		return v && !last ? first : 0;
	for (; last < LIMIT_SYMBOLS; last++) {
		v = bytes_at(m, table + 4 * ((uint64_t)buckets + last - first), 4);
		if (!v || (word(v, 0) & 1))
			break;
	}
	return v ? last + 1 : 0;
}

/* Whether the pointers, less bias, lead to what they should: symbol 0 and name 0 are empty. */
static int try_bias(
	const struct module *m, const struct pointers *p, uint64_t bias, struct dynamic *out)
{
	static const unsigned char empty[sizeof(Elf64_Sym)];
	const unsigned char *first = bytes_at(m, p->symbols - bias, sizeof(empty));
	const char *names = (const char *)bytes_at(m, p->names - bias, p->names_len);

	if (!first || memcmp(first, empty, sizeof(empty)) != 0 || !names || names[0] ||
		names[p->names_len - 1])
		return -ENOENT;
	out->n = p->hash ? count_hash(m, p->hash - bias) : count_gnu_hash(m, p->gnu_hash - bias);
	out->symbols = bytes_at(m, p->symbols - bias, out->n * sizeof(Elf64_Sym));
	out->names = names;
	out->names_len = p->names_len;
	return out->n > 1 && out->n <= LIMIT_SYMBOLS && out->symbols ? 0 : -ENOENT;
}

/* Where it was loaded is not known here: at some page, so that the symbols come to lie inside. */
static int find_bias(const struct module *m, const struct pointers *p, struct dynamic *out)
{
	uint64_t low = p->symbols & (PAGE - 1);

	if (try_bias(m, p, 0, out) == 0)
		return 0;
	for (uint64_t vaddr = low; vaddr < low + LIMIT_MEMORY_IMAGE; vaddr += PAGE)
		if (try_bias(m, p, p->symbols - vaddr, out) == 0)
			return 0;
	return -ENOENT;
}

int dynamic_find(const struct module *m, struct dynamic *out)
{
	struct pointers p = {0};
	GElf_Phdr header;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!module_elf(m) || elf_getphdrnum(module_elf(m), &n) < 0)
		return -ENOENT;
	for (size_t i = 0; i < n && gelf_getphdr(module_elf(m), i, &header); i++)
		if (header.p_type == PT_DYNAMIC && read_pointers(m, &header, &p))
			return find_bias(m, &p, out);
	return -ENOENT;
}
