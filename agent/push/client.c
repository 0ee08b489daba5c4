/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/push/answer.h"
#include "agent/push/client.h"
#include "base/limits.h"
#include "base/wire.h"
#include "config.h"

uint32_t client_patience_ms(const struct client *c, size_t bytes)
{
	return c->total_ms + bytes / (256 * KIB) * 1000;
}

#ifdef HAVE_CURL
#include <curl/curl.h>

/* One request's way. */
struct request {
	CURL *curl;
	struct answer answer;
	char error[CURL_ERROR_SIZE];
	size_t got; /* bytes of the reply */
};

/* The begin of the reply is kept; one without an end is not waited for. */
static size_t take_reply(char *bytes, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	size_t room = r->got < ANSWER_TEXT - 1 ? ANSWER_TEXT - 1 - r->got : 0;

	n *= size;
	memcpy(r->answer.text + (ANSWER_TEXT - 1 - room), bytes, n < room ? n : room);
	r->got += n;
	return r->got > LIMIT_PUSH_REPLY ? 0 : n;
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
	char line[LIMIT_PATH];
	int n = snprintf(line, sizeof(line), "%s%s", name, value);
	struct curl_slist *more = n < (int)sizeof(line) ? curl_slist_append(*list, line) : NULL;

	if (more)
		*list = more;
	return more ? 0 : -1;
}

static struct curl_slist *make_headers(const struct client *c)
{
	struct curl_slist *list = NULL;
	/* Without "Expect:" a large body waits a second for a word that not all stores say. */
	int error = add_header(&list, "Content-Type: ", c->content_type) |
		    add_header(&list, "Expect:", "");

	if (c->authorization) {
		struct curl_slist *more = curl_slist_append(list, c->authorization);
		error |= !more;
		list = more ? more : list;
	}
	if (c->tenant)
		error |= add_header(&list, "X-Scope-OrgID: ", c->tenant);
	return error ? NULL : list;
}

static void allow_http_only(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void set_up(struct request *r, const struct client *c, struct curl_slist *headers)
{
	CURL *curl = r->curl;

	allow_http_only(curl);
	curl_easy_setopt(curl, CURLOPT_URL, c->url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "cpprof-attach/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0l);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1l);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, r->error);
	if (c->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca);
}

static void cut_blanks(char *text)
{
	size_t n = strlen(text);

	while (n && strchr(" \t\r\n", text[n - 1]))
		text[--n] = '\0';
}

/* A status that came counts, whatever happened to the rest of the reply. */
static void tell_status(struct request *r, CURLcode error)
{
	struct answer *a = &r->answer;
	const char *redirect = NULL;
	curl_off_t after = 0;
	long status = 0;

	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->curl, CURLINFO_RETRY_AFTER, &after);
	curl_easy_getinfo(r->curl, CURLINFO_REDIRECT_URL, &redirect);
	a->status = status;
	a->error = status >= 200 ? 0 : error;
	a->retry_after = after > 0 && after < 1000000 ? after : 0;
	if (a->error)
		snprintf(a->text, sizeof(a->text), "%s",
			*r->error ? r->error : curl_easy_strerror(error));
	else if (status >= 300 && status < 400 && redirect)
		snprintf(a->text, sizeof(a->text), "%s", redirect);
	cut_blanks(a->text);
}

static void post(struct request *r, const struct client *c, const void *body, size_t n)
{
	memset(&r->answer, 0, sizeof(r->answer));
	r->error[0] = '\0';
	r->got = 0;
	curl_easy_setopt(r->curl, CURLOPT_TIMEOUT_MS, (long)client_patience_ms(c, n));
	curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
	curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, body);
	tell_status(r, curl_easy_perform(r->curl));
}

/* 0, or -1: there is no use in going on. */
static int serve_one(struct request *r, const struct client *c, int sock, int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return -1;
	void *body = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (body == MAP_FAILED)
		return -1;
	post(r, c, body, st.st_size);
	munmap(body, st.st_size);
	return wire_send(sock, CLIENT_ANSWER, &r->answer, sizeof(r->answer), -1);
}

/* What it knows shall not be left in a file, nor read by other processes of the user. */
static void guard_secret(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NAME, "pusher");
}

_Noreturn void client_run(const struct client *c, int sock)
{
	static struct wire_message m;
	static struct request r;
	struct curl_slist *headers;

	guard_secret();
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(r.curl = curl_easy_init()) ||
		!(headers = make_headers(c)))
		_exit(1);
	set_up(&r, c, headers);
	while (wire_recv(sock, &m, 1) == 1) {
		if (serve_one(&r, c, sock, m.fd) < 0)
			_exit(1);
		close(m.fd);
	}
	_exit(0);
}

#else

_Noreturn void client_run(const struct client *c, int sock)
{
	(void)c, (void)sock;
	_exit(1);
}

#endif
