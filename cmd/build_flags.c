/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_flags.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/build_output.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

static const char *const progress_names[] = {
	[MB_CMD_BUILD_AS_AUTO] = "auto",   [MB_CMD_BUILD_AS_PLAIN] = "plain",
	[MB_CMD_BUILD_AS_TTY] = "tty",     [MB_CMD_BUILD_AS_QUIET] = "quiet",
	[MB_CMD_BUILD_AS_RAW] = "rawjson", NULL,
};

void mb_cmd_build_fill_args(struct mb_cmd_context *cx, const struct mb_strv *from, struct mb_kv *to)
{
	MB_STRV_FOREACH (arg, from) {
		const char *value = strchr(arg, '=') ? NULL : mb_cmd_user_env(cx, arg);

		if (strchr(arg, '='))
			mb_kv_set_pair(to, arg);
		else if (value)
			mb_kv_set(to, arg, value);
	}
}

int mb_cmd_build_find_epoch(struct mb_cmd_context *cx, const struct mb_kv *args, int64_t *ret,
                            bool *ret_is_said, struct mb_err *err)
{
	const char *text = mb_kv_find(args, "SOURCE_DATE_EPOCH");
	int64_t seconds;

	if (!text)
		text = mb_cmd_user_env(cx, "SOURCE_DATE_EPOCH");
	*ret = -1;
	*ret_is_said = text != NULL;
	if (!text || !*text)
		return 0;
	if (mb_parse_i64(text, &seconds) < 0 || seconds < 0 || seconds > INT64_MAX / 2000000000)
		return mb_fail(err, EINVAL, "SOURCE_DATE_EPOCH: '%s' is no number of seconds",
		               text);
	*ret = seconds * 1000000000;
	return 0;
}

int mb_cmd_build_annotation_add(const char *text, struct mb_kv *annotations, struct mb_err *err)
{
	const char *equals = strchr(text, '='), *colon = strchr(text, ':');
	const char *pair = text;

	if (colon && equals && colon < equals && strncmp(text, "manifest", 8) == 0 &&
	    text + 8 == colon)
		pair = colon + 1;
	else if (mb_starts_with(text, "index") || mb_starts_with(text, "manifest-descriptor"))
		return mb_fail(err, EOPNOTSUPP,
		               "--annotation %s: an image here has a manifest alone", text);
	if (!equals || pair == equals)
		return mb_fail(err, EINVAL,
		               "--annotation %s: invalid annotation, expected key=value", text);
	mb_kv_set_pair(annotations, pair);
	return 0;
}

