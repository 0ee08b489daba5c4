/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that a profile has to keep: profile.proto's own, pprof's, Parca's (dense ids),
 * Pyroscope's (label keys, sample types, limits). Each violation is one line through the reporter.
 */
#ifndef OUTPUT_CONFORM_H
#define OUTPUT_CONFORM_H

#include "output/profile.pb-c.h"

/* warning: a consumer's default limit is passed, the file is valid all the same. */
typedef void conform_report(void *arg, int warning, const char *text);

void conform(const Perftools__Profiles__Profile *p, conform_report *report, void *arg);

#endif
