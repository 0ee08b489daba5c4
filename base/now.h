/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks of the machine, and units of time. All times are in nanoseconds.
 */
#ifndef BASE_NOW_H
#define BASE_NOW_H

#include <stdint.h>

#define MS     1000000ull
#define SECOND 1000000000ull

uint64_t clock_now(void);  /* CLOCK_MONOTONIC */
uint64_t clock_wall(void); /* CLOCK_REALTIME */

#endif
