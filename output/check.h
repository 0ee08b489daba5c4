/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holds a pprof file, gzipped or not, to the rules of profile.proto and to those of its consumers:
 * pprof, Parca (dense ids), Pyroscope (UTF-8, label keys, limits). The file is foreign: everything
 * in it is range-checked, and more than 1 GiB uncompressed is refused.
 */
#ifndef OUTPUT_CHECK_H
#define OUTPUT_CHECK_H

#include <stdio.h>

/* One line per violation to out ("FILE: location 3: id 7, must be 3"), at most 20, then how many
 * more; or "FILE: valid: N samples, ..." in one line. 0 valid, 1 not valid or not readable. */
int check_file(const char *path, FILE *out);

#endif
