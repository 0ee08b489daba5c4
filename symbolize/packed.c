/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/mman.h>

#include "base/limits.h"
#include "config.h"
#include "symbolize/packed.h"

#ifdef HAVE_LZMA
#include <lzma.h>

#define XZ_MEMORY (128 * MIB) /* what the decoder may need, by the data's own word */
#define XZ_FIRST  (1 * MIB)

int packed_has_xz(void)
{
	return 1;
}

/* Room for twice as much. */
static int grow(void **out, size_t *room)
{
	size_t more = *room ? 2 * *room : XZ_FIRST;
	void *p;

	if (more > LIMIT_UNPACKED)
		return -E2BIG;
	if (*room)
		p = mremap(*out, *room, more, MREMAP_MAYMOVE);
	else
		p = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	*out = p;
	*room = more;
	return 0;
}

static int unpack(lzma_stream *z, void **out, size_t *room)
{
	lzma_ret state = LZMA_OK;

	while (state == LZMA_OK) {
		if (!z->avail_out) {
			int error = grow(out, room);
			if (error)
				return error;
			z->next_out = (unsigned char *)*out + z->total_out;
			z->avail_out = *room - z->total_out;
		}
		state = lzma_code(z, LZMA_FINISH);
	}
	if (state == LZMA_STREAM_END && z->total_out)
		return 0;
	return state == LZMA_MEM_ERROR ? -ENOMEM : state == LZMA_MEMLIMIT_ERROR ? -E2BIG : -EBADMSG;
}

int packed_xz(const void *in, size_t in_len, void **out, size_t *n)
{
	lzma_stream z = LZMA_STREAM_INIT;
	size_t room = 0;

	*out = NULL;
	if (lzma_stream_decoder(&z, XZ_MEMORY, 0) != LZMA_OK)
		return -ENOMEM;
	z.next_in = in;
	z.avail_in = in_len;
	int error = unpack(&z, out, &room);
	*n = z.total_out;
	lzma_end(&z);
	if (error && room)
		munmap(*out, room);
	else if (!error)
		/* Who frees it knows the size of the data only. */
		mremap(*out, room, *n, 0);
	return error;
}

#else

int packed_has_xz(void)
{
	return 0;
}

int packed_xz(const void *in, size_t in_len, void **out, size_t *n)
{
	(void)in, (void)in_len, (void)out, (void)n;
	return -EBADMSG;
}

#endif
