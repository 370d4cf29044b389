/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/lanes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"

enum { TICK_MSEC = 50, GIVE_UP_MSEC = 5000 };

struct piece {
	_Atomic uint64_t done;
	_Atomic int state, word;
};
/* In memory of all processes. */
struct board {
	_Atomic size_t next;
	_Atomic int over; /* 1: taken by who failed first; 2: err is whole */
	struct mb_err err;
	struct piece pieces[];
};
struct mb_image_lanes {
	size_t count, n_pids, size;
	struct board *board;
	pid_t *pids;
	bool lost;   /* one of them ended otherwise than it should */
	int news[2]; /* a byte for each piece that has come to its end */
};

static void fail(struct board *board, const struct mb_err *err)
{
	int none = 0;

	if (!atomic_compare_exchange_strong(&board->over, &none, 1))
		return;
	board->err = *err;
	if (!board->err.code)
		mb_fail(&board->err, EIO, "it failed without a reason");
	atomic_store(&board->over, 2);
}

static void __attribute__((noreturn))
run(struct mb_image_lanes *lanes, const struct mb_image_lanes_job *job, pid_t parent)
{
	struct board *board = lanes->board;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (job->begin)
		job->begin(job->arg);
	for (;;) {
		size_t i = atomic_fetch_add(&board->next, 1);
		struct mb_err err = MB_ERR_INIT;
		int r;

		if (i >= job->count || atomic_load(&board->over))
			_exit(0);
		atomic_store(&board->pieces[i].state, MB_IMAGE_LANE_WORKS);
		r = job->work(lanes, i, job->arg, &err);
		if (r < 0)
			fail(board, &err);
		atomic_store(&board->pieces[i].state,
		             r < 0 ? MB_IMAGE_LANE_FAILED : MB_IMAGE_LANE_DONE);
		if (job->end)
			job->end(job->arg, i);
		/* Full is as good as told. */
		(void)!write(lanes->news[1], ".", 1);
	}
}

int mb_image_lanes_start(const struct mb_image_lanes_job *job, struct mb_image_lanes **ret,
                         struct mb_err *err)
{
	struct mb_image_lanes *lanes = mb_calloc(1, sizeof(*lanes));
	size_t n = job->n_lanes < job->count ? job->n_lanes : job->count;
	pid_t self = getpid();

	lanes->news[0] = lanes->news[1] = -1;
	lanes->count = job->count;
	lanes->size = sizeof(*lanes->board) + job->count * sizeof(struct piece);
	lanes->pids = mb_calloc(n ? n : 1, sizeof(*lanes->pids));
	lanes->board =
		mmap(NULL, lanes->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lanes->board == MAP_FAILED) {
		lanes->board = NULL;
		mb_image_lanes_free(lanes);
		return mb_fail_sys(err, errno, "cannot map memory");
	}
	if (pipe2(lanes->news, O_CLOEXEC | O_NONBLOCK) < 0) {
		int error = errno;

		mb_image_lanes_free(lanes);
		return mb_fail_sys(err, error, "cannot make a pipe");
	}
	for (size_t i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			run(lanes, job, self);
		if (pid < 0) {
			int r = mb_fail_sys(err, errno, "cannot fork");

			mb_image_lanes_free(lanes);
			return r;
		}
		lanes->pids[lanes->n_pids++] = pid;
	}
	mb_close(&lanes->news[1]);
	*ret = lanes;
	return 0;
}

void mb_image_lanes_free(struct mb_image_lanes *lanes)
{
	if (!lanes)
		return;
	for (size_t i = 0; i < lanes->n_pids; i++)
		if (lanes->pids[i])
			kill(lanes->pids[i], SIGKILL);
	for (size_t i = 0; i < lanes->n_pids; i++)
		while (lanes->pids[i] && waitpid(lanes->pids[i], NULL, 0) < 0 && errno == EINTR)
			;
	if (lanes->board)
		munmap(lanes->board, lanes->size);
	mb_close(&lanes->news[0]);
	mb_close(&lanes->news[1]);
	free(lanes->pids);
	free(lanes);
}

