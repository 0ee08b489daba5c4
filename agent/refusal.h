/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a process cannot be profiled, in words: one line with the cause, one with the remedy. */
#ifndef AGENT_REFUSAL_H
#define AGENT_REFUSAL_H

#include "base/message.h"

void refusal_print(int pid, const struct tracer_refused *why);

#endif
