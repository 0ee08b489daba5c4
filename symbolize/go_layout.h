/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the members of the Go runtime's structs are that describe a goroutine and its thread: as
 * the program's debug information says, else as they are in the versions of Go that are known here.
 */
#ifndef SYMBOLIZE_GO_LAYOUT_H
#define SYMBOLIZE_GO_LAYOUT_H

#include "base/message.h"

struct module;

/* 0; -ENOENT: there is no debug information that has them all. */
int go_layout_read(struct module *m, struct go_layout *out);

/* Of Go 1.minor. 0; -ENOENT: it is not known. */
int go_layout_of_version(unsigned minor, struct go_layout *out);

#endif
