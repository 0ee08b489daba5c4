/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/raw.h"
#include "base/gzip.h"
#include "base/log.h"
#include "base/now.h"

/* A record that waits: a module's gets its identity when it leaves. */
struct held {
	struct raw_record record;
	int32_t module; /* id; 0: no module */
	uint32_t unused;
};

void raw_abort(struct raw *r)
{
	if (!r->is_open)
		return;
	r->is_open = 0;
	deflateEnd(&r->z);
	sink_abort(&r->sink);
	buf_fini(&r->held);
	free(r->packed);
	free(r->capture);
	r->packed = r->capture = NULL;
}

static int fail(struct raw *r, int error)
{
	char shown[512];

	log_error("cannot save %s: %s", log_escape(shown, sizeof(shown), r->path),
		error == -ELOOP	    ? "it is a symbolic link"
		: error == -ENOTSUP ? "it is a block device or a socket"
				    : strerror(-error));
	raw_abort(r);
	r->failed = 1;
	return error;
}

/* Whatever z has to say goes to the file. */
static int pack(struct raw *r, const void *bytes, size_t n, int flush)
{
	int state;

	r->z.next_in = (void *)bytes;
	r->z.avail_in = n;
	do {
		r->z.next_out = r->packed;
		r->z.avail_out = RAW_PACKED;
		state = deflate(&r->z, flush);
		int error = sink_write(&r->sink, r->packed, RAW_PACKED - r->z.avail_out);
		if (error)
			return error;
	} while (flush == Z_FINISH ? state == Z_OK : r->z.avail_out == 0);
	return flush == Z_FINISH && state != Z_STREAM_END ? -EIO : 0;
}

int raw_open(
	struct raw *r, const struct options *o, uint64_t wall_began, const struct collection *data)
{
	struct raw_header header = {
		.magic = RAW_MAGIC,
		.version = RAW_VERSION,
		.byte_order = RAW_BYTE_ORDER,
		.machine = RAW_MACHINE,
		.run = {o->kinds, o->hz, wall_began},
	};

