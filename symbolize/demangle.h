/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linkage names for people: C++ (Itanium ABI), Rust (legacy and v0), D; anything else stays.
 *
 * none: as it is. simple: no parameters, no template arguments. templates: no parameters and no
 * return type. full: with parameters. At every level but none a clone's suffix (.cold, .isra.0,
 * ...) goes, so that the halves of a function join.
 */
#ifndef SYMBOLIZE_DEMANGLE_H
#define SYMBOLIZE_DEMANGLE_H

#include "base/message.h"

/* Caller frees; at most LIMIT_NAME bytes, a longer name ends in an ellipsis. A name that cannot be
 * demangled comes back as it is, without its clone suffix. NULL: no memory. */
char *demangle(const char *name, enum demangle_level level);

#endif
