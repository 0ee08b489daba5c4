/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracer's process: takes orders from session on sock, pushes captures into the ring. Returns
 * its exit status when session is gone.
 */
#ifndef TRACER_TRACER_MAIN_H
#define TRACER_TRACER_MAIN_H

#include "base/ring.h"

#define TRACER_EXIT_STUCK 70 /* held a thread that did not reach its stop: its end frees it */

int tracer_main(int sock, struct ring *ring);

#endif
