/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands before an address in the code: a return address follows a call.
 */
#ifndef UNWIND_CALL_SITE_H
#define UNWIND_CALL_SITE_H

#include "symbolize/modules.h"

enum call_site {
	CALL_NONE,     /* no call, or no code there at all */
	CALL_DIRECT,   /* call rel32: its target is known */
	CALL_INDIRECT, /* through a register or memory */
	CALL_UNSEEN,   /* executable memory without a file: cannot be looked at */
};

/* The mapping that holds pc, or NULL. */
const struct mapping *call_site_mapping(const struct maps *maps, uint64_t pc);

/* The instruction that ends at address. *target is set for CALL_DIRECT. */
enum call_site call_site_before(
	const struct modules *modules, const struct maps *maps, uint64_t address, uint64_t *target);

#endif
