/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the goroutine profile: the worker is asked how to read each program, the tracer is told, and
 * takes its first look at the goroutines once it knows that of all programs it has met.
 */
#ifndef AGENT_GO_PROGRAMS_H
#define AGENT_GO_PROGRAMS_H

#include "agent/session.h"

/* The worker has read that module: asks it, where it is a program and nothing is known yet. */
void go_programs_ask(struct session *s, uint32_t module);

/* Its answer. 0 or -EPROTO. */
int go_programs_on_facts(struct session *s, const struct worker_go *facts);

/* The tracer has given that module a number: tells it what is known. */
void go_programs_tell(struct session *s, uint32_t module);

/* The tracer is done with the threads, or with the goroutines: whether there is still something to
 * be waited for. */
int go_programs_await(struct session *s);

/* A process shows no goroutines. */
void go_programs_on_none(struct session *s, const struct tracer_goroutines *none);

#endif
