/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folded stacks, as flamegraph.pl and inferno read them: root;...;leaf VALUE, the profile's last
 * value, equal lines joined, inlined functions as frames of their own. The thread's name is the
 * root frame. A ';' in a name becomes ':', a control character a space. A place without a name is
 * "[file+0xOFFSET]", the offset being the one in the file.
 */
#ifndef OUTPUT_FOLDED_H
#define OUTPUT_FOLDED_H

#include "output/profile.h"
#include "output/sink.h"

int folded_write(const struct profile *p, struct sink *sink); /* 0 or -errno */

#endif
