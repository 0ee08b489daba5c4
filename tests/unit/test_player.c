/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that plays a recording, asked as session asks it; and the files it finds for it.
 */
#include <sys/wait.h>

#include "agent/player.h"
#include "agent/player_files.h"
#include "symbolize/module.h"
#include "tests/unit/raw_fixture.h"

/* --- the player ---------------------------------------------------------------------------- */

static struct ring ring;
static int sock;
static pid_t player;

static void start_player(const char *file_name)
{
	static struct options o;
	const struct tracer_start start = {.mode.kinds = 3};
	int pair[2];

	o = (struct options){.replay = file_name};
	assert_int_equal(ring_open(&ring), 0);
	assert_int_equal(wire_pair(pair), 0);
	player = fork();
	assert_true(player >= 0);
	if (!player) {
		close(pair[0]);
		_exit(player_main(pair[1], &ring, &o));
	}
	close(pair[1]);
	sock = pair[0];
	assert_int_equal(wire_send(sock, TO_TRACER_START, &start, sizeof(start), -1), 0);
}

static void hear(uint32_t type)
{
	assert_int_equal(wire_recv(sock, &message, 1), 1);
	assert_int_equal(message.type, type);
	if (message.fd >= 0)
		close(message.fd);
}

static void end_player(void)
{
	int status;

	close(sock);
	assert_int_equal(waitpid(player, &status, 0), player);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ring_close(&ring);
}

/* All captures, though the ring holds a quarter of them; then, and not before, the end. */
static void a_player_waits_for_room(void **state)
{
	static unsigned char got[sizeof(struct capture) + LIMIT_STACK_MAX];
	const uint32_t n = 4 * (LIMIT_RING_BYTES / LIMIT_STACK_MAX);
	(void)state;

	begin();
	say_attached();
	say_thread(0);
	say(TRACER_DONE, &(struct tracer_done){0}, sizeof(struct tracer_done));
	for (uint32_t i = 0; i < n; i++)
		say_capture(0, 0, LIMIT_STACK_MAX);
	finish();
	start_player(path);
	hear(TRACER_RECORDING);
	hear(TRACER_ATTACHED);
	hear(TRACER_READY);
	hear(TRACER_THREADS);
	usleep(100000);
	assert_int_equal(wire_recv(sock, &message, 0), 0);
	for (uint32_t i = 0; i < n;) {
		long size = ring_pop(&ring, got, sizeof(got));
		assert_true(size == 0 || size == sizeof(got));
		i += size > 0;
	}
	hear(TRACER_STATS);
	hear(TRACER_RECORDED);
	hear(TRACER_DONE);
	assert_int_equal(atomic_load(&ring.page->dropped), 0);
	end_player();
}

#define MAP_BYTES 200000u /* in several parts */

static int make_map(char fill, size_t n)
{
	int fd = memfd_create("map", MFD_CLOEXEC);
	char *text = malloc(n + 1);

	memset(text, fill, n);
	assert_int_equal(write(fd, text, n), n);
	free(text);
	return fd;
}

static void set_map(int id, int fd, int error)
{
	data.modules[id - 1].perf_map = (struct perf_map){.fd = fd, .error = error, .pid = 9};
}

static void hear_map(uint32_t module, int error, char fill, size_t n)
{
	static char text[MAP_BYTES + 1];

	assert_int_equal(wire_recv(sock, &message, 1), 1);
	assert_int_equal(message.type, TRACER_PERF_MAP);
	const struct tracer_perf_map *m = (void *)message.payload;
	assert_int_equal(m->module, module);
	assert_int_equal(m->pid, 9);
	assert_int_equal(m->error, error);
	assert_int_equal(message.fd >= 0, fill != 0);
	if (message.fd < 0)
		return;
	assert_int_equal(pread(message.fd, text, sizeof(text), 0), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(text[i], fill);
	close(message.fd);
}

/* What was in the files when the run ended, once for all modules of a process. */
static void perf_maps_come_back(void **state)
{
	(void)state;
	int first = make_map('a', MAP_BYTES), second = make_map('b', 10), empty = make_map('c', 0);
	begin();
	say_attached();
	say_thread(0);
	for (uint32_t i = 1; i <= 6; i++)
		assert_int_equal(say_module(i, MODULE_NO_FILE, -1), i);
	for (int i = 1; i <= 6; i++)
		say_build_id(i);
	set_map(1, first, 0);
	set_map(2, dup(first), 0);
	set_map(3, -1, -ENOENT);
	set_map(4, second, -ELOOP); /* kept when something else took its place */
	set_map(5, empty, 0);
	say(TRACER_DONE, &(struct tracer_done){0}, sizeof(struct tracer_done));
	finish();
	start_player(path);
	hear(TRACER_RECORDING);
	hear(TRACER_ATTACHED);
	hear(TRACER_READY);
	hear(TRACER_THREADS);
	for (int i = 1; i <= 6; i++) {
		hear(TRACER_IDENTITY);
		hear(TRACER_MODULE);
	}
	hear(TRACER_STATS);
	hear_map(1, 0, 'a', MAP_BYTES);
	hear_map(2, 0, 'a', MAP_BYTES);
	hear_map(3, -ENOENT, 0, 0);
	hear_map(4, -ELOOP, 'b', 10);
	hear_map(5, 0, 'c', 0);
	hear(TRACER_RECORDED);
	hear(TRACER_DONE);
	end_player();
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < (off_t)MAP_BYTES / 10);
}

