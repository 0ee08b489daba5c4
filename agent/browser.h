/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Showing a page in the user's browser (-open): $BROWSER, else xdg-open, run with session's ids,
 * which are the invoking user's, without any capability and in a session of its own: Ctrl-C does
 * not reach it, and it outlives us. It has no new privileges, as session has none: a browser whose
 * own sandbox is a set-user-ID program goes without that one.
 */
#ifndef AGENT_BROWSER_H
#define AGENT_BROWSER_H

/* Returns once the browser has the page, or after two seconds if the program runs on. 0, or -errno;
 * that there is no browser, or that it failed, is told. */
int browser_open(const char *url_or_path);

#endif
