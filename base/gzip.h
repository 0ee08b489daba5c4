/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

/* The window bits by which zlib's deflateInit2 and inflateInit2 mean the gzip format, and the
 * largest window. */
#define GZIP_WINDOW (15 + 16)

#endif
