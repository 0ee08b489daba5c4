/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The strings that are shown: linkage names as compilers write them and what people call the
 * functions, and paths of sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "symbolize/demangle.h"
#include "base/path.h"
#include "symbolize/names.h"

/* One name at the three levels; what is NULL is as the one before. */
struct pair {
	const char *raw, *simple, *templates, *full;
};

static void assert_shown(const char *raw, enum demangle_level level, const char *wanted)
{
	char *shown = demangle(raw, level);

	assert_non_null(shown);
	assert_string_equal(shown, wanted);
	free(shown);
}

static void assert_pairs(const struct pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *templates = v[i].templates ? v[i].templates : v[i].simple;
		assert_shown(v[i].raw, DEMANGLE_NONE, v[i].raw);
		assert_shown(v[i].raw, DEMANGLE_SIMPLE, v[i].simple);
		assert_shown(v[i].raw, DEMANGLE_TEMPLATES, templates);
		assert_shown(v[i].raw, DEMANGLE_FULL, v[i].full ? v[i].full : templates);
	}
}

#define ASSERT_PAIRS(v) assert_pairs(v, sizeof(v) / sizeof(*(v)))

static void names_of_cplusplus(void **state)
{
	static const struct pair v[] = {
		{"_Z3fooi", "foo", NULL, "foo(int)"},
		{"_ZNK2ns3BoxIdLi5EE3sumEv", "ns::Box::sum", "ns::Box<double, 5>::sum",
			"ns::Box<double, 5>::sum() const"},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector::push_back",
			"std::vector<int, std::allocator<int> >::push_back",
			"std::vector<int, std::allocator<int> >::push_back(int const&)"},
		/* The return type of a template is part of its name, and never shown but in full.
		 */
		{"_Z3addIiET_S0_S0_", "add", "add<int>", "int add<int>(int, int)"},
		{"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()", NULL,
			"main::{lambda()#1}::operator()() const"},
		{"_ZN2ns12_GLOBAL__N_16hiddenEi", "ns::(anonymous namespace)::hidden", NULL,
			"ns::(anonymous namespace)::hidden(int)"},
		{"_ZTv0_n24_N2ns2D13runEi", "virtual thunk to ns::D1::run", NULL,
			"virtual thunk to ns::D1::run(int)"},
		{"_ZThn16_N2ns2D13runEPFvvE", "non-virtual thunk to ns::D1::run", NULL,
			"non-virtual thunk to ns::D1::run(void (*)())"},
		{"_ZN1AD2Ev", "A::~A", NULL, "A::~A()"},
	};
	(void)state;

	ASSERT_PAIRS(v);
}

/* '<' and '>' that do not enclose template arguments. */
static void operators_are_no_templates(void **state)
{
	static const struct pair v[] = {
		{"_ZN1AltERKS_", "A::operator<", NULL, "A::operator<(A const&)"},
		{"_ZNK1AssERKS_", "A::operator<=>", NULL, "A::operator<=>(A const&) const"},
		{"_ZN1AptEv", "A::operator->", NULL, "A::operator->()"},
		{"_ZN1AptIiEEvv", "A::operator->", "A::operator-><int>",
			"void A::operator-><int>()"},
		{"_ZlsI1AEvT_", "operator<<", "operator<< <A>", "void operator<< <A>(A)"},
		{"_ZN1ArsIiEEvT_", "A::operator>>", "A::operator>><int>",
			"void A::operator>><int>(int)"},
		{"_ZN1AplIiEEvT_", "A::operator+", "A::operator+<int>",
			"void A::operator+<int>(int)"},
		{"_ZN1AclIiEEvT_", "A::operator()", "A::operator()<int>",
			"void A::operator()<int>(int)"},
		{"_Z3fooIXgtLi3ELi2EEEvv", "foo", "foo<((3)>(2))>", "void foo<((3)>(2))>()"},
		{"_ZN3BoxIXgtLi3ELi2EEE3runEv", "Box::run", "Box<((3)>(2))>::run",
			"Box<((3)>(2))>::run()"},
		{"_ZNSt8functionIFivEE4swapEv", "std::function::swap",
			"std::function<int ()>::swap", "std::function<int ()>::swap()"},
	};
	(void)state;

	ASSERT_PAIRS(v);
}

static void names_of_rust(void **state)
{
	static const struct pair v[] = {
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad",
			NULL, NULL},
		{"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
		 "3bar17h930b740aa94f1d3aE",
			"<Test + 'static as foo::Bar>::bar",
			"<Test + 'static as foo::Bar<Test>>::bar", NULL},
		{"_RNvC6_123foo3bar", "123foo::bar", NULL, NULL},
		{"_RINvNtC3std3mem8align_ofdE", "std::mem::align_of", "std::mem::align_of::<f64>",
			NULL},
		{"_RNvMs_NtCs1234_7mycrate3fooNtB4_3Bar3new", "<mycrate::foo::Bar>::new", NULL,
			NULL},
		{"_RNvXNtCs_7mycrate3fooINtB2_3BarhENtB2_5Trait3baz",
			"<mycrate::foo::Bar as mycrate::foo::Trait>::baz",
			"<mycrate::foo::Bar<u8> as mycrate::foo::Trait>::baz", NULL},
	};
	(void)state;

	ASSERT_PAIRS(v);
}

