/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page as the build makes it from web/ (web/page.awk); for html.c. */
#ifndef OUTPUT_HTML_PAGE_H
#define OUTPUT_HTML_PAGE_H

extern const char html_page_text[]; /* no NUL at its end */
extern const unsigned long html_page_size;

#endif
