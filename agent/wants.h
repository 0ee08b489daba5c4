/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files besides the modules' own: a worker names them, the tracer opens them, and the worker
 * says whether it was the right one; if not, the tracer is asked for the next place. They are
 * kept for a worker that starts again, as are those that were not found.
 *
 *   new ──▶ asked (tracer) ──▶ given (worker) ──▶ done
 *                 ▲                  │
 *                 └── another file ──┘
 */
#ifndef AGENT_WANTS_H
#define AGENT_WANTS_H

#include "base/index.h"
#include "base/message.h"
#include "base/wire.h"

struct session;

/* So many questions fit in the tracer's queue, and their answers in ours: both sides wait for room
 * there, and must never do so at the same time. */
#define WANTS_ASKED 32u
#define WANTS_BYTES (48 * KIB)

enum want_state { WANT_NEW, WANT_ASKED, WANT_GIVEN, WANT_DONE };

struct want {
	struct extra_file file;
	char *names; /* file.name_len + file.folder_len */
	char *path;  /* where it was found; NULL */
	int fd;	     /* -1: none */
	enum want_state state;
	uint8_t rejected;   /* some place had another file */
	uint8_t is_fetched; /* a server was asked for it */
};

struct wants {
	struct want *v;
	uint32_t n, room;
	struct index by_key;
	uint32_t next;	       /* all before it were asked for, or are of modules without frames */
	uint32_t asked, given; /* answers to come */
	size_t asked_bytes;
	uint32_t lost; /* past the ceiling */
	uint32_t told; /* that may not be opened */
};

void wants_fini(struct wants *w); /* for tests: a role ends by _exit */

/* NULL: nobody asked for it. */
struct want *wants_find(const struct wants *w, uint32_t module, uint32_t kind, uint32_t index);

/* WORKER_WANTS. 0 or -EPROTO. */
int wants_add(struct session *s, const struct wire_message *m);

/* A new interval has other modules. */
void wants_begin(struct wants *w);

/* Asks for the files of modules with frames, as many as may be asked for at once; how many answers
 * are to come. Again after each answer; 0: all are here. */
uint32_t wants_ask(struct session *s);

void wants_on_file(struct session *s, struct wire_message *m);	      /* TRACER_EXTRA */
int wants_on_answer(struct session *s, const struct wire_message *m); /* WORKER_EXTRA */

/* A file for one that was not found; takes fd. */
void wants_offer(struct session *s, struct want *w, int fd, const char *path);

/* Tells a new worker of a module's files. */
void wants_tell(struct session *s, uint32_t module);

/* What the tracer was asked for will not come. */
void wants_tracer_ended(struct session *s);

#endif