/* The halves of a function have one name. */
static void clones_join(void **state)
{
	static const struct pair v[] = {
		{"_Z3fooi.cold", "foo", NULL, "foo(int)"},
		{"_Z3fooi.part.0", "foo", NULL, "foo(int)"},
		{"_Z3fooi.isra.3.constprop.1", "foo", NULL, "foo(int)"},
		{"_Z3fooi.constprop.0.cold", "foo", NULL, "foo(int)"},
		{"_Z3fooi.llvm.1234567890", "foo", NULL, "foo(int)"},
		{"_RNvC6_123foo3bar.llvm.8172635", "123foo::bar", NULL, NULL},
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.8172635",
			"core::fmt::Formatter::pad", NULL, NULL},
		{"work.part.0.isra.1", "work", NULL, NULL},
		{"work.cold.7", "work", NULL, NULL},
		{"counter.1234", "counter.1234", NULL, NULL},
		{"main.main", "main.main", NULL, NULL},
		{"work.isra.0.cold", "work", NULL, NULL},
		{"work.localalias", "work", NULL, NULL},
		{"work.part.0.lto_priv.0", "work", NULL, NULL},
		{"_Z3fooi.part.0.hot", "foo", NULL, "foo(int)"},
		{"main.part", "main.part", NULL, NULL},
		{"main.exit", "main.exit", NULL, NULL},
		{"maps.clone", "maps.clone", NULL, NULL},
		{"main.main.cold", "main.main.cold", NULL, NULL},
		{"os/exec.cold", "os/exec.cold", NULL, NULL},
		{"internal/runtime/maps.(*table).clone", "internal/runtime/maps.(*table).clone",
			NULL, NULL},
		{".cold", ".cold", NULL, NULL},
	};
	(void)state;

	ASSERT_PAIRS(v);
}

static void versions_go(void **state)
{
	(void)state;
	assert_shown("memcpy@@GLIBC_2.14", DEMANGLE_TEMPLATES, "memcpy");
	assert_shown("_ZNSt6thread4joinEv@GLIBCXX_3.4.11", DEMANGLE_FULL, "std::thread::join()");
	assert_shown("@odd", DEMANGLE_FULL, "@odd");
}

static void broken_names_stay(void **state)
{
	static const char *const v[] = {"", "main", "_start", "_Z", "_R", "_D", "_ZN", "_Zxx",
		"_ZN3foo", "_RNvX", "_RNvC", "_ZN99999999999999999999foo", "_Z9fo\xff",
		"_Dmain_loop", "a..b", "foo.", "17h0123456789abcdefE"};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		for (int level = DEMANGLE_NONE; level <= DEMANGLE_FULL; level++)
			assert_shown(v[i], level, v[i]);
}

/* A name made of n times the same piece. */
static char *repeated(const char *head, const char *piece, size_t n, const char *tail)
{
	size_t size = strlen(head) + n * strlen(piece) + strlen(tail) + 1;
	char *text = malloc(size), *at = text;

	assert_non_null(text);
	at = stpcpy(at, head);
	while (n--)
		at = stpcpy(at, piece);
	strcpy(at, tail);
	return text;
}

static void long_names_end_in_an_ellipsis(void **state)
{
	char *plain = repeated("x", "\xc3\xa9", LIMIT_NAME, "");
	(void)state;

	for (int level = DEMANGLE_NONE; level <= DEMANGLE_FULL; level++) {
		char *shown = demangle(plain, level);
		size_t n = strlen(shown);
		assert_in_range(n, LIMIT_NAME - 8, LIMIT_NAME - 1);
		assert_string_equal(shown + n - 3, "\xe2\x80\xa6");
		/* No character is cut in two. */
		assert_int_equal((n - 3) % 2, 1);
		free(shown);
	}
	free(plain);
	char *fits = repeated("", "x", LIMIT_NAME - 1, "");
	assert_shown(fits, DEMANGLE_TEMPLATES, fits);
	free(fits);
}

