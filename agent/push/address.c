/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/push/address.h"
#include "config.h"

#ifdef HAVE_CURL
#include <curl/curl.h>

#define FORM "pyroscope+http://HOST:PORT, pyroscope+https://, parca+http:// or parca+https://"

/* The HTTP URL in text; NULL: no store is named. */
static const char *take_store(struct address *a, const char *text)
{
	for (unsigned i = 0; i < STORES; i++) {
		size_t n = strlen(stores[i].word);
		if (strncmp(text, stores[i].word, n))
			continue;
		a->store = i;
		text += n;
		a->is_https = !strncmp(text, "https://", 8);
		if (!a->is_https && strncmp(text, "http://", 7))
			return NULL;
		/* libcurl overlooks a third slash. */
		return strstr(text, "///") ? NULL : text;
	}
	return NULL;
}

static int has(CURLU *u, CURLUPart part)
{
	char *value = NULL;
	int there = curl_url_get(u, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return there;
}

static int copy_part(CURLU *u, CURLUPart part, char *out, size_t room)
{
	char *value = NULL;
	int fits = curl_url_get(u, part, &value, 0) == CURLUE_OK &&
		   snprintf(out, room, "%s", value) < (int)room;

	curl_free(value);
	return fits ? 0 : -EINVAL;
}

static int is_this_host(const char *host)
{
	return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
}

/* The length of text without the slashes at its end. */
static size_t without_slashes(const char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '/')
		n--;
	return n;
}

/* The prefix, then the store's own path. */
static int put_together(struct address *a, CURLU *u)
{
	char path[LIMIT_PATH], host[LIMIT_PATH];
	const char *own = stores[a->store].path;

	if (copy_part(u, CURLUPART_PATH, path, sizeof(path)) < 0 ||
		copy_part(u, CURLUPART_HOST, host, sizeof(host)) < 0)
		return -EINVAL;
	a->is_open = !a->is_https && !is_this_host(host);
	size_t n = without_slashes(path);
	if (n + strlen(own) >= sizeof(path))
		return -EINVAL;
	strcpy(path + n, own);
	if (curl_url_set(u, CURLUPART_PATH, path, 0) != CURLUE_OK)
		return -EINVAL;
	return copy_part(u, CURLUPART_URL, a->url, sizeof(a->url));
}

static const char *check(struct address *a, const char *http, CURLU *u)
{
	if (curl_url_set(u, CURLUPART_URL, http, 0) != CURLUE_OK || !has(u, CURLUPART_HOST))
		return "give a URL: " FORM;
	if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD))
		return "everyone can read a password on the command line; give -push-auth FILE";
	if (has(u, CURLUPART_QUERY) || has(u, CURLUPART_FRAGMENT))
		return "leave out what begins with ? or #";
	return put_together(a, u) < 0 ? "the URL is too long" : NULL;
}

int address_parse(struct address *a, const char *text, const char **why)
{
	*a = (struct address){0};
	const char *http = take_store(a, text);
	CURLU *u = http ? curl_url() : NULL;

	*why = "give the URL of a store: " FORM;
	if (!u)
		return -EINVAL;
	*why = check(a, http, u);
	if (!*why)
		snprintf(a->shown, sizeof(a->shown), "%.*s", (int)without_slashes(text), text);
	curl_url_cleanup(u);
	return *why ? -EINVAL : 0;
}

#else

int address_parse(struct address *a, const char *text, const char **why)
{
	(void)text;
	*a = (struct address){0};
	*why = "this program was built without libcurl, and cannot";
	return -EINVAL;
}

#endif
