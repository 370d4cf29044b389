/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mybox-screen: draws what the command sends on the terminal that it has as standard input and
 * output, and sends back which keys were hit.
 *
 * It runs as nobody with no more than these three descriptors, and ends with the command.  Whatever
 * it is sent, nothing but printable characters and ncurses' own sequences get to the terminal. */
#include "library.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "core/io.h"
#include "core/own.h"
#include "core/utf8.h"
#include "screen/mark.h"
#include "screen/protocol.h"

enum { ESCAPE_MS = 25 };

struct program {
	struct mb_screen_library lib;
	WINDOW *window;
	bool utf8, colour;
	char *frame;
	size_t room;
};

/* That nobody is there any more is seen where the next frame is read, and the terminal cleaned. */
static void send_event(const struct mb_screen_event *event)
{
	(void)send(MB_SCREEN_FD, event, sizeof(*event), MSG_NOSIGNAL);
}

static void tell(enum mb_screen_kind kind)
{
	send_event(&(struct mb_screen_event){.kind = kind});
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void look(struct program *p, char letter)
{
	static const struct {
		char letter;
		attr_t attributes;
		short pair;
	} looks[] = {
		{'h', WA_REVERSE, 0}, {'s', WA_REVERSE, 0}, {'b', WA_BOLD, 0}, {'d', WA_DIM, 0},
		{'g', 0, 1},          {'y', 0, 2},          {'r', 0, 3},       {'c', 0, 4},
	};
	attr_t attributes = 0;
	short pair = 0;

	for (size_t i = 0; i < MB_N(looks); i++) {
		if (looks[i].letter != letter)
			continue;
		attributes = looks[i].attributes;
		pair = p->colour ? looks[i].pair : 0;
	}
	p->lib.wattr_set(p->window, attributes, pair, NULL);
}

/* Return: the columns it took; nothing that is too wide for what is left is drawn. */
static int draw_character(struct program *p, uint32_t c, int left)
{
	wchar_t wide[2] = {(wchar_t)c, L'\0'};
	int width;

	if (c < ' ' || c == 0x7f || (c > 0x7f && (!p->utf8 || !iswprint((wint_t)c))))
		wide[0] = L'?';
	width = wcwidth(wide[0]);
	if (width < 0 || width > left)
		return width < 0 ? 0 : left;
	p->lib.waddnwstr(p->window, wide, 1);
	return width;
}

static void draw_line(struct program *p, const char *line, size_t n)
{
	int left = p->lib.getmaxx(p->window);

	look(p, 'n');
	while (n && left > 0) {
		uint32_t c = '?';
		size_t used = 1;

		if (*line == MB_MARK) {
			used = n > 1 ? 2 : 1;
			look(p, used == 2 ? line[1] : 'n');
		} else {
			used = mb_utf8_decode(line, n, &c);
			used = used ? used : 1;
			left -= draw_character(p, c, left);
		}
		line += used;
		n -= used;
	}
}

static void draw(struct program *p, size_t size)
{
	const char *at = p->frame, *end = at + size;
	int rows = p->lib.getmaxy(p->window);

	p->lib.werase(p->window);
	for (int row = 0; row < rows && at < end; row++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		stop = stop ? stop : end;
		if (p->lib.wmove(p->window, row, 0) == ERR)
			break;
		draw_line(p, at, (size_t)(stop - at));
		at = stop + 1;
	}
	p->lib.wrefresh(p->window);
}

static bool take(void *bytes, size_t n)
{
	size_t got;

	return mb_read_full(MB_SCREEN_FD, bytes, n, &got) == 0 && got == n;
}

static void take_frame(struct program *p)
{
	uint32_t size;

	if (!take(&size, sizeof(size)) || size > MB_SCREEN_MAX_FRAME)
		goto out;
	if (size > p->room) {
		free(p->frame);
		p->frame = mb_calloc(1, size);
		p->room = size;
	}
	if (!take(p->frame, size))
		goto out;
	draw(p, size);
	tell(MB_SCREEN_READY);
	return;
out:
	p->lib.endwin();
	exit(0);
}

/* --- keys ------------------------------------------------------------------------------------- */

static uint32_t name_key(wint_t key)
{
	static const struct {
		wint_t from;
		enum mb_screen_key to;
	} keys[] = {
		{KEY_UP, MB_KEY_UP},         {KEY_DOWN, MB_KEY_DOWN},
		{KEY_LEFT, MB_KEY_LEFT},     {KEY_RIGHT, MB_KEY_RIGHT},
		{KEY_PPAGE, MB_KEY_PAGE_UP}, {KEY_NPAGE, MB_KEY_PAGE_DOWN},
		{KEY_HOME, MB_KEY_HOME},     {KEY_END, MB_KEY_END},
		{KEY_BTAB, MB_KEY_BACK_TAB}, {KEY_BACKSPACE, MB_KEY_BACKSPACE},
	};

	for (size_t i = 0; i < MB_N(keys); i++)
		if (keys[i].from == key)
			return keys[i].to;
	return key == KEY_ENTER ? '\r' : MB_KEY_OTHER;
}

static void tell_size(struct program *p)
{
	send_event(&(struct mb_screen_event){
		.kind = MB_SCREEN_SIZE,
		.rows = (uint16_t)p->lib.getmaxy(p->window),
		.columns = (uint16_t)p->lib.getmaxx(p->window),
	});
}

static void take_keys(struct program *p)
{
	wint_t key;
	int kind;

	while ((kind = p->lib.wget_wch(p->window, &key)) != ERR) {
		if (kind == KEY_CODE_YES && key == KEY_RESIZE) {
			/* What others have written there meanwhile goes, too. */
			p->lib.clearok(p->window, true);
			tell_size(p);
			continue;
		}
		send_event(&(struct mb_screen_event){
			.kind = MB_SCREEN_KEY,
			.key = kind == KEY_CODE_YES ? name_key(key) : (uint32_t)key,
		});
	}
}

/* --- beginning -------------------------------------------------------------------------------- */

static void choose_charset(struct program *p)
{
	if (!p->utf8)
		return;
	if (!setlocale(LC_ALL, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		p->utf8 = setlocale(LC_ALL, "C.UTF-8") != NULL;
}

static void choose_colours(struct program *p)
{
	static const short colours[] = {COLOR_GREEN, COLOR_YELLOW, COLOR_RED, COLOR_CYAN};

	p->colour = p->colour && p->lib.has_colors() && p->lib.start_color() != ERR;
	if (!p->colour)
		return;
	p->lib.use_default_colors();
	for (short i = 0; i < (short)MB_N(colours); i++)
		p->lib.init_pair((short)(i + 1), colours[i], -1);
}

static void begin(struct program *p)
{
	WINDOW *const *standard;

	if (!mb_screen_library_load(&p->lib, &standard)) {
		tell(MB_SCREEN_NO_LIBRARY);
		exit(1);
	}
	choose_charset(p);
	if (!p->lib.newterm(NULL, stdout, stdin)) {
		tell(MB_SCREEN_NO_TERMINAL);
		exit(1);
	}
	p->window = *standard;
	choose_colours(p);
	p->lib.raw();
	p->lib.noecho();
	p->lib.nonl();
	p->lib.curs_set(0);
	p->lib.keypad(p->window, true);
	p->lib.nodelay(p->window, true);
	p->lib.set_escdelay(ESCAPE_MS);
}

int main(int argc, char **argv)
{
	struct program p = {
		.utf8 = argc > 1 && strcmp(argv[1], "utf8") == 0,
		.colour = argc > 2 && strcmp(argv[2], "colour") == 0,
	};

	/* It has been exec'd unreadable, which is enough but for fs.suid_dumpable=1. */
	prctl(PR_SET_DUMPABLE, 0);
	begin(&p);
	tell_size(&p);
	tell(MB_SCREEN_READY);
	for (;;) {
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
		                       {.fd = MB_SCREEN_FD, .events = POLLIN}};

		/* A changed size interrupts, too. */
		if (poll(fds, MB_N(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents & (POLLHUP | POLLERR))
			break;
		take_keys(&p);
		if (fds[1].revents)
			take_frame(&p);
	}
	p.lib.endwin();
	return 1;
}
