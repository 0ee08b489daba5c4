/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of cells aligned with tabs, as Go's text/tabwriter does it with the settings of its profile
 * texts (minimal width 1, tab width 8, padding 1, pad character tab, no flags): a column is a run
 * of rows that have that cell and one behind it; its width is that of its widest cell and one more,
 * up to the next multiple of 8. Characters count as 1, whatever a terminal makes of them.
 */
#ifndef OUTPUT_TABS_H
#define OUTPUT_TABS_H

#include <stdint.h>

#include "base/buf.h"

#define TABS_CELLS 4u

struct tabs_row {
	size_t start[TABS_CELLS + 1]; /* in text; one more than there are cells */
	uint32_t width[TABS_CELLS], tabs[TABS_CELLS];
	uint32_t n;
};

struct tabs {
	struct buf text;
	struct tabs_row *rows;
	uint32_t n, room;
};

void tabs_init(struct tabs *t, size_t ceiling); /* of the text in the cells */
void tabs_fini(struct tabs *t);

/* 0 or -errno, as the next two. */
int tabs_row(struct tabs *t);
int tabs_cell(struct tabs *t, const char *text); /* the next in the last row */

/* Appends all rows to out, and there are none. */
int tabs_put(struct tabs *t, struct buf *out);

#endif
