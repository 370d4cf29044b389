/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "oci/ref.h"
#include "registry/client_priv.h"
#include "registry/settings.h"
#include "registry/url.h"

#define HUB_HOST   "registry-1.docker.io"
#define HUB_SEARCH "index.docker.io"

static int open_certificates(const char *path, int *ret_fd, struct mb_err *err)
{
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open the certificates '%s'", path) : 0;
}

/* Where @place ("host:port", or a whole address) is asked. */
static int set_place(struct mb_registry *reg, const char *place,
                     const struct mb_registry_options *options, struct mb_err *err)
{
	MB_AUTO_REGISTRY_URL struct mb_registry_url url = {0};
	bool has_scheme = strstr(place, "://");
	MB_AUTO_FREE char *whole = mb_asprintf("%s%s", has_scheme ? "" : "https://", place);
	const char *hub = options->search ? HUB_SEARCH : HUB_HOST;
	const struct mb_registry_host *host;
	int r = mb_registry_url_parse(whole, &url, err);

	if (r < 0)
		return r;
	if (strcmp(url.target, "/") != 0)
		return mb_fail(err, EINVAL, "'%s' has a path, which no registry has", place);
	host = mb_registry_settings_find(options->settings, url.host);
	reg->unverified = options->tls_verify < 0 || (host && host->insecure);
	reg->may_use_http = !has_scheme && options->tls_verify <= 0 &&
	                    (reg->unverified || mb_registry_url_is_loopback(url.host));
	if (!url.is_tls && !reg->unverified && !mb_registry_url_is_loopback(url.host))
		return mb_fail(err, EACCES, "'%s' is asked by http, but not 'insecure'", place);
	if (host && host->ca)
		r = open_certificates(host->ca, &reg->ca_fd, err);
	reg->base = mb_asprintf("%s://%s", url.is_tls ? "https" : "http",
	                        strcmp(url.host, "docker.io") == 0 ? hub : url.host);
	return r;
}

int mb_registry_open(const struct mb_oci_ref *ref, const struct mb_registry_options *options,
                     struct mb_registry **ret, struct mb_err *err)
{
	MB_AUTO(mb_registry_free) struct mb_registry *reg = mb_calloc(1, sizeof(*reg));
	const char *certificates = getenv("SSL_CERT_FILE");
	int r;

	reg->ca_fd = reg->system_ca_fd = -1;
	reg->transport =
		options->transport ? options->transport : mb_registry_transport_fetch_new();
	reg->name = mb_strdup(options->mirror ? options->mirror : ref->domain);
	reg->path = mb_strdup(ref->path);
	reg->agent = mb_strdup_or_null(options->agent);
	reg->timeout_sec = options->settings->timeout_sec;
	reg->tries = options->settings->tries ? options->settings->tries : MB_REGISTRY_TRIES;
	reg->first_tries = options->settings->tries ? reg->tries : MB_REGISTRY_FIRST_TRIES;
	reg->rest_msec = options->settings->rest_msec;
	if (options->login) {
		reg->has_login = true;
		reg->login.username = mb_strdup_or_null(options->login->username);
		reg->login.password = mb_strdup_or_null(options->login->password);
		reg->login.identity_token = mb_strdup_or_null(options->login->identity_token);
	}
	if (options->push)
		mb_strv_addf(&reg->scopes, "repository:%s:pull,push", ref->path);
	r = set_place(reg, reg->name, options, err);
	if (r == 0 && certificates && *certificates)
		r = open_certificates(certificates, &reg->system_ca_fd, err);
	if (r == 0)
		*ret = mb_take_ptr(&reg);
	return r;
}

void mb_registry_free(struct mb_registry *reg)
{
	if (!reg)
		return;
	mb_registry_transport_free(reg->transport);
	mb_close(&reg->ca_fd);
	mb_close(&reg->system_ca_fd);
	mb_registry_login_done(&reg->login);
	mb_strv_done(&reg->scopes);
	mb_strv_done(&reg->refused);
	if (reg->authorization)
		explicit_bzero(reg->authorization, strlen(reg->authorization));
	free(reg->authorization);
	free(reg->name);
	free(reg->base);
	free(reg->path);
	free(reg->agent);
	free(reg);
}

int mb_registry_ping(struct mb_registry *reg, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	const struct mb_registry_request request = {
		.method = "GET", .url = "/v2/", .body_fd = -1, .limit = MB_REGISTRY_MAX_ERROR};
	int r = mb_registry_request(reg, &request, &answer, err);

	if (r == 0 && answer.head.status != 200) {
		r = mb_registry_refused(&answer, "not a registry", err);
		mb_wrap(err, r, "%s", reg->name);
	}
	return r;
}
