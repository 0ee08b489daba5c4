/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing JSON (RFC 8259) into a buffer. A value in an object has a key, one in an array or outside
 * of all NULL. Strings may be any bytes: what is not valid UTF-8 becomes U+FFFD. Errors are the
 * buffer's own (base/buf.h).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdint.h>

#include "base/buf.h"

struct json {
	struct buf *out;
	int has_sibling; /* a value stands before the next one */
};

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_end_array(struct json *j);
void json_string(struct json *j, const char *key, const char *text);
void json_base64(struct json *j, const char *key, const void *bytes, size_t n);
void json_number(struct json *j, const char *key, uint64_t number);
void json_real(struct json *j, const char *key, double number);

#endif
