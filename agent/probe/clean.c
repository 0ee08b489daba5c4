/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/probe/clean.h"
#include "agent/probe/probe.h"
#include "base/wire.h"

void clean_process(int sock, struct roster *roster, void (*beat)(void *arg), void *arg)
{
	static struct probe probe;
	struct tracer_cleaned answer = {.why.cause = PROBE_CAUSE_GONE};

	probe.memory = -1;
	probe.remote.beat = beat;
	probe.remote.arg = arg;
	if (roster->n == 1)
		probe_clean(&probe, roster->v[0]->target.pid, &answer.found, &answer.why);
	remote_fini(&probe.remote);
	wire_send(sock, TRACER_CLEANED, &answer, sizeof(answer), -1);
}
