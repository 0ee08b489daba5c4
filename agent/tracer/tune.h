/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a tracer asks of the scheduler, so that its ticks come when they are due and its stops are
 * short; and a SIGALRM that only ends a wait, by which each wait for a stop is bounded.
 */
#ifndef TRACER_TUNE_H
#define TRACER_TUNE_H

/* The scheduler may refuse. */
void tune_tracer(void);

#endif
