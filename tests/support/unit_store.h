/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/support/unit_store.h — a store of the test's own, and children that touch it. */
#ifndef MB_SUPPORT_UNIT_STORE_H
#define MB_SUPPORT_UNIT_STORE_H

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "store/store.h"

struct unit_store {
	struct unit_dir dir;
	char root[96], run[96];
	struct mb_store *store;
};
#define UNIT_STORE __attribute__((cleanup(unit_store_done))) struct unit_store

/* Paths only: nothing is made below the directory. */
static inline void unit_store_name(struct unit_store *s)
{
	unit_dir_init(&s->dir);
	snprintf(s->root, sizeof(s->root), "%s/root", s->dir.path);
	snprintf(s->run, sizeof(s->run), "%s/run", s->dir.path);
	s->store = NULL;
}

static inline void unit_store_init(struct unit_store *s)
{
	unit_store_name(s);
	assert_int_equal(mb_store_open(s->root, s->run, &s->store, NULL), 0);
}

static inline void unit_store_done(struct unit_store *s)
{
	mb_store_free(s->store);
	unit_dir_done(&s->dir);
}

/* A child that says on a pipe when it has come somewhere. */
struct unit_child {
	pid_t pid;
	int in, out; /* its words to us, ours to it */
};

/* Return: true in the child. */
static inline bool unit_child_fork(struct unit_child *c)
{
	int there[2], here[2];

	assert_int_equal(pipe2(there, O_CLOEXEC), 0);
	assert_int_equal(pipe2(here, O_CLOEXEC), 0);
	fflush(NULL);
	c->pid = fork();
	assert_true(c->pid >= 0);
	c->in = c->pid ? here[0] : there[0];
	c->out = c->pid ? there[1] : here[1];
	close(c->pid ? here[1] : there[1]);
	close(c->pid ? there[0] : here[0]);
	return c->pid == 0;
}

static inline void unit_say(struct unit_child *c, char word)
{
	ssize_t n = write(c->out, &word, 1);

	(void)n;
}

/* The next word of the other side; 0 at its end. */
static inline char unit_hear(struct unit_child *c)
{
	char word;

	return read(c->in, &word, 1) == 1 ? word : '\0';
}

static inline int unit_child_end(struct unit_child *c)
{
	int status = -1;

	close(c->in);
	close(c->out);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return status;
}

#endif