/* Return: whether there are none left. */
static bool reap(struct mb_image_lanes *lanes)
{
	bool none = true;

	for (size_t i = 0; i < lanes->n_pids; i++) {
		if (lanes->pids[i] && waitpid(lanes->pids[i], NULL, WNOHANG) == lanes->pids[i])
			lanes->pids[i] = 0;
		none = none && !lanes->pids[i];
	}
	return none;
}

void mb_image_lanes_give_up(struct mb_image_lanes *lanes)
{
	const struct timespec pause = {.tv_nsec = TICK_MSEC * 100000};
	struct mb_err err = MB_ERR_INIT;

	if (!lanes)
		return;
	mb_fail(&err, ECANCELED, "no longer wanted");
	fail(lanes->board, &err);
	for (int i = 0; !reap(lanes) && i < GIVE_UP_MSEC * 10 / TICK_MSEC; i++)
		nanosleep(&pause, NULL);
}

void mb_image_lanes_tell(struct mb_image_lanes *lanes, size_t index, uint64_t done)
{
	atomic_store(&lanes->board->pieces[index].done, done);
}

bool mb_image_lanes_is_over(const struct mb_image_lanes *lanes)
{
	return atomic_load(&lanes->board->over) != 0;
}

int mb_image_lanes_word(const struct mb_image_lanes *lanes, size_t index)
{
	return atomic_load(&lanes->board->pieces[index].word);
}

void mb_image_lanes_say(struct mb_image_lanes *lanes, size_t index, int word)
{
	atomic_store(&lanes->board->pieces[index].word, word);
}

uint64_t mb_image_lanes_done(const struct mb_image_lanes *lanes, size_t index)
{
	return atomic_load(&lanes->board->pieces[index].done);
}

enum mb_image_lane_state mb_image_lanes_state(const struct mb_image_lanes *lanes, size_t index)
{
	return (enum mb_image_lane_state)atomic_load(&lanes->board->pieces[index].state);
}

static bool all_done(const struct mb_image_lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (mb_image_lanes_state(lanes, i) != MB_IMAGE_LANE_DONE)
			return false;
	return true;
}

static int fail_lost(struct mb_err *err)
{
	return mb_fail(err, EPIPE, "a process that worked on it ended unexpectedly");
}

/* A process that ended without having been told to. */
static void look_for_dead(struct mb_image_lanes *lanes)
{
	for (size_t i = 0; i < lanes->n_pids; i++) {
		struct mb_err err = MB_ERR_INIT;
		int status = 0;

		if (!lanes->pids[i] || waitpid(lanes->pids[i], &status, WNOHANG) != lanes->pids[i])
			continue;
		lanes->pids[i] = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		lanes->lost = true;
		fail_lost(&err);
		fail(lanes->board, &err);
	}
}

int mb_image_lanes_failure(struct mb_image_lanes *lanes, struct mb_err *err)
{
	int over;

	look_for_dead(lanes);
	over = atomic_load(&lanes->board->over);
	/* It may be the one that wanted to tell why. */
	if (over == 1 && lanes->lost)
		return fail_lost(err);
	if (over != 2)
		return 0;
	if (err)
		*err = lanes->board->err;
	return -lanes->board->err.code;
}

int mb_image_lanes_wait(struct mb_image_lanes *lanes, int (*tick)(void *arg, struct mb_err *err),
                        void *arg, struct mb_err *err)
{
	struct pollfd news = {.fd = lanes->news[0], .events = POLLIN};

	for (;;) {
		bool done = all_done(lanes);
		int t = tick ? tick(arg, err) : 0,
		    r = t < 0 ? t : mb_image_lanes_failure(lanes, err);
		char bytes[64];

		if (r < 0 || done)
			return r;
		if (poll(&news, 1, TICK_MSEC) == 1)
			(void)!read(news.fd, bytes, sizeof(bytes));
	}
}
