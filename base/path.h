/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths as text; no file is looked at.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

/* What is behind the last slash; all of it where nothing is. */
const char *path_base(const char *path);

/* How long the part up to and with the last slash is; 0: there is none. */
int path_folder(const char *path);

/* One spelling for one file: "a/./b/../c" becomes "a/c", in place. A leading ".." stays. */
void path_normalize(char *path);

#endif
