/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the goroutines of a program made by Go can be found in its memory: where the runtime keeps
 * its list of them, what its structs look like, and what its reasons to wait mean. Without symbols,
 * and without debug information where the version of Go is known.
 */
#ifndef SYMBOLIZE_GO_FACTS_H
#define SYMBOLIZE_GO_FACTS_H

#include "base/message.h"

struct module;

/* GO_LACK_NOTHING, or why there are no facts. */
enum go_lack go_facts_find(struct module *m, struct go_facts *out);

#endif