const struct mb_cli_opt mb_cmd_build_opts[] = {
	MB_OPT_LIST(0, "add-host", NULL, struct mb_cmd_build_args, add_hosts,
                    "a line of /etc/hosts for RUN: name:address"),
	MB_OPT_LIST(0, "allow", NULL, struct mb_cmd_build_args, allow,
                    "more that RUN may ask for: network.host"),
	MB_OPT_LIST(0, "annotation", NULL, struct mb_cmd_build_args, annotations,
                    "set an annotation of the manifest that is sent or saved"),
	MB_OPT_LIST(0, "attest", NULL, struct mb_cmd_build_args, attest,
                    "type=...,disabled=true: there are none anyway", .hidden = true),
	MB_OPT_LIST(0, "build-arg", NULL, struct mb_cmd_build_args, args, "set an ARG: NAME=value"),
	MB_OPT_LIST(0, "build-context", NULL, struct mb_cmd_build_args, contexts,
                    "a name for FROM and --from: name=DIR or an image"),
	MB_OPT_IGNORED(0, "builder", true, NULL),
	MB_OPT_LIST(0, "cache-from", NULL, struct mb_cmd_build_args, cache_from,
                    "use steps of an image, or of type=local,src=DIR"),
	MB_OPT_LIST(0, "cache-to", NULL, struct mb_cmd_build_args, cache_to,
                    "give steps: type=inline, an image, or type=local,dest=DIR"),
	MB_OPT_STRING(0, "call", NULL, struct mb_cmd_build_args, call, "build, or check",
                      .hidden = true),
	MB_OPT_STRING(0, "cgroup-parent", NULL, struct mb_cmd_build_args, cgroup_parent,
                      "control group above those of RUN"),
	MB_OPT_SWITCH(0, "check", struct mb_cmd_build_args, check,
                      "look at the Dockerfile alone, and build nothing"),
	MB_OPT_IGNORED(0, "compress", false, NULL),
	MB_OPT_I64(0, "cpu-period", NULL, struct mb_cmd_build_args, cpu_period,
                   "limit of RUN by the CPU CFS period, microseconds"),
	MB_OPT_I64(0, "cpu-quota", NULL, struct mb_cmd_build_args, cpu_quota,
                   "limit of RUN by the CPU CFS quota, microseconds"),
	MB_OPT_I64('c', "cpu-shares", NULL, struct mb_cmd_build_args, cpu_shares,
                   "CPU shares of RUN (relative weight)"),
	MB_OPT_STRING(0, "cpuset-cpus", NULL, struct mb_cmd_build_args, cpuset_cpus,
                      "processors that RUN may use (0-3, 0,1)"),
	MB_OPT_STRING(0, "cpuset-mems", NULL, struct mb_cmd_build_args, cpuset_mems,
                      "memory nodes that RUN may use (0-3, 0,1)"),
	MB_OPT_STRING('f', "file", NULL, struct mb_cmd_build_args, file,
                      "the Dockerfile, or - for stdin (default PATH/Dockerfile)",
                      .complete = MB_COMP_FILE),
	MB_OPT_IGNORED(0, "force-rm", false, NULL),
	MB_OPT_STRING(0, "iidfile", "file", struct mb_cmd_build_args, iidfile,
                      "write the id of the image to this file", .complete = MB_COMP_FILE),
	MB_OPT_STRING(0, "isolation", NULL, struct mb_cmd_build_args, isolation,
                      "default: there is one kind", .hidden = true),
	MB_OPT_LIST(0, "label", NULL, struct mb_cmd_build_args, labels, "set a label of the image"),
	MB_OPT_SWITCH(0, "load", struct mb_cmd_build_args, load,
                      "make an image here besides other outputs"),
	MB_OPT_SIZE('m', "memory", NULL, struct mb_cmd_build_args, memory, "memory limit of RUN"),
	MB_OPT_SIZE(0, "memory-swap", NULL, struct mb_cmd_build_args, memory_swap,
                    "memory plus swap of RUN; -1 is unlimited swap", .minus_one = true),
	MB_OPT_STRING(0, "metadata-file", "file", struct mb_cmd_build_args, metadata,
                      "write what became of it to this file", .complete = MB_COMP_FILE),
	MB_OPT_STRING(0, "network", NULL, struct mb_cmd_build_args, network,
                      "network of RUN: default, none, host or a name", .complete = MB_COMP_NETWORK),
	MB_OPT_SWITCH(0, "no-cache", struct mb_cmd_build_args, no_cache, "do every step again"),
	MB_OPT_LIST(0, "no-cache-filter", NULL, struct mb_cmd_build_args, no_cache_for,
                    "do every step of this stage again"),
	MB_OPT_LIST('o', "output", NULL, struct mb_cmd_build_args, outputs,
                    "where it goes: a directory, or type=tar,dest=FILE"),
	MB_OPT_STRING(0, "platform", NULL, struct mb_cmd_build_args, platform,
                      "what the image is made for: linux/amd64"),
	MB_OPT_CHOICE(0, "progress", NULL, struct mb_cmd_build_args, progress, progress_names,
                      "what to show of it", .def = "auto"),
	MB_OPT_STRING(0, "provenance", NULL, struct mb_cmd_build_args, provenance,
                      "false: there is none anyway", .bare = "true", .hidden = true),
	MB_OPT_SWITCH(0, "pull", struct mb_cmd_build_args, pull, "look for newer base images",
                      .aliases = "pull-always"),
	MB_OPT_SWITCH(0, "push", struct mb_cmd_build_args, push,
                      "send the image to the registries of its names"),
	MB_OPT_SWITCH('q', "quiet", struct mb_cmd_build_args, quiet, "print the id alone"),
	MB_OPT_IGNORED(0, "rewrite-timestamp", false, NULL),
	MB_OPT_IGNORED(0, "rm", false, NULL),
	MB_OPT_STRING(0, "sbom", NULL, struct mb_cmd_build_args, sbom,
                      "false: there is none anyway", .bare = "true", .hidden = true),
	MB_OPT_LIST(0, "secret", NULL, struct mb_cmd_build_args, secrets,
                    "give RUN a secret: id=a,src=FILE or id=a,env=NAME"),
	MB_OPT_REFUSED(0, "security-opt", true, "RUN has the rights of run without options"),
	MB_OPT_SIZE(0, "shm-size", NULL, struct mb_cmd_build_args, shm_size,
                    "size of /dev/shm in RUN"),
	MB_OPT_REFUSED(0, "squash", false, "use COPY --from in a stage FROM scratch"),
	MB_OPT_LIST(0, "ssh", NULL, struct mb_cmd_build_args, ssh,
                    "give RUN an ssh agent: default, id=SOCKET or id=KEY"),
	MB_OPT_LIST('t', "tag", NULL, struct mb_cmd_build_args, names, "name of the image"),
	MB_OPT_STRING(0, "target", NULL, struct mb_cmd_build_args, target, "build this stage"),
	MB_OPT_STRING(0, "timestamp", "seconds", struct mb_cmd_build_args, timestamp,
                      "no time in the image is later, as SOURCE_DATE_EPOCH"),
	MB_OPT_LIST(0, "ulimit", NULL, struct mb_cmd_build_args, ulimits,
                    "limit of RUN: name=soft:hard"),
	MB_OPT_END,
};
