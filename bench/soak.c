/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A long recording out of a short one, on standard output: its captures over and over, at the pace
 * of its clock, with threads that end and begin, figures once a second, and mappings that come and
 * go.
 *
 * Arguments: RECORDING CAPTURES PROGRESS; the number of captures written so far is kept in the file
 * PROGRESS.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/raw_reader.h"

#define TICK_NS	      10000000ull /* between two captures */
#define SECOND	      100u	  /* captures */
#define THREAD_LIFE   2000u	  /* captures between two births */
#define MAPS_LIFE     5000u	  /* captures between two generations */
#define PLACES	      64u	  /* where the mapping that comes and goes can be */
#define PROGRESS_STEP 2000u

struct kept {
	struct raw_record record;
	unsigned char *payload;
};

static struct raw_header header;
static struct kept *kept; /* captures */
static size_t n_kept;
static struct tracer_thread *threads; /* as last told of; the serial changes as they are reborn */
static uint32_t n_threads, n_serials;
static struct maps_part *maps; /* the last generation, with room for one more mapping */
static struct tracer_stats stats;
static struct tracer_process process; /* the one that was recorded */
static gzFile out;

static void die(const char *what)
{
	fprintf(stderr, "soak: %s\n", what);
	exit(1);
}

static void *copy_of(const void *bytes, size_t n, size_t more)
{
	void *copy = malloc(n + more + 1);

	if (!copy)
		die("out of memory");
	return memcpy(copy, bytes, n);
}

static void put(uint32_t type, const void *payload, uint32_t size)
{
	struct raw_record r = {type, size};

	if (gzwrite(out, &r, sizeof(r)) != sizeof(r) ||
		(size && gzwrite(out, payload, size) != (int)size))
		die("cannot write");
}

/* --- the short recording ------------------------------------------------------------------- */

static void keep_capture(const struct raw_record *r, const void *payload)
{
	kept = realloc(kept, (n_kept + 1) * sizeof(*kept));
	if (!kept)
		die("out of memory");
	kept[n_kept++] = (struct kept){*r, copy_of(payload, r->size, 0)};
}

static void keep_threads(const struct tracer_thread *t, uint32_t size)
{
	for (uint32_t n = size / sizeof(*t); n-- > 0; t++) {
		if (t->serial == n_threads) {
			threads = realloc(threads, (n_threads + 1) * sizeof(*threads));
			if (!threads)
				die("out of memory");
			n_threads++;
		}
		if (t->serial < n_threads)
			threads[t->serial] = *t;
	}
	n_serials = n_threads;
}

static void keep(const struct raw_record *r, const void *payload)
{
	const struct maps_part *part = payload;

	if (r->type == RAW_CAPTURE)
		keep_capture(r, payload);
	else if (r->type != TRACER_DONE && r->type != TRACER_RECORDED)
		put(r->type, payload, r->size);
	if (r->type == TRACER_ATTACHED)
		process = (struct tracer_process){
			.clock = ((const struct tracer_attached *)payload)->clock};
	if (r->type == TRACER_PROCESSES)
		process.clock = ((const struct tracer_process *)payload)->clock;
	if (r->type == TRACER_THREADS)
		keep_threads(payload, r->size);
	if (r->type == TRACER_STATS)
		memcpy(&stats, payload, sizeof(stats));
	if (r->type == TRACER_MAPS && part->last && part->n) {
		free(maps);
		maps = copy_of(payload, r->size, sizeof(struct mapping));
	}
}

static void read_recording(const char *path)
{
	struct raw_reader reader;
	struct raw_record record;
	int got;

	raw_reader_init(&reader);
	if (raw_reader_open(&reader, open(path, O_RDONLY), &header) < 0 ||
		gzwrite(out, &header, sizeof(header)) != sizeof(header))
		die("no recording");
	while ((got = raw_reader_next(&reader, &record)) == 1) {
		keep(&record, reader.payload);
		if (record.type == TRACER_RECORDED)
			break;
	}
	if (got != 1 || !n_kept || !n_threads || !maps)
		die("a recording with captures is wanted");
	raw_reader_fini(&reader);
}

/* --- the long one -------------------------------------------------------------------------- */

