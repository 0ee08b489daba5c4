/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of options: each function takes the option's name and the text behind it, and tells the
 * user in one line what was expected instead. 0, or -EINVAL told.
 */
#ifndef AGENT_VALUES_H
#define AGENT_VALUES_H

#include <stddef.h>
#include <stdint.h>

/* Tells; always -EINVAL. */
int values_bad(const char *name, const char *value, const char *wanted);

/* A whole decimal number within [low, high]. */
int values_number(const char *name, const char *value, long low, long high, long *out);

/* "60", "1.5", or a sum of parts with h, m, s, ms; at most a year. */
int values_duration(const char *name, const char *value, uint64_t *ns);

/* "2%", "2" or "0.5%", from 0.01 to 100, as parts of a million; 100 is no limit: 0. */
int values_percent(const char *name, const char *value, uint32_t *out);

/* A POSIX extended regular expression (regex(7)), not empty, of less than size bytes. */
int values_pattern(const char *name, const char *value, size_t size);

/* The index of word in list, or -EINVAL told. */
int values_pick(
	const char *name, const char *word, const char *const *list, int n, const char *wanted);

#endif
