/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What -dump says of a thread, in words for a terminal: nothing of the target's bytes can steer it.
 */
#ifndef OUTPUT_DUMP_WORDS_H
#define OUTPUT_DUMP_WORDS_H

#include "output/dump.h"

void dump_put_escaped(struct buf *out, const char *text);

/* "sleeping" and so on. */
const char *dump_state(uint32_t letter);

/* "0.004s", "12.3s", "5m2s", "7h30m", "12d4h". */
void dump_put_time(struct buf *out, uint64_t ns);

/* 4711 "worker" */
void dump_put_thread(struct buf *out, const struct dump_thread *t);

/* "mutex stock_lock", "cond 0x7f12"; "" where it waits for none. */
void dump_put_lock(struct buf *out, const struct dump_thread *t);

/* futex(mutex stock_lock) held by 4711 "flusher" in flush_all; epoll_wait(fd 5 epoll of 3);
 * nanosleep; "" if it is in no call. */
void dump_put_wait(struct buf *out, const struct dump *d, const struct dump_thread *t);

#endif
