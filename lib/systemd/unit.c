/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "systemd/unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

/* --- writing ---------------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_./:=,@+%$~^", *p))
			return false;
	return *word;
}

static void add(struct mb_str *line, const char *word, bool literally)
{
	bool quoted = !is_plain(word);

	mb_str_add(line, quoted ? " \"" : " ");
	for (const char *p = word; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (literally && (c == '%' || c == '$'))
			mb_str_addc(line, *p);
		if (c == '"' || c == '\\')
			mb_str_addc(line, '\\');
		if (c < 0x20 || c == 0x7f)
			mb_str_addf(line, "\\x%02x", c);
		else
			mb_str_addc(line, *p);
	}
	if (quoted)
		mb_str_addc(line, '"');
}

void mb_systemd_unit_add_word(struct mb_str *line, const char *word)
{
	add(line, word, true);
}

void mb_systemd_unit_add_raw(struct mb_str *line, const char *word)
{
	add(line, word, false);
}

/* --- words ------------------------------------------------------------------------------------ */

static int hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
	                                    : -1;
}

/* What stands after a backslash.  Return: how many bytes of it were read; 0: it is no escape. */
static size_t unescape(const char *p, struct mb_str *word)
{
	static const char names[] = "abfnrtv\\\"'s", means[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *name = *p ? strchr(names, *p) : NULL;

	if (name) {
		mb_str_addc(word, means[name - names]);
		return 1;
	}
	if (*p == 'x' && hex(p[1]) >= 0 && hex(p[2]) >= 0 && (p[1] != '0' || p[2] != '0')) {
		mb_str_addc(word, (char)(hex(p[1]) << 4 | hex(p[2])));
		return 3;
	}
	return 0;
}

int mb_systemd_unit_split(const char *value, struct mb_strv *words, struct mb_err *err)
{
	const char *p = value;

	for (;;) {
		struct mb_str word = MB_STR_INIT;
		char quote = 0;

		while (isspace((unsigned char)*p))
			p++;
		if (!*p)
			return 0;
		for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
			if (*p == '\\') {
				size_t some = unescape(p + 1, &word);

				if (!some)
					mb_str_addc(&word, '\\');
				p += some;
			} else if (quote ? *p == quote : (*p == '"' || *p == '\'')) {
				quote = quote ? 0 : *p;
			} else {
				mb_str_addc(&word, *p);
			}
		}
		mb_strv_take(words, mb_str_take(&word));
		if (quote)
			return mb_fail(err, EINVAL, "'%s': a quote has no end", value);
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

void mb_systemd_unit_done(struct mb_systemd_unit *unit)
{
	for (size_t i = 0; i < unit->n; i++) {
		free(unit->v[i].section);
		free(unit->v[i].key);
		free(unit->v[i].value);
	}
	free(unit->v);
	*unit = (struct mb_systemd_unit){0};
}

static char *trimmed(const char *from, size_t n)
{
	while (n && isspace((unsigned char)*from))
		from++, n--;
	while (n && isspace((unsigned char)from[n - 1]))
		n--;
	return mb_strndup(from, n);
}

/* The next line of @text, continued ones with it; comments within are left out. */
static void take_line(const char **at, const char *end, unsigned *number, struct mb_str *line)
{
	bool goes_on = true;

	while (goes_on && *at < end) {
		const char *feed = memchr(*at, '\n', (size_t)(end - *at));
		size_t n = (size_t)((feed ? feed : end) - *at), blank = 0;

		while (blank < n && isspace((unsigned char)(*at)[blank]))
			blank++;
		++*number;
		if (blank < n && ((*at)[blank] == '#' || (*at)[blank] == ';')) {
			goes_on = line->len > 0;
		} else {
			goes_on = n && (*at)[n - 1] == '\\';
			mb_str_addn(line, *at, n - goes_on);
			if (goes_on)
				mb_str_addc(line, ' ');
		}
		*at = feed ? feed + 1 : end;
	}
}

static int add_line(struct mb_systemd_unit *unit, const char *section, const char *line,
                    unsigned number, struct mb_err *err)
{
	const char *equals = strchr(line, '=');

	if (!*section || !equals || equals == line)
		return mb_fail(err, EINVAL, "line %u: '%s' is no KEY=VALUE of a section", number,
		               line);
	unit->v = mb_realloc(unit->v, (unit->n + 1) * sizeof(*unit->v));
	unit->v[unit->n++] = (struct mb_systemd_unit_line){
		.section = mb_strdup(section),
		.key = trimmed(line, (size_t)(equals - line)),
		.value = trimmed(equals + 1, strlen(equals + 1)),
	};
	return 0;
}

int mb_systemd_unit_parse(const char *text, size_t n, struct mb_systemd_unit *ret,
                          struct mb_err *err)
{
	MB_AUTO_FREE char *section = mb_strdup("");
	const char *at = text, *end = text + n;
	unsigned number = 0;
	int r = 0;

	*ret = (struct mb_systemd_unit){0};
	if (memchr(text, '\0', n))
		return mb_fail(err, EINVAL, "it holds a zero byte");
	while (r == 0 && at < end) {
		MB_AUTO_STR struct mb_str whole = MB_STR_INIT;
		MB_AUTO_FREE char *line = NULL;
		unsigned first = number + 1;

		take_line(&at, end, &number, &whole);
		line = trimmed(mb_str_text(&whole), whole.len);
		if (*line == '[' && line[strlen(line) - 1] == ']') {
			line[strlen(line) - 1] = '\0';
			mb_strset(&section, line + 1);
		} else if (*line) {
			r = add_line(ret, section, line, first, err);
		}
	}
	if (r < 0)
		mb_systemd_unit_done(ret);
	return r;
}

const char *mb_systemd_unit_find(const struct mb_systemd_unit *unit, const char *section,
                                 const char *key)
{
	const char *found = NULL;

	for (size_t i = 0; i < unit->n; i++)
		if (strcmp(unit->v[i].section, section) == 0 && strcmp(unit->v[i].key, key) == 0)
			found = *unit->v[i].value ? unit->v[i].value : NULL;
	return found;
}
