/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libelf cannot unpack: zstd (of compressed sections) and xz (of .gnu_debugdata). Both are
 * read only where configure found the library; sizes are bounded whatever the data claims.
 */
#ifndef SYMBOLIZE_PACKED_H
#define SYMBOLIZE_PACKED_H

#include <stddef.h>

int packed_has_xz(void);

/* Into fresh memory of at most LIMIT_UNPACKED bytes, which munmap frees. 0; -EBADMSG, -E2BIG,
 * -ENOMEM. */
int packed_xz(const void *in, size_t in_len, void **out, size_t *n);

#endif
