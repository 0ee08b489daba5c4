/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile as gzipped profile.proto, as go tool pprof, Parca and Pyroscope read it.
 *
 * Sub-messages are packed one by one and go straight through the compressor into the sink, so a
 * large profile is never in memory twice; the string table comes last.
 */
#ifndef OUTPUT_PPROF_H
#define OUTPUT_PPROF_H

#include "base/buf.h"
#include "output/profile.h"
#include "output/sink.h"

/* 0 or -errno of the sink, or -ENOMEM. The caller commits the sink. */
int pprof_write(const struct profile *p, struct sink *sink);

/* The same into memory, behind what is there. 0, or -errno of the buffer, or -ENOMEM; then a
 * part may be in it. */
int pprof_bytes(const struct profile *p, struct buf *out);

/* The bytes it would be uncompressed. 0 or -ENOMEM. */
int pprof_size(const struct profile *p, uint64_t *bytes);

#endif
