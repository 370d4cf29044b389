/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/logto.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "container/logging.h"
#include "container/record.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "format/template.h"
#include "monitor/protocol.h"
#include "json/json.h"

#define JOURNAL     "/run/systemd/journal/socket"
#define DEFAULT_TAG "{{.ID}}"
#define SOME_ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum {
	SHORT_ID = 12,
	CONNECT_MS = 5000,
	FACILITY_DAEMON = 3,
	FACILITIES = 24,
	HOST_MAX = 256,
	SYSLOG_PORT = 514
};

/* --- --log-opt tag ---------------------------------------------------------------------------- */

static bool is_struct(void *user, struct json_object *object, const char *member)
{
	(void)user;
	(void)object;
	return !member;
}

static void set_short(struct json_object *o, const char *key, const char *id)
{
	const char *hex = mb_skip_prefix(id, "sha256:");
	MB_AUTO_FREE char *some = mb_strndup(hex ? hex : id, SHORT_ID);

	mb_json_set_str(o, key, some);
}

/* docker's markers. */
static struct json_object *markers(const struct mb_container_record *r)
{
	struct json_object *o = mb_json_new_object();
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	MB_AUTO_FREE char *command = NULL;
	char host[HOST_MAX] = "";

	gethostname(host, sizeof(host) - 1);
	mb_strv_add_all(&words, &r->config.entrypoint);
	mb_strv_add_all(&words, &r->config.cmd);
	command = mb_strv_join(&words, " ");
	set_short(o, "ID", r->id);
	mb_json_set_str(o, "FullID", r->id);
	mb_json_set_str(o, "Name", r->name);
	set_short(o, "ImageID", r->image_id);
	mb_json_set_str(o, "ImageFullID", r->image_id);
	mb_json_set_str(o, "ImageName", r->config.image ? r->config.image : "");
	mb_json_set_str(o, "DaemonName", "mybox");
	mb_json_set_str(o, "Hostname", host);
	mb_json_set_str(o, "Command", command);
	return o;
}

/* A line of its own could say anything. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20)
			*text = ' ';
}

static int expand(const char *tag, const struct mb_container_record *record, struct mb_str *out,
                  struct mb_err *err)
{
	static const struct mb_format_host host = {.is_struct = is_struct, .type = "*loginfo.Info"};
	MB_AUTO(mb_format_template_free) struct mb_format_template *t = NULL;
	MB_AUTO(mb_json_free) struct json_object *data = NULL;
	int r = mb_format_template_new(tag, false, &t, err);

	if (r == 0) {
		data = markers(record);
		r = mb_format_template_run(t, data, &host, out, err);
	}
	if (r < 0)
		return mb_wrap(err, r, "invalid --log-opt tag '%s'", tag);
	if (out->len)
		make_plain(out->buf);
	return 0;
}

int mb_container_logto_check_tag(const char *tag, struct mb_err *err)
{
	/* As long as theirs are: a template may take what it likes of them. */
	char id[] = SOME_ID, name[] = "name", image_id[] = "sha256:" SOME_ID;
	char image[] = "host/image:tag";
	const struct mb_container_record somebody = {
		.id = id, .name = name, .image_id = image_id, .config = {.image = image}};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	return expand(tag, &somebody, &out, err);
}

static int tag_of(const struct mb_container_record *record, struct mb_str *out, struct mb_err *err)
{
	const char *tag = mb_kv_find(&record->host.log_options, "tag");

	return expand(tag && *tag ? tag : DEFAULT_TAG, record, out, err);
}

/* --- what the other end reads ----------------------------------------------------------------- */

static int set_text(struct mb_monitor_logto *to, const struct mb_str *text, struct mb_err *err)
{
	if (text->len >= sizeof(to->text))
		return mb_fail(err, E2BIG, "what --log-opt puts beside each line is too long");
	memcpy(to->text, mb_str_text(text), text->len + 1);
	return 0;
}