/* A library at one of several places above all others, and one generation more. */
static void new_maps(uint64_t turn)
{
	struct mapping *v = (struct mapping *)(maps + 1);
	const struct mapping *last = &v[maps->n - 1];
	struct mapping extra = {.module = v[0].module, .offset = v[0].offset};

	extra.start = last->end < UINT64_MAX / 2 ? 0x7fffffff0000ull + turn % PLACES * 0x100000
						 : last->end;
	extra.end = extra.start + 0x10000;
	maps->generation++;
	if (extra.start < last->end || extra.end < extra.start) {
		/* Behind the page of vsyscalls nothing fits: before it, then. */
		extra.start = 0x7fffffff0000ull + turn % PLACES * 0x100000;
		extra.end = extra.start + 0x10000;
		v[maps->n] = *last;
		v[maps->n - 1] = extra;
	} else {
		v[maps->n] = extra;
	}
	maps->n++;
	put(TRACER_MAPS, maps, sizeof(*maps) + maps->n * sizeof(*v));
	maps->n--;
	if (v[maps->n - 1].start == extra.start)
		v[maps->n - 1] = v[maps->n];
}

static void new_thread(uint64_t turn, uint64_t now)
{
	struct tracer_thread *t = &threads[turn % n_threads];

	t->has_ended = 1;
	put(TRACER_THREADS, t, sizeof(*t));
	t->has_ended = 0;
	t->is_new = 1;
	t->serial = n_serials++;
	t->tid = 1000000 + turn % 3000000;
	t->start_time = now / TICK_NS;
	t->cpu = 0;
	put(TRACER_THREADS, t, sizeof(*t));
}

static void tell_figures(void)
{
	stats.ticks += SECOND;
	put(TRACER_THREADS, threads, n_threads * sizeof(*threads));
	put(TRACER_PROCESSES, &process, sizeof(process));
	put(TRACER_STATS, &stats, sizeof(stats));
}

static void one_capture(uint64_t i, uint64_t now)
{
	struct kept *k = &kept[i % n_kept];
	struct capture *c = (void *)k->payload;
	uint32_t serial = c->thread, generation = c->generation;
	struct tracer_thread *t = &threads[serial % n_threads];

	c->kinds = KIND(PROFILE_CPU);
	c->thread = t->serial;
	c->generation = maps->generation;
	c->time = now;
	t->cpu += TICK_NS;
	process.clock += TICK_NS;
	stats.captured[PROFILE_CPU]++;
	put(RAW_CAPTURE, c, k->record.size);
	c->thread = serial;
	c->generation = generation;
}

static void show_progress(int fd, uint64_t i)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%20" PRIu64 "\n", i);

	if (pwrite(fd, text, n, 0) != n)
		die("cannot write progress");
}

int main(int argc, char **argv)
{
	uint64_t n = argc == 4 ? strtoull(argv[2], NULL, 10) : 0, now = TICK_NS;
	int progress = argc == 4 ? open(argv[3], O_WRONLY | O_CREAT, 0600) : -1;

	out = gzdopen(STDOUT_FILENO, "wb0");
	if (!n || progress < 0 || !out)
		die("usage: soak RECORDING CAPTURES PROGRESS");
	gzbuffer(out, 1 << 20);
	read_recording(argv[1]);
	for (uint64_t i = 0; i < n; i++, now += TICK_NS) {
		if (i % SECOND == 0)
			tell_figures();
		if (i % THREAD_LIFE == 0)
			new_thread(i / THREAD_LIFE, now);
		if (i % MAPS_LIFE == 0)
			new_maps(i / MAPS_LIFE);
		if (i % PROGRESS_STEP == 0)
			show_progress(progress, i);
		one_capture(i, now);
	}
	struct tracer_recorded end = {
		.wall_began = header.run.wall_began, .duration = n * TICK_NS, .captures = n};
	tell_figures();
	put(TRACER_DONE, &(struct tracer_done){0}, sizeof(struct tracer_done));
	put(TRACER_RECORDED, &end, sizeof(end));
	show_progress(progress, n);
	return gzclose(out) == Z_OK ? 0 : 1;
}
