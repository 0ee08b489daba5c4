/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/limits.h"
#include "base/log.h"
#include "output/check.h"
#include "output/conform.h"
#include "output/unpack.h"

#define LINES_MAX     20u
#define PYROSCOPE_MAX (4 * MIB) /* its default limit for one profile, uncompressed */

struct report {
	FILE *out;
	char name[256]; /* of the file, harmless */
	unsigned errors, warnings;
};

static void on_report(void *arg, int warning, const char *text)
{
	struct report *r = arg;
	char shown[512];

	/* Each kind has its own lines, so that warnings never hide why a file is not valid. */
	if ((warning ? r->warnings++ : r->errors++) < LINES_MAX)
		fprintf(r->out, "%s: %s%s\n", r->name, warning ? "warning: " : "",
			log_escape(shown, sizeof(shown), text));
}

static void put_more(const struct report *r, unsigned n, const char *what)
{
	if (n > LINES_MAX)
		fprintf(r->out, "%s: and %u %s\n", r->name, n - LINES_MAX, what);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void check_tree(struct report *r, const struct unpacked *u)
{
	const Perftools__Profiles__Profile *p = u->p;

	conform(p, on_report, r);
	if (u->bytes > PYROSCOPE_MAX)
		on_report(r, 1, "more than 4 MiB uncompressed");
	if (!r->errors)
		fprintf(r->out,
			"%s: valid: %zu sample%s, %zu location%s, %zu function%s, %zu mapping%s, "
			"%zu bytes uncompressed\n",
			r->name, p->n_sample, plural(p->n_sample), p->n_location,
			plural(p->n_location), p->n_function, plural(p->n_function), p->n_mapping,
			plural(p->n_mapping), u->bytes);
}

int check_file(const char *path, FILE *out)
{
	struct report r = {.out = out};
	struct unpacked u;
	char words[128];

	log_escape(r.name, sizeof(r.name), path);
	int error = unpack(path, &u);
	if (error)
		on_report(&r, 0, unpack_words(words, sizeof(words), error));
	else {
		check_tree(&r, &u);
		unpack_fini(&u);
	}
	put_more(&r, r.errors, "more");
	put_more(&r, r.warnings, "more warnings");
	return r.errors != 0;
}
