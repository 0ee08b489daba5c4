/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "symbolize/go_stacks.h"
#include "symbolize/module.h"

#define FUNCTION_BYTES 64u   /* of a function; what is looked for is in the first 45 */
#define CURG_MAX       4096u /* struct m has fewer */

/* A name and its variant for assembly (ABI0). */
static int is(const struct go_function *f, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(f->name, name, n) && (!f->name[n] || !strcmp(f->name + n, ".abi0"));
}

enum go_place go_stacks_place(const struct go_function *f)
{
	if (is(f, "runtime.systemstack") || is(f, "runtime.asmcgocall"))
		return GO_CALLS;
	if (is(f, "runtime.morestack"))
		return GO_GROWS;
	if (is(f, "runtime.nanotime1") || is(f, "runtime.walltime") || is(f, "time.now"))
		return GO_CLOCK;
	if (is(f, "runtime.mcall"))
		return GO_PARKS;
	if (is(f, "runtime.schedule"))
		return GO_SCHEDULES;
	if (is(f, "runtime.sigtramp"))
		return GO_HANDLER;
	if (is(f, "runtime.asyncPreempt"))
		return GO_PREEMPTS;
	return is(f, "runtime.systemstack_switch") ? GO_SWITCH : GO_ELSEWHERE;
}

uint64_t go_stacks_kept_sp(const struct module *m, const struct go_function *f)
{
	static const unsigned char mov[] = {0x49, 0x89, 0xe4}; /* %rsp,%r12 */
	const unsigned char *code = NULL;
	uint64_t offset;

	if (f->end - f->start >= FUNCTION_BYTES &&
		module_vaddr_to_offset(m, f->start, &offset) == 0)
		code = module_bytes(m, offset, FUNCTION_BYTES);
	const unsigned char *found = code ? memmem(code, FUNCTION_BYTES, mov, sizeof(mov)) : NULL;
	return found ? f->start + (found - code) : 0;
}

/* mov 0x30(%rax),%rbx: m of this g; then cmp curg(%rbx),%rax. */
static uint32_t curg_in(const unsigned char *code)
{
	static const unsigned char mov[] = {0x48, 0x8b, 0x58, 0x30}, cmp[] = {0x48, 0x3b, 0x83};
	int has_m = 0;
	uint32_t offset;

	for (size_t at = 0; at + sizeof(cmp) + sizeof(offset) <= FUNCTION_BYTES; at++) {
		has_m |= !memcmp(code + at, mov, sizeof(mov));
		if (!has_m || memcmp(code + at, cmp, sizeof(cmp)) != 0)
			continue;
		memcpy(&offset, code + at + sizeof(cmp), sizeof(offset));
		return offset < CURG_MAX && offset % 8 == 0 ? offset : 0;
	}
	return 0;
}

uint32_t go_stacks_curg(const struct module *m, const struct gopclntab *t)
{
	const unsigned char *code = NULL;
	struct go_function f;
	uint64_t offset;

	if (gopclntab_find_name(t, "runtime.systemstack", &f) == 0 &&
		module_vaddr_to_offset(m, f.start, &offset) == 0)
		code = module_bytes(m, offset, FUNCTION_BYTES);
	return code ? curg_in(code) : 0;
}
