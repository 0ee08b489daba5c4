/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers. Each sets the exchange's; errors, too.
 */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include "agent/serve/server.h"

/* Of a window that is done, for the page that was wished for. */
void answer_window(struct session *s, const struct window *w, struct exchange *e);

/* What HEAD gets: only how the answer would look. */
void answer_head(struct session *s, struct exchange *e);

/* Those that need no window. */
void answer_index(struct session *s, struct exchange *e);
void answer_view(struct session *s, struct exchange *e);
void answer_target(struct session *s, struct exchange *e);
void answer_metrics(struct session *s, struct exchange *e);

/* Whether it can be answered though the process has ended. */
int answer_lingers(const struct session *s, const struct wish *wish);

/* The kind whose profile is the answer to a wish: threads, where there are no goroutines. */
enum profile_kind answer_kind(const struct session *s, const struct wish *wish);

#endif
