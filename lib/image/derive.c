/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image on top of another.  Its layer comes through the same door as those of archives: a child
 * packs the tree, and what it writes is unpacked like anybody's tar. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "image/change.h"
#include "image/child.h"
#include "image/commit.h"
#include "image/confine.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/pack.h"
#include "image/refs.h"
#include "oci/image_spec.h"
#include "sys/interrupt.h"

/* --- the layer -------------------------------------------------------------------------------- */

struct packer {
	const struct mb_image_pack *tree;
	pid_t parent;
	int pipe_fd; /* its end */
	struct mb_image_child child;
};
struct packer_report {
	struct mb_err err;
	struct mb_image_packed packed;
};

static int put(void *arg, const void *bytes, size_t n)
{
	return mb_write_full(*(const int *)arg, bytes, n);
}

static void run_packer(void *arg, int report_fd)
{
	struct packer *p = arg;
	struct mb_image_pack pack = *p->tree;
	struct packer_report report = {0};
	int keep[] = {pack.root_fd, pack.mount_points ? pack.below_fd : -1, p->pipe_fd, report_fd};

	pack.give = put;
	pack.arg = &p->pipe_fd;
	if (mb_image_confine_begin(p->parent, keep, MB_N(keep), &report.err) == 0)
		mb_image_pack(&pack, &report.packed, &report.err);
	_exit(mb_write_full(report_fd, &report, sizeof(report)) < 0);
}

static int open_packer(void *arg, struct mb_image_stretch *ret, struct mb_err *err)
{
	struct packer *p = arg;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	(void)fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
	p->pipe_fd = ends[1];
	r = mb_image_child_start(&p->child, run_packer, p, err);
	mb_close(&ends[1]);
	if (r < 0) {
		mb_close(&ends[0]);
		return r;
	}
	*ret = (struct mb_image_stretch){.fd = ends[0], .size = UINT64_MAX};
	return 0;
}

/* An archive that ends early may be one that was not written to its end. */
static int close_packer(void *arg, int r, struct mb_err *err)
{
	struct packer *p = arg;
	struct packer_report report = {0};
	struct mb_err why = MB_ERR_INIT;
	int ended = 0;

	if (mb_sys_interrupt_check(err) < 0)
		return -EINTR;
	if (p->child.pid)
		ended = mb_image_child_read(&p->child, &report, sizeof(report), &why);
	if (ended == 0 && report.err.code) {
		why = report.err;
		ended = -report.err.code;
	}
	/* Whose failure came first?  Who is left alone says -EPIPE. */
	if (ended == 0 || (r < 0 && ended == -EPIPE))
		return r;
	if (err)
		*err = why;
	return ended;
}

/* A few times a second. */
static void watch(void *arg, const struct mb_image_progress *progress)
{
	const struct packer *p = arg;

	(void)progress;
	if (p->child.pid > 0 && mb_sys_interrupt_check(NULL) < 0)
		kill(p->child.pid, SIGKILL);
}

/* What its layer lies on; NULL: nothing. */
static const struct mb_image *below(const struct mb_image_derive_request *request)
{
	return request->squash ? NULL : request->parent;
}

static int make_layer(struct mb_store *store, const struct mb_image_derive_request *request,
                      struct mb_image_layer *ret, struct mb_err *err)
{
	const struct mb_image *parent = below(request);
	struct packer packer = {.tree = request->tree, .parent = getpid(), .pipe_fd = -1};
	const struct mb_image_report report = {watch, &packer};
	const struct mb_image_layer_job job = {
		.from = {.fd = -1, .size = UINT64_MAX},
		.open = open_packer,
		.close = close_packer,
		.arg = &packer,
		.parent =
			parent && parent->layers.n ? parent->layers.v[parent->layers.n - 1] : NULL,
		.report = &report,
		.count = 1,
	};
	int r;

	if (parent && parent->layers.n >= MB_IMAGE_MAX_LAYERS)
		return mb_fail(err, E2BIG, "max depth exceeded: the image has %zu layers already",
		               parent->layers.n);
	r = mb_image_layer_ensure(store, &job, ret, err);
	mb_image_child_done(&packer.child);
	return r;
}

/* --- the configuration ------------------------------------------------------------------------ */

