/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stddef.h>

#include "symbolize/dwarf/die.h"
#include "symbolize/dwarf/file.h"
#include "symbolize/go_layout.h"
#include "symbolize/module.h"

/* --- by debug information ----------------------------------------------------------------- */

enum which { IN_G, IN_GOBUF, IN_M, STRUCTS };

static const char *const structs[STRUCTS] = {"runtime.g", "runtime.gobuf", "runtime.m"};

static const struct member {
	enum which in;
	const char *name;
	size_t at; /* in struct go_layout */
} members[] = {
	{IN_G, "m", offsetof(struct go_layout, m)},
	{IN_GOBUF, "sp", offsetof(struct go_layout, sp)},
	{IN_GOBUF, "pc", offsetof(struct go_layout, pc)},
	{IN_GOBUF, "bp", offsetof(struct go_layout, bp)},
	{IN_G, "syscallsp", offsetof(struct go_layout, syscall_sp)},
	{IN_G, "syscallpc", offsetof(struct go_layout, syscall_pc)},
	{IN_G, "atomicstatus", offsetof(struct go_layout, status)},
	{IN_G, "goid", offsetof(struct go_layout, id)},
	{IN_G, "waitreason", offsetof(struct go_layout, reason)},
	{IN_G, "trackingSeq", offsetof(struct go_layout, turns)},
	{IN_M, "procid", offsetof(struct go_layout, m_thread)},
	{IN_M, "curg", offsetof(struct go_layout, m_current)},
};

#define MEMBERS	  (sizeof(members) / sizeof(*members))
#define DEPTH_MAX 64u

struct scan {
	struct unit *unit;
	const struct abbrevs *abbrevs;
	struct cursor at;
	unsigned depth;	 /* of the DIE that is next; the unit's own has 0 */
	enum which open; /* the struct whose members are met; STRUCTS: none */
	uint32_t found;	 /* bit per member */
	uint16_t gobuf;	 /* where in g it is; 0: not known yet */
	struct go_layout *out;
};

static void take_member(struct scan *s, const struct die *d, const char *name)
{
	uint64_t offset = d->v[SLOT_MEMBER_LOCATION].number;

	if (!die_has(d, SLOT_MEMBER_LOCATION) || offset >= GO_STRUCT_MAX)
		return;
	if (s->open == IN_G && !strcmp(name, "sched"))
		s->gobuf = offset;
	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].in == s->open && !strcmp(members[i].name, name)) {
			*(uint16_t *)((char *)s->out + members[i].at) = offset;
			s->found |= 1u << i;
		}
}

static void take_die(struct scan *s, const struct die *d)
{
	const char *name = die_has(d, SLOT_NAME) ? unit_string(s->unit, &d->v[SLOT_NAME]) : NULL;

	if (s->depth == 2 && s->open != STRUCTS && d->abbrev->tag == DW_TAG_member && name)
		take_member(s, d, name);
	if (s->depth != 1)
		return;
	s->open = STRUCTS;
	for (enum which i = 0; i < STRUCTS; i++)
		if (d->abbrev->tag == DW_TAG_structure_type && name && !strcmp(name, structs[i]))
			s->open = i;
}

/* 0 where the unit ends, or makes no sense any more. */
static int next_die(struct scan *s)
{
	struct die d = {.offset = 0};
	uint64_t code = cursor_uleb(&s->at);

	if (s->at.is_bad)
		return 0;
	if (!code) {
		s->depth -= s->depth > 0;
		return s->depth > 0;
	}
	d.abbrev = abbrevs_find(s->abbrevs, code);
	if (!d.abbrev || s->depth >= DEPTH_MAX)
		return 0;
	die_read_values(s->unit, s->abbrevs, &s->at, &d);
	take_die(s, &d);
	s->depth += d.abbrev->has_children;
	return s->depth > 0;
}

static int is_complete(const struct scan *s)
{
	return s->found == (1u << MEMBERS) - 1 && s->gobuf;
}

static void scan_unit(struct scan *s, struct unit *unit)
{
	struct die root;

	s->unit = unit;
	s->depth = 0;
	s->open = STRUCTS;
	if (unit_read_root(unit, &root) < 0 || !(s->abbrevs = unit_abbrevs(unit)))
		return;
	s->at = unit_at(unit, unit->die);
	while (next_die(s) && !is_complete(s))
		;
	dwarf_file_trim(unit->file);
}

int go_layout_read(struct module *m, struct go_layout *out)
{
	uint32_t index;
	const struct sections *found = module_debug_sections(m, &index);
	struct scan s = {.out = out};
	struct dwarf_file file;

	*out = (struct go_layout){0};
	if (!found || dwarf_file_open(&file, found) < 0)
		return -ENOENT;
	for (uint32_t i = 0; i < file.n && !is_complete(&s); i++)
		scan_unit(&s, &file.units[i]);
	dwarf_file_close(&file);
	if (!is_complete(&s))
		return -ENOENT;
	out->sp += s.gobuf;
	out->pc += s.gobuf;
	out->bp += s.gobuf;
	return 0;
}

/* --- by version --------------------------------------------------------------------------- */

/* Go 1.23 got syscallbp in front of the status, 1.25 lost a word of gobuf, which m begins with,
 * too. */
static const struct version {
	unsigned from, to; /* minor versions */
	struct go_layout layout;
} versions[] = {
	{19, 19, {48, 56, 64, 104, 112, 120, 144, 152, 176, 189, 72, 192}},
	{21, 21, {48, 56, 64, 104, 112, 120, 144, 152, 176, 188, 72, 192}},
	{22, 22, {48, 56, 64, 104, 112, 120, 144, 152, 176, 191, 72, 192}},
	{23, 24, {48, 56, 64, 104, 112, 120, 152, 160, 184, 199, 72, 192}},
	{25, 26, {48, 56, 64, 96, 104, 112, 144, 152, 176, 191, 64, 184}},
};

int go_layout_of_version(unsigned minor, struct go_layout *out)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (minor >= versions[i].from && minor <= versions[i].to) {
			*out = versions[i].layout;
			return 0;
		}
	return -ENOENT;
}
