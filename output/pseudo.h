/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of frames that are not code, in brackets: why a stack has no more frames, CPU time that
 * no sample stands for. Never NULL.
 */
#ifndef OUTPUT_PSEUDO_H
#define OUTPUT_PSEUDO_H

#include "output/types.h"

const char *pseudo_name(uint64_t pseudo); /* enum pseudo (+ end or + missing) */

/* The same reason in the words of a summary: "complete", "copy too short", ... */
const char *pseudo_end_word(enum stack_end end);

/* The word for a state letter of /proc/PID/stat: "running", "sleeping", "disk", "stopped", ...; for
 * an enum go_state the runtime's own: "chan receive", "sync.Mutex.Lock", ... */
const char *pseudo_state(uint32_t letter);

#endif
