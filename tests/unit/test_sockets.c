/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of /proc/PID/net, as the kernel writes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/sockets.h"

static struct sockets s;

static void said(const char *file, const char *line, uint64_t inode, const char *text)
{
	assert_int_equal(sockets_parse(&s, file, line), 0);
	sockets_sort(&s);
	const char *found = sockets_find(&s, inode);
	assert_non_null(found);
	assert_string_equal(found, text);
}

static void addresses(void **state)
{
	(void)state;
	said("tcp",
		"   0: 0100007F:1538 0200000A:A0E4 01 00000000:00000000 00:00000000 00000000  1000  "
		"      0 18275 1 ffff888 20 4 30 10 -1",
		18275, "tcp 127.0.0.1:5432 -> 10.0.0.2:41188");
	said("tcp",
		"  17: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0  "
		"      0 77 1 ffff888 100 0 0 10 0",
		77, "tcp 0.0.0.0:80 (listening)");
	said("tcp",
		"   1: 0100007F:1538 0100007F:A0E4 08 00000000:00000000 00:00000000 00000000  1000  "
		"      0 78 1 ffff888 20 4 30 10 -1",
		78, "tcp 127.0.0.1:5432 -> 127.0.0.1:41188 (closed by the other side)");
	said("tcp6",
		"   0: 00000000000000000000000001000000:0016 00000000000000000000000001000000:0017 "
		"01 00000000:00000000 00:00000000 00000000     0        0 79 1 ffff 20 4 30 10 -1",
		79, "tcp [::1]:22 -> [::1]:23");
	said("udp",
		"  3: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101  "
		"      0 80 2 ffff888 0",
		80, "udp 0.0.0.0:53");
	sockets_fini(&s);
}

static void paths(void **state)
{
	(void)state;
	said("unix", "ffff8880: 00000002 00000000 00010000 0001 01 90 /run/a b.sock", 90,
		"unix /run/a b.sock (listening)");
	said("unix", "ffff8880: 00000003 00000000 00000000 0001 03 91", 91, "unix (no name)");
	said("unix", "ffff8880: 00000003 00000000 00000000 0001 03 92 @abstract", 92,
		"unix @abstract");
	assert_null(sockets_find(&s, 93));
	sockets_fini(&s);
}

static void what_is_no_socket(void **state)
{
	const char *lines[] = {
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
		"",
		"   0:",
		"   0: 0100007F:1538 0200000A",
		"   0: 01007F:1538 0200000A:A0E4 01 00000000:00000000 00:00000000 00000000  1 0 5 1",
		"   0: 0100007F0100007F:1538 0200000A:A0E4 01 0:0 0:0 0  1000 0 18275 1",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(sockets_parse(&s, "tcp", lines[i]), -EINVAL);
	assert_int_equal(sockets_parse(&s, "unix",
				 "Num       RefCount Protocol Flags    Type St Inode Path"),
		-EINVAL);
	sockets_sort(&s);
	assert_null(sockets_find(&s, 0));
	sockets_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(paths),
		cmocka_unit_test(what_is_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
