/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page of web/ with a profile in it: one file that needs no network. The JSON (view_json.h)
 * stands in a script element that is data, not code; in it each < > & and line separator is
 * \uXXXX, so that nothing in it can end the element. The page shows all text by textContent, and
 * its Content-Security-Policy allows no script but its own, by its hash.
 */
#ifndef OUTPUT_HTML_H
#define OUTPUT_HTML_H

#include <stddef.h>

#include "output/profile.h"
#include "output/sink.h"

int html_write(const struct profile *p, struct sink *sink); /* 0 or -errno */

/* The page without a profile, to be served: it asks its server for one. */
const char *html_page(size_t *size);

#endif
