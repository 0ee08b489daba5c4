/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/brief.h"
#include "agent/wants.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"

#define NOTES_MAX 5u /* lines about files that may not be read; the report has them all */
#define WANTS_MAX (LIMIT_SPLIT_FILES + 2 * EXTRA_SPLIT * LIMIT_MODULES)

void wants_fini(struct wants *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		free(w->v[i].names);
		free(w->v[i].path);
		if (w->v[i].fd >= 0)
			close(w->v[i].fd);
	}
	free(w->v);
	index_fini(&w->by_key);
	memset(w, 0, sizeof(*w));
}

struct wanted {
	const struct wants *wants;
	uint32_t module, kind, index;
};

static int is_same(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct extra_file *f = &w->wants->v[position].file;

	return f->module == w->module && f->kind == w->kind && f->index == w->index;
}

static uint64_t key_of(uint32_t module, uint32_t kind, uint32_t index)
{
	return hash_pair((uint64_t)module << 32 | kind, index);
}

struct want *wants_find(const struct wants *w, uint32_t module, uint32_t kind, uint32_t index)
{
	struct wanted key = {w, module, kind, index};
	long found = index_find(&w->by_key, key_of(module, kind, index), is_same, &key);

	return found < 0 ? NULL : &w->v[found];
}

void wants_begin(struct wants *w)
{
	w->next = 0;
}

static int is_usable(const struct session *s, uint32_t module)
{
	const struct module *m = &s->data.modules[module - 1];

	return !m->symtab_only && !(m->info.flags & MODULE_BLACKLISTED);
}

static void give(struct session *s, const struct extra_file *file, int fd)
{
	brief_send(s, TO_WORKER_EXTRA, file, sizeof(*file), NULL, 0, fd);
}

static int add(struct wants *w, const struct extra_file *file, const char *names)
{
	size_t n = (size_t)file->name_len + file->folder_len;
	int error = list_room(&w->v, w->n, 1, &w->room, sizeof(*w->v), WANTS_MAX);
	char *copy = error ? NULL : malloc(n + 1);

	if (!copy)
		return error ? error : -ENOMEM;
	memcpy(copy, names, n);
	error = index_add(&w->by_key, key_of(file->module, file->kind, file->index), w->n);
	if (error) {
		free(copy);
		return error;
	}
	w->v[w->n++] = (struct want){.file = *file, .names = copy, .fd = -1};
	return 0;
}

int wants_add(struct session *s, const struct wire_message *m)
{
	const struct extra_file *told = wire_payload(m, sizeof(*told));

	if (!told || !told->module || told->module > s->data.n_modules ||
		told->kind >= EXTRA_KINDS || told->name_len >= LIMIT_PATH ||
		told->folder_len >= LIMIT_PATH || told->build_id_len > sizeof(told->build_id) ||
		m->size != sizeof(*told) + told->name_len + told->folder_len)
		return -EPROTO;
	struct extra_file file = *told;
	file.number = file.candidate = file.path_len = 0;
	file.error = 0;
	struct want *known = wants_find(&s->wants, file.module, file.kind, file.index);
	if (known) {
		/* Of a worker that was told before it wanted it. */
		if (known->state == WANT_DONE && file.kind == EXTRA_SPLIT) {
			known->state = WANT_GIVEN;
			s->wants.given++;
			give(s, &known->file, known->fd);
			s->naming.awaits = 1;
		}
		return 0;
	}
	if (add(&s->wants, &file, (const char *)(told + 1)) < 0) {
		s->wants.lost++;
		give(s, &file, -1);
	}
	s->naming.awaits |= file.kind == EXTRA_SPLIT;
	return 0;
}

/* --- the tracer --------------------------------------------------------------------------- */

/* Of the file that names it: the module's own, or its debug file. */
static const char *named_by(const struct session *s, const struct extra_file *f)
{
	const struct want *debug = NULL;

	if ((f->kind == EXTRA_ALT || f->kind == EXTRA_PACKAGE) && f->index == 1)
		debug = wants_find(&s->wants, f->module, EXTRA_DEBUG, 0);
	return debug && debug->path ? debug->path : s->data.modules[f->module - 1].info.path;
}

static size_t strings_of(const struct extra_file *f)
{
	return (size_t)f->name_len + f->folder_len + f->path_len;
}

static void settle(struct session *s, struct want *w, int error)
{
	w->file.error = error;
	w->state = WANT_GIVEN;
	s->wants.given++;
	give(s, &w->file, w->fd);
}

