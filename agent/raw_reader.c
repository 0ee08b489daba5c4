/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/raw_reader.h"
#include "base/gzip.h"

void raw_reader_init(struct raw_reader *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = -1;
}

void raw_reader_fini(struct raw_reader *r)
{
	if (r->packed)
		inflateEnd(&r->z);
	free(r->packed);
	free(r->payload);
	r->packed = r->payload = NULL;
}

static int damaged(struct raw_reader *r, enum damage cause, int detail)
{
	r->why = (struct tracer_damaged){cause, detail, r->records};
	return -EBADMSG;
}

/* More of the file for z. */
static int refill(struct raw_reader *r)
{
	ssize_t n;

	do {
		if (r->wait && r->wait(r->arg))
			return -EINTR;
		n = read(r->fd, r->packed, RAW_PACKED);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return damaged(r, DAMAGE_READ, errno);
	if (n == 0)
		return damaged(r, DAMAGE_TRUNCATED, 0);
	r->z.next_in = r->packed;
	r->z.avail_in = n;
	return 0;
}

/* n bytes as they were before packing; all of them, or the reason why not. */
static int take(struct raw_reader *r, void *out, size_t n)
{
	r->z.next_out = out;
	r->z.avail_out = n;
	while (r->z.avail_out) {
		if (r->at_end)
			return damaged(r, DAMAGE_TRUNCATED, 0);
		int error = r->z.avail_in ? 0 : refill(r);
		if (error)
			return error;
		int state = inflate(&r->z, Z_NO_FLUSH);
		if (state == Z_STREAM_END)
			r->at_end = 1;
		else if (state != Z_OK && state != Z_BUF_ERROR)
			return damaged(r, DAMAGE_BROKEN, 0);
	}
	return 0;
}

static int check_header(struct raw_reader *r, const struct raw_header *h)
{
	if (memcmp(h->magic, RAW_MAGIC, sizeof(h->magic)) != 0)
		return damaged(r, DAMAGE_NO_RAW, 0);
	if (h->version != RAW_VERSION || h->byte_order != RAW_BYTE_ORDER ||
		h->machine != RAW_MACHINE)
		return damaged(r, DAMAGE_VERSION, h->version);
	return 0;
}

int raw_reader_open(struct raw_reader *r, int fd, struct raw_header *header)
{
	r->fd = fd;
	r->packed = malloc(RAW_PACKED);
	r->payload = malloc(RAW_PAYLOAD_MAX);
	if (!r->packed || !r->payload || inflateInit2(&r->z, GZIP_WINDOW) != Z_OK) {
		free(r->packed);
		r->packed = NULL;
		return -ENOMEM;
	}
	int error = take(r, header, sizeof(*header));
	/* What is no gzip stream at all is not damaged, it is something else. */
	if (error == -EBADMSG && r->why.cause == DAMAGE_BROKEN)
		return damaged(r, DAMAGE_NO_RAW, 0);
	return error ? error : check_header(r, header);
}

int raw_reader_next(struct raw_reader *r, struct raw_record *record)
{
	int error = take(r, record, sizeof(*record));

	if (error)
		return error;
	if (record->size > RAW_PAYLOAD_MAX)
		return damaged(r, DAMAGE_BROKEN, record->type);
	error = take(r, r->payload, record->size);
	if (error)
		return error;
	r->records++;
	return 1;
}

int raw_reader_end(struct raw_reader *r)
{
	unsigned char more;

	if (r->at_end)
		return 0;
	int error = take(r, &more, 1);
	if (!error)
		return damaged(r, DAMAGE_BROKEN, TRACER_RECORDED);
	/* The stream's sum comes after its last byte: that was the end, and it is right. */
	return r->at_end ? 0 : error;
}
