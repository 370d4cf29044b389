/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/child.h — a forked child that does one thing and sends one struct back. */
#ifndef MB_IMAGE_CHILD_H
#define MB_IMAGE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mb_err;

struct mb_image_child {
	pid_t pid;     /* 0 when there is none */
	int report_fd; /* the struct comes here */
	bool reported; /* and has come */
};

/* Fork.  The child calls @run(arg, report_fd), which does not return. */
int mb_image_child_start(struct mb_image_child *child, void (*run)(void *arg, int report_fd),
                         void *arg, struct mb_err *err);
/* Read what the child sends, @n bytes.  Return: 0; -EPIPE, told, when it died before. */
int mb_image_child_read(struct mb_image_child *child, void *report, size_t n, struct mb_err *err);
/* Kill if it still runs, and reap.  The scope hook of a child (zeroed: nothing). */
void mb_image_child_done(struct mb_image_child *child);
#define MB_AUTO_IMAGE_CHILD __attribute__((cleanup(mb_image_child_done)))

#endif
