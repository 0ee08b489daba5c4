/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file ──▶ record ──▶ makes sense? ──no──▶ TRACER_DAMAGED
 *                        │yes
 *            ┌───────────┼──────────────┐
 *            ▼           ▼              ▼
 *         message     module         capture
 *            │        + its file        │ waits for room
 *            ▼           ▼              ▼
 *          session    session          ring
 *
 * TRACER_DONE is kept for the end: captures that lay in the ring when the window ended come after
 * it in the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/player.h"
#include "agent/player_files.h"
#include "agent/raw_check.h"
#include "agent/raw_reader.h"
#include "agent/tracer/module_file.h"
#include "base/wire.h"

#define PAUSE_NS     200000l /* between two looks at a ring without room */
#define HEARD_RARELY 256u    /* records between two looks at session's messages */

struct player {
	int sock;
	struct ring *ring;
	const struct options *options;
	struct raw_reader reader;
	struct raw_check check;
	struct tracer_identity identity; /* of the next module */
	int has_identity;
	int image;    /* of the next module; negative: none */
	int perf_map; /* the last one; negative: none */
	uint32_t kinds;
	uint64_t wall_began; /* of the recorded run */
	uint64_t captures, first_time, last_time;
	int is_over;	/* session is gone */
	int is_stopped; /* Ctrl-C: what was played is enough */
	struct wire_message message;
};

static int say(struct player *p, uint32_t type, const void *payload, size_t size, int fd)
{
	int error = wire_send(p->sock, type, payload, size, fd);

	if (error)
		p->is_over = 1;
	return error;
}

static void on_extra(struct player *p, const struct wire_message *m)
{
	static struct debug_question q;
	const struct extra_file *ask = wire_payload(m, sizeof(*ask));
	char path[LIMIT_PATH] = "";

	if (!ask || debug_question_take(&q, ask, ask + 1, m->size - sizeof(*ask)) < 0)
		return;
	int fd = player_files_extra(p->options->symfs, &q, path, sizeof(path));
	q.file.error = fd < 0 ? fd : 0;
	q.file.path_len = fd < 0 ? 0 : strlen(path);
	int error = wire_send2(
		p->sock, TRACER_EXTRA, &q.file, sizeof(q.file), path, q.file.path_len, fd);
	p->is_over |= error != 0;
	if (fd >= 0)
		close(fd);
}

static void on_message(struct player *p)
{
	struct wire_message *m = &p->message;
	const void *payload;

	if (m->type == TO_TRACER_START && (payload = wire_payload(m, sizeof(struct tracer_start))))
		p->kinds = ((const struct tracer_start *)payload)->mode.kinds;
	else if (m->type == TO_TRACER_STOP)
		p->is_stopped = 1;
	else if (m->type == TO_TRACER_EXTRA)
		on_extra(p, m);
	if (m->fd >= 0)
		close(m->fd);
}

/* All messages that are there; with wait one more. */
static void hear(struct player *p, int wait)
{
	int got;

	while (!p->is_over && (got = wire_recv(p->sock, &p->message, wait)) != 0) {
		if (got < 0)
			p->is_over = 1;
		else
			on_message(p);
		wait = 0;
	}
}

static int gives_up(const struct player *p)
{
	return p->is_over || p->is_stopped;
}

/* Before a read: standard input may have nothing for a long time. */
static int wait_for_input(void *arg)
{
	struct player *p = arg;
	struct pollfd fds[2] = {
		{.fd = p->reader.fd, .events = POLLIN},
		{.fd = p->sock, .events = POLLIN},
	};

	while (!gives_up(p) && poll(fds, 2, -1) >= 0) {
		if (fds[1].revents)
			hear(p, 0);
		if (fds[0].revents)
			break;
	}
	return gives_up(p);
}

static void pause_a_little(struct player *p)
{
	struct timespec pause = {.tv_nsec = PAUSE_NS};

	ring_wake(p->ring);
	nanosleep(&pause, NULL);
	hear(p, 0);
}

/* --- records ------------------------------------------------------------------------------ */

static void play_capture(struct player *p, uint32_t size)
{
	const struct capture *c = (const void *)p->reader.payload;
	void *room;

	p->captures++;
	p->first_time = p->first_time ? p->first_time : c->time;
	p->last_time = c->time > p->last_time ? c->time : p->last_time;
	if (!(p->kinds & c->kinds))
		return;
	while (!(room = ring_reserve(p->ring, size)) && !gives_up(p))
		pause_a_little(p);
	if (!room)
		return;
	memcpy(room, c, size);
	ring_commit(p->ring, size);
}

/* The worker keeps the mappings of a few generations only, and the ring holds captures of many. */
static void wait_for_worker(struct player *p)
{
	struct ring_page *page = p->ring->page;

	while (atomic_load(&page->head) != atomic_load(&page->tail) && !gives_up(p))
		pause_a_little(p);
}

static void take_image(struct player *p, uint32_t size)
{
	if (p->image >= 0)
		close(p->image);
	p->image = module_file_of_image(p->reader.payload, size);
}

/* A part of the file that the next TRACER_PERF_MAPs mean. One that cannot be kept is none. */
static void take_perf_map(struct player *p, uint32_t size)
{
	const struct raw_perf_map *part = (const void *)p->reader.payload;
	ssize_t n = size - sizeof(*part);

	if (!part->at) {
		if (p->perf_map >= 0)
			close(p->perf_map);
		p->perf_map = memfd_create("cpprof-perf-map", MFD_CLOEXEC);
	}
	if (p->perf_map < 0 || write(p->perf_map, part + 1, n) == n)
		return;
	close(p->perf_map);
	p->perf_map = -1;
}

