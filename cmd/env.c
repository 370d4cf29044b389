/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"

enum { FILE_MAX = 4 << 20 };

int mb_cmd_env_add(struct mb_cmd_context *cx, const char *assignment, struct mb_strv *env,
                   struct mb_err *err)
{
	const char *value;
	MB_AUTO_FREE char *whole = NULL;

	if (!*assignment || *assignment == '=')
		return mb_fail(err, EINVAL, "invalid environment variable: %s", assignment);
	if (strchr(assignment, '=')) {
		mb_env_set(env, assignment);
		return 0;
	}
	value = mb_cmd_user_env(cx, assignment);
	if (!value) {
		mb_env_set(env, assignment);
		return 0;
	}
	whole = mb_asprintf("%s=%s", assignment, value);
	mb_env_set(env, whole);
	return 0;
}

/* Lines that say something: no comments, no blank ones, no white space in front. */
static int read_lines(const char *path, struct mb_strv *lines, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "open %s", path);
	r = mb_read_fd(fd, FILE_MAX, &text, err);
	if (r < 0)
		return mb_wrap(err, r, "%s", path);
	if (memchr(mb_str_text(&text), '\0', text.len) ||
	    !mb_utf8_is_valid(mb_str_text(&text), text.len))
		return mb_fail(err, EINVAL, "env file %s contains invalid utf8 bytes", path);
	mb_strv_split(&all, mb_str_text(&text), '\n');
	for (size_t i = 0; i < all.n; i++) {
		char *line = all.v[i];
		size_t n = strlen(line);

		if (n && line[n - 1] == '\r')
			line[n - 1] = '\0';
		while (isspace((unsigned char)*line))
			line++;
		if (*line && *line != '#')
			mb_strv_add(lines, line);
	}
	return 0;
}

int mb_cmd_env_file_add(struct mb_cmd_context *cx, const char *path, struct mb_strv *env,
                        struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	int r = read_lines(path, &lines, err);

	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		size_t name = strcspn(lines.v[i], "=");

		if (strcspn(lines.v[i], " \t") < name)
			return mb_fail(err, EINVAL,
			               "poorly formatted environment: variable '%.*s' contains "
			               "whitespaces",
			               (int)name, lines.v[i]);
		/* A line asks for what the caller has; it takes nothing from the image. */
		if (lines.v[i][name] == '\0' && !mb_cmd_user_env(cx, lines.v[i]))
			continue;
		r = mb_cmd_env_add(cx, lines.v[i], env, err);
	}
	return r;
}

int mb_cmd_label_add(const char *label, struct mb_kv *labels, struct mb_err *err)
{
	const char *name = label;

	while (isspace((unsigned char)*name))
		name++;
	if (!*name || *name == '=')
		return mb_fail(err, EINVAL, "invalid label '%s': empty name", label);
	mb_kv_set_pair(labels, label);
	return 0;
}

int mb_cmd_label_file_add(const char *path, struct mb_kv *labels, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	int r = read_lines(path, &lines, err);

	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = mb_cmd_label_add(lines.v[i], labels, err);
	return r;
}
