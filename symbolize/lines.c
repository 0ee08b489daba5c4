/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/sorted.h"
#include "symbolize/dwarf/file.h"
#include "symbolize/lines.h"

#define FILES_MAX   (1u << 20)
#define FORMATS_MAX 32u
#define OPCODES	    256u

/* A line program, and its state machine's registers that are of use. */
struct program {
	struct cursor c;
	struct form_params params;
	uint8_t minimum_length, opcode_base, line_range;
	int8_t line_base;
	uint8_t operands[OPCODES]; /* of each standard opcode */
	uint64_t address;
	uint32_t file, line;
	/* The row before, if it is of the same sequence: it covers what lies up to the next. */
	uint64_t from;
	struct lines_row before;
	int has_before;
	const uint64_t *vaddrs;
	uint32_t n, next; /* next: the first address that is not below `from` */
	struct lines_row *rows;
};

/* --- header ------------------------------------------------------------------------------- */

static int add_directory(struct lines *x, const char *name)
{
	int error = list_room(&x->directories, x->n_directories, 1, &x->directories_room,
		sizeof(*x->directories), FILES_MAX);

	if (!error)
		x->directories[x->n_directories++] = name;
	return error;
}

static int add_file(struct lines *x, const char *name, uint64_t directory)
{
	int error =
		list_room(&x->files, x->n_files, 1, &x->files_room, sizeof(*x->files), FILES_MAX);

	if (!error)
		x->files[x->n_files++] = (struct lines_file){name, directory};
	return error;
}

/* Versions 2 to 4: strings up to an empty one. Directory 0 is where the compiler ran; files count
 * from 1. */
static int read_old_tables(struct lines *x, struct cursor *c)
{
	const char *name;
	int error = add_directory(x, "");

	while (!error && (name = cursor_string(c)) && *name)
		error = add_directory(x, name);
	if (!error)
		error = add_file(x, NULL, 0);
	while (!error && (name = cursor_string(c)) && *name) {
		error = add_file(x, name, cursor_uleb(c));
		cursor_uleb(c); /* time */
		cursor_uleb(c); /* length */
	}
	return error;
}

struct entry_format {
	uint64_t content, form;
};

/* One table of version 5, of directories or of files. */
static int read_new_table(struct lines *x, const struct unit *unit, struct program *p, int is_files)
{
	struct entry_format formats[FORMATS_MAX];
	uint32_t n_formats = cursor_u8(&p->c);
	int error = 0;

	if (n_formats > FORMATS_MAX)
		cursor_fail(&p->c);
	for (uint32_t i = 0; i < n_formats && !p->c.is_bad; i++) {
		formats[i].content = cursor_uleb(&p->c);
		formats[i].form = cursor_uleb(&p->c);
	}
	uint64_t left = cursor_uleb(&p->c);
	/* Entries without any content would never end. */
	if (!n_formats && left)
		cursor_fail(&p->c);
	while (left-- && !p->c.is_bad && !error) {
		const char *name = NULL;
		uint64_t directory = 0;
		struct value v;
		for (uint32_t i = 0; i < n_formats; i++) {
			form_read(&p->c, formats[i].form, 0, &p->params, &v);
			if (formats[i].content == DW_LNCT_path)
				name = unit_string(unit, &v);
			else if (formats[i].content == DW_LNCT_directory_index)
				directory = v.number;
		}
		error = is_files ? add_file(x, name, directory) : add_directory(x, name);
	}
	return error;
}

static int read_tables(struct lines *x, const struct unit *unit, struct program *p)
{
	int error;

	if (x->version < 5)
		return read_old_tables(x, &p->c);
	error = read_new_table(x, unit, p, 0);
	return error ? error : read_new_table(x, unit, p, 1);
}

/* Up to the program; bad if there is none. */
static int read_header(struct lines *x, const struct unit *unit, struct program *p)
{
	p->c = section_at(&unit->file->sections, SECTION_LINE, unit->lines);
	uint64_t length = cursor_unit_length(&p->c, &p->params.offset_size);
	p->c.end = p->c.at + length;
	p->params.version = x->version = cursor_fixed(&p->c, 2);
	if (x->version < 2 || x->version > 5)
		cursor_fail(&p->c);
	if (x->version == 5)
		cursor_skip(&p->c, 2); /* sizes of addresses and of segments */
	uint64_t rest = cursor_offset(&p->c, p->params.offset_size);
	struct cursor program = p->c;
	cursor_skip(&program, rest);
	p->minimum_length = cursor_u8(&p->c);
	if (x->version >= 4)
		cursor_u8(&p->c); /* operations in one instruction: 1 */
	cursor_u8(&p->c);	  /* is it a statement at first */
	p->line_base = cursor_u8(&p->c);
	p->line_range = cursor_u8(&p->c);
	p->opcode_base = cursor_u8(&p->c);
	for (unsigned i = 1; i < p->opcode_base; i++)
		p->operands[i] = cursor_u8(&p->c);
	int error = p->c.is_bad ? 0 : read_tables(x, unit, p);
	/* A table that makes no sense may be followed by a program that does. */
	p->c = program;
	return error;
}

