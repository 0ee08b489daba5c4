/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "output/check.h"
#include "output/conform.h"

#define LINES_MAX     20u
#define GZIP_WINDOW   (15 + 16)
#define PACKED_MAX    GIB
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

/* 0, -EBADMSG for broken data, -E2BIG, -ENOMEM. */
static int inflate_all(const struct buf *from, struct buf *to)
{
	unsigned char out[64 * 1024];
	z_stream z = {.next_in = (unsigned char *)from->data, .avail_in = from->len};
	int state = inflateInit2(&z, GZIP_WINDOW) == Z_OK ? Z_OK : Z_MEM_ERROR;

	if (state != Z_OK)
		return -ENOMEM;
	while (state == Z_OK) {
		z.next_out = out;
		z.avail_out = sizeof(out);
		state = inflate(&z, Z_NO_FLUSH);
		buf_append(to, out, sizeof(out) - z.avail_out);
		if (to->failed || (state == Z_OK && !z.avail_in && z.avail_out))
			break;
	}
	/* A second member or anything else behind the first is an error to pprof, too. */
	int rest = z.avail_in != 0;
	inflateEnd(&z);
	if (to->failed)
		return to->failed;
	return state == Z_STREAM_END && !rest ? 0 : -EBADMSG;
}

static int read_file(const char *path, struct buf *out)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;

	if (fd < 0)
		return -errno;
	int error = buf_read_fd(out, fd);
	if (fd != STDIN_FILENO)
		close(fd);
	return error;
}

static int is_gzip(const struct buf *b)
{
	return b->len > 2 && (unsigned char)b->data[0] == 0x1f && (unsigned char)b->data[1] == 0x8b;
}

static void check_packed(struct report *r, const struct buf *b)
{
	Perftools__Profiles__Profile *p =
		perftools__profiles__profile__unpack(NULL, b->len, (const uint8_t *)b->data);

	if (!b->len || !p) {
		on_report(r, 0, b->len ? "not a pprof profile" : "empty");
		return;
	}
	conform(p, on_report, r);
	if (b->len > PYROSCOPE_MAX)
		on_report(r, 1, "more than 4 MiB uncompressed");
	if (!r->errors)
		fprintf(r->out,
			"%s: valid: %zu samples, %zu locations, %zu functions, %zu mappings, "
			"%zu bytes uncompressed\n",
			r->name, p->n_sample, p->n_location, p->n_function, p->n_mapping, b->len);
	perftools__profiles__profile__free_unpacked(p, NULL);
}

int check_file(const char *path, FILE *out)
{
	struct report r = {.out = out};
	struct buf file, inflated;

	log_escape(r.name, sizeof(r.name), path);
	buf_init(&file, PACKED_MAX);
	buf_init(&inflated, PACKED_MAX);
	int error = read_file(path, &file);
	int packed = !error && is_gzip(&file);
	if (packed)
		error = inflate_all(&file, &inflated);
	if (error == -EBADMSG)
		on_report(&r, 0, "damaged gzip data, or something behind it");
	else if (error) {
		fprintf(out, "%s: cannot read: %s\n", r.name,
			error == -E2BIG ? "more than 1 GiB" : strerror(-error));
		r.errors++;
	} else
		check_packed(&r, packed ? &inflated : &file);
	put_more(&r, r.errors, "more");
	put_more(&r, r.warnings, "more warnings");
	buf_fini(&file);
	buf_fini(&inflated);
	return r.errors != 0;
}
