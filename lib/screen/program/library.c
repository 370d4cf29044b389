/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "library.h"

#include <dlfcn.h>
#include <stddef.h>

#include "core/own.h"

#define FUNCTION(name)                                          \
	{                                                       \
#name, offsetof(struct mb_screen_library, name) \
	}

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	FUNCTION(newterm),      FUNCTION(endwin),
	FUNCTION(raw),          FUNCTION(noecho),
	FUNCTION(nonl),         FUNCTION(curs_set),
	FUNCTION(keypad),       FUNCTION(nodelay),
	FUNCTION(set_escdelay), FUNCTION(has_colors),
	FUNCTION(start_color),  FUNCTION(init_pair),
	FUNCTION(getmaxy),      FUNCTION(getmaxx),
	FUNCTION(wget_wch),     FUNCTION(werase),
	FUNCTION(wmove),        FUNCTION(wattr_set),
	FUNCTION(waddnwstr),    FUNCTION(wrefresh),
	FUNCTION(clearok),      FUNCTION(use_default_colors),
};

/* Its other half, libtinfo, comes with it where the two are apart; RTLD_GLOBAL would show both to
 * nobody who asks. */
bool mb_screen_library_load(struct mb_screen_library *ret, WINDOW *const **ret_stdscr)
{
	/* lint: banned: mybox-screen is linked dynamically, for this alone */
	void *library = dlopen("libncursesw.so.6", RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library && i < MB_N(functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return false;
		*(void **)(void *)((char *)ret + functions[i].offset) = function;
	}
	*ret_stdscr = library ? dlsym(library, "stdscr") : NULL;
	return *ret_stdscr != NULL;
}
