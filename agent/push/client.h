/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that sends: session's child, without capabilities, in which libcurl may wait for the
 * network as long as it has to. It gets a request's body as a descriptor, one at a time, posts it,
 * and answers with a struct answer. Where to, and the secret, are what it was forked with.
 *
 * Certificates are checked, redirects are not followed, and a proxy is used where http_proxy,
 * https_proxy and no_proxy say so. One connection is kept from request to request.
 */
#ifndef PUSH_CLIENT_H
#define PUSH_CLIENT_H

#include <stddef.h>
#include <stdint.h>

enum client_message {
	TO_CLIENT_BODY = 1, /* the descriptor of the body */
	CLIENT_ANSWER,	    /* struct answer */
};

struct client {
	const char *url, *content_type;
	const char *authorization, *tenant, *ca; /* NULL: none */
	uint32_t connect_ms, total_ms;		 /* how long a connection and a request may take */
};

/* How long a request with such a body may take: large ones get a second for each 256 KiB more. */
uint32_t client_patience_ms(const struct client *c, size_t bytes);

/* Serves the socket until its other side is closed. */
_Noreturn void client_run(const struct client *c, int sock);

#endif
