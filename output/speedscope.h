/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON that speedscope reads (its file-format-schema.json, "sampled" profiles): the profile's
 * last value, all threads in the first of its profiles, and one for each thread where there are
 * several. Inlined functions are frames of their own; a place without a name is "[file+0xOFFSET]".
 */
#ifndef OUTPUT_SPEEDSCOPE_H
#define OUTPUT_SPEEDSCOPE_H

#include "base/buf.h"
#include "output/profile.h"
#include "output/sink.h"

int speedscope_write(const struct profile *p, struct sink *sink); /* 0 or -errno */

/* The same into memory. */
int speedscope_text(const struct profile *p, struct buf *out);

#endif
