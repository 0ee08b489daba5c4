/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of HTTP clients, by libmicrohttpd inside session's event loop: nothing here waits.
 *
 * A request is looked at once (who may ask, and what for), then answered at once or held until its
 * window is done. One whose client hangs up while it is held is told so and dropped. Refused before
 * anything else: methods other than GET, HEAD and, for symbol, POST; a Host that is neither an
 * address nor our own name, where only this machine may ask (DNS rebinding); other sites' scripts;
 * without the token, where there is one (path /TOKEN/... or "Authorization: Bearer TOKEN").
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <microhttpd.h>
#include <poll.h>

#include "agent/serve/listen.h"
#include "agent/serve/wish.h"
#include "base/buf.h"

#define HTTP_CONNECTIONS 256u
#define HTTP_HELD	 64u	    /* requests that wait for their window */
#define HTTP_HEADERS	 (32 * KIB) /* of a request, its first line included */
#define HTTP_POST	 (1 * MIB)
#define HTTP_IDLE_S	 30u /* of a client that neither sends nor reads */

struct http;

/* A request, from its headers to the last byte of its answer. */
struct exchange {
	struct http *http;
	struct MHD_Connection *connection;
	struct exchange *next;
	struct wish wish;
	char *uri; /* as it was sent; NULL: no memory */
	struct buf posted;
	int is_head, is_post, is_checked;
	int is_cut;	 /* its path has a NUL in it */
	int is_held;	 /* its answer comes later, by http_answer */
	int is_hopeless; /* its client has gone */
	void *waits_for; /* the owner's */
	/* The answer. */
	int status; /* 0: there is none yet */
	struct buf body;
	const void *page;   /* instead of body: memory that stays, */
	size_t page_size;   /* so many bytes */
	const char *type;   /* its Content-Type */
	char file_name[48]; /* "": none */
	char *location;	    /* NULL: none */
	uint32_t retry_s;   /* Retry-After; 0: none */
	int is_error;	    /* as Go marks its own */
};

struct http_counts {
	uint64_t requests, refused, hung_up, bytes;
};

struct http {
	struct MHD_Daemon *daemon;
	struct listener listener;
	char *token; /* NULL: none is asked for */
	struct exchange *first;
	uint32_t n_exchanges;
	int has_answers; /* that are not on their way yet */
	struct http_counts counts;
	/* Sets the answer, or leaves it and holds the request. */
	void (*take)(void *owner, struct exchange *e);
	/* The exchange is over; its client may have gone before it was answered. */
	void (*forget)(void *owner, struct exchange *e);
	void *owner;
};

/* Where, and the file of the token or NULL. 0, or -errno: told. */
int http_open(struct http *h, const char *where, const char *token_file);

/* No more clients; those that are there have up to patience_ms to read on. */
void http_close(struct http *h, int patience_ms);

/* Descriptors to be polled, at most HTTP_HELD + 1, and the longest wait in ms (-1: any). */
int http_poll_fds(const struct http *h, struct pollfd *fds);
int http_timeout(const struct http *h);

/* After poll, with the same descriptors. */
void http_step(struct http *h, const struct pollfd *fds, int n);

/* The answer of a request that was held is set. */
void http_answer(struct exchange *e);

/* Sets one of Go's errors: a line, and the mark by which its tools show it. */
void http_refuse(struct exchange *e, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define HTTP_TEXT   "text/plain; charset=utf-8"
#define HTTP_HTML   "text/html; charset=utf-8"
#define HTTP_JSON   "application/json"
#define HTTP_BINARY "application/octet-stream"

#endif
