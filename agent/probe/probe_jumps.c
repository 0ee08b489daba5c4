/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All jumps into an earlier run's probe, found in the code itself. What that run wrote down lies in
 * memory that the process can write: what stood in their place is taken from the modules' files,
 * and only where these cannot be read from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/probe/probe_parts.h"
#include "agent/tracer/module_file.h"
#include "agent/tracer/proc_file.h"
#include "base/buf.h"
#include "base/limits.h"

struct search {
	struct probe *p;
	const struct probe_shared *shared; /* NULL: it is damaged */
	const struct maps_line *line;
	int file; /* the code's; -errno: it cannot be read */
	int unknown;
	struct probe_head head; /* of the probe's text, which nobody writes to */
};

/* Whether jumps that the probe wrote lead there. */
static int is_entry(const struct search *s, uint64_t address)
{
	const uint64_t offset = address - s->p->base;

	if (!probe_holds(s->p, address) || s->head.magic != PROBE_MAGIC || offset >= PROBE_STATE)
		return probe_holds(s->p, address);
	for (uint32_t i = 0; i < PROBE_HOOKS; i++)
		if (s->head.hooks[i] == offset)
			return 1;
	return 0;
}

/* What that run has written down. 1 it did; 0. */
static int saved_bytes(const struct search *s, uint64_t address, uint8_t *out)
{
	for (uint32_t i = 0; s->shared && i < s->shared->n_patches; i++) {
		const struct probe_saved *saved = &s->shared->saved[i];
		if (saved->address != address || saved->n != PATCH_JUMP)
			continue;
		memcpy(out, saved->bytes, PATCH_JUMP);
		return 1;
	}
	return 0;
}

/* A file that was written over since is not what is mapped: what follows the jump says so. */
static int is_mapped(const struct search *s, uint64_t address, uint64_t offset)
{
	uint8_t file[PATCH_MOVED - PATCH_JUMP], now[sizeof(file)];

	return pread(s->file, file, sizeof(file), offset + PATCH_JUMP) != sizeof(file) ||
	       probe_read(s->p, address + PATCH_JUMP, now, sizeof(now)) ||
	       !memcmp(file, now, sizeof(file));
}

static void add(struct search *s, uint64_t address, const uint8_t *code)
{
	uint64_t offset = s->line->offset + (address - s->line->start);
	uint8_t before[PATCH_JUMP];
	int is_known = s->file >= 0 &&
		       pread(s->file, before, sizeof(before), offset) == sizeof(before) &&
		       is_mapped(s, address, offset);

	/* It has always been there. */
	if (is_known && !memcmp(before, code, sizeof(before)))
		return;
	if ((!is_known && !saved_bytes(s, address, before)) || s->p->n == PROBE_HOOKS) {
		s->unknown++;
		return;
	}
	struct patch *patch = &s->p->patches[s->p->n++];
	*patch = (struct patch){.address = address};
	memcpy(patch->saved, before, sizeof(before));
}

static int is_found(const struct probe *p, uint64_t address)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->patches[i].address == address)
			return 1;
	return 0;
}

/* Code that has left its file since (text that was moved to huge pages), or could not be read with
 * the rest: where our jump really is. */
static void add_written(struct search *s)
{
	for (uint32_t i = 0; s->shared && i < s->shared->n_patches; i++) {
		const struct probe_saved *saved = &s->shared->saved[i];
		if (saved->n != PATCH_JUMP || s->p->n == PROBE_HOOKS ||
			is_found(s->p, saved->address) || probe_has_jump(s->p, saved->address) <= 0)
			continue;
		struct patch *patch = &s->p->patches[s->p->n++];
		*patch = (struct patch){.address = saved->address};
		memcpy(patch->saved, saved->bytes, PATCH_JUMP);
	}
}

static void search_code(struct search *s, uint64_t address, const uint8_t *code, size_t n)
{
	const uint8_t *at = code;

	while (code + n - at >= (long)PATCH_JUMP &&
		(at = memchr(at, 0xe9, code + n - at - (PATCH_JUMP - 1)))) {
		int32_t distance;
		memcpy(&distance, at + 1, sizeof(distance));
		uint64_t here = address + (at - code), to = here + PATCH_JUMP + distance;
		int is_ours = is_entry(s, to);
		if (is_ours)
			add(s, here, at);
		at += is_ours ? PATCH_JUMP : 1;
	}
}

static void search_line(struct search *s, const struct target *target)
{
	static uint8_t code[65536];
	const struct maps_line *line = s->line;

	s->file = -EBADF;
	for (uint64_t low = line->start; low < line->end; low += sizeof(code) - PATCH_JUMP + 1) {
		size_t n = line->end - low < sizeof(code) ? line->end - low : sizeof(code);
		ssize_t got = pread(s->p->memory, code, n, low);
		if (got < (long)PATCH_JUMP)
			continue;
		if (s->file == -EBADF)
			s->file = module_file_open(target, target->pid, line);
		search_code(s, low, code, got);
		if (s->p->remote.beat)
			s->p->remote.beat(s->p->remote.arg);
	}
	if (s->file >= 0)
		close(s->file);
}

/* Its code that comes from files. 0 or -errno. */
static int read_lines(const struct target *target, struct maps_list *out)
{
	struct buf text;

	buf_init(&text, LIMIT_MAPS_TEXT);
	int error = target_read_file(target, target->pid, "maps", &text);
	if (!error)
		error = maps_parse((const char *)text.data, text.len, out);
	buf_fini(&text);
	return error;
}

int probe_find_jumps(struct probe *p, const struct probe_shared *shared)
{
	int is_whole = shared->magic == PROBE_MAGIC && shared->n_patches <= PROBE_HOOKS;
	struct search s = {.p = p, .shared = is_whole ? shared : NULL};
	struct target target = {.pid = p->pid, .pidfd = -1};
	struct maps_list lines = {0};
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", p->pid);
	target.proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = target.proc < 0 ? -errno : read_lines(&target, &lines);
	if (probe_read(p, p->base, &s.head, sizeof(s.head)))
		s.head.magic = 0;
	for (size_t i = 0; i < lines.n; i++) {
		s.line = &lines.v[i];
		if (s.line->path[0] == '/')
			search_line(&s, &target);
	}
	add_written(&s);
	maps_free(&lines);
	if (target.proc >= 0)
		close(target.proc);
	return error || s.unknown ? -1 : 0;
}
