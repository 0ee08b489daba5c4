/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The symbol page: what functions addresses of the target are in. Asked "0xA+0xB", after ? or
 * posted; answered "num_symbols: 1", and a line "0xA NAME" for each that has a name.
 */
#ifndef SERVE_SYMBOLS_PAGE_H
#define SERVE_SYMBOLS_PAGE_H

#include "agent/serve/server.h"

/* The places in the code of the addresses that are asked for, as the process has it now, into the
 * sum. 0 or -errno. */
int symbols_page_collect(struct session *s, struct exchange *e, struct interval *sum);

/* Once they have names. */
void symbols_page_answer(struct session *s, struct exchange *e);

#endif
