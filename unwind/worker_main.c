/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring ──▶ capture ──▶ maps of its generation here? ──no──▶ wait for session's word (at most 1 s)
 *                         │yes
 *                         ▼
 *                      unwind ──▶ ended outside all code? ──yes──▶ hold it, ask for newer maps, try
 *                         │no                                      once more when they are here
 *                         ▼
 *                      answer
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "unwind/want.h"
#include "base/now.h"
#include "unwind/worker.h"
#include "unwind/kernel_frames.h"
#include "unwind/worker_main.h"

#define IDLE_MS	      500  /* between looks at a ring that fills slowly */
#define FIRST_IDLE_MS 10   /* at first: how much stack the threads need must be known soon */
#define QUIET_MS      2000 /* then nobody samples: who fills the ring again wakes us */
#define WAIT_MAPS_MS  1000 /* for a generation that was announced by a capture */
#define HELD_MS	      1500

static void beat(void *arg)
{
	struct worker *w = arg;

	atomic_fetch_add_explicit(&w->ring->page->worker_beat, 1, memory_order_relaxed);
}

/* Should this module be the last that this worker ever sees, session knows. */
void worker_reading(void *arg, uint32_t module)
{
	struct worker *w = arg;

	atomic_store_explicit(&w->ring->page->worker_module, module, memory_order_relaxed);
}

void worker_check(struct worker *w, int error)
{
	if (error == -EPIPE)
		w->over = 1;
}

/* --- captures ----------------------------------------------------------------------------- */

static void note_need(struct worker *w, const struct capture *c, uint64_t need)
{
	_Atomic uint32_t *want = &w->ring->page->stack_want[c->thread % RING_WANTS];
	uint32_t before = atomic_load_explicit(want, memory_order_relaxed);

	/* What a goroutine needs says nothing of the thread that stands for all of them. */
	if (!(c->flags & CAPTURE_NO_STACK) && !c->goroutine)
		atomic_store_explicit(want, want_next(before, need), memory_order_relaxed);
}

/* A thread was on its own stack with a goroutine's below it: from now on the tracer looks for
 * those, too. */
static void note_switch(struct worker *w, const struct capture *c)
{
	if (w->stack.end != STACK_SWITCHED)
		return;
	const struct frame *f = &w->stack.v[w->stack.n - 1];
	const struct rule *rule =
		rules_cached(w->rules, f->module, f->offset, !!(f->flags & FRAME_RETURN));
	if (rule && rule->curg)
		atomic_store_explicit(&w->ring->page->curg[c->process % RING_WANTS], rule->curg,
			memory_order_relaxed);
}

/* A copy that waits for newer maps; 0 if it cannot wait. */
static int hold(struct worker *w, const struct capture *c, uint32_t generation)
{
	size_t size = sizeof(*c) + c->stack_len + c->other_len + c->n_kernel * sizeof(uint32_t);
	struct capture *copy;

	if (w->n_held == HELD_MAX || !(copy = malloc(size)))
		return 0;
	memcpy(copy, c, size);
	w->held[w->n_held++] = (struct held){copy, clock_now() + HELD_MS * MS};
	if (w->asked != generation) {
		w->asked = generation;
		atomic_store_explicit(
			&w->ring->page->maps_wanted, generation, memory_order_relaxed);
	}
	return 1;
}

static void unwind(struct worker *w, const struct capture *c, const struct maps *maps, int may_hold)
{
	static const struct maps none;
	uint64_t need;

	unwind_capture(&w->unwinder, c, maps ? maps : &none, &w->stack, &need);
	kernel_frames_put(c, &w->stack);
	note_need(w, c, need);
	note_switch(w, c);
	if (w->stack.end != STACK_NO_MODULE || !may_hold ||
		!hold(w, c, maps ? maps->generation : 0))
		worker_check(w, answers_stack(&w->answers, c, &w->stack));
	beat(w);
}

/* Of a stack that waits for newer maps: it comes after that. */
static int is_of_held(const struct worker *w, const struct capture *c)
{
	for (uint32_t i = 0; i < w->n_held; i++)
		if (w->held[i].capture->thread == c->thread && w->held[i].capture->id == c->id)
			return 1;
	return 0;
}

