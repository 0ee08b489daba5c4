/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/comparing.h"
#include "agent/exit_status.h"
#include "agent/options.h"
#include "agent/values.h"
#include "base/log.h"
#include "output/compare.h"
#include "output/unpack.h"

static int set_fail_over(struct comparing *c, const char *name, const char *value)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || (*end && strcmp(end, "%") != 0) || !(percent >= 0 && percent <= 1e6))
		return values_bad(name, value, "a percentage of the old total, such as 5 or 2.5%");
	c->may_fail = 1;
	c->fail_over = percent / 100;
	return 0;
}

int comparing_set(struct comparing *c, const char *name, const char *value)
{
	if (!strcmp(name, "fail-over"))
		return set_fail_over(c, name, value);
	if (!*value)
		return values_bad(name, value, "a file name or - for standard input");
	c->old = value;
	return 0;
}

int comparing_settle(const struct options *o)
{
	const struct comparing *c = &o->compare;
	const char *other = o->n_pids	       ? "-p"
			    : o->name	       ? "-name"
			    : o->command       ? "-- CMD"
			    : o->with_children ? "-children"
			    : o->replay	       ? "-replay"
			    : o->check	       ? "-check"
			    : o->dump	       ? "-dump"
			    : o->http	       ? "-http"
			    : o->push.n	       ? "-push"
			    : o->output	       ? "-o"
			    : o->window_given  ? "-seconds"
			    : o->kinds	       ? "-profile"
					       : NULL;

	if (!c->old)
		log_error("-fail-over: of what? give -compare OLD NEW");
	else if (!c->new)
		log_error("-compare: one file is not enough: give -compare OLD NEW");
	else if (!strcmp(c->old, "-") && !strcmp(c->new, "-"))
		log_error("-compare: one of the two can be standard input, not both");
	else if (other)
		log_error("-compare prints what two files differ in; leave out %s", other);
	else if (o->format_given && o->format != FORMAT_TEXT && o->format != FORMAT_JSON)
		log_error("-format: -compare prints text or json");
	else
		return 0;
	return -EINVAL;
}

/* --- the run ------------------------------------------------------------------------------ */

struct file {
	const char *path;
	struct unpacked content;
	struct tally tally;
};

static const char *tally_words(int error)
{
	if (error == -EPROTO)
		return "damaged: its parts do not fit together; -check says where";
	return error == -E2BIG ? "too many frames to be counted" : strerror(-error);
}

/* 0, or -EINVAL told. */
static int read_profile(struct file *f)
{
	char words[128];
	int error = unpack(f->path, &f->content);

	if (error) {
		log_error("-compare: %s: %s", f->path, unpack_words(words, sizeof(words), error));
		return -EINVAL;
	}
	error = tally_take(f->content.p, &f->tally);
	if (error) {
		log_error("-compare: %s: %s", f->path, tally_words(error));
		unpack_fini(&f->content);
	}
	return error ? -EINVAL : 0;
}

static void forget(struct file *f)
{
	tally_fini(&f->tally);
	unpack_fini(&f->content);
}

static int print(const struct options *o, const struct comparison *c)
{
	double part = o->compare.may_fail ? o->compare.fail_over : -1;
	struct buf out;

	buf_init(&out, LIMIT_VIEW);
	int error =
		o->format == FORMAT_JSON
			? compare_json(c, o->top_asked || !o->top ? o->top : UINT32_MAX, part, &out)
			: compare_text(c, o->top, part, &out);
	if (!error && (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout)))
		error = -errno;
	if (error)
		log_error("-compare: standard output: %s", strerror(-error));
	buf_fini(&out);
	return error;
}

static int compare_both(const struct options *o, const struct file *old, const struct file *new)
{
	const struct tally *a = &old->tally, *b = &new->tally;
	struct comparison c;
	const char *how;
	uint32_t n = 0;

	if (strcmp(a->type, b->type) != 0 || strcmp(a->unit, b->unit) != 0) {
		log_error("-compare: %s is of %s/%s, %s of %s/%s: give two of one kind", old->path,
			a->type, a->unit, new->path, b->type, b->unit);
		return STATUS_USAGE;
	}
	int error = compare_take(a, b, &c);
	if (error) {
		log_error("-compare: %s", strerror(-error));
		return STATUS_FAILED;
	}
	error = print(o, &c);
	if (o->compare.may_fail)
		compare_worst(&c, o->compare.fail_over, &how, &n);
	compare_fini(&c);
	return error ? STATUS_FAILED : n ? STATUS_GREW : STATUS_DONE;
}

int comparing_run(const struct options *o)
{
	struct file old = {.path = o->compare.old}, new = {.path = o->compare.new};
	int status = STATUS_FAILED;

	if (read_profile(&old))
		return STATUS_FAILED;
	if (!read_profile(&new)) {
		status = compare_both(o, &old, &new);
		forget(&new);
	}
	forget(&old);
	return status;
}
