/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/verbs.h"
#include "store/store.h"

/* One word for each file's `const struct mb_cli_verb mb_cmd_WORD`, in the order of mybox(1). */
// clang-format off
#define MB_CMD_VERBS(X) \
	X(run) X(exec) X(ps) X(create) X(start) X(stop) X(restart) X(kill) X(rm) X(logs) \
	X(attach) X(inspect) X(wait) X(stats) X(watch) X(top) X(port) X(rename) X(pause) X(unpause) X(update) \
	X(cp) X(pipe) X(diff) X(commit) X(export) X(container_inspect) X(container_exists) X(container_history) X(container_prune) \
	X(build) X(builder_du) X(builder_prune) X(buildx_version) X(pull) X(push) X(search) X(login) X(logout) X(images) X(rmi) X(tag) X(untag) X(load) X(save) X(import) X(image_inspect) X(image_exists) \
	X(history) X(image_mount) X(image_unmount) X(image_tree) X(image_prune) \
	X(manifest_inspect) X(manifest_create) X(manifest_add) X(manifest_annotate) X(manifest_push) \
	X(manifest_rm) \
	X(network_create) X(network_ls) X(network_inspect) X(network_rm) X(network_connect) \
	X(network_disconnect) X(network_exists) X(network_prune) \
	X(network_endpoint_add) X(network_endpoint_ls) X(network_endpoint_rm) \
	X(network_policy_add) X(network_policy_ls) X(network_policy_rm) \
	X(network_policy_default) X(network_policy_test) X(network_flows) X(network_check) \
	X(network_reload) X(network_top) X(network_graph) X(network_join) X(network_leave) \
	X(volume_create) X(volume_ls) X(volume_inspect) X(volume_rm) X(volume_exists) X(volume_prune) \
	X(volume_export) X(volume_import) X(volume_clone) \
	X(secret_create) X(secret_ls) X(secret_inspect) X(secret_rm) X(secret_exists) \
	X(generate_kube) X(generate_systemd) \
	X(context_ls) X(context_show) X(context_inspect) \
	X(version) X(info) X(events) X(system_boot) X(healthcheck_run) X(system_check) X(system_df) X(system_prune) X(help) X(completion) \
	X(complete_hidden) X(introspect_hidden) X(man_hidden) X(lint_hidden) \
	X(cleanup_hidden) X(restart_hidden) X(health_hidden) X(exec_hidden) X(pack_hidden) X(mend_hidden) X(lease_hidden) X(far_hidden) \
	X(generator_hidden) X(lead_hidden)
// clang-format on

#define DECLARE(name) extern const struct mb_cli_verb mb_cmd_##name;
MB_CMD_VERBS(DECLARE)

#define ENTRY(name) &mb_cmd_##name,
static const struct mb_cli_verb *const verbs[] = {MB_CMD_VERBS(ENTRY) NULL};

static const struct mb_cli_parent parents[] = {
	{"container", "manage containers"},
	{"image", "manage images"},
	{"network", "manage networks"},
	{"network endpoint", "names for what is outside"},
	{"volume", "manage volumes"},
	{"secret", "manage secrets"},
	{"healthcheck", "see whether containers are well"},
	{"network policy", "rules about who may reach whom"},
	{"manifest", "images for several platforms under one name"},
	{"system", "manage mybox"},
	{"generate", "write files for other programs"},
	{"kube", "podman's other name for generate", .hidden = true},
	{"builder", "manage builds"},
	{"context", "docker's word for where it works", .hidden = true},
	{"buildx", "docker's other name for builder", .hidden = true},
	{NULL},
};

static const char *const log_levels[] = {"debug", "info", "warn", "error", "fatal", NULL};

static const struct mb_cli_opt globals[] = {
	MB_OPT_STRING(0, "root", "directory", struct mb_cmd_globals, root,
                      "where images, containers and volumes are kept", .def = MB_STORE_ROOT,
                      .complete = MB_COMP_DIRECTORY),
	MB_OPT_STRING(0, "runroot", "directory", struct mb_cmd_globals, run,
                      "where the state of this boot is kept", .def = MB_STORE_RUN,
                      .complete = MB_COMP_DIRECTORY),
	MB_OPT_STRING(0, "config", "directory", struct mb_cmd_globals, config,
                      "where client settings are kept", .complete = MB_COMP_DIRECTORY),
	MB_OPT_SWITCH('D', "debug", struct mb_cmd_globals, debug, "tell what happens on stderr"),
	MB_OPT_CHOICE('l', "log-level", NULL, struct mb_cmd_globals, log_level, log_levels,
                      "how much to tell on stderr", .def = "info"),
	MB_OPT_SWITCH('v', "version", struct mb_cmd_globals, version, "print the version"),
	MB_OPT_STRING('H', "host", "ssh://HOST", struct mb_cmd_globals, host,
                      "run it on another host, over ssh"),
	MB_OPT_STRING('c', "context", NULL, struct mb_cmd_globals, context, "only 'default'",
                      .hidden = true),
	MB_OPT_REFUSED(0, "tls", false, "mybox has no daemon to talk to"),
	MB_OPT_REFUSED(0, "tlsverify", false, "mybox has no daemon to talk to"),
	MB_OPT_IGNORED(0, "tlscacert", true, NULL),
	MB_OPT_IGNORED(0, "tlscert", true, NULL),
	MB_OPT_IGNORED(0, "tlskey", true, NULL),
	MB_OPT_END,
};

const struct mb_cli_program *mb_cmd_program(void)
{
	static const struct mb_cli_program program = {
		.name = "mybox",
		.summary = "containers without a daemon",
		.verbs = verbs,
		.parents = parents,
		.globals = globals,
		.globals_size = sizeof(struct mb_cmd_globals),
	};

	return &program;
}
