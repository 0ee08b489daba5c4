/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's process: captures from the ring become stacks, addresses become names. It works on
 * descriptors it is handed, opens nothing, and may die of a hostile file: its supervisor starts
 * another. Returns its exit status when session is gone. forwards: session gets each capture, too,
 * before it is unwound, to save it.
 */
#ifndef UNWIND_WORKER_MAIN_H
#define UNWIND_WORKER_MAIN_H

#include "base/ring.h"

int worker_main(int sock, struct ring *ring, int forwards);

#endif