static void play_perf_map(struct player *p)
{
	struct tracer_perf_map *m = (void *)p->reader.payload;
	int fd = m->has_map ? p->perf_map : -1;

	if (m->has_map && fd < 0)
		m->error = -ENOMEM;
	say(p, TRACER_PERF_MAP, m, sizeof(*m), fd);
}

/* The file as it is here, if it is still the one that was recorded. */
static int find_file(struct player *p, struct tracer_module *m)
{
	int fd = p->image;

	p->image = -1;
	int has_image = fd >= 0 && (m->flags & MODULE_FROM_MEMORY);
	if (has_image || (m->flags & (MODULE_NO_FILE | MODULE_REFUSED)))
		return fd;
	if (fd >= 0)
		close(fd);
	if (!p->has_identity)
		return -ENOENT;
	return player_files_module(
		p->options->symfs, (const char *)(m + 1), m->path_len, &p->identity);
}

static void play_module(struct player *p, uint32_t size)
{
	struct tracer_module *m = (void *)p->reader.payload;

	if (!p->has_identity)
		p->identity = (struct tracer_identity){0};
	int fd = find_file(p, m);
	p->has_identity = 0;
	if (fd == -ESTALE)
		m->flags |= MODULE_OTHER_FILE;
	else if (fd < 0 && !(m->flags & MODULE_NO_FILE))
		m->flags |= MODULE_REFUSED;
	m->flags |= MODULE_RECORDED;
	if (say(p, TRACER_IDENTITY, &p->identity, sizeof(p->identity), -1) == 0)
		say(p, TRACER_MODULE, m, size, fd);
	if (fd >= 0)
		close(fd);
}

static void play(struct player *p, const struct raw_record *record)
{
	const struct maps_part *part = (const void *)p->reader.payload;

	switch (record->type) {
	case RAW_CAPTURE:
		play_capture(p, record->size);
		break;
	case RAW_IMAGE:
		take_image(p, record->size);
		break;
	case RAW_PERF_MAP:
		take_perf_map(p, record->size);
		break;
	case TRACER_PERF_MAP:
		play_perf_map(p);
		break;
	case TRACER_IDENTITY:
		memcpy(&p->identity, p->reader.payload, sizeof(p->identity));
		p->has_identity = 1;
		break;
	case TRACER_MODULE:
		play_module(p, record->size);
		break;
	case TRACER_DONE:
		break;
	case TRACER_MAPS:
		if (part->last)
			wait_for_worker(p);
		/* fall through */
	default:
		say(p, record->type, p->reader.payload, record->size, -1);
	}
}

/* --- the whole ---------------------------------------------------------------------------- */

static int damaged(struct player *p, enum damage cause, int detail)
{
	p->reader.why = (struct tracer_damaged){cause, detail, p->reader.records};
	return -EBADMSG;
}

static int open_input(struct player *p)
{
	const char *path = p->options->replay;

	if (!strcmp(path, "-"))
		return STDIN_FILENO;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? damaged(p, DAMAGE_OPEN, errno) : fd;
}

static int begin(struct player *p)
{
	struct raw_header header;
	int fd = open_input(p);

	if (fd < 0)
		return fd;
	p->reader.wait = wait_for_input;
	p->reader.arg = p;
	int error = raw_reader_open(&p->reader, fd, &header);
	if (error == -ENOMEM)
		return damaged(p, DAMAGE_READ, ENOMEM);
	if (!error && raw_check_run(&header.run) < 0)
		error = damaged(p, DAMAGE_BROKEN, TRACER_RECORDING);
	p->wall_began = header.run.wall_began;
	return error ? error : say(p, TRACER_RECORDING, &header.run, sizeof(header.run), -1);
}

/* Up to the last record, which stays in the reader. */
static int play_all(struct player *p)
{
	struct raw_record record;
	int got;

	while ((got = raw_reader_next(&p->reader, &record)) == 1) {
		if (raw_check(&p->check, &record, p->reader.payload) < 0)
			return damaged(p, DAMAGE_BROKEN, record.type);
		if (record.type == TRACER_RECORDED)
			return raw_reader_end(&p->reader);
		play(p, &record);
		if (p->reader.records % HEARD_RARELY == 0)
			hear(p, 0);
		if (gives_up(p))
			return -EINTR;
	}
	return got;
}

static void end(struct player *p, int error)
{
	/* Ended early: as long as what was played. */
	struct tracer_recorded recorded = {
		.wall_began = p->wall_began,
		.duration = (p->last_time - p->first_time) & INT64_MAX,
		.captures = p->captures,
	};
	struct tracer_done done = {0};

	if (error == -EBADMSG) {
		say(p, TRACER_DAMAGED, &p->reader.why, sizeof(p->reader.why), -1);
		return;
	}
	if (!error)
		memcpy(&recorded, p->reader.payload, sizeof(recorded));
	done.target_ended = recorded.target_ended;
	say(p, TRACER_RECORDED, &recorded, sizeof(recorded), -1);
	say(p, TRACER_DONE, &done, sizeof(done), -1);
}

int player_main(int sock, struct ring *ring, const struct options *o)
{
	static struct player p;

	p.sock = sock;
	p.ring = ring;
	p.options = o;
	p.image = p.perf_map = -1;
	raw_reader_init(&p.reader);
	ring_produce(ring);
	hear(&p, 1);
	int error = begin(&p);
	end(&p, error ? error : play_all(&p));
	/* Debug files are asked for when all is played. */
	while (!p.is_over)
		hear(&p, 1);
	raw_reader_fini(&p.reader);
	return 0;
}
