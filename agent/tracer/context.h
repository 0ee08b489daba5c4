/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes publish of themselves for readers outside (OTEP 4719, see
 * base/otel.h): found by the name of its mapping, copied, and handed on. Nothing in it
 * is believed here but where it lies, within bounds.
 */
#ifndef TRACER_CONTEXT_H
#define TRACER_CONTEXT_H

#include "agent/tracer/roster.h"

/* Of each process that has such a mapping. The memory may be one that never answers: not for a
 * tracer that was started again. */
void context_tell_all(const struct roster *roster);

#endif
