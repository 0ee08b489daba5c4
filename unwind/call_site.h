/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target's code around an address: what calls it, what it is. Read from the modules' files,
 * each of which is marked as being read meanwhile and none afterwards.
 */
#ifndef UNWIND_CALL_SITE_H
#define UNWIND_CALL_SITE_H

#include "symbolize/modules.h"

/* All of it borrowed. */
struct code {
	const struct modules *modules;
	const struct maps *maps;
	void (*reading)(void *arg, uint32_t module); /* 0: none any more */
	void *arg;
};

enum call_site {
	CALL_NONE,     /* no call, or no code there at all */
	CALL_DIRECT,   /* call rel32: its target is known */
	CALL_INDIRECT, /* through a register or memory */
	CALL_UNSEEN,   /* executable memory without a file: cannot be looked at */
};

/* The mapping that holds pc, or NULL. */
const struct mapping *call_site_mapping(const struct maps *maps, uint64_t pc);

/* The instruction that ends at address. *target is set for CALL_DIRECT. */
enum call_site call_site_before(const struct code *code, uint64_t address, uint64_t *target);

/* The CODE_BYTES bytes around pc (output/types.h); -1 where the file does not have them all. */
int call_site_code(const struct code *code, uint64_t pc, unsigned char *out);

/* Whether rbp is set to zero shortly before the call that ends at address: by code that has no
 * caller. */
int call_site_clears_rbp(const struct code *code, uint64_t address);

/* Whether the instructions from one address to the other, less than 4 KiB on, have no return among
 * them. */
int call_site_no_return(const struct code *code, uint64_t from, uint64_t to);

/* Whether a signal's handler returns to that address. */
int call_site_is_trampoline(const struct code *code, uint64_t address);

/* Whether a PLT's stub begins there. */
int call_site_is_plt(const struct code *code, uint64_t address);

#endif
