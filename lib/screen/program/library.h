/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/screen/program/library.h — what is used of ncurses, found when the program starts. */
#ifndef MB_SCREEN_PROGRAM_LIBRARY_H
#define MB_SCREEN_PROGRAM_LIBRARY_H

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <stdbool.h>

struct mb_screen_library {
	SCREEN *(*newterm)(const char *type, FILE *out, FILE *in);
	int (*endwin)(void);
	int (*raw)(void);
	int (*noecho)(void);
	int (*nonl)(void);
	int (*curs_set)(int);
	int (*keypad)(WINDOW *, bool);
	int (*nodelay)(WINDOW *, bool);
	int (*set_escdelay)(int);
	bool (*has_colors)(void);
	int (*start_color)(void);
	int (*use_default_colors)(void);
	int (*init_pair)(short, short, short);
	int (*getmaxy)(const WINDOW *);
	int (*getmaxx)(const WINDOW *);
	int (*wget_wch)(WINDOW *, wint_t *);
	int (*werase)(WINDOW *);
	int (*wmove)(WINDOW *, int, int);
	int (*wattr_set)(WINDOW *, attr_t, short, void *);
	int (*waddnwstr)(WINDOW *, const wchar_t *, int);
	int (*wrefresh)(WINDOW *);
	int (*clearok)(WINDOW *, bool);
};
/* Return: whether all of it is there. */
bool mb_screen_library_load(struct mb_screen_library *ret, WINDOW *const **ret_stdscr);

#endif
