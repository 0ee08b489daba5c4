/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that a profile has to keep: profile.proto's own, pprof's, Parca's (dense ids, names of
 * types), Pyroscope's (label keys, limits). Each violation is one line through the reporter.
 */
#ifndef OUTPUT_CONFORM_H
#define OUTPUT_CONFORM_H

#include "output/profile.pb-c.h"

/* warning: the file is valid all the same, but a consumer's default limit is passed, or something
 * in it is of no use: there twice, without a value, without an executable. */
typedef void conform_report(void *arg, int warning, const char *text);

void conform(const Perftools__Profiles__Profile *p, conform_report *report, void *arg);

#endif
