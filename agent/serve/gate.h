/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may ask.
 */
#ifndef SERVE_GATE_H
#define SERVE_GATE_H

struct exchange;

/* The path without the token, where one is asked for; NULL: refused, the answer is set. */
const char *gate_pass(struct exchange *e, const char *path, const char *version);

/* Whether such a Host header is one that only somebody who knows this server sends: an address,
 * localhost, or own (the host given with -http, "" none). */
int gate_is_own_host(const char *header, const char *own);

/* The first line of that file, of letters, digits and -._~ (RFC 3986, unreserved), at least 16 of
 * them; others must not be able to read it. 0 or -errno: told. The caller frees *token. */
int gate_read_token(const char *path, char **token);

#endif
