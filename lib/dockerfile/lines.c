/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/lines.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/expand.h"

enum { MAX_HEREDOCS = 64 };

/* A line of the file without its end. */
struct span {
	const char *p;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static struct span strip_left(struct span s)
{
	while (s.n && is_blank(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

static struct span strip(struct span s)
{
	s = strip_left(s);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Return: whether there was one. */
static bool next_line(struct mb_dockerfile_reader *in, struct span *ret)
{
	const char *newline;

	if (in->p >= in->end)
		return false;
	newline = memchr(in->p, '\n', (size_t)(in->end - in->p));
	*ret = (struct span){in->p, (size_t)((newline ? newline : in->end) - in->p)};
	in->p += ret->n + (newline != NULL);
	in->line++;
	return true;
}

/* --- directives ------------------------------------------------------------------------------ */

/* "# name = value".  Return: whether it looks like one. */
static bool split_directive(struct span line, char **ret_name, struct span *ret_value)
{
	size_t n = 0;

	line = strip(line);
	if (!line.n || *line.p != '#')
		return false;
	line = strip_left((struct span){line.p + 1, line.n - 1});
	while (n < line.n && (isalnum((unsigned char)line.p[n]) || line.p[n] == '_'))
		n++;
	if (!n || !isalpha((unsigned char)*line.p))
		return false;
	*ret_value = strip_left((struct span){line.p + n, line.n - n});
	if (!ret_value->n || *ret_value->p != '=')
		return false;
	*ret_value = strip((struct span){ret_value->p + 1, ret_value->n - 1});
	if (!ret_value->n)
		return false;
	*ret_name = mb_strndup(line.p, n);
	return true;
}

int mb_dockerfile_read_directives(struct mb_dockerfile_reader *in, struct mb_dockerfile *file,
                                  struct mb_dockerfile_span *span, struct mb_err *err)
{
	bool has_escape = false;
	char **slot;

	for (;;) {
		struct mb_dockerfile_reader before = *in;
		MB_AUTO_FREE char *name = NULL;
		struct span line, value;

		if (!next_line(in, &line) || !split_directive(line, &name, &value)) {
			*in = before;
			return 0;
		}
		*span = (struct mb_dockerfile_span){before.line, before.line};
		slot = strcasecmp(name, "syntax") == 0  ? &file->syntax
		       : strcasecmp(name, "check") == 0 ? &file->check
		                                        : NULL;
		if (strcasecmp(name, "escape") == 0) {
			if (has_escape)
				return mb_fail(err, EINVAL,
				               "only one escape parser directive can be used");
			if (value.n != 1 || !strchr("\\`", *value.p))
				return mb_fail(err, EINVAL,
				               "invalid escape token '%.*s' does not match ` or \\",
				               (int)(value.n < 40 ? value.n : 40), value.p);
			in->escape = file->escape = *value.p;
			has_escape = true;
		} else if (!slot) {
			*in = before; /* a comment like any other, and the end of directives */
			return 0;
		} else if (*slot) {
			return mb_fail(err, EINVAL, "only one %s parser directive can be used",
			               slot == &file->syntax ? "syntax" : "check");
		} else {
			*slot = mb_strndup(value.p, value.n);
		}
	}
}

/* --- here-documents -------------------------------------------------------------------------- */

void mb_dockerfile_heredoc_done(struct mb_dockerfile_heredoc *h)
{
	free(h->word);
	free(h->name);
	free(h->content);
	free(h->lines);
	*h = (struct mb_dockerfile_heredoc){0};
}

static const char *find_nothing(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

static int unquote(const char *text, char escape, bool quotes_stay, char **ret)
{
	const struct mb_dockerfile_scope scope = {
		.find = find_nothing, .escape = escape, .quotes_stay = quotes_stay};

	return mb_dockerfile_expand(&scope, text, ret, NULL);
}

/* "3<<-'EOF'".  Return: whether @word begins a here-document. */
static bool heredoc_begins(const char *word, char escape, struct mb_dockerfile_heredoc *ret,
                           bool *ret_strips)
{
	MB_AUTO_FREE char *raw = NULL;
	const char *s = word + strspn(word, "0123456789");

	s = mb_skip_prefix(s, "<<");
	if (!s || strchr(s, '<'))
		return false;
	*ret_strips = *s == '-';
	s += *ret_strips;
	/* What the shell would expand in a delimiter stays as it is. */
	if (!*s || strchr(s, '$') || unquote(s, escape, true, &raw) < 0 ||
	    unquote(s, escape, false, &ret->name) < 0)
		return false;
	ret->expands = mb_streq(raw, ret->name);
	ret->word = mb_strdup(word);
	return *ret->name != '\0';
}

static int heredoc_read(struct mb_dockerfile_reader *in, bool strips,
                        struct mb_dockerfile_heredoc *h, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str content = MB_STR_INIT, lines = MB_STR_INIT;
	size_t name = strlen(h->name);
	struct span line;

	while (next_line(in, &line)) {
		struct span stripped = line;

		mb_str_addn(&lines, line.p, line.n);
		mb_str_addc(&lines, '\n');
		while (strips && stripped.n && *stripped.p == '\t')
			stripped = (struct span){stripped.p + 1, stripped.n - 1};
		/* A file with the line ends of DOS has them behind the delimiter too. */
		if (stripped.n == name + 1 && stripped.p[name] == '\r')
			stripped.n--;
		if (stripped.n == name && memcmp(stripped.p, h->name, name) == 0) {
			h->content = mb_str_take(&content);
			h->lines = mb_str_take(&lines);
			return 0;
		}
		mb_str_addn(&content, stripped.p, stripped.n);
		mb_str_addc(&content, '\n');
	}
	return mb_fail(err, EINVAL, "unterminated heredoc");
}

/* RUN, COPY and ADD may have them, and ONBUILD of these. */
static bool may_have_heredocs(const char *keyword, const char *rest)
{
	size_t n = strcspn(rest, " \t");

	if (strcasecmp(keyword, "ONBUILD") == 0 && n >= 3)
		return strncasecmp(rest, "RUN", n) == 0 || strncasecmp(rest, "COPY", n) == 0 ||
		       strncasecmp(rest, "ADD", n) == 0;
	return strcasecmp(keyword, "RUN") == 0 || strcasecmp(keyword, "COPY") == 0 ||
	       strcasecmp(keyword, "ADD") == 0;
}

/* Words with their quotes and escapes, split at blanks outside of quotes. */
static void words_as_they_stand(const char *text, char escape, struct mb_strv *out)
{
	bool in_word = false;
	char quote = 0;
	MB_AUTO_STR struct mb_str word = MB_STR_INIT;

	for (const char *s = text; *s; s++) {
		if (!quote && isspace((unsigned char)*s)) {
			if (in_word)
				mb_strv_take(out, mb_str_take(&word));
			in_word = false;
			continue;
		}
		in_word = true;
		mb_str_addc(&word, *s);
		if (*s == escape && quote != '\'' && s[1])
			mb_str_addc(&word, *++s);
		else if (quote ? *s == quote : (*s == '"' || *s == '\''))
			quote = quote ? 0 : *s;
	}
	if (in_word && !quote)
		mb_strv_take(out, mb_str_take(&word));
}

static int read_heredocs(struct mb_dockerfile_reader *in, struct mb_dockerfile_line *line,
                         struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = 0;

	if (!may_have_heredocs(line->keyword, line->rest) || !strstr(line->rest, "<<"))
		return 0;
	words_as_they_stand(line->rest, in->escape, &words);
	MB_STRV_FOREACH (word, &words) {
		struct mb_dockerfile_heredoc h = {0};
		bool strips;

		if (!heredoc_begins(word, in->escape, &h, &strips)) {
			mb_dockerfile_heredoc_done(&h);
			continue;
		}
		if (line->n_heredocs == MAX_HEREDOCS)
			r = mb_fail(err, E2BIG, "more than %d here-documents", MAX_HEREDOCS);
		else
			r = heredoc_read(in, strips, &h, err);
		if (r < 0) {
			mb_dockerfile_heredoc_done(&h);
			return r;
		}
		line->heredocs = mb_realloc(line->heredocs,
		                            (line->n_heredocs + 1) * sizeof(*line->heredocs));
		line->heredocs[line->n_heredocs++] = h;
		line->span.last = in->line - 1;
	}
	return 0;
}

/* --- instructions ---------------------------------------------------------------------------- */

/* Whether the line goes on in the next: the escape before nothing but blanks, and no escape
 * before it.  Cuts it off. */
static bool continues(struct span *line, char escape)
{
	size_t n = line->n;

	while (n && is_blank(line->p[n - 1]))
		n--;
	if (!n || line->p[n - 1] != escape || (n > 1 && line->p[n - 2] == escape))
		return false;
	line->n = n - 1;
	return true;
}

void mb_dockerfile_line_done(struct mb_dockerfile_line *line)
{
	free(line->keyword);
	free(line->rest);
	for (size_t i = 0; i < line->n_heredocs; i++)
		mb_dockerfile_heredoc_done(&line->heredocs[i]);
	free(line->heredocs);
	*line = (struct mb_dockerfile_line){0};
}

/* The logical line: continuations joined, comments in between left out.  Return: whether there
 * is one. */
static bool join(struct mb_dockerfile_reader *in, struct mb_str *out,
                 struct mb_dockerfile_line *ret)
{
	struct span line, stripped;
	bool goes_on;

	do {
		if (!next_line(in, &line))
			return false;
		line = strip_left(line);
	} while (!line.n || *line.p == '#');
	ret->span.first = in->line - 1;
	goes_on = continues(&line, in->escape);
	mb_str_addn(out, line.p, line.n);
	while (goes_on && next_line(in, &line)) {
		stripped = strip_left(line);
		if (stripped.n && *stripped.p == '#')
			continue;
		if (!stripped.n) {
			ret->has_empty = true;
			continue;
		}
		goes_on = continues(&line, in->escape);
		mb_str_addn(out, line.p, line.n);
	}
	ret->span.last = in->line - 1;
	return true;
}

int mb_dockerfile_read_line(struct mb_dockerfile_reader *in, struct mb_dockerfile_line *ret,
                            struct mb_err *err)
{
	MB_AUTO_STR struct mb_str joined = MB_STR_INIT;
	struct mb_dockerfile_line line = {0};
	struct span text;
	size_t n = 0;
	int r;

	if (!join(in, &joined, &line))
		return 1;
	text = strip((struct span){joined.buf, joined.len});
	while (n < text.n && !is_blank(text.p[n]))
		n++;
	line.keyword = mb_strndup(text.p, n);
	text = strip((struct span){text.p + n, text.n - n});
	line.rest = mb_strndup(text.p, text.n);
	r = read_heredocs(in, &line, err);
	*ret = line; /* the caller needs the place of what failed */
	return r;
}