static int load_parent(struct mb_store *store, const struct mb_image *parent,
                       struct mb_oci_image_config *config, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *architecture, *variant;
	int r;

	if (parent) {
		r = mb_image_config_read(store, parent->id, &text, err);
		return r < 0 ? r
		             : mb_oci_image_config_load(mb_str_text(&text), text.len, config, err);
	}
	mb_oci_host_architecture(&architecture, &variant);
	config->architecture = mb_strdup(architecture);
	config->variant = mb_strdup_or_null(variant);
	config->os = mb_strdup("linux");
	config->rootfs_type = mb_strdup("layers");
	return 0;
}

static void take_list(struct mb_strv *to, const struct mb_strv *from)
{
	mb_strv_done(to);
	mb_strv_add_all(to, from);
}

static void take_settings(struct mb_oci_container_config *to, const struct mb_image_settings *from)
{
	mb_strset(&to->user, from->user);
	mb_strset(&to->working_dir, from->workdir);
	mb_strset(&to->stop_signal, from->stop_signal);
	take_list(&to->env, &from->env);
	take_list(&to->entrypoint, &from->entrypoint);
	take_list(&to->cmd, &from->cmd);
	take_list(&to->volumes, &from->volumes);
	take_list(&to->exposed_ports, &from->ports);
	mb_kv_done(&to->labels);
	mb_kv_set_all(&to->labels, &from->labels);
	/* They were for whoever builds on the parent. */
	mb_strv_done(&to->on_build);
}

static void forget_layers(struct mb_oci_image_config *config)
{
	mb_strv_done(&config->diff_ids);
	while (config->n_history) {
		struct mb_oci_history *step = &config->history[--config->n_history];

		free(step->created_by);
		free(step->author);
		free(step->comment);
	}
}

static void add_history(struct mb_oci_image_config *config,
                        const struct mb_image_derive_request *request)
{
	struct mb_oci_history *step;

	config->history =
		mb_realloc(config->history, (config->n_history + 1) * sizeof(*config->history));
	step = &config->history[config->n_history++];
	*step = (struct mb_oci_history){
		.created = config->created,
		.created_by = mb_strdup_or_null(request->created_by),
		.author = mb_strdup_or_null(request->author),
		.comment = mb_strdup_or_null(request->message),
		.empty_layer = !request->tree,
	};
}

static int make_config(struct mb_store *store, const struct mb_image_derive_request *request,
                       struct mb_oci_image_config *config, struct mb_err *err)
{
	int r = load_parent(store, request->parent, config, err);

	if (r < 0)
		return r;
	config->created = mb_now_nsec();
	mb_strset(&config->author, request->author);
	mb_strset(&config->comment, request->message);
	if (request->settings)
		take_settings(&config->config, request->settings);
	if (request->changes)
		r = mb_image_changes_apply(&config->config, request->changes, err);
	if (request->squash)
		forget_layers(config);
	add_history(config, request);
	return r;
}

static int derive(struct mb_store *store, const struct mb_image_derive_request *request,
                  struct mb_oci_image_config *config, char ret_id[MB_IMAGE_ID_TEXT],
                  struct mb_err *err)
{
	struct mb_image_layer layer = {.bytes = 0};
	MB_AUTO_FREE char *name = NULL;
	MB_AUTO_CLOSE int hold = -1;
	uint64_t bytes = below(request) ? below(request)->size : 0;
	int r = make_config(store, request, config, err);

	if (r == 0 && request->name)
		r = mb_image_ref_canonical(request->name, &name, err);
	if (r < 0)
		return r;
	mb_image_commit_clean(store);
	r = mb_image_hold(store, &hold, err);
	if (r == 0 && request->tree) {
		r = make_layer(store, request, &layer, err);
		if (r == 0)
			mb_strv_addf(&config->diff_ids, "sha256:%s", layer.diff_id);
	}
	if (r < 0)
		return r;
	return mb_image_commit_new(store, config, bytes + layer.bytes, name, ret_id, err);
}

int mb_image_derive(struct mb_store *store, const struct mb_image_derive_request *request,
                    char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	struct mb_oci_image_config config = {0};
	int r = derive(store, request, &config, ret_id, err);

	mb_oci_image_config_done(&config);
	return r;
}
