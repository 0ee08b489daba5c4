/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/serve/gate.h"
#include "agent/serve/http.h"
#include "base/log.h"

void http_refuse(struct exchange *e, int status, const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_clear(&e->body);
	buf_printf(&e->body, "%s\n", text);
	e->status = status;
	e->type = HTTP_TEXT;
	e->is_error = 1;
	e->page = NULL;
	*e->file_name = '\0';
}

/* --- answers ------------------------------------------------------------------------------ */

static ssize_t no_more(void *arg, uint64_t at, char *room, size_t most)
{
	(void)arg, (void)at, (void)room, (void)most;
	return MHD_CONTENT_READER_END_OF_STREAM;
}

/* To HEAD the length of what took no time to make is not known. In chunks, libmicrohttpd would send
 * the last one. */
static struct MHD_Response *head_response(void)
{
	struct MHD_Response *r =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, no_more, NULL, NULL);

	if (r)
		MHD_set_response_options(r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return r;
}

static struct MHD_Response *response_of(struct exchange *e)
{
	if (e->page)
		return MHD_create_response_from_buffer(
			e->page_size, (void *)e->page, MHD_RESPMEM_PERSISTENT);
	if (e->is_head && !e->body.len)
		return head_response();
	struct MHD_Response *r = MHD_create_response_from_buffer(e->body.len, e->body.data,
		e->body.data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (r)
		buf_init(&e->body, 0);
	return r;
}

static void add_headers(const struct exchange *e, struct MHD_Response *r)
{
	char text[96];

	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "Content-Type", e->type);
	if (e->is_error)
		MHD_add_response_header(r, "X-Go-Pprof", "1");
	if (*e->file_name) {
		snprintf(text, sizeof(text), "attachment; filename=\"%s\"", e->file_name);
		MHD_add_response_header(r, "Content-Disposition", text);
	}
	if (e->location)
		MHD_add_response_header(r, "Location", e->location);
	if (e->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(
			r, "Allow", e->wish.page == PAGE_SYMBOL ? "GET, HEAD, POST" : "GET, HEAD");
	if (e->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
	if (e->retry_s) {
		snprintf(text, sizeof(text), "%u", e->retry_s);
		MHD_add_response_header(r, "Retry-After", text);
	}
}

static enum MHD_Result send_answer(struct exchange *e)
{
	if (e->body.failed)
		http_refuse(e, 500, "failed to collect profile: %s", strerror(-e->body.failed));
	e->http->counts.bytes += e->page ? e->page_size : e->body.len;
	struct MHD_Response *r = response_of(e);
	if (!r)
		return MHD_NO;
	add_headers(e, r);
	enum MHD_Result sent = MHD_queue_response(e->connection, e->status, r);
	MHD_destroy_response(r);
	return sent;
}

void http_answer(struct exchange *e)
{
	if (!e->is_held)
		return;
	e->is_held = 0;
	e->http->has_answers = 1;
	MHD_resume_connection(e->connection);
}

/* --- requests ----------------------------------------------------------------------------- */

static const char *parameter(const void *arg, const char *name)
{
	const struct exchange *e = arg;

	return MHD_lookup_connection_value(e->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* What the first line and the headers tell. */
static void check(struct exchange *e, const char *path, const char *method, const char *version)
{
	e->is_checked = 1;
	e->is_head = !strcmp(method, MHD_HTTP_METHOD_HEAD);
	e->is_post = !strcmp(method, MHD_HTTP_METHOD_POST);
	e->http->counts.requests++;
	path = gate_pass(e, path, version);
	if (!path)
		return;
	if (e->is_cut)
		http_refuse(e, MHD_HTTP_NOT_FOUND, "Unknown profile");
	wish_parse(&e->wish, path, parameter, e);
	if (!e->status && !e->is_head && strcmp(method, MHD_HTTP_METHOD_GET) &&
		!(e->is_post && e->wish.page == PAGE_SYMBOL))
		http_refuse(e, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed");
	else if (!e->status && e->wish.status)
		http_refuse(e, e->wish.status, "%s", e->wish.why);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct exchange *e = *state;
	struct http *h = arg;

	(void)connection;
	if (!e)
		return MHD_NO;
	if (!e->is_checked) {
		check(e, url, method, version);
		/* What is sent with it comes with the next calls; a refusal does not wait for it.
		 */
		int sends_more = !e->is_head && strcmp(method, MHD_HTTP_METHOD_GET);
		return e->status && sends_more ? send_answer(e) : MHD_YES;
	}
	if (*size) {
		buf_append(&e->posted, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (!e->status && e->posted.failed)
		http_refuse(e, MHD_HTTP_CONTENT_TOO_LARGE, "more than %lu bytes were posted",
			HTTP_POST);
	if (!e->status)
		h->take(h->owner, e);
	if (e->status)
		return send_answer(e);
	e->is_held = 1;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/* Called for each request before its headers are parsed. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct http *h = arg;
	struct exchange *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->http = h;
	e->connection = connection;
	e->type = HTTP_TEXT;
	e->uri = strdup(uri);
	/* Decoded it would end the path there. */
	e->is_cut = strstr(uri, "%00") != NULL;
	buf_init(&e->posted, HTTP_POST);
	buf_init(&e->body, LIMIT_ANSWER);
	e->next = h->first;
	h->first = e;
	h->n_exchanges++;
	return e;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct http *h = arg;
	struct exchange *e = *state, **at = &h->first;

	(void)connection;
	if (!e)
		return;
	while (*at && *at != e)
		at = &(*at)->next;
	if (*at)
		*at = e->next;
	h->n_exchanges--;
	h->counts.refused += e->is_error;
	h->counts.hung_up += why != MHD_REQUEST_TERMINATED_COMPLETED_OK || e->is_hopeless;
	h->forget(h->owner, e);
	buf_fini(&e->posted);
	buf_fini(&e->body);
	free(e->uri);
	free(e->location);
	free(e);
	*state = NULL;
}

/* --- the daemon --------------------------------------------------------------------------- */

static void no_log(void *arg, const char *format, va_list args)
{
	(void)arg, (void)format, (void)args;
}

int http_open(struct http *h, const char *where, const char *token_file)
{
	int error = token_file ? gate_read_token(token_file, &h->token) : 0;

	if (!error)
		error = listen_open(&h->listener, where);
	if (error)
		return error;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		on_request, h, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL, MHD_OPTION_LISTEN_SOCKET,
		h->listener.fd, MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_HEADERS, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
	if (h->daemon)
		return 0;
	log_error("-http %s: cannot serve: %s", where, strerror(errno));
	listen_close(&h->listener);
	return -EIO;
}

static int descriptor_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

int http_poll_fds(const struct http *h, struct pollfd *fds)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int n = 0;

	fds[n++] = (struct pollfd){.fd = info ? info->epoll_fd : -1, .events = POLLIN};
	for (const struct exchange *e = h->first; e && n <= (int)HTTP_HELD; e = e->next)
		if (e->is_held)
			fds[n++] = (struct pollfd){
				.fd = descriptor_of(e->connection), .events = POLLRDHUP};
	return n;
}

int http_timeout(const struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->has_answers)
		return 0;
	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms < 60000 ? ms : 60000;
}

/* What it waited for is not needed any more; its end is told of by on_completed. */
static void give_up(struct http *h, int fd)
{
	for (struct exchange *e = h->first; e; e = e->next)
		if (e->is_held && descriptor_of(e->connection) == fd) {
			e->is_hopeless = 1;
			h->forget(h->owner, e);
			http_refuse(e, 500, "context canceled");
			http_answer(e);
			return;
		}
}

void http_step(struct http *h, const struct pollfd *fds, int n)
{
	for (int i = 1; i < n; i++)
		if (fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR))
			give_up(h, fds[i].fd);
	h->has_answers = 0;
	MHD_run(h->daemon);
}

void http_close(struct http *h, int patience_ms)
{
	const struct timespec pause = {0, 5000000};

	if (!h->daemon)
		return;
	MHD_quiesce_daemon(h->daemon);
	for (struct exchange *e = h->first; e; e = e->next)
		if (e->is_held) {
			http_refuse(e, 503, "the server ends");
			http_answer(e);
		}
	for (; h->first && patience_ms > 0; patience_ms -= 5) {
		MHD_run(h->daemon);
		nanosleep(&pause, NULL);
	}
	MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
	listen_close(&h->listener);
	free(h->token);
	h->token = NULL;
}
