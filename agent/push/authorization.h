/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who we are to a store: the header "Authorization: ...", made from one line
 *
 *	bearer TOKEN		or	basic USER:PASSWORD
 *
 * of a file, or from the environment (CPPROF_PUSH_TOKEN, or CPPROF_PUSH_USER and
 * CPPROF_PUSH_PASSWORD). Never from the command line, which everyone on the machine can read.
 *
 * A file that users other than its owner and group can read or write is refused. What is no regular
 * file has no reader but us: a pipe, such as <(command), is taken as it comes. What was taken from
 * the environment is no longer there, neither for a command that we run nor in /proc/PID/environ.
 */
#ifndef PUSH_AUTHORIZATION_H
#define PUSH_AUTHORIZATION_H

/* *out is for authorization_forget. 0, or -EINVAL told. */
int authorization_read(const char *path, char **out);

/* The same; *out is NULL where there is none. */
int authorization_from_environment(char **out);

/* Overwrites and frees it; NULL afterwards. */
void authorization_forget(char **header);

#endif
