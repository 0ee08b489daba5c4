/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile as one JSON object in one line, for the page of web/. Numbers refer to lists: strings
 * from 0 (0 is ""), functions, modules, frames and nodes from 1; 0 is none.
 *
 *	version		1
 *	program		"cpprof-attach 0.1.0"
 *	kind		"cpu", ...
 *	types		[{"type", "unit"}, ...]; default: position of the one to show first
 *	period		{"type", "unit", "value"}
 *	time_ns, duration_ns	of the window; duration 0: of a moment
 *	comments	[text, ...]
 *	strings		[text, ...], those that are used below
 *	modules		[[file, build id], ...], the executable first
 *	functions	[[name, file, first line], ...]
 *	frames		[[function, line, module, 1 if inlined into its caller, 0], ...]; a place
 *			without a name: [0, 0, module, 0, "0x4020"], its offset in the file. A frame
 *			without a module is no code: "[guessed step]", ...
 *	nodes		{"parent": [...], "frame": [...]}: all stacks as one tree, parents before
 *			their children; 0 is the root
 *	samples		columns of one length: node (the leaf), values ([[...] of each type]), and
 *			thread, state, kind, lock (strings), tid, pid, goroutine, each only if a
 *			sample has one
 *
 * Times are nanoseconds; JavaScript's numbers hold them to 0.3 us. Values are exact up to 2^53.
 */
#ifndef OUTPUT_VIEW_JSON_H
#define OUTPUT_VIEW_JSON_H

#include "base/buf.h"
#include "output/profile.h"

int view_json(const struct profile *p, struct buf *out); /* 0, -ENOMEM, or -E2BIG */

#endif
