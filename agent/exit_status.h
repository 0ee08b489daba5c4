/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the program ends; with -exit-status it ends as its command does (agent/supervisor.c). */
#ifndef AGENT_EXIT_STATUS_H
#define AGENT_EXIT_STATUS_H

enum exit_status {
	STATUS_DONE,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_REFUSED, /* it cannot be attached to, or has not what was asked for */
	STATUS_EMPTY,	/* no samples */
	STATUS_GREW,	/* -fail-over */
	/* As a shell, env(1) and timeout(1) have it. */
	STATUS_CANNOT_RUN = 126,
	STATUS_NO_COMMAND,
	STATUS_GIVEN_UP = 130,
};

#endif
