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
	[CTRL_CPU] = "cpu",       [CTRL_CPUACCT] = "cpuacct", [CTRL_CPUSET] = "cpuset",
	[CTRL_MEMORY] = "memory", [CTRL_DEVICES] = "devices", [CTRL_PIDS] = "pids",
	[CTRL_IO] = "blkio",      [CTRL_FREEZER] = "freezer", [CTRL_HUGETLB] = "hugetlb",
};

const char *mb_sys_cgroup_ctrl_name(enum mb_sys_cgroup_ctrl c, bool v2)
{
	return v2 && c == CTRL_IO ? "io" : ctrl_names[c];
}

static unsigned ctrl_bit(const char *name)
{
	for (unsigned c = 0; c < CTRL_N_; c++)
		if (mb_streq(name, ctrl_names[c]))
			return CTRL_BIT(c);
	return mb_streq(name, "io") ? CTRL_BIT(CTRL_IO) : 0;
}

static unsigned ctrl_bits(const char *list, char separator)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	unsigned bits = 0;

	mb_strv_split(&names, list, separator);
	MB_STRV_FOREACH (name, &names)
		bits |= ctrl_bit(name);
	return bits;
}

/* --- mountinfo --- */

/* Undo the \ooo of mountinfo in place. */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* The words of a line of mountinfo that matter (proc_pid_mountinfo(5)). */
struct mount_line {
	char *root, *mount_point, *options, *type, *super_options;
};

static bool mount_line_parse(char *line, struct mount_line *ret)
{
	char *words[6], *save = NULL, *word;
	size_t n = 0;

	for (word = strtok_r(line, " ", &save); word && n < 6; word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	while (word && strcmp(word, "-") != 0)
		word = strtok_r(NULL, " ", &save);
	if (n < 6 || !word)
		return false;
	ret->root = words[3];
	ret->mount_point = words[4];
	ret->options = words[5];
	ret->type = strtok_r(NULL, " ", &save);
	(void)strtok_r(NULL, " ", &save); /* the source */
	ret->super_options = strtok_r(NULL, " ", &save);
	if (!ret->type || !ret->super_options)
		return false;
	unescape(ret->mount_point);
	return true;
}

/* "rw,xattr,cpu,cpuacct" to "cpu,cpuacct"; a named hierarchy gives "name=systemd". */
static char *controllers_of(const char *super_options)
{
	static const char *const others[] = {
		"rw",     "ro",       "xattr",          "noprefix",
		"all",    "relatime", "clone_children", "cpuset_v2_mode",
		"noxattr"};
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

	mb_strv_split(&words, super_options, ',');
	for (size_t i = 0; i < MB_N(others); i++)
		mb_strv_remove(&words, others[i]);
	for (size_t i = 0; i < words.n;) {
		const char *w = words.v[i];

		if (strchr(w, '=') && !mb_starts_with(w, "name="))
			mb_strv_remove(&words, w);
		else if (mb_starts_with(w, "favordynmods") || mb_starts_with(w, "nofavor"))
			mb_strv_remove(&words, w);
		else
			i++;
	}
	return mb_strv_join(&words, ",");
}

/* Of several mounts of one hierarchy take the writable one, then the one at the usual place,
 * then the one that shows most of it. */
static int mount_score(const struct mount_line *m)
{
	size_t depth = strlen(m->root);
	int score = depth < 1000 ? 1000 - (int)depth : 0;

	if (mb_starts_with(m->mount_point, "/sys/fs/cgroup"))
		score += 2000;
	if (mb_starts_with(m->options, "rw"))
		score += 4000;
	return score;
}

static void tree_done(struct tree *t)
{
	free(t->mount_point);
	free(t->controllers);
	free(t->own_path);
	mb_close(&t->root_fd);
}

static void tree_add(struct mb_sys_cgroup_host *h, const struct mount_line *m)
{
	bool v2 = !strcmp(m->type, "cgroup2");
	struct tree t = {.root_fd = -1, .score = mount_score(m), .pub.is_v2 = v2};
	size_t i;

	if (!v2 && strcmp(m->type, "cgroup") != 0)
		return;
	t.controllers = v2 ? mb_strdup("") : controllers_of(m->super_options);
	t.mount_point = mb_strdup(m->mount_point);
	t.ctrls = v2 ? 0 : ctrl_bits(t.controllers, ',');
	for (i = 0; i < h->n; i++)
		if (h->trees[i].pub.is_v2 == v2 && mb_streq(h->trees[i].controllers, t.controllers))
			break;
	if (i == TREES_MAX || (i < h->n && h->trees[i].score > t.score)) {
		tree_done(&t);
		return;
	}
	if (i < h->n)
		tree_done(&h->trees[i]);
	else
		h->n++;
	h->trees[i] = t;
}

static void mountinfo_parse(struct mb_sys_cgroup_host *h, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct mount_line m;

		/* Most lines are of other file systems: do not take them apart. */
		if (strstr(line, " - cgroup") && mount_line_parse(line, &m))
			tree_add(h, &m);
	}
}

/* --- /proc/self/cgroup --- */

static struct tree *tree_by_controllers(struct mb_sys_cgroup_host *h, const char *list)
{
	unsigned bits = ctrl_bits(list, ',');

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
	h->trees[h->v2].ctrls = ctrl_bits(text, ' ');
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

void mb_sys_cgroup_host_free(struct mb_sys_cgroup_host *host)
{
	if (!host)
		return;
	for (size_t i = 0; i < host->n; i++)
		tree_done(&host->trees[i]);
	free(host);
}

static int host_from_texts(char *mountinfo, char *self_cgroup, bool is_fake,
                           struct mb_sys_cgroup_host **ret, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free)
	struct mb_sys_cgroup_host *h = mb_calloc(1, sizeof(*h));
	int r;

	h->is_fake = is_fake;
	mountinfo_parse(h, mountinfo);
	self_cgroup_parse(h, self_cgroup);
	r = host_finish(h, err);
	if (r < 0)
		return r;
	*ret = mb_take_ptr(&h);
	return 0;
}

int mb_sys_cgroup_host_fake(const char *mountinfo, const char *self_cgroup,
                            struct mb_sys_cgroup_host **ret, struct mb_err *err)
{
	MB_AUTO_FREE char *m = mb_strdup(mountinfo);
	MB_AUTO_FREE char *s = mb_strdup(self_cgroup);

	return host_from_texts(m, s, true, ret, err);
}

int mb_sys_cgroup_host_open(struct mb_sys_cgroup_host **ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str mounts = MB_STR_INIT, self = MB_STR_INIT;
	int r = mb_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &mounts, err);

	if (r < 0)
		return r;
	r = mb_read_file(AT_FDCWD, "/proc/self/cgroup", SELF_CGROUP_MAX, &self, err);
	if (r < 0)
		return r;
	mb_str_reserve(&mounts, 1);
	mb_str_reserve(&self, 1);
	return host_from_texts(mounts.buf, self.buf, false, ret, err);
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
	unsigned bit = ctrl_bit(controller);

	for (unsigned c = 0; c < CTRL_N_; c++)
		if (bit == CTRL_BIT(c))
			return host->by_ctrl[c] >= 0;
	return false;
}

const struct mb_sys_cgroup_hierarchy *
mb_sys_cgroup_host_hierarchies(const struct mb_sys_cgroup_host *host, size_t *ret_n)
{
	*ret_n = host->n;
	return host->pub;
}