static int fill_json(const struct mb_container_record *record, struct mb_monitor_logto *to,
                     struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv attrs = MB_KV_INIT;
	MB_AUTO_STRV struct mb_strv keys = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, tag = MB_STR_INIT;
	int r;

	to->kind = MB_MONITOR_LOGTO_JSON;
	mb_container_logging_attributes(record, &attrs);
	if (mb_kv_find(&record->host.log_options, "tag")) {
		r = tag_of(record, &tag, err);
		if (r < 0)
			return r;
		mb_kv_set(&attrs, "tag", mb_str_text(&tag));
	}
	MB_KV_FOREACH (pair, &attrs)
		mb_strv_add(&keys, pair->key);
	mb_strv_sort(&keys);
	for (size_t i = 0; i < keys.n; i++) {
		const char *value = mb_kv_find(&attrs, keys.v[i]);

		mb_str_add(&out, i ? "," : "\"attrs\":{");
		mb_json_format_string(keys.v[i], strlen(keys.v[i]), &out);
		mb_str_addc(&out, ':');
		mb_json_format_string(value, strlen(value), &out);
	}
	if (keys.n)
		mb_str_add(&out, "},");
	return set_text(to, &out, err);
}

/* A field's name is made of capitals, digits and underscores, and begins with none of these. */
static void add_field(struct mb_str *out, const char *name, const char *value)
{
	MB_AUTO_FREE char *plain = mb_strdup(value);
	size_t from = out->len;

	for (; *name; name++) {
		int c = isalnum((unsigned char)*name) ? toupper((unsigned char)*name) : '_';

		if (c != '_' || out->len > from)
			mb_str_addc(out, (char)c);
	}
	make_plain(plain);
	if (out->len > from)
		mb_str_addf(out, "=%s\n", plain);
}

static int fill_journal(const struct mb_container_record *record, struct mb_monitor_logto *to,
                        struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv attrs = MB_KV_INIT;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, tag = MB_STR_INIT;
	MB_AUTO_FREE char *id = mb_strndup(record->id, SHORT_ID);
	int r = tag_of(record, &tag, err);

	if (r < 0)
		return r;
	to->kind = MB_MONITOR_LOGTO_JOURNAL;
	add_field(&out, "CONTAINER_ID", id);
	add_field(&out, "CONTAINER_ID_FULL", record->id);
	add_field(&out, "CONTAINER_NAME", record->name);
	add_field(&out, "CONTAINER_TAG", mb_str_text(&tag));
	add_field(&out, "IMAGE_NAME", record->config.image ? record->config.image : "");
	add_field(&out, "SYSLOG_IDENTIFIER", mb_str_text(&tag));
	mb_container_logging_attributes(record, &attrs);
	MB_KV_FOREACH (pair, &attrs)
		add_field(&out, pair->key, pair->value);
	return set_text(to, &out, err);
}

