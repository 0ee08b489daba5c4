/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room in growing arrays.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stddef.h>
#include <stdint.h>

/* Room for `more` elements of that size behind the n in the array at *v (a pointer to a pointer);
 * doubles *room. 0, -ENOMEM, or -E2BIG if there would be more than most. */
int list_room(void *v, uint32_t n, uint32_t more, uint32_t *room, size_t size, uint32_t most);

#endif
