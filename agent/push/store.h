/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stores that profiles are pushed to, and what each wants to be sent.
 *
 * Pyroscope: push.v1.PusherService/Push, the Connect protocol's unary call over plain HTTP, in
 * protobuf; a series for each profile, with the labels __name__, service_name, instance,
 * __delta__="false" (its older storage takes some types as counters otherwise, and swallows their
 * first push) and pyroscope_spy. It takes 30 labels of a series.
 *
 * Parca: the JSON gateway of ProfileStoreService/WriteRaw, the profile in base64; the labels
 * __name__, service_name, job and instance. Parca itself makes NAME:TYPE:UNIT:TYPE:UNIT of __name__
 * and the profile's types.
 *
 * The profile is gzipped, the request is not: around gzipped profiles a second gzip gains nothing
 * (it costs 0.1 %), and gzip around plain ones, which was 10 % smaller for five small profiles and
 * not at all for large ones, would need them plain in memory. Parca does not say that it
 * understands Content-Encoding.
 */
#ifndef PUSH_STORE_H
#define PUSH_STORE_H

#include "agent/push/parcel.h"

enum push_store { STORE_PYROSCOPE, STORE_PARCA, STORES };

struct store {
	const char *word; /* what the address begins with */
	const char *path; /* to post to, behind the user's prefix */
	const char *content_type;
	int (*body)(const struct parcel *p, struct buf *out); /* 0 or -errno of the buffer */
};

extern const struct store stores[STORES];

#endif