	memset(r, 0, sizeof(*r));
	r->path = o->save_raw;
	r->data = data;
	if (!r->path)
		return 0;
	buf_init(&r->held, LIMIT_RAW_HELD);
	r->packed = malloc(RAW_PACKED);
	r->capture = malloc(CAPTURE_MAX);
	int error = sink_open(&r->sink, r->path, 1);
	/* Fast: session must not fall behind for it. */
	int z = deflateInit2(&r->z, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
	r->is_open = 1;
	if (!error && (z != Z_OK || !r->packed || !r->capture))
		error = -ENOMEM;
	if (!error)
		error = pack(r, &header, sizeof(header), Z_NO_FLUSH);
	return error ? fail(r, error) : 0;
}

static int write_record(struct raw *r, uint32_t type, const void *payload, size_t size)
{
	struct raw_record record = {type, size};
	int error = pack(r, &record, sizeof(record), Z_NO_FLUSH);

	return error ? error : pack(r, payload, size, Z_NO_FLUSH);
}

/* The bytes of a module that has no file. */
static int write_image(struct raw *r, int fd, size_t size)
{
	unsigned char *image = size && size <= LIMIT_IMAGE ? malloc(size) : NULL;
	int error = 0;

	if (image && pread(fd, image, size, 0) == (ssize_t)size)
		error = write_record(r, RAW_IMAGE, image, size);
	free(image);
	return error;
}

/* What can be read of the file now. */
static int write_perf_map(struct raw *r, int fd)
{
	static unsigned char part[sizeof(struct raw_perf_map) + 60 * KIB];
	struct raw_perf_map head = {0};
	ssize_t n;

	do {
		n = pread(fd, part + sizeof(head), sizeof(part) - sizeof(head), head.at);
		n = n < 0 ? 0 : n;
		memcpy(part, &head, sizeof(head));
		int error = write_record(r, RAW_PERF_MAP, part, sizeof(head) + n);
		if (error)
			return error;
		head.at += n;
	} while (n && head.at <= LIMIT_PERF_MAP - sizeof(part));
	return 0;
}

static int is_same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* The perf map of each module of the last tracer that has one, or why not. One that several have is
 * written once. */
static int write_perf_maps(struct raw *r)
{
	const struct collection *c = r->data;
	int last = -1, error = 0;

	for (uint32_t i = 0; i < c->n_numbers && !error; i++) {
		uint32_t id = c->number_module[i];
		const struct perf_map *map = id ? &c->modules[id - 1].perf_map : NULL;
		if (!map || !map->pid)
			continue;
		struct tracer_perf_map msg = {
			.module = i + 1,
			.pid = map->pid,
			.error = map->error,
			.has_map = map->fd >= 0,
		};
		if (msg.has_map && !is_same_file(map->fd, last))
			error = write_perf_map(r, last = map->fd);
		if (!error)
			error = write_record(r, TRACER_PERF_MAP, &msg, sizeof(msg));
	}
	return error;
}

/* By what the file will be known again. */
static int write_identity(struct raw *r, uint32_t id)
{
	const struct module *m = &r->data->modules[id - 1];
	struct tracer_identity identity = {.build_id_len = m->info.build_id_len};
	struct stat st = {0};
	int error = 0;

	memcpy(identity.build_id, m->info.build_id, sizeof(identity.build_id));
	if (m->fd >= 0 && fstat(m->fd, &st) == 0) {
		identity.size = st.st_size;
		identity.ino = st.st_ino;
		identity.changed = st.st_mtim.tv_sec * SECOND + st.st_mtim.tv_nsec;
	}
	if (m->fd >= 0 && (m->info.flags & MODULE_FROM_MEMORY))
		error = write_image(r, m->fd, st.st_size);
	return error ? error : write_record(r, TRACER_IDENTITY, &identity, sizeof(identity));
}

static int write_held(struct raw *r)
{
	struct held h;
	int error = 0;

	r->awaited = 0;
	for (size_t at = 0; at < r->held.len && !error; at += h.record.size) {
		memcpy(&h, r->held.data + at, sizeof(h));
		at += sizeof(h);
		if (h.module)
			error = write_identity(r, h.module);
		if (!error)
			error = write_record(r, h.record.type, r->held.data + at, h.record.size);
	}
	buf_clear(&r->held);
	return error;
}

static int hold(struct raw *r, uint32_t type, const void *payload, size_t size, uint32_t module)
{
	struct held h = {{type, size}, module, 0};

	if (r->held.len + sizeof(h) + size > LIMIT_RAW_HELD)
		return -E2BIG;
	int error = buf_append(&r->held, &h, sizeof(h));
	return error ? error : buf_append(&r->held, payload, size);
}

/* A worker that does not answer for so long has died of the module, or will. */
static int add(struct raw *r, uint32_t type, const void *payload, size_t size, uint32_t module)
{
	int error = r->awaited ? hold(r, type, payload, size, module) : -E2BIG;

	if (error != -E2BIG)
		return error;
	error = write_held(r);
	if (!error && module)
		error = write_identity(r, module);
	return error ? error : write_record(r, type, payload, size);
}

void raw_message(struct raw *r, const struct wire_message *m)
{
	if (!r->is_open || m->type == TRACER_MODULE || m->type == TRACER_REFUSED ||
		m->type == TRACER_EXTRA || m->type == TRACER_PERF_MAP)
		return;
	r->has_said = 1;
	int error = add(r, m->type, m->payload, m->size, 0);
	if (error)
		fail(r, error);
}

void raw_module(struct raw *r, const struct wire_message *m, int id, int is_new)
{
	if (!r->is_open)
		return;
	if (id > 0 && is_new)
		r->awaited = id;
	int error = add(r, TRACER_MODULE, m->payload, m->size, id > 0 ? id : 0);
	if (error)
		fail(r, error);
}

void raw_module_info(struct raw *r, uint32_t id)
{
	/* The worker answers in order. */
	if (!r->is_open || !r->awaited || id < r->awaited)
		return;
	int error = write_held(r);
	if (error)
		fail(r, error);
}

void raw_new_tracer(struct raw *r)
{
	if (!r->is_open || !r->has_said)
		return;
	int error = add(r, TRACER_RESTARTED, NULL, 0, 0);
	if (error)
		fail(r, error);
}

int raw_capture(struct raw *r, const struct wire_message *m)
{
	const struct worker_capture *part = wire_payload(m, sizeof(*part));
	uint32_t n = part ? m->size - sizeof(*part) : 0;

	if (!r->is_open)
		return 0;
	if (!part || part->size > CAPTURE_MAX || part->at > part->size || n > part->size - part->at)
		return -EPROTO;
	if (!part->at)
		r->capture_len = 0;
	if (part->at != r->capture_len)
		return -EPROTO;
	memcpy(r->capture + part->at, part + 1, n);
	r->capture_len += n;
	if (r->capture_len < part->size)
		return 0;
	r->capture_len = 0;
	int error = add(r, RAW_CAPTURE, r->capture, part->size, 0);
	r->end.captures += !error;
	if (error)
		fail(r, error);
	return 0;
}

void raw_finish(struct raw *r, uint64_t wall_began, uint64_t duration, int target_ended)
{
	struct tracer_stats t;

	if (!r->is_open)
		return;
	collection_sum(r->data, &t);
	uint64_t taken = t.taken;
	r->end.wall_began = wall_began;
	r->end.duration = duration;
	r->end.lost = taken > r->end.captures ? taken - r->end.captures : 0;
	r->end.target_ended = target_ended;
	int error = write_held(r);
	if (!error)
		error = write_perf_maps(r);
	if (!error)
		error = write_record(r, TRACER_RECORDED, &r->end, sizeof(r->end));
	if (!error)
		error = pack(r, NULL, 0, Z_FINISH);
	r->written = r->sink.written;
	if (!error)
		error = sink_commit(&r->sink);
	if (error)
		fail(r, error);
	else
		raw_abort(r);
}
