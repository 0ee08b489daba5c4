/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a request to its answer: at once, or through a window.
 */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include "agent/serve/http.h"

/* For struct http, whose owner is a struct server. */
void routes_take(void *owner, struct exchange *e);
void routes_forget(void *owner, struct exchange *e);

#endif