/* The stack is known to session. */
static void pass_on(struct worker *w, const struct capture *c)
{
	w->stack.n = 0;
	w->stack.end = STACK_DONE;
	worker_check(w, answers_stack(&w->answers, c, &w->stack));
	beat(w);
}

static void work_on(
	struct worker *w, const struct capture *c, const struct maps *maps, int may_hold)
{
	if (!(c->flags & CAPTURE_SAME))
		unwind(w, c, maps, may_hold);
	else if (!may_hold || !is_of_held(w, c) || !hold(w, c, maps ? maps->generation : 0))
		pass_on(w, c);
}

/* Those that waited long enough; of process (NULL: of all) also the others: with the newest maps.
 */
static void release_held(struct worker *w, int all, const uint32_t *process)
{
	uint64_t now = clock_now();
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->n_held; i++) {
		struct capture *c = w->held[i].capture;
		int is_meant = all && (!process || *process == c->process);
		if (!is_meant && now < w->held[i].until) {
			w->held[kept++] = w->held[i];
			continue;
		}
		work_on(w, c, generations_newest(&w->generations, c->process), 0);
		free(c);
	}
	w->n_held = kept;
}

/* --- messages ----------------------------------------------------------------------------- */

/* That process has ended, and all its captures are unwound. */
static void on_forget(struct worker *w, const struct wire_message *msg)
{
	const struct worker_forget *f = wire_payload(msg, sizeof(*f));

	if (f)
		generations_forget(&w->generations, f->process);
}

static void on_maps(struct worker *w, const struct wire_message *msg)
{
	const struct maps_part *part = wire_payload(msg, sizeof(*part));

	if (!part || msg->size != sizeof(*part) + (size_t)part->n * sizeof(struct mapping))
		return;
	if (generations_add(&w->generations, part, (const struct mapping *)(part + 1)) == 1)
		release_held(w, 1, &part->process);
}

/* After the ring is empty: session asks when nothing more comes in. */
static void flush(struct worker *w)
{
	w->flush_asked = 0;
	release_held(w, 1, NULL);
	worker_check(w, answers_flush_stacks(&w->answers));
	worker_check(w, wire_send(w->sock, WORKER_FLUSHED, NULL, 0, -1));
}

static void on_message(struct worker *w, struct wire_message *msg)
{
	switch (msg->type) {
	case TO_WORKER_MODULE:
		request_module(w, msg);
		break;
	case TO_WORKER_MAPS:
		on_maps(w, msg);
		break;
	case TO_WORKER_FORGET:
		on_forget(w, msg);
		break;
	case TO_WORKER_EXTRA:
		request_extra(w, msg);
		break;
	case TO_WORKER_PERF_MAP:
		request_perf_map(w, msg);
		break;
	case TO_WORKER_CONTEXT:
		request_context(w, msg);
		break;
	case TO_WORKER_GO:
		request_go(w, msg);
		break;
	case TO_WORKER_ALLOCATOR:
		request_allocator(w, msg);
		break;
	case TO_WORKER_SYMBOLIZE:
		request_symbolize(w, msg);
		break;
	case TO_WORKER_DATA:
		request_data(w, msg);
		break;
	case TO_WORKER_FLUSH:
		w->flush_asked = 1;
		break;
	default:
		break;
	}
}

/* All messages that are there, but of new maps only one: captures of older ones come before. */
static void take_messages(struct worker *w)
{
	static struct wire_message m;
	int got;

	while (!w->over && (got = wire_recv(w->sock, &m, 0)) != 0) {
		if (got < 0) {
			w->over = 1;
			return;
		}
		w->empty_ms = 0;
		on_message(w, &m);
		if (m.fd >= 0)
			close(m.fd);
		beat(w);
		if (m.type == TO_WORKER_MAPS)
			return;
	}
}

/* The maps a capture was taken under; session's word may be on its way. */
static const struct maps *maps_for(struct worker *w, const struct capture *c)
{
	uint64_t until = clock_now() + WAIT_MAPS_MS * MS;

	for (;;) {
		const struct maps *last = generations_last(&w->generations);
		const struct maps *found = generations_find(&w->generations, c->generation);
		if (found)
			return found;
		if (w->over || (last && last->generation > c->generation) || clock_now() > until)
			return generations_newest(&w->generations, c->process);
		struct pollfd p = {.fd = w->sock, .events = POLLIN};
		poll(&p, 1, 50);
		take_messages(w);
	}
}