static int facility_of(const char *text, uint32_t *ret)
{
	static const char *const names[] = {
		"kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
		"uucp",   "cron",   "authpriv", "ftp",    "",       "",       "",       "",
		"local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};

	for (uint32_t i = 0; i < MB_N(names); i++) {
		if (*text && mb_streq(text, names[i])) {
			*ret = i;
			return 0;
		}
	}
	return mb_parse_u32(text, ret) < 0 || *ret >= FACILITIES ? -EINVAL : 0;
}

static int format_of(const char *text, uint32_t *ret)
{
	static const char *const names[] = {[MB_MONITOR_UNIXLOG] = "",
	                                    [MB_MONITOR_RFC3164] = "rfc3164",
	                                    [MB_MONITOR_RFC5424] = "rfc5424",
	                                    [MB_MONITOR_RFC5424MICRO] = "rfc5424micro"};

	for (uint32_t i = 0; i < MB_N(names); i++) {
		if (mb_streq(text, names[i])) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int fill_syslog(const struct mb_container_record *record, struct mb_monitor_logto *to,
                       struct mb_err *err)
{
	const struct mb_kv *options = &record->host.log_options;
	const char *facility = mb_kv_find(options, "syslog-facility");
	const char *format = mb_kv_find(options, "syslog-format");
	MB_AUTO_STR struct mb_str tag = MB_STR_INIT;
	char host[HOST_MAX] = "";
	int r = tag_of(record, &tag, err);

	if (r < 0)
		return r;
	to->kind = MB_MONITOR_LOGTO_SYSLOG;
	to->facility = FACILITY_DAEMON;
	if (facility && *facility)
		(void)facility_of(facility, &to->facility);
	(void)format_of(format ? format : "", &to->format);
	gethostname(host, sizeof(host) - 1);
	mb_str_addf(&tag, "\n%s", host);
	return set_text(to, &tag, err);
}

/* --- where it is ------------------------------------------------------------------------------ */

static void set_addr(struct mb_monitor_logto *to, const void *addr, size_t n, int type)
{
	memcpy(to->addr, addr, n);
	to->addr_len = (uint32_t)n;
	to->socktype = (uint32_t)type;
}

static int set_path(struct mb_monitor_logto *to, const char *path, int type, struct mb_err *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(path);

	if (n >= sizeof(un.sun_path))
		return mb_fail(err, ENAMETOOLONG, "the socket's path '%s' is too long", path);
	memcpy(un.sun_path, path, n + 1);
	set_addr(to, &un, sizeof(un), type);
	return 0;
}

/* Return: 0 and the socket, which does not block; or -errno (nothing told). */
static int try_connect(const struct mb_monitor_logto *to, int wait_ms, int *ret_fd)
{
	const struct sockaddr *addr = (const void *)to->addr;
	MB_AUTO_CLOSE int fd =
		socket(addr->sa_family, (int)to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int failure = 0;
	socklen_t size = sizeof(failure);

	if (fd < 0)
		return -errno;
	if (connect(fd, addr, to->addr_len) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		if (poll(&p, 1, wait_ms) <= 0)
			return -ETIMEDOUT;
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
		if (failure)
			return -failure;
	}
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* An address and its port.  Names are nobody's business here: who looks them up may block. */
static int read_host(const char *text, int type, struct mb_monitor_logto *to)
{
	MB_AUTO_FREE char *host = mb_strdup(*text == '[' ? text + 1 : text);
	char *end = strchr(host, *text == '[' ? ']' : ':');
	const char *port = end ? strchr(end, ':') : NULL;
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	uint32_t number = SYSLOG_PORT;

	if (port && (mb_parse_u32(port + 1, &number) < 0 || !number || number > UINT16_MAX))
		return -EINVAL;
	if (end)
		*end = '\0';
	four.sin_port = six.sin6_port = htons((uint16_t)number);
	if (inet_pton(AF_INET, mb_streq(host, "localhost") ? "127.0.0.1" : host, &four.sin_addr) ==
	    1)
		set_addr(to, &four, sizeof(four), type);
	else if (inet_pton(AF_INET6, host, &six.sin6_addr) == 1)
		set_addr(to, &six, sizeof(six), type);
	else
		return -EHOSTUNREACH;
	return 0;
}

static int try_local(struct mb_monitor_logto *to, int wait_ms, int *ret_fd)
{
	static const char *const paths[] = {"/dev/log", "/run/syslog", "/run/log"};
	int r = -ENOENT;

	for (size_t i = 0; r < 0 && i < MB_N(paths); i++) {
		(void)set_path(to, paths[i], SOCK_DGRAM, NULL);
		r = try_connect(to, wait_ms, ret_fd);
		if (r == 0)
			break;
		(void)set_path(to, paths[i], SOCK_STREAM, NULL);
		r = try_connect(to, wait_ms, ret_fd);
	}
	/* What a monitor that is late tries again and again. */
	if (r < 0)
		(void)set_path(to, paths[0], SOCK_DGRAM, NULL);
	return r;
}

static const struct scheme {
	const char *prefix;
	int type;
	bool is_path;
} schemes[] = {{"unix://", SOCK_STREAM, true},
               {"unixgram://", SOCK_DGRAM, true},
               {"udp://", SOCK_DGRAM, false},
               {"tcp://", SOCK_STREAM, false}};

static const struct scheme *scheme_of(const char *address)
{
	for (size_t i = 0; i < MB_N(schemes); i++)
		if (mb_starts_with(address, schemes[i].prefix))
			return &schemes[i];
	return NULL;
}

static int check_host(const char *host, const char *address, struct mb_err *err)
{
	MB_AUTO_FREE struct mb_monitor_logto *to = mb_malloc(sizeof(*to));
	int r = read_host(host, SOCK_DGRAM, to);

	if (r == -EHOSTUNREACH)
		return mb_fail(err, EINVAL,
		               "--log-opt syslog-address '%s': names are not looked up, give the "
		               "address",
		               address);
	return r < 0 ? mb_fail(err, EINVAL, "invalid --log-opt syslog-address '%s'", address) : 0;
}

static int check_address(const char *address, struct mb_err *err)
{
	const struct scheme *scheme = scheme_of(address);
	const char *rest = scheme ? address + strlen(scheme->prefix) : "";

	if (mb_starts_with(address, "tcp+tls://"))
		return mb_fail(err, ENOTSUP, "syslog over TLS is not there: '%s'", address);
	if (!scheme)
		return mb_fail(err, EINVAL, "invalid --log-opt syslog-address '%s'", address);
	if (scheme->is_path ? rest[0] != '/' : !rest[0] || rest[0] == ':' || strchr(rest, '/'))
		return mb_fail(err, EINVAL, "invalid --log-opt syslog-address '%s'", address);
	return scheme->is_path ? 0 : check_host(rest, address, err);
}

int mb_container_logto_check_syslog(const char *key, const char *value, struct mb_err *err)
{
	uint32_t ignored;

	if (!*value)
		return 0;
	if (mb_streq(key, "syslog-address"))
		return check_address(value, err);
	if (mb_streq(key, "syslog-facility") && facility_of(value, &ignored) < 0)
		return mb_fail(err, EINVAL, "invalid syslog facility '%s'", value);
	if (mb_streq(key, "syslog-format") && format_of(value, &ignored) < 0)
		return mb_fail(err, EINVAL, "invalid syslog format '%s'", value);
	return 0;
}

static int connect_syslog(const char *address, bool late, struct mb_monitor_logto *to, int *ret_fd,
                          struct mb_err *err)
{
	const int wait_ms = late ? 0 : CONNECT_MS;
	const struct scheme *scheme = address && *address ? scheme_of(address) : NULL;
	int r;

	if (!scheme)
		return try_local(to, wait_ms, ret_fd);
	if (!scheme->is_path)
		r = read_host(address + strlen(scheme->prefix), scheme->type, to);
	else
		r = set_path(to, address + strlen(scheme->prefix), scheme->type, err);
	return r == 0 ? try_connect(to, wait_ms, ret_fd) : r;
}

static int open_socket(const struct mb_container_record *record, bool late,
                       struct mb_container_logto *l, struct mb_err *err)
{
	const char *driver = record->host.log_driver;
	const char *address = mb_kv_find(&record->host.log_options, "syslog-address");
	struct mb_err why = MB_ERR_INIT;
	int r;

	if (mb_streq(driver, "journald")) {
		r = fill_journal(record, l->to, err);
		address = "unixgram://" JOURNAL;
	} else {
		r = fill_syslog(record, l->to, err);
	}
	if (r < 0)
		return r;
	l->to->queue_bytes = mb_container_logging_queue(&record->host);
	r = connect_syslog(address, late, l->to, &l->fd, &why);
	/* The monitor goes on trying, if it knows where. */
	if (r == 0 || (late && l->to->addr_len))
		return 0;
	if (why.code)
		return mb_fail(err, -r, "log driver '%s': %s", driver, why.msg);
	return mb_fail_sys(err, -r, "log driver '%s': cannot connect to '%s'", driver,
	                   address && *address ? address : "/dev/log");
}

int mb_container_logto_open(const struct mb_container_record *record, bool late,
                            struct mb_container_logto *ret, struct mb_err *err)
{
	const char *driver = record->host.log_driver;
	bool is_json = mb_streq(driver, "json-file");

	if (!is_json && !mb_streq(driver, "journald") && !mb_streq(driver, "syslog"))
		return 0;
	ret->to = mb_calloc(1, sizeof(*ret->to));
	return is_json ? fill_json(record, ret->to, err) : open_socket(record, late, ret, err);
}

void mb_container_logto_done(struct mb_container_logto *l)
{
	free(l->to);
	l->to = NULL;
	mb_close(&l->fd);
}
