/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdatomic.h>

#include "agent/blame.h"
#include "base/log.h"

void blame_module(struct session *s, const struct supervisor_role *ended)
{
	uint32_t id = atomic_exchange(&s->ring->page->worker_module, 0);
	int from_outside = (ended->status & 0x7f) == SIGKILL && !ended->by_us;
	enum blame blame =
		collection_blame(&s->data, id, from_outside, s->phase == PHASE_SYMBOLIZE);
	char shown[512];

	if (blame != BLAME_NONE)
		log_note("%s brought down the worker: %s",
			log_escape(shown, sizeof(shown), s->data.modules[id - 1].info.path),
			blame == BLAME_SYMTAB
				? "only its symbol table is read from now on"
				: "not read any more, its frames keep their addresses");
}
