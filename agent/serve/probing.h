/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocation probe of a run that serves: it goes in when somebody asks for heap or allocs the
 * first time (or at once: -profile heap), all share it, and it is taken out when serving ends. Who
 * asks while it is on its way waits; where it cannot go in they are told why, and serving goes on.
 *
 * What is known of the process's heap can be asked for after its end, too, until Ctrl-C.
 */
#ifndef SERVE_PROBING_H
#define SERVE_PROBING_H

#include "agent/session.h"

/* Serving begins; in the event loop: it goes in where it is wanted, and can. */
void probing_begin(struct session *s);
void probing_step(struct session *s);

/* Whether s can answer for these kinds without the process. */
int probing_lingers(const struct session *s, uint32_t kinds);

/* The process has ended: 1 if its heap stays to be asked for. */
int probing_linger(struct session *s);

/* Whether there is anything to do without it. */
int probing_goes_on(const struct session *s);

/* It is in; it cannot go in: text's first line says why; what it knew is lost, and why: it can be
 * put in again. Where it is wanted from the begin on it then is, and tried again while it cannot.
 */
void probing_is_in(struct session *s);
void probing_refuse(struct session *s, const char *text);
void probing_is_lost(struct session *s, const char *why);

#endif
