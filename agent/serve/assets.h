/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that were installed to be served: speedscope's, where the build had them
 * (--with-speedscope). Only plain files of that folder, no other names.
 */
#ifndef SERVE_ASSETS_H
#define SERVE_ASSETS_H

#include "agent/serve/http.h"

void assets_answer(struct exchange *e);

/* Whether there are any. */
int assets_are_there(void);

#endif
