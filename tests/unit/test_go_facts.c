/* SPDX-License-Identifier: GPL-2.0-or-later */
/* symbolize/go_facts and go_layout: a program made by hand with what is looked for in it, with and
 * without debug information, whole and damaged. */
#include <dwarf.h>
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/go_reasons.h"
#include "symbolize/go_facts.h"
#include "symbolize/go_layout.h"
#include "symbolize/module.h"
#include "tests/unit/elf_fixture.h"

/* Where things are in the file, which is loaded at BASE as a whole. */
enum {
	TEXT = 0x1000,
	TABLE = 0x2000,
	DATA = 0x3000,
	REASONS = DATA + 0x400,
	RODATA = 0x3800,
	BUILD = 0x3c00,
	ABBREV = 0x3d00,
	INFO = 0x3e00,
	NAMES = 0x4200,
	SIZE = 0x4800
};
#define BASE 0x400000u
#define LIST 0x500000u /* where allgs is */

enum { T_NAMES = 0x80, T_FUNCTIONS = 0x200, T_ENTRY = 0x20 };

static unsigned char file[SIZE];
static size_t at; /* where the next of a row of things goes */

static void put(const void *bytes, size_t n)
{
	memcpy(file + at, bytes, n);
	at += n;
}

static void put64(size_t where, uint64_t value)
{
	memcpy(file + where, &value, 8);
}

static void put32(size_t where, uint32_t value)
{
	memcpy(file + where, &value, 4);
}

static void put_byte(unsigned char byte)
{
	put(&byte, 1);
}

static void put_text(const char *text)
{
	put(text, strlen(text) + 1);
}

static const char names[] = "\0.text\0.gopclntab\0.data\0.rodata\0.go.buildinfo\0.debug_abbrev\0"
			    ".debug_info\0.shstrtab";

static void put_section(const char *name, uint32_t type, uint64_t flags, size_t from, size_t n)
{
	const char *found = memmem(names, sizeof(names), name, strlen(name) + 1);
	Elf64_Shdr section = {.sh_name = found - names,
		.sh_type = type,
		.sh_flags = flags,
		.sh_addr = flags ? BASE + from : 0,
		.sh_offset = from,
		.sh_size = n};

	put(&section, sizeof(section));
}

static void make_elf(void)
{
	put_headers(file, SIZE, BASE, NAMES + 0x100, 9);
	memcpy(file + NAMES, names, sizeof(names));
	at = NAMES + 0x100 + sizeof(Elf64_Shdr);
	put_section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, 0x100);
	put_section(".gopclntab", SHT_PROGBITS, SHF_ALLOC, TABLE, 0x400);
	put_section(".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, DATA, 0x500);
	put_section(".rodata", SHT_PROGBITS, SHF_ALLOC, RODATA, 0x200);
	put_section(".go.buildinfo", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, BUILD, 0x80);
	put_section(".debug_abbrev", SHT_PROGBITS, 0, ABBREV, 0x40);
	put_section(".debug_info", SHT_PROGBITS, 0, INFO, 0x200);
	put_section(".shstrtab", SHT_STRTAB, 0, NAMES, sizeof(names));
}

/* One function, as Go 1.20 and later have it. */
static void make_table(void)
{
	put32(TABLE, 0xfffffff1);
	put32(TABLE + 4, 0x08010000);
	put64(TABLE + 8, 1);
	put64(TABLE + 32, T_NAMES);
	put64(TABLE + 40, T_NAMES + 0x40);
	put64(TABLE + 48, T_NAMES + 0x40);
	put64(TABLE + 56, T_NAMES + 0x40);
	put64(TABLE + 64, T_FUNCTIONS);
	put64(DATA + 8, BASE + TABLE);
	put64(DATA + 16, BASE + TABLE + T_NAMES);
	put64(DATA + 8 + 8 * 22, BASE + TEXT);
	put64(DATA + 8 + 8 * 40, BASE + RODATA);
	at = TABLE + T_NAMES + 1;
	put_text("runtime.allgadd");
	put32(TABLE + T_FUNCTIONS + 4, T_ENTRY);
	put32(TABLE + T_FUNCTIONS + 8, 0x80);
	put32(TABLE + T_FUNCTIONS + T_ENTRY + 4, 1);
}

/* mov disp32(%rip),%rcx */
static void put_load(uint64_t from)
{
	static const unsigned char mov[] = {0x48, 0x8b, 0x0d};

	put(mov, sizeof(mov));
	int32_t distance = (int64_t)from - (int64_t)(BASE + at + 4);
	put(&distance, sizeof(distance));
}

