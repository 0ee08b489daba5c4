/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/modules_report.h"
#include "base/log.h"
#include "output/table.h"

/* Samples whose innermost frame is in a module. */
struct share {
	uint32_t module;
	uint64_t samples;
};

struct shares {
	struct share *v; /* by module id; v[0] is what is in none */
	uint32_t n;
	uint64_t all;
};

static int count(void *arg, const struct table_entry *e)
{
	struct shares *shares = arg;
	uint32_t id = e->n ? e->frames[0].module : 0;

	shares->all += e->count;
	if (id < shares->n)
		shares->v[id].samples += e->count;
	return 0;
}

static int by_samples(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->samples != y->samples)
		return x->samples > y->samples ? -1 : 1;
	return (x->module > y->module) - (x->module < y->module);
}

/* --- what is said of one ------------------------------------------------------------------ */

static const char *source_of(const struct module *m)
{
	struct stat st;

	if (m->info.flags & MODULE_FROM_MEMORY)
		return "read from memory";
	if (m->fd < 0 || fstat(m->fd, &st) < 0)
		return "no file";
	return st.st_nlink ? "file" : "deleted file";
}

static const struct want *found(const struct session *s, uint32_t module, uint32_t kind, uint32_t i)
{
	const struct want *w = wants_find(&s->wants, module, kind, i);

	return w && w->state == WANT_DONE && w->fd >= 0 ? w : NULL;
}

static const char *symbols_of(const struct module *m, const struct want *debug)
{
	if ((m->has & HAS_SYMTAB) || debug)
		return "symtab";
	if ((m->has & HAS_XZ) && !(m->info.flags & MODULE_XZ))
		return "minidebug";
	if (m->has & HAS_GO)
		return "gopclntab";
	return m->has & HAS_DYNSYM ? "dynsym" : "none";
}

static const char *unwinding_of(const struct module *m)
{
	if (m->has & HAS_EH_FRAME)
		return "eh_frame";
	if (m->has & HAS_FRAME)
		return "debug_frame";
	return m->has & HAS_GO ? "gopclntab" : "none";
}

static void put_path(const char *before, const struct want *w, struct buf *out)
{
	char shown[512];

	if (w)
		buf_printf(out, "%s%s", before,
			log_escape(shown, sizeof(shown), w->path ? w->path : "?"));
}

struct splits {
	uint32_t found, missing;
};

static struct splits count_splits(const struct wants *w, uint32_t module)
{
	struct splits n = {0};

	for (uint32_t i = 0; i < w->n; i++)
		if (w->v[i].file.module == module && w->v[i].file.kind == EXTRA_SPLIT) {
			n.found += w->v[i].fd >= 0;
			n.missing += w->v[i].fd < 0;
		}
	return n;
}

static void put_debug(const struct session *s, uint32_t id, struct buf *out)
{
	const struct module *m = &s->data.modules[id - 1];
	const struct want *debug = found(s, id, EXTRA_DEBUG, 0);
	const struct want *named = wants_find(&s->wants, id, EXTRA_DEBUG, 0);
	struct splits splits = count_splits(&s->wants, id);

	buf_string(out, ", debug information ");
	if (m->has & HAS_INFO)
		buf_string(out, "its own");
	else if (debug)
		put_path(debug->is_fetched ? "of debuginfod, " : "of ", debug, out);
	else
		buf_string(out, m->has & HAS_GO ? "gopclntab" : "none");
	if (named && named->rejected)
		buf_string(out, " (that of another build is there)");
	for (uint32_t i = 0; i < 2; i++) {
		put_path(", dwz's ", found(s, id, EXTRA_ALT, i), out);
		put_path(", package ", found(s, id, EXTRA_PACKAGE, i), out);
	}
	if (splits.found || splits.missing)
		buf_printf(out, ", %u split files and %u missing", splits.found, splits.missing);
}

static void put_build_id(const struct module_info *info, struct buf *out)
{
	buf_string(out, ", build id ");
	for (uint32_t i = 0; i < info->build_id_len; i++)
		buf_printf(out, "%02x", info->build_id[i]);
	if (!info->build_id_len)
		buf_string(out, "none");
}

static void put_module(
	const struct session *s, const struct share *share, uint64_t all, struct buf *out)
{
	const struct module *m = &s->data.modules[share->module - 1];
	char shown[512];

	buf_printf(out, "module    %4.1f%% %s: %s, symbols %s",
		all ? 100.0 * share->samples / all : 0,
		log_escape(shown, sizeof(shown), m->info.path), source_of(m),
		symbols_of(m, found(s, share->module, EXTRA_DEBUG, 0)));
	put_debug(s, share->module, out);
	buf_printf(out, ", unwinding %s", unwinding_of(m));
	put_build_id(&m->info, out);
	buf_string(out, "\n");
}

void modules_report(const struct session *s, struct buf *out)
{
	struct shares shares = {.n = s->data.n_modules + 1};
	int kind = s->written->received[PROFILE_CPU] ? PROFILE_CPU : PROFILE_THREADS;

	shares.v = calloc(shares.n, sizeof(*shares.v));
	if (!shares.v) {
		out->failed = 1;
		return;
	}
	for (uint32_t id = 0; id < shares.n; id++)
		shares.v[id].module = id;
	table_each(s->written->tables[kind], count, &shares);
	qsort(shares.v + 1, shares.n - 1, sizeof(*shares.v), by_samples);
	for (uint32_t i = 1; i < shares.n; i++) {
		const struct module *m = &s->data.modules[shares.v[i].module - 1];
		if (m->has_frames && !(m->info.flags & MODULE_NO_FILE))
			put_module(s, &shares.v[i], shares.all, out);
	}
	free(shares.v);
}

/* --- what is missing ---------------------------------------------------------------------- */

#define NAMES_SHOWN 5u

static int is_missing(const struct session *s, const struct want *w, uint32_t kind)
{
	return w->file.kind == kind && w->state == WANT_DONE && w->fd < 0 &&
	       s->data.modules[w->file.module - 1].has_frames;
}

static void missing_line(const struct session *s, uint32_t kind, const char *what, struct buf *out)
{
	uint32_t files = 0, modules = 0, last = 0;
	struct buf names;
	char shown[256];

	buf_init(&names, NAMES_SHOWN * 512);
	for (uint32_t i = 0; i < s->wants.n; i++) {
		const struct want *w = &s->wants.v[i];
		if (!is_missing(s, w, kind))
			continue;
		files++;
		if (w->file.module == last)
			continue;
		last = w->file.module;
		if (modules++ < NAMES_SHOWN)
			buf_printf(&names, "%s%s", modules > 1 ? ", " : "",
				log_escape(
					shown, sizeof(shown), s->data.modules[last - 1].info.path));
	}
	if (files)
		buf_printf(out, "modules   %u %s not found, of %s", files, what, buf_text(&names));
	if (modules > NAMES_SHOWN)
		buf_printf(out, " and %u more", modules - NAMES_SHOWN);
	if (files)
		buf_string(out, "\n");
	buf_fini(&names);
}

void modules_report_missing(const struct session *s, struct buf *out)
{
	missing_line(s, EXTRA_ALT, "common debug files of dwz", out);
	missing_line(s, EXTRA_SPLIT, "split debug files (.dwo)", out);
	if (s->wants.lost)
		buf_printf(out, "modules   %u debug files too many, they were not looked for\n",
			s->wants.lost);
}
