/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the single options could not see: which of them exclude or need each other, and what the
 * ones that were not given are by those that were.
 */
#ifndef AGENT_OPTIONS_SETTLE_H
#define AGENT_OPTIONS_SETTLE_H

#include "agent/options.h"

/* 0, or -EINVAL: told. */
int options_settle(struct options *o);

#endif