static void make_code(void)
{
	at = TEXT;
	put_load(0x600000);
	put_load(LIST + 16);
	put_byte(0x90);
	put_load(LIST + 8);
	put_load(LIST);
	put_load(0x600010);
}

static void put_reason(const char *word, size_t *text)
{
	uint64_t string[2] = {BASE + *text, strlen(word)};

	memcpy(file + *text, word, strlen(word));
	*text += strlen(word);
	put(string, sizeof(string));
}

static void make_reasons(void)
{
	size_t text = RODATA + 8;

	at = REASONS + 16;
	put_reason("GC assist marking", &text);
	put_reason("IO wait", &text);
	put_reason("a new one", &text);
	put_reason("sync.Mutex.Lock", &text);
}

static void make_version(const char *version)
{
	memcpy(file + BUILD, "\xff Go buildinf:\x08\x02", 16);
	at = BUILD + 32;
	put_byte(strlen(version));
	put_text(version);
}

static void put_struct(const char *name)
{
	put_byte(2);
	put_text(name);
}

static void put_member(const char *name, unsigned offset)
{
	put_byte(3);
	put_text(name);
	put_byte((offset & 0x7f) | 0x80);
	put_byte(offset >> 7);
}

static void put_members(void)
{
	put_struct("runtime.gobuf");
	put_member("sp", 0);
	put_member("pc", 8);
	put_member("bp", 33);
	put_byte(0);
	put_struct("other.g");
	put_member("goid", 1);
	put_byte(0);
	put_struct("runtime.g");
	put_member("m", 21);
	put_member("sched", 300);
	put_member("syscallsp", 23);
	put_member("syscallpc", 24);
	put_member("atomicstatus", 25);
	put_member("goid", 26);
	put_member("waitreason", 27);
	put_member("trackingSeq", 28);
	put_byte(0);
	put_struct("runtime.m");
	put_member("procid", 29);
	put_member("curg", 30);
	put_byte(0);
}

static void make_debug(void)
{
	static const unsigned char abbrev[] = {1, DW_TAG_compile_unit, 1, DW_AT_name,
		DW_FORM_string, 0, 0, 2, DW_TAG_structure_type, 1, DW_AT_name, DW_FORM_string, 0, 0,
		3, DW_TAG_member, 0, DW_AT_name, DW_FORM_string, DW_AT_data_member_location,
		DW_FORM_udata, 0, 0, 0};

	memcpy(file + ABBREV, abbrev, sizeof(abbrev));
	file[INFO + 4] = 4;
	file[INFO + 10] = 8;
	at = INFO + 11;
	put_byte(1);
	put_text("runtime");
	put_members();
	put_byte(0);
	put32(INFO, at - INFO - 4);
}

static void make(int with_debug, const char *version)
{
	memset(file, 0, sizeof(file));
	make_elf();
	make_table();
	make_code();
	make_reasons();
	make_version(version);
	if (with_debug)
		make_debug();
}

static enum go_lack find(struct go_facts *out)
{
	struct module *m;
	int fd = memfd_create("go", MFD_CLOEXEC);

	assert_int_equal(write(fd, file, SIZE), SIZE);
	assert_int_equal(module_open(fd, 1, 0, &m), 0);
	enum go_lack lack = go_facts_find(m, out);
	module_close(m);
	return lack;
}

static void all_is_found(void **state)
{
	(void)state;
	struct go_facts f;
	const struct go_layout want = {21, 300, 308, 333, 23, 24, 25, 26, 27, 28, 29, 30};

	make(1, "go1.99");
	assert_int_equal(find(&f), GO_LACK_NOTHING);
	assert_int_equal(f.list, LIST);
	assert_int_equal(f.code_address - f.code_offset, BASE);
	assert_memory_equal(&f.layout, &want, sizeof(want));
	assert_int_equal(f.states[0], 0);
	assert_string_equal(go_reasons_word(f.states[1]), "GC assist marking");
	assert_string_equal(go_reasons_word(f.states[2]), "IO wait");
	assert_int_equal(f.states[3], 0);
	assert_string_equal(go_reasons_word(f.states[4]), "sync.Mutex.Lock");
	assert_int_equal(f.states[5], 0);
}

/* Go's block profile has the same: what others hold or are to send, not input, time or the
 * runtime's own affairs. */
