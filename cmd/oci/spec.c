/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bundle's config.json to begin with. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "oci/spec.h"
#include "json/json.h"

/* A shell with little; people change it. */
static const char template[] =
	"{\"ociVersion\":\"" MB_OCI_SPEC_VERSION "\","
	"\"process\":{\"terminal\":true,\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],"
	"\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
	"\"TERM=xterm\"],\"cwd\":\"/\",\"capabilities\":{"
	"\"bounding\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"],"
	"\"effective\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"],"
	"\"permitted\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1024}],"
	"\"noNewPrivileges\":true},"
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"mybox\","
	"\"mounts\":["
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
	"\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
	"\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\","
	"\"gid=5\"]},"
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
	"{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"
	"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]}],"
	"\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
	"{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":\"cgroup\"}],"
	"\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
	"\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\","
	"\"/proc/sched_debug\",\"/sys/firmware\",\"/proc/scsi\"],"
	"\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
	"\"/proc/sysrq-trigger\"]}}";

struct spec_args {
	const char *bundle;
};

static int spec_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct spec_args *args = in->args;
	const char *bundle = args->bundle && *args->bundle ? args->bundle : ".";
	const int how = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int dir_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	int r;

	(void)cx;
	if (dir_fd < 0)
		return mb_fail_sys(err, errno, "bundle '%s'", bundle);
	fd = openat(dir_fd, "config.json", how, 0666);
	if (fd < 0 && errno == EEXIST)
		return mb_fail(err, EEXIST, "file config.json exists: remove it first");
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot make 'config.json'");
	r = mb_json_parse_object(template, sizeof(template) - 1, &o, err);
	if (r < 0)
		return r;
	mb_json_format(o, true, &text);
	mb_str_addc(&text, '\n');
	r = mb_write_full(fd, text.buf, text.len);
	return r < 0 ? mb_fail_sys(err, -r, "cannot write 'config.json'") : 0;
}

static const struct mb_cli_opt spec_opts[] = {
	MB_OPT_STRING('b', "bundle", "directory", struct spec_args, bundle,
                      "where to write it; else the working directory",
                      .complete = MB_COMP_DIRECTORY),
	MB_OPT_REFUSED(0, "rootless", false, "mybox-oci runs as root"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_oci_spec = {
	.paths = "spec",
	.summary = "write a config.json to begin with",
	.unprivileged = true,
	.opts = spec_opts,
	.args_size = sizeof(struct spec_args),
	.main = spec_main,
};
