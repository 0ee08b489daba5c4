/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "symbolize/demangle.h"

#define ELLIPSIS  "\xe2\x80\xa6"
#define RUST_TAIL 20 /* 17h, sixteen hexadecimal digits, E */

/* Longer names are not worth the time that a hostile one could cost. */
#define MANGLED_MAX (64 * KIB)

/* libiberty refuses names of more than 1024 bytes, for fear of its stack, unless told otherwise. Up
 * to here it takes less than 2 MiB of it. */
#define UNLIMITED_MAX LIMIT_LINKAGE_NAME

/* Enough to reach the end of a name's templates before they are dropped. */
#define SHOWN_MAX (16 * KIB)
#define D_MAX	  256u

/* Suffixes that compilers give to copies and parts of a function. */
struct suffix {
	const char *word;
	int is_numbered; /* only ever before a number */
	int is_plain;	 /* also alone, and behind names that are not mangled */
};

static const struct suffix *suffix_of(const char *word, size_t n)
{
	static const struct suffix v[] = {{"cold", 0, 1}, {"localalias", 0, 1}, {"part", 1, 0},
		{"isra", 1, 0}, {"constprop", 1, 0}, {"clone", 1, 0}, {"llvm", 1, 0},
		{"lto_priv", 1, 0}, {"__uniq", 1, 0}, {"exit", 0, 0}, {"hot", 0, 0}, {"warm", 0, 0},
		{"unlikely", 0, 0}};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		if (strlen(v[i].word) == n && !memcmp(v[i].word, word, n))
			return &v[i];
	return NULL;
}

static int is_number(const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)word[i]))
			return 0;
	return n > 0;
}

/* Linkage names of C++, Rust and D have no dot of their own. */
static int is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D');
}

/* Bytes of name without the suffixes at its end. */
static size_t drop_suffixes(const char *name, size_t n, int alone)
{
	int has_number = 0;

	for (size_t end = n, dot = n; dot-- > 1;) {
		if (name[dot] != '.')
			continue;
		const char *word = name + dot + 1;
		const struct suffix *suffix = suffix_of(word, end - dot - 1);
		if (suffix && (has_number || (alone && !suffix->is_numbered)) &&
			(is_mangled(name) || suffix->is_numbered || suffix->is_plain))
			n = dot;
		else if (!is_number(word, end - dot - 1))
			break;
		has_number = !suffix;
		end = dot;
	}
	return n;
}

/* Bytes of name without its clone suffixes and symbol version. Go's names have dots, and functions
 * called cold: there a suffix has its number. */
