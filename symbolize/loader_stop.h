/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place in a dynamic loader that debuggers stop at: the function _dl_debug_state, which glibc's
 * calls before and after it loads a program's libraries, and musl's after. glibc's _r_debug says
 * which of both it is. Sources: link.h, gdb's solib-svr4.c.
 */
#ifndef SYMBOLIZE_LOADER_STOP_H
#define SYMBOLIZE_LOADER_STOP_H

#include "base/message_tracer.h"
#include "symbolize/module.h"

/* Whether the module has it. */
int loader_stop_find(struct module *m, struct loader_stop *out);

#endif
