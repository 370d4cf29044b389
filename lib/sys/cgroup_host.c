/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

enum { MOUNTINFO_MAX = 64 * 1024 * 1024, SELF_CGROUP_MAX = 1024 * 1024 };

static const char *const ctrl_names[CTRL_N_] = {
	[CTRL_CPU] = "cpu",           [CTRL_CPUACCT] = "cpuacct", [CTRL_CPUSET] = "cpuset",
	[CTRL_MEMORY] = "memory",     [CTRL_DEVICES] = "devices", [CTRL_PIDS] = "pids",
	[CTRL_IO] = "blkio",          [CTRL_FREEZER] = "freezer", [CTRL_HUGETLB] = "hugetlb",
	[CTRL_RDMA] = "rdma",         [CTRL_MISC] = "misc",       [CTRL_NET_CLS] = "net_cls",
	[CTRL_NET_PRIO] = "net_prio",
};

const char *mb_sys_cgroup_ctrl_name(enum mb_sys_cgroup_ctrl c, bool v2)
{
	return v2 && c == CTRL_IO ? "io" : ctrl_names[c];
}

unsigned mb_sys_cgroup_ctrl_bit(const char *name)
{
	for (unsigned c = 0; c < CTRL_N_; c++)
		if (mb_streq(name, ctrl_names[c]))
			return CTRL_BIT(c);
	return mb_streq(name, "io") ? CTRL_BIT(CTRL_IO) : 0;
}

unsigned mb_sys_cgroup_ctrl_bits(const char *list, char separator)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	unsigned bits = 0;

	mb_strv_split(&names, list, separator);
	MB_STRV_FOREACH (name, &names)
		bits |= mb_sys_cgroup_ctrl_bit(name);
	return bits;
}

/* --- /proc/self/cgroup --- */

static struct tree *tree_by_controllers(struct mb_sys_cgroup_host *h, const char *list)
{
	unsigned bits = mb_sys_cgroup_ctrl_bits(list, ',');

	for (size_t i = 0; i < h->n; i++) {
		struct tree *t = &h->trees[i];

		if (!*list ? t->pub.is_v2
		           : !t->pub.is_v2 &&
		                     (mb_streq(t->controllers, list) || (bits && t->ctrls == bits)))
			return t;
	}
	return NULL;
}

static void self_cgroup_parse(struct mb_sys_cgroup_host *h, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':');
		char *path = list ? strchr(list + 1, ':') : NULL;
		struct tree *t;

		if (!path)
			continue;
		*path++ = '\0';
		t = tree_by_controllers(h, list + 1);
		if (t)
			mb_strset(&t->own_path, path);
	}
}

/* --- the host --- */

void mb_sys_cgroup_tree_done(struct tree *t)
{
	free(t->mount_point);
	free(t->controllers);
	free(t->own_path);
	mb_close(&t->root_fd);
}

static int tree_open(const struct mb_sys_cgroup_host *h, struct tree *t, struct mb_err *err)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = open(t->mount_point, flags);
	struct statfs st;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", t->mount_point);
	if (fstatfs(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat '%s'", t->mount_point);
	if (!h->is_fake && st.f_type != (t->pub.is_v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC))
		return mb_fail(err, ENOENT, "another file system hides the cgroups at '%s'",
		               t->mount_point);
	t->root_fd = mb_take_fd(&fd);
	return 0;
}

int mb_sys_cgroup_tree_root(struct mb_sys_cgroup_host *host, int t, int *ret_fd, struct mb_err *err)
{
	if (host->trees[t].root_fd < 0) {
		int r = tree_open(host, &host->trees[t], err);

		if (r < 0)
			return r;
	}
	*ret_fd = host->trees[t].root_fd;
	return 0;
}

static int v2_read_controllers(struct mb_sys_cgroup_host *h, struct mb_err *err)
{
	char text[ATTR_TEXT];
	int root, r;

	if (h->v2 < 0)
		return 0;
	r = mb_sys_cgroup_tree_root(h, h->v2, &root, err);
	if (r < 0)
		return r;
	r = mb_read_kernel_file(root, "cgroup.controllers", text, sizeof(text));
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read 'cgroup.controllers' in '%s'",
		                   h->trees[h->v2].mount_point);
	h->trees[h->v2].ctrls = mb_sys_cgroup_ctrl_bits(text, ' ');
	return 0;
}

/* Which tree each controller is used in: the one that has it.  In version 2 devices are a
 * program, freezing and the processor's accounts belong to every cgroup. */
static void controllers_assign(struct mb_sys_cgroup_host *h)
{
	const unsigned in_core = CTRL_BIT(CTRL_DEVICES) | CTRL_BIT(CTRL_FREEZER);

	for (unsigned c = 0; c < CTRL_N_; c++) {
		h->by_ctrl[c] = -1;
		for (size_t i = 0; i < h->n; i++)
			if (h->trees[i].ctrls & CTRL_BIT(c))
				h->by_ctrl[c] = (int)i;
		if (h->by_ctrl[c] < 0 && (in_core & CTRL_BIT(c)))
			h->by_ctrl[c] = h->v2;
	}
	h->core = h->v2;
	if (h->core < 0)
		h->core = h->by_ctrl[CTRL_FREEZER];
	for (size_t i = 0; i < h->n && h->core < 0; i++)
		if (h->trees[i].ctrls)
			h->core = (int)i;
}

