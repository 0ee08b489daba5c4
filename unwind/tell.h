/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker tells session of a module.
 */
#ifndef UNWIND_TELL_H
#define UNWIND_TELL_H

#include "symbolize/module.h"

/* What it is and what it lacks. 0 or -errno of the socket. */
int tell_module(int sock, const struct module *m);

/* The files that it names and that session does not know of yet; *any is set if there are such. */
int tell_wants(int sock, struct module *m, int *any);

#endif