static void a_player_tells_of_damage(void **state)
{
	(void)state;
	static unsigned char file[64 * 1024];

	record(200);
	int whole = open(path, O_RDONLY);
	size_t file_size = read(whole, file, sizeof(file));
	close(whole);
	assert_true(file_size > 100 && file_size < sizeof(file));
	for (size_t n = 0; n < file_size; n += 1 + file_size / 25) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(fd, file, n), n);
		close(fd);
		start_player(path);
		do
			assert_int_equal(wire_recv(sock, &message, 1), 1);
		while (message.type != TRACER_DAMAGED && message.type != TRACER_DONE);
		assert_int_equal(message.type, TRACER_DAMAGED);
		const struct tracer_damaged *d = (void *)message.payload;
		assert_int_equal(d->cause, DAMAGE_TRUNCATED);
		end_player();
	}
	start_player("/nonexistent");
	hear(TRACER_DAMAGED);
	assert_int_equal(((struct tracer_damaged *)message.payload)->cause, DAMAGE_OPEN);
	end_player();
	start_player("/proc/self/exe");
	hear(TRACER_DAMAGED);
	assert_int_equal(((struct tracer_damaged *)message.payload)->cause, DAMAGE_NO_RAW);
	end_player();
}

/* --- files -------------------------------------------------------------------------------- */

static struct tracer_identity self;
static char self_path[4096];

static void know_self(void)
{
	struct module *m;
	const unsigned char *id;
	ssize_t n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);

	assert_true(n > 0);
	self_path[n] = '\0';
	assert_int_equal(module_open(open(self_path, O_RDONLY), 1, 0, &m), 0);
	self = (struct tracer_identity){.build_id_len = module_build_id(m, &id)};
	memcpy(self.build_id, id, self.build_id_len);
	module_close(m);
}

static int find(const char *symfs, const char *name, const struct tracer_identity *wanted)
{
	int fd = player_files_module(symfs, name, strlen(name), wanted);

	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : fd;
}

static void a_file_is_known_by_its_build_id(void **state)
{
	char gone[5000];
	(void)state;

	know_self();
	if (!self.build_id_len)
		skip(); /* a compiler that gives none */
	assert_int_equal(find(NULL, self_path, &self), 0);
	snprintf(gone, sizeof(gone), "%s (deleted)", self_path);
	assert_int_equal(find(NULL, gone, &self), 0);
	assert_int_equal(find(NULL, "/bin/sh", &self), -ESTALE);
	assert_int_equal(find(NULL, "/nonexistent", &self), -ENOENT);
	assert_int_equal(find(NULL, "relative", &self), -ENOENT);
	assert_int_equal(find(NULL, "/dev/zero", &self), -ENOENT);
	assert_int_equal(find(NULL, "", &self), -ENOENT);
	self.build_id[0] ^= 1;
	assert_int_equal(find(NULL, self_path, &self), -ESTALE);
	self.build_id[0] ^= 1;
	self.build_id_len--;
	assert_int_equal(find(NULL, self_path, &self), -ESTALE);
}

/* Below symfs comes first; a FIFO is never opened. */
static void files_of_another_machine(void **state)
{
	char name[200], fifo[200];
	(void)state;

	know_self();
	if (!self.build_id_len)
		skip();
	snprintf(name, sizeof(name), "%s/prog", folder);
	assert_int_equal(symlink(self_path, name), 0);
	assert_int_equal(find(folder, "/prog", &self), 0);
	assert_int_equal(find(NULL, "/prog", &self), -ENOENT);
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(find(folder, "/fifo", &self), -ENOENT);
	unlink(name);
	unlink(fifo);
}

