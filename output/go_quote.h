/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in double quotes as Go's %q writes it (strconv.Quote): what is no printable character is
 * escaped, bytes that are no UTF-8 as \xNN. Beyond ASCII, Go's table of what can be printed is not
 * here: only controls, spaces, characters that are not seen and those of private use are escaped,
 * not those that no version of Unicode has given a meaning yet.
 */
#ifndef OUTPUT_GO_QUOTE_H
#define OUTPUT_GO_QUOTE_H

#include "base/buf.h"

int go_quote(struct buf *out, const char *text); /* 0 or -errno */

#endif