static void ask(struct session *s, struct want *w)
{
	char strings[3 * LIMIT_PATH];
	const char *path = named_by(s, &w->file);
	struct extra_file *f = &w->file;
	size_t n = f->name_len + f->folder_len;

	f->number = collection_number(&s->data, f->module);
	memcpy(strings, w->names, n);
	memcpy(strings + n, path, f->path_len);
	int error = wire_send2(
		s->tracer.sock, TO_TRACER_EXTRA, f, sizeof(*f), strings, strings_of(f), -1);
	if (error) {
		settle(s, w, error);
		return;
	}
	w->state = WANT_ASKED;
	s->wants.asked++;
	s->wants.asked_bytes += strings_of(f);
}

static int has_room(const struct wants *w, const struct extra_file *f)
{
	return !w->asked ||
	       (w->asked < WANTS_ASKED && w->asked_bytes + strings_of(f) <= WANTS_BYTES);
}

uint32_t wants_ask(struct session *s)
{
	struct wants *w = &s->wants;

	if (s->options->symbols != SYMBOLS_FULL || s->tracer.sock < 0)
		return w->asked + w->given;
	for (; w->next < w->n; w->next++) {
		struct want *x = &w->v[w->next];
		if (x->state != WANT_NEW || !s->data.modules[x->file.module - 1].has_frames ||
			!is_usable(s, x->file.module))
			continue;
		x->file.path_len = strnlen(named_by(s, &x->file), LIMIT_PATH - 1);
		if (!has_room(w, &x->file))
			break;
		ask(s, x);
	}
	return w->asked + w->given;
}

static const char *kind_name(uint32_t kind)
{
	static const char *const names[EXTRA_KINDS] = {
		[EXTRA_DEBUG] = "the debug file",
		[EXTRA_ALT] = "dwz's common debug file",
		[EXTRA_PACKAGE] = "the package of split debug files (.dwp)",
		[EXTRA_SPLIT] = "a split debug file (.dwo)",
	};

	return names[kind];
}

static void take_path(struct want *w, const struct wire_message *m, const struct extra_file *f)
{
	free(w->path);
	w->path = f->path_len < LIMIT_PATH && m->size == sizeof(*f) + f->path_len
			  ? strndup((const char *)(f + 1), f->path_len)
			  : NULL;
}

void wants_on_file(struct session *s, struct wire_message *m)
{
	const struct extra_file *f = wire_payload(m, sizeof(*f));
	struct want *w = f ? wants_find(&s->wants, f->module, f->kind, f->index) : NULL;
	char shown[512];

	if (!w || w->state != WANT_ASKED)
		return;
	s->wants.asked--;
	s->wants.asked_bytes -= strings_of(&w->file);
	w->file.candidate = f->candidate;
	if (m->fd >= 0)
		take_path(w, m, f);
	else if (f->error != -ENOENT && s->wants.told++ < NOTES_MAX)
		log_note("%s of %s cannot be opened: %s", kind_name(f->kind),
			log_escape(shown, sizeof(shown), s->data.modules[f->module - 1].info.path),
			strerror(-f->error));
	w->fd = m->fd;
	m->fd = -1;
	settle(s, w, f->error);
}

void wants_offer(struct session *s, struct want *w, int fd, const char *path)
{
	w->fd = fd;
	w->path = strdup(path);
	settle(s, w, 0);
}

void wants_tracer_ended(struct session *s)
{
	struct wants *w = &s->wants;

	w->asked = w->asked_bytes = 0;
	for (uint32_t i = 0; i < w->n; i++)
		if (w->v[i].state == WANT_ASKED)
			settle(s, &w->v[i], -ESRCH);
}

/* --- the worker --------------------------------------------------------------------------- */

int wants_on_answer(struct session *s, const struct wire_message *m)
{
	const struct extra_file *f = wire_payload(m, sizeof(*f));
	struct want *w = f ? wants_find(&s->wants, f->module, f->kind, f->index) : NULL;

	if (!f)
		return -EPROTO;
	if (!w || w->state != WANT_GIVEN)
		return 0;
	s->wants.given--;
	w->state = WANT_DONE;
	if (!f->error || f->error == -EEXIST || w->fd < 0)
		return 0;
	/* Another file: there may be the right one elsewhere. */
	close(w->fd);
	free(w->path);
	w->path = NULL;
	w->fd = -1;
	w->rejected = 1;
	if (w->is_fetched)
		return 0;
	w->file.candidate++;
	w->state = WANT_NEW;
	if (w - s->wants.v < s->wants.next)
		s->wants.next = w - s->wants.v;
	return 0;
}

void wants_tell(struct session *s, uint32_t module)
{
	int usable = is_usable(s, module);

	for (uint32_t i = 0; i < s->wants.n; i++) {
		struct want *w = &s->wants.v[i];
		if (w->file.module != module || w->state < WANT_GIVEN)
			continue;
		if (usable) {
			give(s, &w->file, w->fd);
		} else if (w->state == WANT_GIVEN) {
			w->state = WANT_DONE;
			s->wants.given--;
		}
	}
}