/* Another file has its name; it itself lies where debug packages and distributions keep such files.
 */
static void a_file_is_found_by_its_build_id(void **state)
{
	static const char *const folders[] = {"/usr", "/usr/lib", "/usr/lib/debug"};
	char name[300], below[200], file_name[400];
	(void)state;

	know_self();
	if (!self.build_id_len)
		skip();
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(below, sizeof(below), "%s%s", folder, folders[i]);
		assert_int_equal(mkdir(below, 0700), 0);
	}
	snprintf(below, sizeof(below), "%s/usr/lib/debug/.build-id", folder);
	assert_int_equal(mkdir(below, 0700), 0);
	snprintf(name, sizeof(name), "%s/%02x", below, self.build_id[0]);
	assert_int_equal(mkdir(name, 0700), 0);
	int n = snprintf(file_name, sizeof(file_name), "%s/", name);
	for (uint32_t i = 1; i < self.build_id_len; i++)
		n += snprintf(file_name + n, sizeof(file_name) - n, "%02x", self.build_id[i]);
	assert_int_equal(find(folder, "/bin/sh", &self), -ESTALE);
	assert_int_equal(symlink(self_path, file_name), 0);
	assert_int_equal(find(folder, "/bin/sh", &self), 0);
	assert_int_equal(find(NULL, "/bin/sh", &self), -ESTALE);
	unlink(file_name);
	/* Under its build id, but another one. */
	assert_int_equal(symlink("/bin/sh", file_name), 0);
	assert_int_equal(find(folder, "/bin/sh", &self), -ESTALE);
	unlink(file_name);
	rmdir(name);
	rmdir(below);
	for (size_t i = sizeof(folders) / sizeof(*folders); i-- > 0;) {
		snprintf(below, sizeof(below), "%s%s", folder, folders[i]);
		rmdir(below);
	}
}

/* Without a build id only the very file will do, and only if nobody wrote to it. */
static void a_file_without_a_build_id(void **state)
{
	struct tracer_identity wanted = {0};
	struct stat st;
	char name[200];
	(void)state;

	snprintf(name, sizeof(name), "%s/plain", folder);
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, "plain", 5), 5);
	assert_int_equal(fstat(fd, &st), 0);
	wanted.ino = st.st_ino;
	wanted.size = 5;
	wanted.changed = st.st_mtim.tv_sec * 1000000000ull + st.st_mtim.tv_nsec;
	assert_int_equal(find(NULL, name, &wanted), 0);
	wanted.changed++;
	assert_int_equal(find(NULL, name, &wanted), -ESTALE);
	wanted.changed--;
	wanted.size++;
	assert_int_equal(find(NULL, name, &wanted), -ESTALE);
	wanted.size--;
	wanted.build_id_len = 20;
	assert_int_equal(find(NULL, name, &wanted), -ESTALE);
	close(fd);
	unlink(name);
}

/* Notes that end too early, or claim to be longer than the file: no build id, nothing worse. */
static void a_damaged_file_has_no_build_id(void **state)
{
	static unsigned char bytes[4096];
	char name[200];
	(void)state;

	know_self();
	if (!self.build_id_len)
		skip();
	int from = open(self_path, O_RDONLY);
	assert_int_equal(read(from, bytes, sizeof(bytes)), sizeof(bytes));
	close(from);
	snprintf(name, sizeof(name), "%s/cut", folder);
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	for (size_t i = 0; i < 1024; i++)
		for (int k = 0; k < 2; k++) {
			unsigned char b = k ? bytes[i] ^ 0xff : bytes[i] ^ 0x04;
			assert_int_equal(pwrite(fd, &b, 1, i), 1);
			int found = find(NULL, name, &self);
			assert_true(found == 0 || found == -ESTALE);
			assert_int_equal(pwrite(fd, &bytes[i], 1, i), 1);
		}
	for (size_t n = sizeof(bytes); n > 0; n -= 64) {
		assert_int_equal(ftruncate(fd, n), 0);
		int found = find(NULL, name, &self);
		assert_true(found == 0 || found == -ESTALE);
	}
	close(fd);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_player_waits_for_room),
		cmocka_unit_test(perf_maps_come_back),
		cmocka_unit_test(a_player_tells_of_damage),
		cmocka_unit_test(a_file_is_known_by_its_build_id),
		cmocka_unit_test(files_of_another_machine),
		cmocka_unit_test(a_file_is_found_by_its_build_id),
		cmocka_unit_test(a_file_without_a_build_id),
		cmocka_unit_test(a_damaged_file_has_no_build_id),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
