/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "output/tabs.h"

#define MOST	  (UINT32_MAX / 4)
#define TAB_WIDTH 8u

void tabs_init(struct tabs *t, size_t ceiling)
{
	*t = (struct tabs){.rows = NULL};
	buf_init(&t->text, ceiling);
}

void tabs_fini(struct tabs *t)
{
	buf_fini(&t->text);
	free(t->rows);
}

int tabs_row(struct tabs *t)
{
	int error = list_room(&t->rows, t->n, 1, &t->room, sizeof(*t->rows), MOST);

	if (!error)
		t->rows[t->n++] = (struct tabs_row){.start = {t->text.len}};
	return error;
}

/* Of UTF-8: all bytes but those that continue a character. */
static uint32_t characters(const char *text)
{
	uint32_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

int tabs_cell(struct tabs *t, const char *text)
{
	struct tabs_row *row = t->n ? &t->rows[t->n - 1] : NULL;

	if (!row || row->n == TABS_CELLS)
		return -EINVAL;
	int error = buf_string(&t->text, text);
	if (error)
		return error;
	row->width[row->n++] = characters(text);
	row->start[row->n] = t->text.len;
	return 0;
}

/* The last cell of a row ends with the row and is in no column. */
static int has_column(const struct tabs_row *row, uint32_t column)
{
	return column + 1 < row->n;
}

/* The rows from first on that have it; the number of the first that has not. */
static uint32_t align_run(struct tabs *t, uint32_t first, uint32_t column)
{
	uint32_t width = 0, end;

	for (end = first; end < t->n && has_column(&t->rows[end], column); end++)
		if (t->rows[end].width[column] > width)
			width = t->rows[end].width[column];
	width = (width + TAB_WIDTH) / TAB_WIDTH * TAB_WIDTH;
	for (uint32_t i = first; i < end; i++) {
		struct tabs_row *row = &t->rows[i];
		row->tabs[column] = (width - row->width[column] + TAB_WIDTH - 1) / TAB_WIDTH;
	}
	return end;
}

static void put_row(const struct tabs *t, const struct tabs_row *row, struct buf *out)
{
	for (uint32_t i = 0; i < row->n; i++) {
		buf_append(out, t->text.data + row->start[i], row->start[i + 1] - row->start[i]);
		for (uint32_t k = 0; k < row->tabs[i]; k++)
			buf_string(out, "\t");
	}
	buf_string(out, "\n");
}

int tabs_put(struct tabs *t, struct buf *out)
{
	for (uint32_t column = 0; column < TABS_CELLS; column++)
		for (uint32_t i = 0; i < t->n; i++)
			i = align_run(t, i, column);
	for (uint32_t i = 0; i < t->n; i++)
		put_row(t, &t->rows[i], out);
	buf_clear(&t->text);
	t->n = 0;
	return out->failed;
}
