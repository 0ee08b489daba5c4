/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "symbolize/demangle.h"

#define ELLIPSIS  "\xe2\x80\xa6"
#define RUST_TAIL 20 /* 17h, sixteen hexadecimal digits, E */

/* Longer names are not worth the time that a hostile one could cost. */
#define MANGLED_MAX (64 * KIB)

/* Suffixes that compilers give to copies and parts of a function. */
static int is_clone_word(const char *word, size_t n)
{
	static const char *const words[] = {"cold", "part", "isra", "constprop", "llvm", "lto_priv",
		"localalias", "clone", "unlikely", "exit", "hot", "warm"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == n && !memcmp(words[i], word, n))
			return 1;
	return 0;
}

static int is_number(const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)word[i]))
			return 0;
	return n > 0;
}

/* Bytes of name without its clone suffixes and symbol version. */
static size_t base_length(const char *name)
{
	const char *at = strchr(name, '@');
	size_t n = at && at > name ? (size_t)(at - name) : strlen(name);

	for (size_t end = n, dot = n; dot-- > 1;) {
		if (name[dot] != '.')
			continue;
		const char *word = name + dot + 1;
		if (is_clone_word(word, end - dot - 1))
			n = dot;
		else if (!is_number(word, end - dot - 1))
			break;
		end = dot;
	}
	return n;
}

static int is_rust_legacy(const char *name, size_t n)
{
	if (n < RUST_TAIL + 3 || strncmp(name, "_ZN", 3) != 0)
		return 0;
	const char *tail = name + n - RUST_TAIL;
	if (strncmp(tail, "17h", 3) != 0 || tail[RUST_TAIL - 1] != 'E')
		return 0;
	for (int i = 3; i < RUST_TAIL - 1; i++)
		if (!isxdigit((unsigned char)tail[i]))
			return 0;
	return 1;
}

static char *cplusplus(const char *name, enum demangle_level level)
{
	char *out = NULL;

	if (level == DEMANGLE_FULL)
		out = cplus_demangle_v3(name, DMGL_PARAMS | DMGL_ANSI);
	/* Some names fail with parameters and succeed without. */
	return out ? out : cplus_demangle_v3(name, DMGL_ANSI);
}

/* Whether the '<' at p belongs to an operator's name. */
static int is_operator(const char *text, const char *p)
{
	static const char word[] = "operator";
	size_t n = sizeof(word) - 1;

	while (p > text && (p[-1] == '<' || p[-1] == '-'))
		p--;
	return (size_t)(p - text) >= n && !memcmp(p - n, word, n);
}

/* Takes <...> out, in place. */
static void drop_templates(char *text)
{
	char *to = text;
	int depth = 0;

	for (char *p = text; *p; p++) {
		int is_name = is_operator(text, p);
		if (*p == '<' && !(is_name && depth == 0))
			depth++;
		else if (*p == '>' && depth > 0 && p[-1] != '-')
			depth--;
		else if (!depth)
			*to++ = *p;
	}
	*to = '\0';
}

static char *with_ellipsis(char *text)
{
	size_t n = LIMIT_NAME - sizeof(ELLIPSIS);

	if (!text || strlen(text) <= LIMIT_NAME - 1)
		return text;
	/* Not in the middle of a character. */
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	strcpy(text + n, ELLIPSIS);
	return text;
}

char *demangle(const char *name, enum demangle_level level)
{
	size_t n = strnlen(name, MANGLED_MAX);
	char *out = NULL;

	if (level == DEMANGLE_NONE)
		return with_ellipsis(strndup(name, n));
	char *base = strndup(name, n);
	if (!base)
		return NULL;
	n = base_length(base);
	base[n] = '\0';
	if (!strncmp(base, "_R", 2) || is_rust_legacy(base, n))
		out = rust_demangle(base, 0);
	if (!out && !strncmp(base, "_Z", 2))
		out = cplusplus(base, level);
	if (!out && !strncmp(base, "_D", 2))
		out = dlang_demangle(base, 0);
	if (!out)
		return with_ellipsis(base);
	free(base);
	if (level == DEMANGLE_SIMPLE)
		drop_templates(out);
	return with_ellipsis(out);
}