/* --- the program -------------------------------------------------------------------------- */

static void start_sequence(struct program *p)
{
	p->address = 0;
	p->file = p->line = 1;
	p->has_before = 0;
}

/* The row before is complete. Sequences that begin at 0 are of code that the linker threw away. */
static void close_row(struct program *p)
{
	if (!p->from)
		return;
	for (; p->next < p->n && p->vaddrs[p->next] < p->address; p->next++)
		p->rows[p->next] = p->before;
}

static void add_row(struct program *p)
{
	if (p->has_before && p->address > p->from)
		close_row(p);
	/* A sequence begins, or goes back, which it should not. */
	if (!p->has_before || p->address < p->from)
		p->next = sorted_find(p->vaddrs, p->n, p->address);
	p->from = p->address;
	p->before = (struct lines_row){p->file, p->line};
	p->has_before = 1;
}

static void end_sequence(struct program *p)
{
	if (p->has_before)
		close_row(p);
	start_sequence(p);
}

static void run_extended(struct program *p)
{
	uint64_t length = cursor_uleb(&p->c);
	struct cursor c = p->c;

	cursor_skip(&p->c, length);
	if (p->c.is_bad || !length)
		return;
	c.end = p->c.at;
	switch (cursor_u8(&c)) {
	case DW_LNE_end_sequence:
		end_sequence(p);
		break;
	case DW_LNE_set_address:
		p->address = cursor_fixed(&c, ADDRESS_SIZE);
		break;
	default:
		break;
	}
}

static void run_standard(struct program *p, uint8_t opcode)
{
	switch (opcode) {
	case DW_LNS_copy:
		add_row(p);
		break;
	case DW_LNS_advance_pc:
		p->address += cursor_uleb(&p->c) * p->minimum_length;
		break;
	case DW_LNS_advance_line:
		p->line += cursor_sleb(&p->c);
		break;
	case DW_LNS_set_file:
		p->file = cursor_uleb(&p->c);
		break;
	case DW_LNS_const_add_pc:
		if (p->line_range)
			p->address += (uint64_t)((255 - p->opcode_base) / p->line_range) *
				      p->minimum_length;
		break;
	case DW_LNS_fixed_advance_pc:
		p->address += cursor_fixed(&p->c, 2);
		break;
	default:
		for (unsigned i = 0; i < p->operands[opcode]; i++)
			cursor_uleb(&p->c);
	}
}

static void run(struct program *p)
{
	start_sequence(p);
	while (p->c.at < p->c.end) {
		uint8_t opcode = *p->c.at++;
		if (opcode >= p->opcode_base) {
			if (!p->line_range)
				return;
			unsigned special = opcode - p->opcode_base;
			p->address += (uint64_t)(special / p->line_range) * p->minimum_length;
			p->line += p->line_base + (int)(special % p->line_range);
			add_row(p);
		} else if (opcode == 0) {
			run_extended(p);
		} else {
			run_standard(p, opcode);
		}
	}
}

int lines_init(struct lines *x, const struct unit *unit, const uint64_t *vaddrs, uint32_t n)
{
	struct program p = {.vaddrs = vaddrs, .n = n};
	int error = 0;

	memset(x, 0, sizeof(*x));
	x->zero_is_known = unit->comp_dir != NULL;
	x->rows = p.rows = malloc((n + 1) * sizeof(*x->rows));
	if (!x->rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		x->rows[i] = (struct lines_row){UNIT_NO_FILE, 0};
	if (!(unit->has & UNIT_LINES))
		return 0;
	error = read_header(x, unit, &p);
	if (!error)
		run(&p);
	else if (error == -ENOMEM)
		lines_fini(x);
	return error == -ENOMEM ? error : 0;
}

void lines_fini(struct lines *x)
{
	free(x->rows);
	free(x->directories);
	free(x->files);
	memset(x, 0, sizeof(*x));
}

const char *lines_path(const struct lines *x, uint32_t file, char *room, size_t size)
{
	const char *name = file < x->n_files ? x->files[file].name : NULL;

	if (!name || *name == '/')
		return name;
	uint64_t number = x->files[file].directory;
	/* Where the compiler ran, which may be a relative path itself. */
	if (!number && x->zero_is_known)
		return name;
	const char *directory = number < x->n_directories ? x->directories[number] : NULL;
	if (!directory || !*directory)
		return name;
	return snprintf(room, size, "%s/%s", directory, name) < (int)size ? room : name;
}