static int host_finish(struct mb_sys_cgroup_host *h, struct mb_err *err)
{
	int r;

	h->v2 = -1;
	for (size_t i = 0; i < h->n; i++)
		if (h->trees[i].pub.is_v2)
			h->v2 = (int)i;
	r = v2_read_controllers(h, err);
	if (r < 0)
		return r;
	controllers_assign(h);
	if (h->core < 0)
		return mb_fail(
			err, ENOENT,
			"no control groups are mounted (wanted cgroup2 at '/sys/fs/cgroup')");
	for (size_t i = 0; i < h->n; i++) {
		struct tree *t = &h->trees[i];

		if (!t->own_path)
			t->own_path = mb_strdup("/");
		t->pub.mount_point = t->mount_point;
		t->pub.controllers = t->controllers;
		t->pub.own_path = t->own_path;
		h->pub[i] = t->pub;
	}
	return 0;
}

/* The one that is open, for a command often needs it in several places at once. */
static struct mb_sys_cgroup_host *shared;

void mb_sys_cgroup_host_free(struct mb_sys_cgroup_host *host)
{
	if (!host)
		return;
	if (host == shared) {
		if (--host->users)
			return;
		shared = NULL;
	}
	for (size_t i = 0; i < host->n; i++)
		mb_sys_cgroup_tree_done(&host->trees[i]);
	free(host);
}

int mb_sys_cgroup_host_fake(const char *mountinfo, const char *self_cgroup,
                            struct mb_sys_cgroup_host **ret, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free)
	struct mb_sys_cgroup_host *h = mb_calloc(1, sizeof(*h));
	MB_AUTO_FREE char *m = mb_strdup(mountinfo);
	MB_AUTO_FREE char *s = mb_strdup(self_cgroup);
	int r;

	h->is_fake = true;
	mb_sys_cgroup_mountinfo_parse(h, m);
	self_cgroup_parse(h, s);
	r = host_finish(h, err);
	if (r < 0)
		return r;
	*ret = mb_take_ptr(&h);
	return 0;
}

int mb_sys_cgroup_host_open(struct mb_sys_cgroup_host **ret, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free)
	struct mb_sys_cgroup_host *h = NULL;
	int r = 0;

	if (shared) {
		shared->users++;
		*ret = shared;
		return 0;
	}
	h = mb_calloc(1, sizeof(*h));
	if (!mb_sys_cgroup_probe(h)) {
		MB_AUTO_STR struct mb_str mounts = MB_STR_INIT;

		r = mb_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &mounts, err);
		if (r < 0)
			return r;
		mb_str_reserve(&mounts, 1);
		mb_sys_cgroup_mountinfo_parse(h, mounts.buf);
	}
	r = host_finish(h, err);
	if (r < 0)
		return r;
	h->users = 1;
	shared = h;
	*ret = mb_take_ptr(&h);
	return 0;
}

void mb_sys_cgroup_own_paths(struct mb_sys_cgroup_host *host)
{
	MB_AUTO_STR struct mb_str self = MB_STR_INIT;

	if (host->knows_own)
		return;
	host->knows_own = true;
	if (!host->is_fake &&
	    mb_read_file(AT_FDCWD, "/proc/self/cgroup", SELF_CGROUP_MAX, &self, NULL) == 0) {
		mb_str_reserve(&self, 1);
		self_cgroup_parse(host, self.buf);
	}
	for (size_t i = 0; i < host->n; i++) {
		struct tree *t = &host->trees[i];

		if (!t->own_path)
			t->own_path = mb_strdup("/");
		t->pub.mount_point = t->mount_point;
		t->pub.controllers = t->controllers;
		t->pub.own_path = t->own_path;
		host->pub[i] = t->pub;
	}
}

enum mb_sys_cgroup_version mb_sys_cgroup_host_version(const struct mb_sys_cgroup_host *host)
{
	if (host->v2 < 0)
		return MB_SYS_CGROUP_V1;
	for (size_t i = 0; i < host->n; i++)
		if (!host->trees[i].pub.is_v2 && host->trees[i].ctrls)
			return MB_SYS_CGROUP_HYBRID;
	return MB_SYS_CGROUP_V2;
}

bool mb_sys_cgroup_host_has(const struct mb_sys_cgroup_host *host, const char *controller)
{
	unsigned bit = mb_sys_cgroup_ctrl_bit(controller);

	for (unsigned c = 0; c < CTRL_N_; c++)
		if (bit == CTRL_BIT(c))
			return host->by_ctrl[c] >= 0;
	return false;
}

const struct mb_sys_cgroup_hierarchy *
mb_sys_cgroup_host_hierarchies(struct mb_sys_cgroup_host *host, size_t *ret_n)
{
	mb_sys_cgroup_own_paths(host);
	*ret_n = host->n;
	return host->pub;
}
