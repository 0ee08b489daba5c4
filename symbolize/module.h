/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ELF image of the target, read through a file descriptor and never by name.
 *
 * Offsets are file offsets (what frames carry), vaddrs the image's own virtual addresses (what
 * libdw wants). Accepted: 64-bit x86-64 ELF of at most LIMIT_MODULE_BYTES; all header tables are
 * range-checked at opening. Nothing here opens files: separate debug files are handed in. CFI is
 * opened when first asked for, and a failure is remembered. What accessors return is owned by the
 * module and lives until module_close.
 */
#ifndef SYMBOLIZE_MODULE_H
#define SYMBOLIZE_MODULE_H

#include <elfutils/libdw.h>

#include "output/types.h"
#include "symbolize/dwarf/section.h"
#include "symbolize/extras.h"
#include "symbolize/gopclntab.h"

struct module;

/* Takes fd, also on failure; -1 for a module that is known to be unreadable, which then opens
 * with MODULE_UNREADABLE added unless flags say why already. flags: what session knows (enum
 * module_flag). 0 or -errno (only -ENOMEM: a file that is no good is not an error but a flag). */
int module_open(int fd, uint32_t id, uint32_t flags, struct module **out);

/* NULL-safe. */
void module_close(struct module *m);

uint32_t module_id(const struct module *m);
uint32_t module_flags(const struct module *m); /* enum module_flag, given and found */
uint32_t module_has(const struct module *m);   /* enum module_has */

/* Whether there is an image to read; all below works without one and answers NULL or an error. */
int module_is_readable(const struct module *m);

/* What a reader of it found: a flag of MODULE_LACKS. */
void module_lacks(struct module *m, uint32_t flag);

/* Its file is not read after all: as if it had been opened without one, with that flag. */
void module_refuse(struct module *m, uint32_t flag);

/* Length in bytes, 0 if there is none, at most 32. */
size_t module_build_id(const struct module *m, const unsigned char **id);

/* --- files besides its own: symbolize/extras.h --- */

/* What session has to be asked for, one at a time; NULL: no more. Borrowed until the next call. */
const struct extra *module_next_want(struct module *m);

/* The file that was asked for; takes fd, -1: it is not to be had. 0; -EINVAL: it is not that file
 * (another build id or checksum, not ELF), and may be offered again; -EEXIST. Other wants, and what
 * module_debug_sections and module_flags answer, may change by it. */
int module_take_extra(struct module *m, const struct extra_file *file, int fd);

/* NULL: there is none, or it is not here yet. */
const struct image *module_extra(const struct module *m, enum extra_kind kind, uint32_t index);

/* The split file (.dwo) of a unit: name and comp_dir (NULL: unknown) as the unit has them; index is
 * the caller's, the same for the same unit in each worker. 0: it is here, as EXTRA_SPLIT. -EAGAIN:
 * session is asked for it, and will ask the same of us again; do without for now. -ENOENT: it is
 * not to be had. */
int module_want_split(
	struct module *m, uint32_t index, const char *comp_dir, const char *name, uint64_t dwo_id);

/* 0, or -ENOENT if no loaded segment holds the offset. Executable segments are preferred. The
 * second is the inverse. */
int module_offset_to_vaddr(const struct module *m, uint64_t offset, uint64_t *vaddr);
int module_vaddr_to_offset(const struct module *m, uint64_t vaddr, uint64_t *offset);

/* What has to be added to vaddrs where its code is mapped like this; in 64 bits that wrap around. 0
 * or -ENOENT. */
int module_bias(const struct module *m, const struct mapping *mapping, uint64_t *bias);

/* Whether it is in a loaded segment, .bss included. */
int module_covers(const struct module *m, uint64_t vaddr);

/* Where the segment of code that holds it ends; 0: there is none. */
uint64_t module_code_end(const struct module *m, uint64_t vaddr);

/* Bytes [offset, offset + size) of the file; NULL unless all of them exist. */
const unsigned char *module_bytes(const struct module *m, uint64_t offset, size_t size);

/* The image itself, and the separate debug file's (full .symtab there), or NULL. */
Elf *module_elf(const struct module *m);
Elf *module_debug_elf(const struct module *m);

/* Symbols that a stripped image carries, packed by xz (.gnu_debugdata); unpacked when first asked
 * for. NULL: none, or there is a debug file, which has more. */
Elf *module_minidebug_elf(struct module *m);

/* The sections with debug information of the image itself, else of its debug file; NULL if neither
 * has any. index: that of the extra files that belong to them. */
const struct sections *module_debug_sections(const struct module *m, uint32_t *index);

/* Go's table of functions; NULL if it has none. */
const struct gopclntab *module_gopclntab(const struct module *m);

/* Unwind information of the image itself; NULL if it has none. */
Dwarf_CFI *module_eh_frame(struct module *m);
Dwarf_CFI *module_debug_frame(struct module *m);

#endif
