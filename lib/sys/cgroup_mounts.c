/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which hierarchies there are: at the usual places, or else as mountinfo tells.  The kernel takes
 * 100 to 300 us to write mountinfo for a new process, a look at the usual places takes 50. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

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

static bool is_controller(const char *option)
{
	static const char *const others[] = {"rw",
	                                     "ro",
	                                     "all",
	                                     "relatime",
	                                     "xattr",
	                                     "noxattr",
	                                     "noprefix",
	                                     "none",
	                                     "clone_children",
	                                     "cpuset_v2_mode",
	                                     "favordynmods",
	                                     "nofavordynmods"};

	if (mb_starts_with(option, "name="))
		return true;
	for (size_t i = 0; i < MB_N(others); i++)
		if (!strcmp(option, others[i]))
			return false;
	return !strchr(option, '=');
}

/* "rw,xattr,cpu,cpuacct" to "cpu,cpuacct"; a named hierarchy gives "name=systemd". */
static char *controllers_of(const char *super_options)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT, kept = MB_STRV_INIT;

	mb_strv_split(&words, super_options, ',');
	MB_STRV_FOREACH (word, &words)
		if (is_controller(word))
			mb_strv_add(&kept, word);
	return mb_strv_join(&kept, ",");
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

static void tree_add(struct mb_sys_cgroup_host *h, const struct mount_line *m)
{
	bool v2 = !strcmp(m->type, "cgroup2");
	struct tree t = {.root_fd = -1, .score = mount_score(m), .pub.is_v2 = v2};
	size_t i;

	if (!v2 && strcmp(m->type, "cgroup") != 0)
		return;
	t.controllers = v2 ? mb_strdup("") : controllers_of(m->super_options);
	t.mount_point = mb_strdup(m->mount_point);
	t.ctrls = v2 ? 0 : mb_sys_cgroup_ctrl_bits(t.controllers, ',');
	for (i = 0; i < h->n; i++)
		if (h->trees[i].pub.is_v2 == v2 && mb_streq(h->trees[i].controllers, t.controllers))
			break;
	if (i == TREES_MAX || (i < h->n && h->trees[i].score > t.score)) {
		mb_sys_cgroup_tree_done(&t);
		return;
	}
	if (i < h->n)
		mb_sys_cgroup_tree_done(&h->trees[i]);
	else
		h->n++;
	h->trees[i] = t;
}

void mb_sys_cgroup_mountinfo_parse(struct mb_sys_cgroup_host *h, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct mount_line m;

		/* Most lines are of other file systems: do not take them apart. */
		if (strstr(line, " - cgroup") && mount_line_parse(line, &m))
			tree_add(h, &m);
	}
}

/* --- the usual places --- */

/* The name of a directory in /sys/fs/cgroup as the controllers of a hierarchy; NULL where it is
 * not one of the names that everybody uses. */
static char *controllers_of_name(const char *name)
{
	static const char *const known[] = {"cpu",     "cpuacct", "cpuset",   "memory",
	                                    "devices", "pids",    "blkio",    "freezer",
	                                    "hugetlb", "net_cls", "net_prio", "perf_event",
	                                    "rdma",    "misc",    "dmem",     "debug"};
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

	if (!strcmp(name, "unified"))
		return mb_strdup("");
	if (!strcmp(name, "systemd") || !strcmp(name, "elogind") || !strcmp(name, "openrc"))
		return mb_asprintf("name=%s", name);
	mb_strv_split(&words, name, ',');
	MB_STRV_FOREACH (word, &words) {
		bool found = false;

		for (size_t i = 0; i < MB_N(known); i++)
			found |= !strcmp(word, known[i]);
		if (!found)
			return NULL;
	}
	return mb_strdup(name);
}

static bool probe_one(struct mb_sys_cgroup_host *h, int dir, const char *name)
{
	struct tree *t = &h->trees[h->n];
	struct statfs st;

	if (h->n == TREES_MAX)
		return false;
	*t = (struct tree){.root_fd = -1};
	t->controllers = controllers_of_name(name);
	if (!t->controllers)
		return false;
	h->n++;
	t->mount_point = mb_asprintf(CGROUP_ROOT "/%s", name);
	t->pub.is_v2 = !*t->controllers;
	t->ctrls = mb_sys_cgroup_ctrl_bits(t->controllers, ',');
	t->root_fd = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return t->root_fd >= 0 && fstatfs(t->root_fd, &st) == 0 &&
	       st.f_type == (t->pub.is_v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

static bool probe_each(struct mb_sys_cgroup_host *h, int root)
{
	DIR *dir = mb_dir_open(root, ".");
	bool good = dir != NULL;

	if (!dir)
		return false;
	for (struct dirent *e; good && (e = readdir(dir));) {
		/* "cpu" is often a link to "cpu,cpuacct". */
		if (e->d_name[0] != '.' && e->d_type != DT_LNK)
			good = e->d_type == DT_DIR && probe_one(h, dirfd(dir), e->d_name);
	}
	(void)closedir(dir);
	return good && h->n;
}

bool mb_sys_cgroup_probe(struct mb_sys_cgroup_host *h)
{
	MB_AUTO_CLOSE int root = open(CGROUP_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs st;

	if (root < 0 || fstatfs(root, &st) < 0)
		return false;
	if (st.f_type == CGROUP2_SUPER_MAGIC) {
		struct tree *t = &h->trees[h->n++];

		*t = (struct tree){.root_fd = mb_take_fd(&root), .pub.is_v2 = true};
		t->mount_point = mb_strdup(CGROUP_ROOT);
		t->controllers = mb_strdup("");
		return true;
	}
	if (st.f_type == TMPFS_MAGIC && probe_each(h, root))
		return true;
	while (h->n)
		mb_sys_cgroup_tree_done(&h->trees[--h->n]);
	return false;
}
