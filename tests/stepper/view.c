/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "agent/tracer/debug_places.h"
#include "agent/tracer/module_file.h"
#include "agent/tracer/regs.h"
#include "symbolize/symtab.h"
#include "tests/stepper/view.h"
#include "unwind/call_site.h"

#define STACK	(64 * 1024)
#define MODULES 64
#define MAPS	256
#define VDSO	"[vdso]"

static pid_t pid;
static struct modules modules;
static struct rules *rules;
static struct maps maps;
static struct mapping mappings[MAPS];
static char paths[MODULES][256];
static struct symtab *symtabs[MODULES];
static uint32_t n_modules;
static int maps_are_old = 1;
static uint64_t stack_top;
static struct capture *capture;

void view_init(pid_t of)
{
	pid = of;
	modules_init(&modules);
	rules = rules_new();
	capture = calloc(1, sizeof(*capture) + STACK);
	maps = (struct maps){.generation = 1, .v = mappings};
	if (!rules || !capture)
		abort();
}

void view_maps_changed(void)
{
	maps_are_old = 1;
}

/* For names alone. */
static void take_debug_file(struct module *m)
{
	const unsigned char *id;
	size_t n = module_build_id(m, &id);
	char path[128];
	struct extra_file file = {.kind = EXTRA_DEBUG};

	if (n && debug_place_of_id(path, sizeof(path), "", DEBUG_FOLDER, id, n, ".debug") == 0)
		module_take_extra(m, &file, open(path, O_RDONLY | O_CLOEXEC));
}

static uint32_t module_of(const struct maps_line *line)
{
	int fd;

	for (uint32_t i = 0; i < n_modules; i++)
		if (!strcmp(paths[i], line->path))
			return i + 1;
	if (n_modules == MODULES)
		abort();
	snprintf(paths[n_modules], sizeof(paths[0]), "%s", line->path);
	if (!strcmp(line->path, VDSO))
		fd = module_file_from_memory(pid, line);
	else
		fd = line->path[0] == '/' ? open(line->path, O_RDONLY | O_CLOEXEC) : -1;
	modules_open(&modules, fd, ++n_modules, fd < 0 ? MODULE_NO_FILE : 0);
	take_debug_file(modules_get(&modules, n_modules));
	return n_modules;
}

static void add_line(const char *text)
{
	static char path[256];
	struct maps_line line = {.path = path};
	char perms[8];

	path[0] = '\0';
	if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &line.start,
		    &line.end, perms, &line.offset, path) < 4)
		return;
	if (!strcmp(path, "[stack]"))
		stack_top = line.end;
	if (perms[2] != 'x' || maps.n == MAPS)
		return;
	uint64_t offset = path[0] == '/' || !strcmp(path, VDSO) ? line.offset : line.start;
	maps.v[maps.n++] = (struct mapping){line.start, line.end, offset, module_of(&line), 0};
}

static void read_maps(void)
{
	char name[64], text[600];

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	FILE *f = fopen(name, "re");
	maps.n = 0;
	while (f && fgets(text, sizeof(text), f))
		add_line(text);
	if (f)
		fclose(f);
	maps_are_old = 0;
}

int view_take(struct view *v)
{
	struct iovec regs = {&v->user, sizeof(v->user)};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &regs) < 0)
		return -1;
	if (maps_are_old)
		read_maps();
	uint64_t sp = v->user.rsp, most = stack_top > sp ? stack_top - sp + 128 : 0;
	size_t n = most < STACK ? most : STACK;
	struct iovec local[2] = {{capture->stack, n}, {v->code, VIEW_CODE}};
	struct iovec remote[2] = {{(void *)(sp - 128), n}, {(void *)v->user.rip, VIEW_CODE}};
	memset(v->code, 0, VIEW_CODE);
	if (process_vm_readv(pid, local, 2, remote, 2, 0) < (ssize_t)n)
		return -1;
	regs_from_user(&capture->regs, &v->user);
	capture->flags = CAPTURE_STOPPED;
	capture->stack_base = sp - 128;
	capture->stack_len = n;
	return 0;
}

uint64_t view_word(uint64_t address)
{
	uint64_t at = address - capture->stack_base, word = 0;

	if (at < capture->stack_len && capture->stack_len - at >= sizeof(word))
		memcpy(&word, capture->stack + at, sizeof(word));
	return word;
}

static void ignore_reading(void *arg, uint32_t module)
{
	(void)arg, (void)module;
}

void view_unwind(struct view *v, uint32_t known)
{
	struct unwinder u = {.modules = &modules, .rules = rules, .reading = ignore_reading};
	uint64_t need;

	capture->regs.known = known;
	unwind_capture(&u, capture, &maps, &v->stack, &need);
}

uint64_t view_address(const struct frame *f)
{
	for (uint32_t i = 0; i < maps.n; i++) {
		const struct mapping *m = &maps.v[i];
		if (m->module == f->module && f->offset - m->offset < m->end - m->start)
			return m->start + f->offset - m->offset;
	}
	return 0;
}

static const struct symtab *symtab_of(uint32_t module)
{
	struct symtab **t = &symtabs[module - 1];

	if (!*t) {
		*t = calloc(1, sizeof(**t));
		if (!*t || symtab_init(*t, modules_get(&modules, module)) < 0)
			abort();
	}
	return *t;
}

void view_name(uint64_t address, char *out, size_t size)
{
	const struct mapping *m = call_site_mapping(&maps, address);
	const struct symtab_entry *e = NULL;
	uint64_t vaddr = 0;

	if (!m) {
		snprintf(out, size, "- %#" PRIx64, address);
		return;
	}
	const struct module *module = modules_get(&modules, m->module);
	uint64_t offset = address - m->start + m->offset;
	const char *path = paths[m->module - 1], *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	if (module_is_readable(module) && module_offset_to_vaddr(module, offset, &vaddr) == 0)
		e = symtab_find(symtab_of(m->module), vaddr);
	if (e)
		snprintf(out, size, "%s %s%s+%#" PRIx64, base, e->name, e->is_plt ? "@plt" : "",
			vaddr - e->start);
	else
		snprintf(out, size, "%s %#" PRIx64, base, vaddr);
}
