/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signal that is ignored does not even wake a thread, unless it is attached: then the call that
 * it waited in must not fail for that. With a handler all is as it would be without us.
 */
#ifndef TRACER_IGNORED_H
#define TRACER_IGNORED_H

#include "agent/tracer/tracee.h"

/* Of a thread that is attached (attached.h) and stopped with that signal; what was done is counted
 * in calls. */
void ignored_mend(pid_t tid, int signal, struct tracee_calls *calls);

#endif
