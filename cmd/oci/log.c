/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for engines: as runc writes them, for that is what they parse. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "cmd/report.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "json/json.h"

static void format_json(const char *level, const char *text, struct mb_str *out)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();

	mb_json_set_str(o, "level", level);
	mb_json_set_str(o, "msg", text);
	mb_json_set_time(o, "time", mb_now_nsec());
	mb_json_format(o, false, out);
}

static void format_text(const char *level, const char *text, struct mb_str *out)
{
	char when[MB_TIME_TEXT];

	mb_str_addf(out, "time=\"%s\" level=%s msg=", mb_time_format(mb_now_nsec(), when), level);
	mb_json_format_string(text, strlen(text), out);
}

void mb_cmd_oci_log(const struct mb_cmd_oci *g, const char *level, const char *text)
{
	const int how = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = g->log && *g->log ? open(g->log, how, 0644) : -1;
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;

	if (g->log_format == MB_CMD_OCI_LOG_JSON)
		format_json(level, text, &line);
	else
		format_text(level, text, &line);
	mb_str_addc(&line, '\n');
	/* What cannot be logged is at least said. */
	if (fd < 0 || mb_write_full(fd, line.buf, line.len) < 0)
		(void)mb_write_full(STDERR_FILENO, line.buf, line.len);
}

void mb_cmd_oci_fail(const struct mb_cmd_oci *g, const struct mb_err *err)
{
	if ((g->log && *g->log) || g->log_format == MB_CMD_OCI_LOG_JSON)
		mb_cmd_oci_log(g, "error", err->msg);
	if ((g->log && *g->log) || g->log_format != MB_CMD_OCI_LOG_JSON)
		mb_cmd_say("%s: %s", MB_CMD_OCI_NAME, err->msg);
}

void mb_cmd_oci_tell_warnings(const struct mb_cmd_oci *g, struct mb_bundle *b)
{
	/* Without a log, stderr is the container's own. */
	if (g->debug || (g->log && *g->log))
		MB_STRV_FOREACH (warning, &b->warnings)
			mb_cmd_oci_log(g, "warning", warning);
	mb_strv_done(&b->warnings);
}

int mb_cmd_oci_open(struct mb_cmd_context *cx, const char *id, unsigned how, struct mb_bundle **ret,
                    struct mb_err *err)
{
	int fd = -1; /* the handle borrows it, until this process ends */
	int r = mb_bundle_root_open(cx->oci->root, false, &fd, err);

	if (r == -ENOENT)
		return mb_fail(err, ENOENT, "container '%.100s' does not exist", id);
	return r < 0 ? r : mb_bundle_open(fd, id, how, ret, err);
}
