/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code that runs in the target, which begins with struct probe_head (layout.h): built apart
 * from all else, by blob.sh.
 */
#ifndef PROBE_BLOB_H
#define PROBE_BLOB_H

#include <stddef.h>

extern const unsigned char blob_code[];
extern const size_t blob_size;

#endif
