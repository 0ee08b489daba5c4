/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in HTML.
 */
#ifndef SERVE_MARKUP_H
#define SERVE_MARKUP_H

#include "base/buf.h"

/* So that it is text there, in an attribute's quotes, too: as Go's html.EscapeString. What is
 * not ASCII becomes question marks. */
void markup_text(struct buf *out, const char *text);

#endif
