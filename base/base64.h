/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes as base64 (RFC 4648, section 4: the standard alphabet, padded), behind what a buffer has.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* 0 or -errno of the buffer. */
int base64_append(struct buf *out, const void *bytes, size_t n);

#endif
