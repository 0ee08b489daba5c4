/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a process cannot be profiled, in words: one line with the cause, one with the remedy. Of one
 * that is left out while others are profiled only the cause. */
#ifndef AGENT_REFUSAL_H
#define AGENT_REFUSAL_H

#include "agent/options.h"

void refusal_print(const struct options *o, const struct tracer_refused *why);

#endif
