/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go's debug=1 texts, which people and pprof's legacy parsers read (runtime/pprof and
 * profile/legacy_profile.go): the count form for threads, threadcreate and goroutine, with the name
 * of the sample type in its first line; "--- contention:" for block and "--- mutex:", whose cycles
 * are nanoseconds; "heap profile:" for heap and allocs, both with all four values. CPU and wall
 * have none (-ENOTSUP), as Go has none for CPU: pprof reads times of samples in binary forms only,
 * and would call those of the contention form contentions.
 *
 * Addresses behind "@" are one more than those of the profile's locations, for each frame, the leaf
 * too: pprof takes 1 from each, and so has the profile's own. Rows below have the profile's.
 * Locations in no mapping (frames that are not code, functions of the kernel, code that is gone)
 * get an address that no code has, of their function's name: the same in each text. With maps, they
 * are mappings at the end of those, of the names "[...]", which pprof then shows.
 *
 * What differs from Go: all frames are shown, Go hides its runtime's at the leaf; a function has no
 * "+0x..." behind it, for the profile does not know where it starts, but code without a name has
 * its offset in its file there; contentions have labels, too; labels that tell one thread from all
 * others (tid, goroutine) are left out, so that a row is all that do the same; values of the heap
 * are what the samples stand for, where Go has the samples, which is why it is "heap/2" there.
 *
 * Text of the target cannot end a line or a column.
 */
#ifndef OUTPUT_LEGACY_H
#define OUTPUT_LEGACY_H

#include "base/buf.h"
#include "output/profile.h"

/* maps: text of /proc/PID/maps, or NULL: no "--- Memory map: ---". 0, -ENOTSUP, -ENOMEM or -E2BIG;
 * out then has a part. */
int legacy_text(const struct profile *p, const char *maps, struct buf *out);

#endif