static void reasons_are_kinds_of_waits(void **state)
{
	static const struct {
		const char *word;
		enum wait_kind kind;
	} known[] = {{"sync.Mutex.Lock", WAIT_MUTEX}, {"sync.RWMutex.RLock", WAIT_RWLOCK},
		{"sync.RWMutex.Lock", WAIT_RWLOCK}, {"sync.Cond.Wait", WAIT_COND},
		{"sync.WaitGroup.Wait", WAIT_JOIN}, {"semacquire", WAIT_SEM},
		{"chan receive", WAIT_CHAN}, {"chan send", WAIT_CHAN}, {"select", WAIT_CHAN},
		{"IO wait", WAIT_IDLE}, {"sleep", WAIT_IDLE}, {"force gc (idle)", WAIT_IDLE},
		{"GC worker (idle)", WAIT_IDLE}, {"finalizer wait", WAIT_IDLE}};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		uint8_t reason = go_reasons_find(known[i].word, strlen(known[i].word));
		assert_true(reason != 0);
		assert_int_equal(go_reasons_kind(reason), known[i].kind);
	}
	assert_int_equal(go_reasons_kind(0), WAIT_IDLE);
	assert_int_equal(go_reasons_kind(UINT32_MAX), WAIT_IDLE);
}

/* runtime2.go of these versions. */
static void a_version_tells_the_layout(void **state)
{
	(void)state;
	static const struct {
		const char *version;
		uint16_t bp, id;
	} known[] = {{"go1.19.8", 104, 152}, {"go1.21.0", 104, 152}, {"go1.23.12", 104, 160},
		{"go1.24", 104, 160}, {"go1.25.3", 96, 152}, {"go1.26rc1", 96, 152}};
	static const char *const unknown[] = {"go1.17", "go1.20.1", "go1.99", "devel +abc", "go1."};
	struct go_facts f;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		make(0, known[i].version);
		assert_int_equal(find(&f), GO_LACK_NOTHING);
		assert_int_equal(f.layout.bp, known[i].bp);
		assert_int_equal(f.layout.id, known[i].id);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		make(0, unknown[i]);
		assert_int_equal(find(&f), GO_LACK_LAYOUT);
	}
}

static void what_is_missing_is_said(void **state)
{
	(void)state;
	struct go_facts f;

	make(1, "go1.26");
	file[TABLE] = 0;
	assert_int_equal(find(&f), GO_LACK_GO);
	make(1, "go1.26");
	file[TABLE + T_NAMES + 1] = 'x';
	assert_int_equal(find(&f), GO_LACK_LIST);
	make(1, "go1.26");
	file[TEXT + 8] = 0x89; /* a store */
	assert_int_equal(find(&f), GO_LACK_LIST);
	/* Reasons that are not found have no names. */
	make(1, "go1.26");
	file[RODATA + 8] = 'x';
	assert_int_equal(find(&f), GO_LACK_NOTHING);
	assert_int_equal(f.states[1], 0);
}

/* Half of the members is none. */
static void debug_information_has_all_or_nothing(void **state)
{
	(void)state;
	struct go_facts f;

	make(1, "go1.99");
	*(unsigned char *)memmem(file + INFO, 0x200, "procid", 6) = 'x';
	assert_int_equal(find(&f), GO_LACK_LAYOUT);
	make(1, "go1.99");
	memcpy(memmem(file + INFO, 0x200, "sched", 6) + 6, "\xff\x7f", 2);
	assert_int_equal(find(&f), GO_LACK_LAYOUT);
}

/* Whatever the bytes say, nothing outside the file is read (the sanitizers look on), and offsets
 * stay small. */
static void damage_does_no_harm(void **state)
{
	(void)state;
	static const unsigned char nasty[] = {0, 1, 0x7f, 0x80, 0xff};
	static const size_t parts[] = {
		TEXT, TABLE, DATA, REASONS, BUILD, ABBREV, INFO, TABLE + 0x200};
	uint64_t x = 88172645463325252;
	struct go_facts f;
	unsigned whole = 0;

	for (unsigned round = 0; round < 10000; round++) {
		make(1, "go1.26");
		for (unsigned k = 0; k < 1 + round % 4; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			size_t where = parts[x % 8] + (x >> 8) % 0x80;
			file[where] = (x >> 40) % 8 < 5 ? nasty[(x >> 40) % 8] : x >> 48;
		}
		if (find(&f) != GO_LACK_NOTHING)
			continue;
		whole++;
		assert_true(f.layout.id < GO_STRUCT_MAX && f.layout.m_current < GO_STRUCT_MAX);
		assert_true(f.layout.bp < 2 * GO_STRUCT_MAX);
	}
	assert_true(whole > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_found),
		cmocka_unit_test(reasons_are_kinds_of_waits),
		cmocka_unit_test(a_version_tells_the_layout),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(debug_information_has_all_or_nothing),
		cmocka_unit_test(damage_does_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
