/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that allocate, check what they wrote and their signal masks; others that come and go;
 * children born by fork and vfork, another program, libraries that are loaded: all for a probe to
 * come and go in. Of tests/targets/alloc_storm.c and tests/unit/test_probe.c.
 */
#ifndef ALLOC_STORM_H
#define ALLOC_STORM_H

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4

static struct report {
	_Atomic uint64_t turns, wrong, children, signals;
	_Atomic int is_over, is_armed;
} * report;

static void turn(unsigned *seed, unsigned char **v, size_t *sizes)
{
	int k = rand_r(seed) % 64;
	size_t n = rand_r(seed) % 5000 + 1;

	for (size_t i = 0; v[k] && i < sizes[k]; i++)
		report->wrong += v[k][i] != (unsigned char)(k + sizes[k]);
	free(v[k]);
	switch (rand_r(seed) % 4) {
	case 0:
		v[k] = calloc(n, 1);
		for (size_t i = 0; i < n; i++)
			report->wrong += v[k][i] != 0;
		break;
	case 1:
		v[k] = memalign(256, n);
		report->wrong += (uintptr_t)v[k] % 256 != 0;
		break;
	case 2:
		v[k] = realloc(realloc(NULL, n / 2 + 1), n);
		break;
	default:
		v[k] = malloc(n);
	}
	sizes[k] = n;
	memset(v[k], k + n, n);
	report->turns++;
}

static int is_blocked(int signal)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return sigismember(&set, signal);
}

static void *works(void *arg)
{
	unsigned seed = (uintptr_t)arg;
	unsigned char *v[64] = {NULL};
	size_t sizes[64];

	while (!report->is_over) {
		for (int i = 0; i < 50; i++)
			turn(&seed, v, sizes);
		report->wrong += is_blocked(SIGALRM) || is_blocked(SIGUSR2);
	}
	for (int k = 0; k < 64; k++)
		free(v[k]);
	return NULL;
}

static void *brief(void *arg)
{
	return memset(malloc(100), 1, 100), arg;
}

/* Another program, in a child that is in our memory until then. */
static void runs_another(void)
{
	int status;
	pid_t pid = vfork();

	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	report->wrong += waitpid(pid, &status, 0) != pid || status;
}

/* A library that comes and goes. */
static void loads(void)
{
	void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL), *other;
	char name[64];

	report->wrong += !library || !dlsym(library, "cos");
	other = dlopen("libutil.so.1", RTLD_NOW | RTLD_LOCAL);
	snprintf(name, sizeof(name), "no-such-%u.so", rand());
	report->wrong += dlopen(name, RTLD_NOW) != NULL;
	if (other)
		dlclose(other);
	dlclose(library);
}

static void *starts(void *arg)
{
	pthread_t t;
	int status;

	while (!report->is_over) {
		runs_another();
		loads();
		if (!pthread_create(&t, NULL, brief, NULL))
			pthread_join(t, NULL);
		pid_t pid = fork();
		if (!pid) {
			for (int i = 0; i < 100; i++)
				free(realloc(malloc(100000), 200000));
			_exit(7);
		}
		report->wrong += waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7;
		report->children++;
		usleep(2000);
	}
	return arg;
}

static void on_signal(int signal)
{
	(void)signal;
	report->signals++;
}

static void allocate_for_ever(void)
{
	struct itimerval often = {{0, 1000}, {0, 1000}};
	pthread_t t[THREADS + 1];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, works, (void *)(i + 1));
	pthread_create(&t[THREADS], NULL, starts, NULL);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

/* Shared with the child that allocates; not 0: it cannot be had. */
static int make_report(void)
{
	report = mmap(
		NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return report == MAP_FAILED;
}

#endif
