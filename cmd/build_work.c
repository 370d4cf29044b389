/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_work.h"

#include <stdlib.h>

#include "cmd/context.h"
#include "core/err.h"
#include "core/str.h"

void mb_cmd_build_work_done(struct mb_cmd_build_work *w)
{
	mb_cmd_build_input_done(&w->input);
	mb_cmd_build_outputs_done(&w->outputs);
	mb_cmd_build_contexts_done(&w->contexts);
	mb_cmd_build_cache_done(&w->cache);
	mb_strv_done(&w->result.cache_ids);
	mb_kv_done(&w->build_args);
	mb_kv_done(&w->labels);
	mb_kv_done(&w->annotations);
	mb_strv_done(&w->names);
	free(w->pushed.digest);
}

static int read_flags(struct mb_cmd_build_work *w, struct mb_err *err)
{
	const struct mb_cmd_build_args *args = w->args;
	int r = mb_cmd_build_flags_check(args, err);

	for (size_t i = 0; i < args->secrets.n && r == 0; i++)
		r = mb_cmd_build_secret_add(w->cx, args->secrets.v[i], &w->input, err);
	for (size_t i = 0; i < args->cache_from.n && r == 0; i++)
		r = mb_cmd_build_cache_from(args->cache_from.v[i], &w->cache, err);
	for (size_t i = 0; i < args->cache_to.n && r == 0; i++)
		r = mb_cmd_build_cache_to(args->cache_to.v[i], &w->cache, err);
	for (size_t i = 0; i < args->ssh.n && r == 0; i++)
		r = mb_cmd_build_ssh_add(w->cx, args->ssh.v[i], &w->input, err);
	if (r == 0)
		mb_cmd_build_known_hosts_read(w->cx, &w->input);
	w->contexts.ssh = mb_cmd_build_ssh_access(&w->input);
	for (size_t i = 0; i < args->annotations.n && r == 0; i++)
		r = mb_cmd_build_annotation_add(args->annotations.v[i], &w->annotations, err);
	for (size_t i = 0; i < args->outputs.n && r == 0; i++)
		r = mb_cmd_build_output_add(args->outputs.v[i], &w->outputs, err);
	for (size_t i = 0; i < args->contexts.n && r == 0; i++)
		r = mb_cmd_build_context_add(w->cx, args->contexts.v[i], &w->contexts, err);
	if (r == 0)
		r = mb_cmd_build_outputs_want(&w->outputs, args->load, args->push, err);
	mb_cmd_build_fill_args(w->cx, &args->args, &w->build_args);
	MB_STRV_FOREACH (label, &args->labels)
		mb_kv_set_pair(&w->labels, label);
	if (args->timestamp)
		mb_kv_set(&w->build_args, "SOURCE_DATE_EPOCH", args->timestamp);
	mb_strv_add_all(&w->names, &args->names);
	mb_strv_add_all(&w->names, &w->outputs.names);
	if (r == 0)
		r = mb_cmd_build_find_epoch(w->cx, &w->build_args, &w->request.epoch,
		                            &w->epoch_is_said, err);
	return r;
}

static void fill_request(struct mb_cmd_build_work *w)
{
	const struct mb_cmd_build_args *args = w->args;
	/* Of a commit nothing is later than itself, unless somebody says otherwise. */
	bool by_commit = !w->epoch_is_said && w->input.context.commit;
	int64_t epoch = by_commit ? w->input.context.time : w->request.epoch;

	w->request = (struct mb_build_request){
		.context_fd = w->input.context.fd,
		.context_passes = *w->input.context.name,
		.dockerfile = mb_str_text(&w->input.dockerfile),
		.dockerfile_len = w->input.dockerfile.len,
		.ignore = w->input.has_ignore ? mb_str_text(&w->input.ignore) : NULL,
		.ignore_len = w->input.ignore.len,
		.args = w->build_args,
		.labels = w->labels,
		.target = args->target,
		.network = args->network,
		.cgroup_parent = args->cgroup_parent,
		.platform = args->platform,
		.extra_hosts = args->add_hosts,
		.ulimits = args->ulimits,
		.no_cache_for = args->no_cache_for,
		.shm_size = args->shm_size,
		.memory = args->memory,
		.memory_swap = args->memory_swap,
		.cpu_shares = args->cpu_shares,
		.cpu_period = args->cpu_period,
		.cpu_quota = args->cpu_quota,
		.cpuset_cpus = args->cpuset_cpus,
		.cpuset_mems = args->cpuset_mems,
		.secrets = w->input.secrets,
		.n_secrets = w->input.n_secrets,
		.ssh = mb_cmd_build_ssh_access(&w->input),
		.named = w->contexts.v,
		.n_named = w->contexts.n,
		.names = w->names,
		.outputs = w->outputs.v,
		.n_outputs = w->outputs.n,
		.annotations = w->annotations,
		.epoch = epoch,
		.epoch_is_commit = by_commit,
		.no_cache = args->no_cache,
		.inline_cache = w->cache.is_inline ||
	                        mb_streq(mb_kv_find(&w->build_args, "BUILDKIT_INLINE_CACHE"), "1"),
		.give = w->cache.give,
		.pull = args->pull,
		.host_network = args->allow.n || mb_streq(args->network, "host"),
	};
}

int mb_cmd_build_work_prepare(struct mb_cmd_build_work *w, const char *where, struct mb_err *err)
{
	const char *keep = NULL;
	int r = read_flags(w, err);

	keep = mb_kv_find(&w->build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR");
	w->input.keeps_git = mb_streq(keep, "1");
	if (r == 0)
		r = mb_cmd_build_input_read(w->cx, where, w->args->file, &w->input, err);
	if (r == 0)
		fill_request(w);
	return r;
}
