/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/gzip.h"
#include "base/limits.h"
#include "output/unpack.h"

#define CHUNK MIB

/* Memory is taken from chunks and given back all at once: a profile is millions of small things. */
struct unpack_chunk {
	struct unpack_chunk *next;
	size_t used, room;
	_Alignas(16) unsigned char bytes[];
};

static void *take(void *arg, size_t size)
{
	struct unpacked *u = arg;
	size_t n = (size + 15) & ~(size_t)15;
	struct unpack_chunk *c = u->chunks;

	if (n < size || n > LIMIT_PROFILE_TREE - u->taken)
		return NULL;
	if (!c || n > c->room - c->used) {
		size_t room = n > CHUNK ? n : CHUNK;
		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		*c = (struct unpack_chunk){.next = u->chunks, .room = room};
		u->chunks = c;
	}
	void *p = c->bytes + c->used;
	c->used += n;
	u->taken += n;
	return p;
}

static void give_back_later(void *arg, void *p)
{
	(void)arg, (void)p;
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

static int make_tree(const struct buf *b, struct unpacked *u)
{
	ProtobufCAllocator allocator = {take, give_back_later, u};

	if (!b->len)
		return -ENODATA;
	u->bytes = b->len;
	u->p = perftools__profiles__profile__unpack(&allocator, b->len, (const uint8_t *)b->data);
	if (u->p)
		return 0;
	return u->taken > LIMIT_PROFILE_TREE / 2 ? -EFBIG : -EPROTO;
}

int unpack(const char *path, struct unpacked *u)
{
	struct buf file, inflated;

	*u = (struct unpacked){0};
	buf_init(&file, LIMIT_PROFILE_BYTES);
	buf_init(&inflated, LIMIT_PROFILE_BYTES);
	int error = read_file(path, &file);
	int packed = !error && is_gzip(&file);
	if (packed) {
		error = inflate_all(&file, &inflated);
		buf_clear(&file);
	}
	if (!error)
		error = make_tree(packed ? &inflated : &file, u);
	buf_fini(&file);
	buf_fini(&inflated);
	if (error)
		unpack_fini(u);
	return error;
}

void unpack_fini(struct unpacked *u)
{
	while (u->chunks) {
		struct unpack_chunk *next = u->chunks->next;
		free(u->chunks);
		u->chunks = next;
	}
	*u = (struct unpacked){0};
}

/* What is wrong with the content; else NULL. */
static const char *reason_of(int error)
{
	switch (error) {
	case -EBADMSG:
		return "damaged gzip data, or something behind it";
	case -EPROTO:
		return "not a pprof profile";
	case -ENODATA:
		return "empty";
	}
	return NULL;
}

char *unpack_words(char *out, size_t room, int error)
{
	const char *reason = reason_of(error);

	if (reason)
		snprintf(out, room, "%s", reason);
	else
		snprintf(out, room, "cannot read: %s",
			error == -E2BIG	  ? "more than 1 GiB"
			: error == -EFBIG ? "it would take more than 2 GiB of memory"
					  : strerror(-error));
	return out;
}