static int is_sane(const struct capture *c, long size)
{
	return size >= (long)sizeof(*c) && c->stack_len <= (uint64_t)size - sizeof(*c) &&
	       c->other_len <= (uint64_t)size - sizeof(*c) - c->stack_len &&
	       c->n_kernel <= LIMIT_KERNEL_FRAMES &&
	       c->n_kernel * sizeof(uint32_t) <=
		       (uint64_t)size - sizeof(*c) - c->stack_len - c->other_len &&
	       c->kinds < KIND(PROFILE_KINDS) && c->missing < MISSING_REASONS;
}

/* Session saves it, before anything in it can do us harm. */
static void forward(struct worker *w, long size)
{
	struct worker_capture part = {.size = size};

	do {
		size_t n = size - part.at, most = LIMIT_MESSAGE - sizeof(part);
		if (n > most)
			n = most;
		worker_check(w, wire_send2(w->sock, WORKER_CAPTURE, &part, sizeof(part),
					(char *)w->capture + part.at, n, -1));
		part.at += n;
	} while (part.at < part.size && !w->over);
}

static void take_captures(struct worker *w)
{
	long size;

	while (!w->over && (size = ring_pop(w->ring, w->capture, CAPTURE_MAX)) != 0) {
		if (size == -EPROTO) {
			/* Only a damaged ring says so, and it stays damaged. */
			w->over = 1;
			return;
		}
		w->empty_ms = 0;
		if (size == -E2BIG || !is_sane(w->capture, size))
			continue;
		if (w->forwards)
			forward(w, size);
		work_on(w, w->capture, maps_for(w, w->capture), 1);
	}
}

static int worker_init(struct worker *w, int sock, struct ring *ring)
{
	memset(w, 0, sizeof(*w));
	w->sock = sock;
	w->ring = ring;
	modules_init(&w->modules);
	symbolizer_init(&w->symbolizer, &w->modules, beat, w);
	answers_init(&w->answers, sock);
	w->data_names = (struct data_names){.reading = worker_reading, .arg = w};
	w->rules = rules_new();
	w->capture = malloc(CAPTURE_MAX);
	w->unwinder = (struct unwinder){
		.modules = &w->modules, .rules = w->rules, .reading = worker_reading, .arg = w};
	w->asked = UINT32_MAX;
	w->idle_ms = FIRST_IDLE_MS;
	return w->rules && w->capture ? 0 : -ENOMEM;
}

static void worker_fini(struct worker *w)
{
	release_held(w, 1, NULL);
	generations_fini(&w->generations);
	rules_free(w->rules);
	symbolizer_fini(&w->symbolizer);
	jit_fini(&w->jit);
	data_names_fini(&w->data_names);
	modules_fini(&w->modules);
	answers_fini(&w->answers);
	free(w->offsets);
	free(w->capture);
}

static void wait_for_work(struct worker *w)
{
	struct pollfd p[2] = {
		{.fd = w->sock, .events = POLLIN},
		{.fd = w->ring->wake, .events = POLLIN},
	};
	uint64_t count;
	int is_quiet = w->empty_ms >= QUIET_MS && !w->n_held;

	poll(p, 2, is_quiet ? -1 : w->idle_ms);
	w->empty_ms += w->idle_ms;
	if (w->idle_ms < IDLE_MS)
		w->idle_ms += w->idle_ms / 8 + 1;
	if ((p[1].revents & POLLIN) && read(w->ring->wake, &count, sizeof(count)) < 0)
		w->over = errno != EAGAIN && errno != EINTR;
}

int worker_main(int sock, struct ring *ring, int forwards)
{
	static struct worker w;

	if (worker_init(&w, sock, ring) < 0)
		return 1;
	w.forwards = forwards;
	while (!w.over) {
		take_messages(&w);
		take_captures(&w);
		release_held(&w, 0, NULL);
		worker_check(&w, answers_flush_stacks(&w.answers));
		if (w.flush_asked && !w.over)
			flush(&w);
		if (!w.over)
			wait_for_work(&w);
	}
	worker_fini(&w);
	return 0;
}