static size_t base_length(const char *name)
{
	const char *at = strchr(name, '@');
	size_t n = at && at > name ? (size_t)(at - name) : strlen(name);
	size_t base = drop_suffixes(name, n, 1);

	return is_mangled(name) || strcspn(name, "./(") >= base ? base : drop_suffixes(name, n, 0);
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

/* --- a bounded demangler ------------------------------------------------------------------- */

/* A name of 300 bytes may stand for 2^30 of them, by back references. libiberty keeps all it needs
 * on the stack and hands out text piece by piece: when there is enough, it is left by a jump. */
struct shown {
	size_t n;
	jmp_buf full;
	char text[SHOWN_MAX];
};

static void collect(const char *piece, size_t n, void *arg)
{
	struct shown *out = arg;
	size_t room = SHOWN_MAX - 1 - out->n;

	memcpy(out->text + out->n, piece, n < room ? n : room);
	out->n += n < room ? n : room;
	if (n > room)
		longjmp(out->full, 1);
}

typedef int demangler(const char *mangled, int options, demangle_callbackref callback, void *arg);

/* Whether there is a text. One that was left early is cut anyway. */
static int show(struct shown *out, demangler *d, const char *name, int options)
{
	int is_shown = 1;

	out->n = 0;
	if (setjmp(out->full) == 0)
		is_shown = d(name, options, collect, out);
	out->text[out->n] = '\0';
	return is_shown && out->n;
}

static int show_cplusplus(struct shown *out, const char *name, enum demangle_level level)
{
	int options = DMGL_ANSI;

	if (strlen(name) <= UNLIMITED_MAX)
		options |= DMGL_NO_RECURSE_LIMIT;
	if (level == DEMANGLE_FULL &&
		show(out, cplus_demangle_v3_callback, name, options | DMGL_PARAMS))
		return 1;
	/* Some names fail with parameters and succeed without. */
	return show(out, cplus_demangle_v3_callback, name, options);
}

/* There is no such interface for D; its names grow by back references, too, so only short ones. */
static int show_d(struct shown *out, const char *name)
{
	char *text = strlen(name) <= D_MAX ? dlang_demangle(name, 0) : NULL;

	if (text)
		snprintf(out->text, sizeof(out->text), "%s", text);
	free(text);
	return text != NULL;
}

/* --- less of a name ------------------------------------------------------------------------ */

/* A thunk is shown with its function's parameters, asked for or not. */
static void drop_thunk_parameters(char *text)
{
	static const char thunk[] = "thunk to ";
	char *start = strstr(text, thunk), *p = strrchr(text, ')');
	int depth = 0;

	if (!p || (start != text + strlen("virtual ") && start != text + strlen("non-virtual ") &&
			  start != text + strlen("covariant return ")))
		return;
	for (; p > start; p--) {
		depth += *p == ')';
		depth -= *p == '(';
		if (!depth)
			break;
	}
	if (p > start + strlen(thunk))
		*p = '\0';
}

/* Length of the '<' or '>' at p as an operator inside an expression, "(3)>(2)" or "->"; else 0. */
static size_t expression_operator(const char *text, const char *p)
{
	size_t n = strspn(p, "<>=");

	if (p > text && p[-1] == '-')
		return 1;
	return p > text && p[-1] == ')' && p[n] == '(' ? n : 0;
}

/* What follows the template arguments that begin at p. */
static const char *skip_arguments(const char *text, const char *p)
{
	for (int depth = 0; *p; p++) {
		size_t n = *p == '<' || *p == '>' ? expression_operator(text, p) : 0;
		if (n) {
			p += n - 1;
			continue;
		}
		depth += *p == '<';
		depth -= *p == '>';
		if (!depth)
			return p + 1;
	}
	return p;
}

/* Length of "operator" and its sign at p, 0 if there is none. */
static size_t operator_length(const char *text, const char *p)
{
	static const char *const signs[] = {
		"<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "<", ">"};
	static const char word[] = "operator";
	size_t n = sizeof(word) - 1;

	if (strncmp(p, word, n) != 0 ||
		(p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '_')))
		return 0;
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (!strncmp(p + n, signs[i], strlen(signs[i])))
			return n + strlen(signs[i]);
	size_t more = strspn(p + n, "+-*/%^&|~!=,()[]");
	return more ? n + more : 0;
}

/* Rust's "<T as Trait>::f" begins a name, template arguments follow one. */
static int begins_name(const char *text, const char *p)
{
	return p == text || strchr("(<[,& ", p[-1]);
}

/* Takes <...> out, in place. */
static void drop_templates(char *text)
{
	char *to = text;

	for (const char *p = text; *p;) {
		size_t n = operator_length(text, p);
		if (n) {
			memmove(to, p, n);
			to += n;
			p += n;
			p += p[0] == ' ' && p[1] == '<';
			p = *p == '<' ? skip_arguments(text, p) : p;
		} else if (*p == '<' && !begins_name(text, p)) {
			/* Rust: f::<T> */
			if (to - text > 2 && !memcmp(to - 2, "::", 2))
				to -= 2;
			p = skip_arguments(text, p);
		} else {
			*to++ = *p++;
		}
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

static int show_any(struct shown *out, const char *name, size_t n, enum demangle_level level)
{
	if ((!strncmp(name, "_R", 2) || is_rust_legacy(name, n)) &&
		show(out, rust_demangle_callback, name, 0))
		return 1;
	if (!strncmp(name, "_Z", 2))
		return show_cplusplus(out, name, level);
	return !strncmp(name, "_D", 2) && show_d(out, name);
}

char *demangle(const char *name, enum demangle_level level)
{
	struct shown out;
	char *base = strndup(name, MANGLED_MAX);

	if (!base || level == DEMANGLE_NONE)
		return with_ellipsis(base);
	size_t n = base_length(base);
	base[n] = '\0';
	if (!show_any(&out, base, n, level))
		return with_ellipsis(base);
	free(base);
	if (level != DEMANGLE_FULL)
		drop_thunk_parameters(out.text);
	if (level == DEMANGLE_SIMPLE)
		drop_templates(out.text);
	return with_ellipsis(strdup(out.text));
}
