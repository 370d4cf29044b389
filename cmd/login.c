/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/registry.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/ref.h"
#include "registry/registry.h"

enum { MAX_SECRET = 64 * 1024 };

struct login_args {
	const char *username, *password;
	bool password_stdin;
	int tls_verify;
};

/* "https://index.docker.io/v1/" and "docker.io" are the same one. */
static int parse_server(const struct mb_cli_input *in, struct mb_oci_ref *ret, struct mb_err *err)
{
	const char *typed = in->n_operands ? in->operands[0] : "docker.io";
	const char *host = strstr(typed, "://");
	MB_AUTO_FREE char *name = NULL;
	int r;

	host = host ? host + 3 : typed;
	name = mb_asprintf("%.*s/login", (int)strcspn(host, "/"), host);
	r = mb_oci_ref_parse(name, true, ret, NULL);
	if (r < 0 || strcmp(ret->path, "login") != 0) {
		/* One word alone would be a part of a name elsewhere. */
		mb_oci_ref_done(ret);
		if (strcspn(name, "/") == 0 || strpbrk(name, "@ "))
			return mb_fail(err, EINVAL, "invalid registry '%.200s'", typed);
		ret->domain = mb_strndup(name, strcspn(name, "/"));
		if (strcmp(ret->domain, "index.docker.io") == 0)
			mb_strset(&ret->domain, "docker.io");
		ret->path = mb_strdup("login");
	}
	return 0;
}

static int read_line(struct mb_str *out, struct mb_err *err)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
		if (out->len == MAX_SECRET)
			return mb_fail(err, EFBIG, "the line is too long");
		mb_str_addc(out, c);
	}
	return 0;
}

static int ask(const char *question, bool hidden, struct mb_str *out, struct mb_err *err)
{
	struct termios before, now;
	bool has = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
	int r;

	if (!mb_cmd_is_tty(STDIN_FILENO))
		return mb_fail(err, ENOTTY,
		               "cannot ask for it: standard input is no terminal "
		               "(--username and --password-stdin)");
	mb_write_full(STDERR_FILENO, question, strlen(question));
	if (has) {
		now = before;
		now.c_lflag &= (tcflag_t)~ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
	}
	r = read_line(out, err);
	if (has) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		mb_write_full(STDERR_FILENO, "\n", 1);
	}
	return r;
}

static int read_password(const struct login_args *args, struct mb_str *out, struct mb_err *err)
{
	int r;

	if (args->password) {
		mb_cmd_say("WARNING! Using --password via the CLI is insecure. "
		           "Use --password-stdin.");
		mb_str_add(out, args->password);
		return 0;
	}
	if (!args->password_stdin)
		return ask("Password: ", true, out, err);
	r = mb_read_fd(STDIN_FILENO, MAX_SECRET, out, err);
	while (r == 0 && out->len && strchr("\r\n", out->buf[out->len - 1]))
		out->buf[--out->len] = '\0';
	return r;
}

static int read_login(const struct login_args *args, struct mb_registry_login *ret,
                      struct mb_err *err)
{
	MB_AUTO_STR struct mb_str username = MB_STR_INIT, password = MB_STR_INIT;
	int r = 0;

	if (args->password && args->password_stdin)
		return mb_fail(err, EINVAL,
		               "--password and --password-stdin are mutually exclusive");
	if (args->password_stdin && !args->username)
		return mb_fail(err, EINVAL, "Must provide --username with --password-stdin");
	if (args->username)
		mb_str_add(&username, args->username);
	else
		r = ask("Username: ", false, &username, err);
	if (r == 0)
		r = read_password(args, &password, err);
	if (r == 0 && (!username.len || strchr(username.buf, ':')))
		r = mb_fail(err, EINVAL, "the user name is empty, or has a colon");
	if (r == 0 && !password.len)
		r = mb_fail(err, EINVAL, "the password is empty");
	ret->username = mb_str_take(&username);
	ret->password = mb_str_take(&password);
	return r;
}

static int try_login(const struct mb_cmd_registry *reg, const struct mb_oci_ref *ref,
                     const struct login_args *args, const struct mb_registry_login *login,
                     struct mb_err *err)
{
	const struct mb_registry_options options = {
		.settings = &reg->settings,
		.login = login,
		.tls_verify = args->tls_verify,
		.agent = MB_CMD_AGENT,
	};
	MB_AUTO(mb_registry_free) struct mb_registry *at = NULL;
	int r = mb_registry_open(ref, &options, &at, err);

	return r == 0 ? mb_registry_ping(at, err) : r;
}

static int login_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct login_args *args = in->args;
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_REGISTRY_LOGIN struct mb_registry_login login = {0};
	MB_AUTO_FREE char *path = NULL;
	int r = mb_cmd_registry_open(cx, &reg, err);

	if (r == 0)
		r = parse_server(in, &ref, err);
	if (r == 0)
		r = read_login(args, &login, err);
	if (r == 0)
		r = try_login(&reg, &ref, args, &login, err);
	if (r == 0)
		r = mb_registry_authfile_save(&reg.caller, ref.domain, &login, &path, err);
	if (r < 0)
		return mb_wrap(err, r, "cannot log in");
	if (path)
		mb_cmd_say("WARNING! Your password will be stored unencrypted in %s.", path);
	return mb_cmd_put_line("Login Succeeded");
}

static int logout_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	int r = mb_cmd_registry_open(cx, &reg, err);

	if (r == 0)
		r = parse_server(in, &ref, err);
	if (r == 0)
		r = mb_registry_authfile_remove(&reg.caller, ref.domain, err);
	if (r < 0)
		return mb_wrap(err, r, "cannot log out");
	mb_str_addf(&out, r == 0 ? "Removing login credentials for %s\n" : "Not logged in to %s\n",
	            mb_registry_auths_key(ref.domain));
	return mb_cmd_put(&out);
}

static const struct mb_cli_opt login_opts[] = {
	MB_OPT_STRING('u', "username", NULL, struct login_args, username, "who logs in"),
	MB_OPT_STRING('p', "password", NULL, struct login_args, password,
                      "the password, for all to see who list processes"),
	MB_OPT_SWITCH(0, "password-stdin", struct login_args, password_stdin,
                      "read the password from stdin"),
	MB_OPT_TRI(0, "tls-verify", struct login_args, tls_verify,
                   "want https with a valid certificate (default true)"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_login = {
	.paths = "login",
	.summary = "log in to a registry",
	.operands = "[SERVER]",
	.max = 1,
	.opts = login_opts,
	.args_size = sizeof(struct login_args),
	.examples = "mybox login registry.example.com\n"
		    "mybox login -u robot --password-stdin registry.example.com <token\n",
	.main = login_main,
};

const struct mb_cli_verb mb_cmd_logout = {
	.paths = "logout",
	.summary = "forget a login to a registry",
	.operands = "[SERVER]",
	.max = 1,
	.examples = "mybox logout registry.example.com\n",
	.main = logout_main,
};
