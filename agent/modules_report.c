/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/modules_report.h"
#include "base/hex.h"
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

static struct module_splits count_splits(const struct wants *w, uint32_t module)
{
	struct module_splits n = {0};

	for (uint32_t i = 0; i < w->n; i++)
		if (w->v[i].file.module == module && w->v[i].file.kind == EXTRA_SPLIT) {
			n.found += w->v[i].fd >= 0;
			n.missing += w->v[i].fd < 0;
		}
	return n;
}

static const char *debug_of(const struct module *m, const struct want *debug)
{
	if (m->has & HAS_INFO)
		return "its own";
	if (debug)
		return debug->is_fetched ? "debuginfod" : "file";
	return m->has & HAS_GO ? "gopclntab" : "none";
}

static struct module_report report_of(const struct session *s, uint32_t id)
{
	const struct module *m = &s->data.modules[id - 1];
	const struct want *debug = found(s, id, EXTRA_DEBUG, 0);
	const struct want *named = wants_find(&s->wants, id, EXTRA_DEBUG, 0);
	struct module_report r = {
		.info = &m->info,
		.source = source_of(m),
		.symbols = symbols_of(m, debug),
		.unwinding = unwinding_of(m),
		.debug = debug_of(m, debug),
		.debug_file = m->has & HAS_INFO ? NULL : debug,
		.is_other_build = named && named->rejected,
		.splits = count_splits(&s->wants, id),
	};

	for (uint32_t i = 0; i < 2; i++) {
		r.alt[i] = found(s, id, EXTRA_ALT, i);
		r.package[i] = found(s, id, EXTRA_PACKAGE, i);
	}
	return r;
}

int modules_report_each(const struct session *s, module_report_take *take, void *arg)
{
	struct shares shares = {.n = s->data.n_modules + 1};
	int kind = interval_main_kind(s->written, s->options->kinds);

	shares.v = calloc(shares.n, sizeof(*shares.v));
	if (!shares.v)
		return -ENOMEM;
	for (uint32_t id = 0; id < shares.n; id++)
		shares.v[id].module = id;
	table_each(s->written->tables[kind], count, &shares);
	qsort(shares.v + 1, shares.n - 1, sizeof(*shares.v), by_samples);
	for (uint32_t i = 1; i < shares.n; i++) {
		const struct module *m = &s->data.modules[shares.v[i].module - 1];
		if (!m->has_frames || (m->info.flags & MODULE_NO_FILE))
			continue;
		struct module_report r = report_of(s, shares.v[i].module);
		r.share = shares.all ? 1.0 * shares.v[i].samples / shares.all : 0;
		take(arg, &r);
	}
	free(shares.v);
	return 0;
}

/* --- as text ------------------------------------------------------------------------------ */

static void put_path(const char *before, const struct want *w, struct buf *out)
{
	char shown[512];

	if (w)
		buf_printf(out, "%s%s", before,
			log_escape(shown, sizeof(shown), w->path ? w->path : "?"));
}

static void put_debug(const struct module_report *r, struct buf *out)
{
	if (r->debug_file)
		put_path(r->debug_file->is_fetched ? ", debug information of debuginfod, "
						   : ", debug information of ",
			r->debug_file, out);
	else
		buf_printf(out, ", debug information %s", r->debug);
	if (r->is_other_build)
		buf_string(out, " (that of another build is there)");
	for (uint32_t i = 0; i < 2; i++) {
		put_path(", dwz's ", r->alt[i], out);
		put_path(", package ", r->package[i], out);
	}
	if (r->splits.found || r->splits.missing)
		buf_printf(
			out, ", %u split files and %u missing", r->splits.found, r->splits.missing);
}

static void put_module(void *arg, const struct module_report *r)
{
	struct buf *out = arg;
	char shown[512], id[2 * sizeof(r->info->build_id) + 1];

	buf_printf(out, "module    %4.1f%% %s: %s, symbols %s", 100 * r->share,
		log_escape(shown, sizeof(shown), r->info->path), r->source, r->symbols);
	put_debug(r, out);
	hex_text(id, r->info->build_id, r->info->build_id_len);
	buf_printf(out, ", unwinding %s, build id %s\n", r->unwinding, *id ? id : "none");
}

void modules_report(const struct session *s, struct buf *out)
{
	if (modules_report_each(s, put_module, out) < 0)
		out->failed = -ENOMEM;
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
