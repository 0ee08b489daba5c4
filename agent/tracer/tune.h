/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a tracer asks of the scheduler, so that its ticks come when they are due and its stops are
 * short.
 */
#ifndef TRACER_TUNE_H
#define TRACER_TUNE_H

/* Only helps: refusals are accepted. */
void tune_tracer(void);

#endif
