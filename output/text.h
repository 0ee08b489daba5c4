/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The top table for people, in the layout of "go tool pprof -top": flat, flat%, sum%, cum, cum%,
 * name. By the profile's last value; a function counts once per sample in cum; inlined functions
 * count as functions. Code without names is called like its file. Names pass log_escape: they come
 * from the target.
 */
#ifndef OUTPUT_TEXT_H
#define OUTPUT_TEXT_H

#include "base/buf.h"
#include "output/profile.h"

/* Header lines (File, Type, Duration and Total samples for cpu, "Showing nodes accounting for ...")
 * and at most lines rows by flat, then name. 0 or -errno. */
int text_top(const struct profile *p, uint32_t lines, struct buf *out);

#endif
