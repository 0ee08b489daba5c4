/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "agent/push/push.pb-c.h"
#include "agent/push/store.h"
#include "base/json.h"

#define SPY "cpprof-attach"

/* --- Pyroscope ----------------------------------------------------------------------------- */

/* One series, where its parts are. */
struct series {
	Push__V1__RawProfileSeries head;
	Push__V1__RawSample sample, *samples[1];
	Push__V1__LabelPair pairs[LABELS_MAX], *pair_list[LABELS_MAX];
};

static void fill_labels(struct series *s, const struct parcel *p, enum profile_kind kind)
{
	const struct label ours[] = {
		{"__name__", parcel_kind_name(kind)},
		{"__delta__", "false"},
		{"pyroscope_spy", SPY},
	};
	struct label all[LABELS_MAX];
	uint32_t n = labels_with(&p->labels, ours, 3, all);

	for (uint32_t i = 0; i < n; i++) {
		push__v1__label_pair__init(&s->pairs[i]);
		s->pairs[i].name = (char *)all[i].name;
		s->pairs[i].value = (char *)all[i].value;
		s->pair_list[i] = &s->pairs[i];
	}
	s->head.labels = s->pair_list;
	s->head.n_labels = n;
}

static void fill_series(
	struct series *s, const struct parcel *p, const struct parcel_profile *profile)
{
	push__v1__raw_profile_series__init(&s->head);
	push__v1__raw_sample__init(&s->sample);
	s->sample.raw_profile.data = (uint8_t *)profile->pprof.data;
	s->sample.raw_profile.len = profile->pprof.len;
	s->sample.id = (char *)profile->id;
	s->samples[0] = &s->sample;
	s->head.samples = s->samples;
	s->head.n_samples = 1;
	fill_labels(s, p, profile->kind);
}

struct packing {
	ProtobufCBuffer base;
	struct buf *out;
};

static void pack(ProtobufCBuffer *base, size_t n, const uint8_t *bytes)
{
	buf_append(((struct packing *)base)->out, bytes, n);
}

static int pyroscope_body(const struct parcel *p, struct buf *out)
{
	struct packing packing = {.base = {.append = pack}, .out = out};
	Push__V1__PushRequest request = PUSH__V1__PUSH_REQUEST__INIT;
	Push__V1__RawProfileSeries *list[PROFILE_KINDS];
	struct series *series = calloc(p->n, sizeof(*series));

	if (!series)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n; i++) {
		fill_series(&series[i], p, &p->v[i]);
		list[i] = &series[i].head;
	}
	request.series = list;
	request.n_series = p->n;
	push__v1__push_request__pack_to_buffer(&request, &packing.base);
	free(series);
	return out->failed;
}

/* --- Parca --------------------------------------------------------------------------------- */

static void put_labels(struct json *j, const struct parcel *p, enum profile_kind kind)
{
	const struct label ours[] = {
		{"__name__", parcel_kind_name(kind)},
		{"job", labels_value(&p->labels, "service_name")},
	};
	struct label all[LABELS_MAX];
	uint32_t n = labels_with(&p->labels, ours, 2, all);

	json_object(j, "labels");
	json_array(j, "labels");
	for (uint32_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_string(j, "name", all[i].name);
		json_string(j, "value", all[i].value);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

static void put_series(struct json *j, const struct parcel *p, const struct parcel_profile *profile)
{
	json_object(j, NULL);
	put_labels(j, p, profile->kind);
	json_array(j, "samples");
	json_object(j, NULL);
	json_base64(j, "rawProfile", profile->pprof.data, profile->pprof.len);
	json_end_object(j);
	json_end_array(j);
	json_end_object(j);
}

static int parca_body(const struct parcel *p, struct buf *out)
{
	struct json j = {.out = out};

	/* normalized: false, as every left out boolean. */
	json_object(&j, NULL);
	json_array(&j, "series");
	for (uint32_t i = 0; i < p->n; i++)
		put_series(&j, p, &p->v[i]);
	json_end_array(&j);
	json_end_object(&j);
	return out->failed;
}

const struct store stores[STORES] = {
	[STORE_PYROSCOPE] = {"pyroscope+", "/push.v1.PusherService/Push", "application/proto",
		pyroscope_body},
	[STORE_PARCA] = {"parca+", "/api/profiles/writeraw", "application/json", parca_body},
};
