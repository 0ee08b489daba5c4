/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of source files.
 */
#ifndef SYMBOLIZE_PATH_H
#define SYMBOLIZE_PATH_H

/* One spelling for one file: "a/./b/../c" becomes "a/c", in place. A leading ".." stays. */
void path_normalize(char *path);

#endif
