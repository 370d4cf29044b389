/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "oci/ref.h"

enum { MAX_RETRY = 1000000 };

int mb_cmd_registry_open(const struct mb_cmd_context *cx, struct mb_cmd_registry *ret,
                         struct mb_err *err)
{
	const char *path = getenv("MYBOX_REGISTRIES");

	*ret = (struct mb_cmd_registry){
		.caller =
			{
				.config_dir = cx->config,
				.auth_file = getenv("MYBOX_AUTH_FILE"),
				.docker_config = getenv("DOCKER_CONFIG"),
				.home = getenv("HOME"),
				.sudo_uid = getenv("SUDO_UID"),
			},
	};
	return mb_registry_settings_load(path && *path ? path : MB_REGISTRY_SETTINGS_PATH,
	                                 &ret->settings, err);
}

int mb_cmd_registry_be(struct mb_cmd_registry *reg, const struct mb_cmd_registry_who *who,
                       struct mb_err *err)
{
	MB_AUTO_CLOSE int fd =
		who->authfile ? open(who->authfile, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	const char *password = who->creds ? strchr(who->creds, ':') : NULL;

	if (who->retry > MAX_RETRY)
		return mb_fail(err, ERANGE, "invalid --retry: at most %d", MAX_RETRY);
	if (who->retry_delay < 0)
		return mb_fail(err, EINVAL, "invalid --retry-delay: it is negative");
	reg->settings.tries = who->has_retry ? (unsigned)who->retry + 1 : 0;
	reg->settings.rest_msec = ((uint64_t)who->retry_delay + 999999) / 1000000;
	if (who->creds && (!password || password == who->creds))
		return mb_fail(err, EINVAL, "invalid --creds: USER:PASSWORD is wanted");
	if (who->authfile && fd < 0)
		return mb_fail_sys(err, errno, "cannot read '%.300s'", who->authfile);
	if (who->authfile)
		reg->caller.auth_file = who->authfile;
	if (password) {
		reg->login.username = mb_strndup(who->creds, (size_t)(password - who->creds));
		reg->login.password = mb_strdup(password + 1);
		reg->has_login = true;
	}
	return 0;
}

int mb_cmd_registry_find_login(struct mb_cmd_registry *reg, const char *domain, struct mb_err *err)
{
	int r = 0;

	if (reg->has_login)
		return 0;
	r = mb_registry_authfile_find(&reg->caller, domain, &reg->login, err);

	reg->has_login = r == 0;
	return r < 0 ? r : 0;
}

int mb_cmd_registry_meaning(const struct mb_cmd_registry *reg, const char *typed, char **ret,
                            struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref meant = {0}, as_it_is = {0};
	MB_AUTO_FREE char *name = NULL, *own = NULL;
	int r = mb_registry_settings_resolve(&reg->settings, typed, &meant, err);

	if (r < 0)
		return r;
	name = mb_oci_ref_format(&meant, MB_OCI_REF_CANONICAL);
	if (mb_oci_ref_parse(typed, true, &as_it_is, NULL) == 0)
		own = mb_oci_ref_format(&as_it_is, MB_OCI_REF_CANONICAL);
	if (!mb_streq(name, own))
		*ret = mb_take_ptr(&name);
	return 0;
}

void mb_cmd_registry_done(struct mb_cmd_registry *reg)
{
	mb_registry_settings_done(&reg->settings);
	mb_registry_login_done(&reg->login);
}

/* --- progress --------------------------------------------------------------------------------- */

/* Docker's words for what a layer goes through. */
static const struct {
	const char *begins, *verb, *ends;
} words[] = {
	[MB_IMAGE_UNPACKS] = {NULL, "Extracting", "Pull complete"},
	[MB_IMAGE_FETCHES] = {"Pulling fs layer", "Downloading", "Download complete"},
	[MB_IMAGE_SENDS] = {"Preparing", "Pushing", "Pushed"},
};

struct mb_cmd_transfer {
	struct mb_cmd_progress *bars; /* on a terminal */
	bool lines;                   /* in a pipe */
	struct layer {
		uint64_t done, total; /* of the network's part */
		bool begun, fetched, finished;
	} layers[MB_IMAGE_MAX_LAYERS];
};

struct mb_cmd_transfer *mb_cmd_transfer_new(bool quiet)
{
	struct mb_cmd_transfer *t = mb_calloc(1, sizeof(*t));

	if (quiet)
		return t;
	t->lines = !mb_cmd_is_tty(STDERR_FILENO);
	if (!t->lines)
		t->bars = mb_cmd_progress_new(false);
	return t;
}

void mb_cmd_transfer_free(struct mb_cmd_transfer *t)
{
	if (t)
		mb_cmd_progress_free(t->bars);
	free(t);
}

static const char *outcome(const struct mb_image_progress *p)
{
	if (p->cached)
		return p->phase == MB_IMAGE_SENDS ? "Layer already exists" : "Already exists";
	return words[p->phase].ends;
}

static void put_lines(struct layer *layer, const struct mb_image_progress *p)
{
	bool fetched = (p->phase == MB_IMAGE_FETCHES && p->done == p->total) ||
	               (p->phase == MB_IMAGE_UNPACKS && layer->begun && !p->cached);

	if (!layer->begun && words[p->phase].begins && !p->cached)
		mb_cmd_say("%s: %s", p->layer, words[p->phase].begins);
	layer->begun = true;
	if (fetched && !layer->fetched)
		mb_cmd_say("%s: %s", p->layer, words[MB_IMAGE_FETCHES].ends);
	layer->fetched = layer->fetched || fetched;
	if (p->finished && !layer->finished)
		mb_cmd_say("%s: %s", p->layer, outcome(p));
	layer->finished = layer->finished || p->finished;
}

/* All layers together, below them. */
static void draw_total(struct mb_cmd_transfer *t, size_t count)
{
	struct mb_cmd_progress_report total = {
		.label = "in all", .verb = "Transferring", .outcome = "Done", .finished = true};

	for (size_t i = 0; i < count && i < MB_N(t->layers); i++) {
		total.done += t->layers[i].done;
		total.total += t->layers[i].total;
		total.finished = total.finished && t->layers[i].finished;
	}
	if (total.done && total.total)
		mb_cmd_progress_update(t->bars, &total);
}

static void draw(struct mb_cmd_transfer *t, struct layer *layer, const struct mb_image_progress *p)
{
	const struct mb_cmd_progress_report report = {
		.label = p->layer,
		.verb = p->phase == MB_IMAGE_FETCHES && !p->done ? "Waiting" : words[p->phase].verb,
		.done = p->done,
		.total = p->total,
		.finished = p->finished,
		.outcome = outcome(p),
	};

	mb_cmd_progress_update(t->bars, &report);
	if (p->cached) {
		layer->finished = true;
		return;
	}
	layer->total = p->total;
	/* What is quick has no reports on its way. */
	layer->done = p->phase == MB_IMAGE_UNPACKS || p->finished ? p->total : p->done;
	layer->finished = p->finished;
	draw_total(t, p->count);
}

void mb_cmd_transfer_report(void *transfer, const struct mb_image_progress *p)
{
	struct mb_cmd_transfer *t = transfer;

	if (p->index >= MB_N(t->layers))
		return;
	if (t->lines)
		put_lines(&t->layers[p->index], p);
	else if (t->bars)
		draw(t, &t->layers[p->index], p);
}
