/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/screen/screen.h — the user's terminal as a whole: text goes there, keys come from there.
 *
 * ncurses draws, in a process of its own (mybox-screen): the command is static and starts as fast
 * as without it.  When either dies the terminal is put back as it was.
 */
#ifndef MB_SCREEN_SCREEN_H
#define MB_SCREEN_SCREEN_H

#include <stdbool.h>

#include "core/own.h"
#include "screen/protocol.h"

struct mb_err;
struct mb_screen; /* opaque */
struct mb_str;

/* Take the terminal on standard input and output.  @utf8: it has more than ASCII.
 * Return: 0 or -errno, told. */
int mb_screen_open(bool utf8, bool colour, struct mb_screen **ret, struct mb_err *err);
/* Give it back.  NULL is fine. */
void mb_screen_free(struct mb_screen *screen);
MB_AUTO_DEFINE(struct mb_screen, mb_screen_free)

/* To be polled for reading. */
int mb_screen_fd(const struct mb_screen *screen);
enum { MB_SCREEN_NOTHING = 1 };
/* Return: 0 and a KEY or a SIZE; MB_SCREEN_NOTHING: no more for now; or -errno, told: it is gone.
 */
int mb_screen_next(struct mb_screen *screen, struct mb_screen_event *ret, struct mb_err *err);
/* Is the last one drawn?  Before the first SIZE it is not. */
bool mb_screen_is_ready(const struct mb_screen *screen);
/* Show these lines with marks (screen/mark.h), each ended by "\n", when it is ready.
 * Return: 0 or -errno, told. */
int mb_screen_put(struct mb_screen *screen, const struct mb_str *lines, struct mb_err *err);

#endif