/* More than libiberty likes: a template with many arguments, and the deepest name it is given. */
static void long_names_are_demangled(void **state)
{
	char *raw = repeated("_ZN3BoxIJ", "11ItemOfAList", 500, "EE3runEv"), *shown;
	(void)state;

	assert_true(strlen(raw) < LIMIT_LINKAGE_NAME);
	assert_shown(raw, DEMANGLE_SIMPLE, "Box::run");
	shown = demangle(raw, DEMANGLE_TEMPLATES);
	assert_memory_equal(shown, "Box<ItemOfAList, ItemOfAList, ", 30);
	free(shown);
	free(raw);
	static const char *const pieces[] = {"P", "St4pairI", "N1a", "1AI", "FvPF"};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		raw = repeated(
			"_Z1f", pieces[i], (LIMIT_LINKAGE_NAME - 5) / strlen(pieces[i]), "i");
		shown = demangle(raw, DEMANGLE_FULL);
		assert_true(strlen(shown) < LIMIT_NAME);
		free(shown);
		free(raw);
	}
}

/* A pair of pairs of pairs: 200 bytes that stand for 2^30 names. Were it printed, this test would
 * not end. */
static void growing_names_are_left_early(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char raw[512] = "_Z1f1AIiiES_IS0_S0_E", piece[16];
	(void)state;

	for (int i = 1; i < 30; i++) {
		char back[] = {'S', digits[i], '_', '\0'};
		strcpy(piece, "S_I");
		strcat(strcat(strcat(piece, back), back), "E");
		strcat(raw, piece);
	}
	assert_shown(raw, DEMANGLE_TEMPLATES, "f");
	char *shown = demangle(raw, DEMANGLE_FULL);
	assert_int_equal(strlen(shown), LIMIT_NAME - 1);
	assert_memory_equal(shown, "f(A<int, int>, A<A<int, int>, A<int, int> >, ", 45);
	free(shown);
}

static void nested_names_are_bounded(void **state)
{
	static const char *const pieces[][3] = {{"_Z1f", "P", "i"}, {"_Z1f", "St4pairI", "i"},
		{"_RINvC1a1b", "T", "i"}, {"_ZN", "1a", "Ev"}};
	(void)state;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		char *raw = repeated(pieces[i][0], pieces[i][1], 30000, pieces[i][2]);
		for (int level = DEMANGLE_NONE; level <= DEMANGLE_FULL; level++) {
			char *shown = demangle(raw, level);
			assert_non_null(shown);
			assert_true(strlen(shown) < LIMIT_NAME);
			free(shown);
		}
		free(raw);
	}
}

/* --- paths --------------------------------------------------------------------------------- */

static void paths_have_one_spelling(void **state)
{
	static const char *const v[][2] = {{"a/./b/../c", "a/c"}, {"/a//b/", "/a/b"},
		{"../a/b", "../a/b"}, {"../../a", "../../a"}, {"a/../../b", "../b"},
		{"/../a", "/a"}, {"/a/../../b", "/b"}, {"./a.c", "a.c"}, {"a.c", "a.c"}, {"", ""},
		{"/", "/"}, {"..a/..b/...", "..a/..b/..."}, {"a/b/../../c", "c"}};
	char path[64];
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		snprintf(path, sizeof(path), "%s", v[i][0]);
		path_normalize(path);
		assert_string_equal(path, v[i][1]);
	}
}

static void paths_are_in_their_directory(void **state)
{
	struct names x;
	(void)state;

	names_init(&x, DEMANGLE_TEMPLATES);
	assert_string_equal(names_path(&x, "/src/b", "../inc/h.h"), "/src/inc/h.h");
	assert_string_equal(names_path(&x, "/src/b", "/abs/h.h"), "/abs/h.h");
	assert_string_equal(names_path(&x, "./io", "../inc/h.h"), "inc/h.h");
	assert_string_equal(names_path(&x, "./io", "a.c"), "io/a.c");
	assert_string_equal(names_path(&x, NULL, "../inc/h.h"), "../inc/h.h");
	assert_string_equal(names_path(&x, "/other", "../inc/h.h"), "/inc/h.h");
	assert_ptr_equal(names_path(&x, "/a", "x.c"), names_path(&x, NULL, "/a/x.c"));
	/* A function and a file of one name. */
	assert_string_equal(names_function(&x, "_Z3foov", 0)->shown, "foo");
	assert_string_equal(names_path(&x, NULL, "_Z3foov"), "_Z3foov");
	assert_string_equal(names_function(&x, "_Z3foov@V1", 1)->shown, "foo@plt");
	assert_string_equal(names_function(&x, "_Z3foov@@V1", 0)->raw, "_Z3foov");
	names_fini(&x);
}

/* ------------------------------------------------------------------------------------------- */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_cplusplus),
		cmocka_unit_test(operators_are_no_templates),
		cmocka_unit_test(names_of_rust),
		cmocka_unit_test(clones_join),
		cmocka_unit_test(versions_go),
		cmocka_unit_test(broken_names_stay),
		cmocka_unit_test(long_names_end_in_an_ellipsis),
		cmocka_unit_test(long_names_are_demangled),
		cmocka_unit_test(growing_names_are_left_early),
		cmocka_unit_test(nested_names_are_bounded),
		cmocka_unit_test(paths_have_one_spelling),
		cmocka_unit_test(paths_are_in_their_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
