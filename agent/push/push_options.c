/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/push/address.h"
#include "agent/push/authorization.h"
#include "agent/push/push_options.h"
#include "agent/values.h"
#include "base/log.h"
#include "base/utf8.h"

/* Whose options come now. */
static struct push_to *current(struct push_options *o)
{
	return o->n ? &o->to[o->n - 1] : &o->all;
}

static int add_url(struct push_options *o, const char *value)
{
	struct address address;
	const char *why;

	if (address_parse(&address, value, &why) < 0) {
		/* A password in it is not shown again. */
		log_error("-push %s: %s", strchr(value, '@') ? "URL" : value, why);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < o->n; i++)
		if (!strcmp(o->to[i].url, value))
			return values_bad("push", value, "another place: it is given twice");
	if (o->n == PUSH_URLS) {
		log_error("-push: more than %u places", PUSH_URLS);
		return -EINVAL;
	}
	o->to[o->n++] = (struct push_to){.url = value};
	return 0;
}

/* --- labels -------------------------------------------------------------------------------- */

static int is_name(const char *text, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_",
			  all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return n && strspn(text, letters) > 0 && strspn(text, all) == n;
}

static int has_control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p >= ' ' && *p != 0x7f)
		p++;
	return *p != 0;
}

static int is_given(const struct push_options *o, const char *text, size_t n)
{
	for (uint32_t i = 0; i < o->n_labels; i++)
		if (o->labels[i].name_length == n && !strncmp(o->labels[i].text, text, n))
			return 1;
	return 0;
}

/* What a label should have been; NULL: it is right. */
static const char *fault_of_label(const struct push_options *o, const char *text)
{
	size_t n = strcspn(text, "=");
	const char *value = text[n] ? text + n + 1 : NULL;

	if (!value)
		return "a label: give NAME=VALUE";
	if (!is_name(text, n))
		return "a label: its name has to be of letters, digits and _, a digit not first";
	if (!strncmp(text, "__", 2))
		return "a label to be set: names that begin with __ are the stores' own";
	if (n > PUSH_LABEL_NAME || strlen(value) > PUSH_LABEL_VALUE)
		return "a label: at most 1024 bytes of name and 2048 of value";
	if (!*value)
		return "a label: without a value it would be none";
	if (!utf8_is_valid(value) || has_control(value))
		return "a label: its value has to be UTF-8 without control characters";
	return is_given(o, text, n) ? "another label: that name is given twice" : NULL;
}

static int add_label(struct push_options *o, const char *value)
{
	const char *fault = fault_of_label(o, value);

	if (fault)
		return values_bad("label", value, fault);
	if (o->n_labels == PUSH_LABELS) {
		log_error("-label: more than %u; with ours and the samples' own Pyroscope takes 30",
			PUSH_LABELS);
		return -EINVAL;
	}
	o->labels[o->n_labels++] = (struct push_label){value, strcspn(value, "=")};
	return 0;
}

/* --- the others ---------------------------------------------------------------------------- */

static const char *fault_of_tenant(const char *text)
{
	const char *p = text;

	while (*p > ' ' && *p < 0x7f)
		p++;
	if (*p || p == text || p - text > PUSH_TENANT_CHARS)
		return "a tenant: at most 150 visible ASCII characters";
	return NULL;
}

static int set_tenant(struct push_options *o, const char *value)
{
	const char *fault = fault_of_tenant(value);

	if (fault)
		return values_bad("tenant", value, fault);
	current(o)->tenant = value;
	return 0;
}

static int set_ca(struct push_options *o, const char *value)
{
	char shown[512];

	if (access(value, R_OK) < 0) {
		log_error("-push-ca %s: %s", log_escape(shown, sizeof(shown), value),
			strerror(errno));
		return -EINVAL;
	}
	current(o)->ca = value;
	return 0;
}

int push_options_set(struct push_options *o, const char *name, const char *value)
{
	if (!strcmp(name, "push"))
		return add_url(o, value);
	if (!strcmp(name, "label"))
		return add_label(o, value);
	if (!strcmp(name, "tenant"))
		return set_tenant(o, value);
	if (!strcmp(name, "push-ca"))
		return set_ca(o, value);
	if (!*value)
		return values_bad(name, value, "a file name");
	current(o)->auth = value;
	return 0;
}

/* --- all together -------------------------------------------------------------------------- */

static int settle_alone(const struct push_options *o)
{
	const char *given = o->n_labels	    ? "-label"
			    : o->all.tenant ? "-tenant"
			    : o->all.auth   ? "-push-auth"
			    : o->all.ca	    ? "-push-ca"
					    : NULL;

	if (!given)
		return 0;
	log_error("%s: nothing is pushed; give -push URL", given);
	return -EINVAL;
}

static int read_tenant(struct push_options *o)
{
	const char *tenant = getenv("CPPROF_PUSH_TENANT");
	const char *fault = tenant && *tenant ? fault_of_tenant(tenant) : NULL;

	if (fault)
		log_error("-push: CPPROF_PUSH_TENANT is not %s", fault);
	else if (!o->all.tenant && tenant && *tenant)
		o->all.tenant = tenant;
	return fault ? -EINVAL : 0;
}

/* The environment's, for those without one of their own. Of several, who is meant? */
static int read_environment(struct push_options *o)
{
	uint32_t without = 0;
	int error = authorization_from_environment(&o->all.authorization);

	for (uint32_t i = 0; i < o->n; i++)
		without += !o->to[i].auth;
	if (o->all.auth)
		authorization_forget(&o->all.authorization);
	if (error || !o->all.authorization || without < 2)
		return error;
	log_error("-push: the secret of the environment would go to %u places; give -push-auth "
		  "FILE behind the -push that it is for",
		without);
	return -EINVAL;
}

static int settle_one(const struct push_options *o, struct push_to *to)
{
	if (to->ca && !strstr(to->url, "+https://")) {
		log_error("-push-ca: without https there are no certificates; give "
			  "STORE+https://");
		return -EINVAL;
	}
	to->ca = to->ca ? to->ca : o->all.ca;
	to->tenant = to->tenant ? to->tenant : o->all.tenant;
	if (to->auth)
		return authorization_read(to->auth, &to->authorization);
	if (o->all.authorization && !(to->authorization = strdup(o->all.authorization))) {
		log_error("out of memory");
		return -EINVAL;
	}
	return 0;
}

static void note_open(const struct push_to *to)
{
	struct address address;
	const char *why;

	if (to->authorization && address_parse(&address, to->url, &why) == 0 && address.is_open)
		log_note("-push %s: the secret goes over the network in clear; https hides it",
			address.shown);
}

int push_options_settle(struct push_options *o)
{
	if (!o->n)
		return settle_alone(o);
	int error = read_tenant(o);
	if (!error)
		error = read_environment(o);
	if (!error && o->all.auth)
		error = authorization_read(o->all.auth, &o->all.authorization);
	for (uint32_t i = 0; i < o->n && !error; i++)
		error = settle_one(o, &o->to[i]);
	authorization_forget(&o->all.authorization);
	for (uint32_t i = 0; i < o->n && !error; i++)
		note_open(&o->to[i]);
	return error;
}

void push_options_forget(struct push_options *o)
{
	for (uint32_t i = 0; i < o->n; i++)
		authorization_forget(&o->to[i].authorization);
}
