/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What session does with perf maps: keeps the one that the tracer opened for each module without a
 * file, gives it to the worker when that module's names are asked for, and says what became of it.
 *
 * The file is read then, at the end of each interval, and not when it is found: the target goes on
 * writing to it. One that is unlinked, or whose process has ended, is read all the same.
 */
#ifndef AGENT_PERF_MAPS_H
#define AGENT_PERF_MAPS_H

#include "agent/session.h"

/* TRACER_PERF_MAP, whose descriptor is taken; WORKER_PERF_MAP. 0 or -EPROTO. */
int perf_maps_on_file(struct session *s, struct wire_message *m);
int perf_maps_on_read(struct session *s, const struct wire_message *m);

/* Whether names of that module can be asked for. */
int perf_maps_is_usable(const struct module *m);

/* Gives the worker the map of a module, if it has one. */
void perf_maps_brief(struct session *s, uint32_t id);

/* The summary's lines: code without names, and with -v the maps that were read. */
void perf_maps_text(const struct session *s, struct buf *out);

#endif
