/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limit: what a start (or an exec, -j) of a container costs on this kernel if nothing is done but
 * what the kernel demands: one process, no state, no log, no rules, no error handling but death.
 * With -i 1 it runs the command once, as `mybox run --rm` does; with more it times its phases. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "netlink.h"

enum { MAX_GROUPS = 8, FILTER_LENGTH = 90, UNIFIED = 20 };
#define GATEWAY htonl(0x0ac80001u) /* 10.200.0.1 */
enum phase { START, LAYERS, CLONED, NETWORK, MOUNTS, PIVOT, EXECUTE, ENDED, CLEANED, N_PHASES };

static const char *const phase_names[N_PHASES] = {
	"",      "directories", "clone3",          "network", "mounts",
	"pivot", "filter",      "program and end", "cleanup",
};
/* Those first that mybox joins; the processor's last, which refuses who runs in real time. */
static const char *const controllers[MAX_GROUPS] = {"memory",  "cpuacct", "freezer", "pids",
                                                    "devices", "blkio",   "cpuset",  "cpu"};

static struct {
	const char *root, *work, *bridge;
	int iterations, groups, join_pid;
	bool veth, host_net, filter, plain, quiet;
} opt = {.root = "rootfs", .work = "work", .bridge = "limbr0", .iterations = 1};

static struct {
	char upper[256], work[256], merged[256], group[MAX_GROUPS][256];
	int tasks[MAX_GROUPS], unified_fd;
	int me, route_sock, bridge_index, nth;
	char **argv;
	uint64_t *times; /* shared with the child */
} run;

static void die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	_exit(111);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void mark(enum phase phase)
{
	run.times[phase] = now();
}

static void mount_or_die(const char *source, const char *target, const char *type,
                         unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data) < 0)
		die(target);
}

/* --- in the container ------------------------------------------------------------------------- */

static void make_network(void)
{
	char name[16];
	int own, ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (ns < 0)
		die("network namespace");
	snprintf(name, sizeof(name), "lv%d_%d", run.me % 100000, run.nth);
	if (nl_veth(run.route_sock, name, run.bridge_index, ns) < 0)
		die("veth pair");
	close(ns);
	own = nl_open();
	if (nl_configure(own, htonl(0x0ac80000u | ((uint32_t)run.nth % 60000 + 10)), GATEWAY) < 0)
		die("addresses");
	close(own);
}

static void make_dev(void)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} devices[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
	               {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
	                                       {"/proc/self/fd/0", "dev/stdin"},
	                                       {"/proc/self/fd/1", "dev/stdout"},
	                                       {"/proc/self/fd/2", "dev/stderr"},
	                                       {"pts/ptmx", "dev/ptmx"}};
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	mount_or_die("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k");
	if (mkdir("dev/pts", 0755) < 0 || mkdir("dev/shm", 0755) < 0 ||
	    mkdir("dev/mqueue", 0755) < 0)
		die("directories of /dev");
	mount_or_die("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	             "newinstance,ptmxmode=0666,mode=620");
	mount_or_die("shm", "dev/shm", "tmpfs", safe, "mode=1777,size=65536k");
	mount_or_die("mqueue", "dev/mqueue", "mqueue", safe, NULL);
	umask(0);
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (mknod(devices[i].name, S_IFCHR | 0666,
		          makedev(devices[i].major, devices[i].minor)) < 0)
			die(devices[i].name);
	umask(022);
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			die(links[i][1]);
}

static void make_tree(void)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char data[800];

	mount_or_die(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (opt.plain) {
		snprintf(run.merged, sizeof(run.merged), "%s", opt.root);
		mount_or_die(opt.root, opt.root, NULL, MS_BIND | MS_REC, NULL);
	} else {
		snprintf(data, sizeof(data), "lowerdir=%s,upperdir=%s,workdir=%s", opt.root,
		         run.upper, run.work);
		mount_or_die("overlay", run.merged, "overlay", 0, data);
	}
	if (chdir(run.merged) < 0)
		die("chdir");
	mount_or_die("proc", "proc", "proc", safe, NULL);
	make_dev();
	if (mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, NULL) < 0)
		mount_or_die("/sys", "sys", NULL, MS_BIND | MS_REC, NULL);
}

/* As long as the default profile of docker, and as slow to take over. */
static void install_filter(void)
{
	struct sock_filter code[FILTER_LENGTH + 2];
	struct sock_fprog program = {.filter = code};
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (unsigned i = 0; i < FILTER_LENGTH; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5000 + i, 0, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		die("filter");
}

static void execute(void)
{
	static char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", NULL};

	execve(run.argv[0], run.argv, env);
	die(run.argv[0]);
}

static void be_child(void)
{
	/* By the child itself: the kernel need not stop a whole thread group then. */
	for (int i = 0; opt.groups != UNIFIED && i < opt.groups; i++)
		if (write(run.tasks[i], "0", 1) < 0)
			die("tasks");
	mark(CLONED);
	if (opt.veth)
		make_network();
	mark(NETWORK);
	make_tree();
	mark(MOUNTS);
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("pivot");
	sethostname("limit", 5);
	mark(PIVOT);
	if (opt.filter)
		install_filter();
	mark(EXECUTE);
	execute();
}

/* --- outside ---------------------------------------------------------------------------------- */

static void put(const char *directory, const char *file, const char *text)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void make_group(int i)
{
	char path[320];

	snprintf(run.group[i], sizeof(run.group[i]), "/sys/fs/cgroup/%s/lim%d.%d", controllers[i],
	         run.me, run.nth);
	if (mkdir(run.group[i], 0755) < 0)
		die(run.group[i]);
	if (strcmp(controllers[i], "cpuset") == 0) {
		put(run.group[i], "cpuset.cpus", "0-1");
		put(run.group[i], "cpuset.mems", "0");
	}
	snprintf(path, sizeof(path), "%s/tasks", run.group[i]);
	run.tasks[i] = open(path, O_WRONLY | O_CLOEXEC);
	if (run.tasks[i] < 0)
		die(path);
}

static void make_groups(void)
{
	const char *unified = "/sys/fs/cgroup/unified";

	run.unified_fd = -1;
	if (opt.groups != UNIFIED) {
		for (int i = 0; i < opt.groups; i++)
			make_group(i);
		return;
	}
	if (faccessat(AT_FDCWD, unified, F_OK, 0) < 0)
		unified = "/sys/fs/cgroup";
	snprintf(run.group[0], sizeof(run.group[0]), "%s/lim%d.%d", unified, run.me, run.nth);
	if (mkdir(run.group[0], 0755) < 0)
		die(run.group[0]);
	run.unified_fd = open(run.group[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void make_layers(void)
{
	if (opt.plain)
		return;
	snprintf(run.upper, sizeof(run.upper), "%s/u%d.%d", opt.work, run.me, run.nth);
	snprintf(run.work, sizeof(run.work), "%s/w%d.%d", opt.work, run.me, run.nth);
	snprintf(run.merged, sizeof(run.merged), "%s/m%d.%d", opt.work, run.me, run.nth);
	if (mkdir(run.upper, 0755) < 0 || mkdir(run.work, 0755) < 0 || mkdir(run.merged, 0755) < 0)
		die(opt.work);
}

static void clean(void)
{
	char inner[320];

	if (run.unified_fd >= 0)
		close(run.unified_fd);
	for (int i = 0; i < (opt.groups == UNIFIED ? 1 : opt.groups); i++)
		rmdir(run.group[i]);
	if (opt.plain)
		return;
	snprintf(inner, sizeof(inner), "%s/work", run.work);
	rmdir(inner);
	rmdir(run.work);
	rmdir(run.upper);
	rmdir(run.merged);
}

/* Return: the wait status of the program. */
static int run_once(void)
{
	struct clone_args how = {.exit_signal = SIGCHLD};
	int status;
	pid_t pid;

	mark(START);
	make_layers();
	make_groups();
	mark(LAYERS);
	how.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	if (!opt.host_net)
		how.flags |= CLONE_NEWNET;
	if (run.unified_fd >= 0) {
		how.flags |= CLONE_INTO_CGROUP;
		how.cgroup = (uint64_t)run.unified_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &how, sizeof(how));
	if (pid == 0)
		be_child();
	if (pid < 0)
		die("clone3");
	for (int i = 0; opt.groups != UNIFIED && i < opt.groups; i++)
		close(run.tasks[i]);
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	mark(ENDED);
	clean();
	mark(CLEANED);
	return status;
}

/* The floor of `exec`: join every namespace of a process at once, fork, run, wait. */
static int join_once(void)
{
	const int all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
	                CLONE_NEWNET;
	int status, pidfd = (int)syscall(SYS_pidfd_open, opt.join_pid, 0);
	pid_t pid;

	if (pidfd < 0 || setns(pidfd, all) < 0)
		die("setns");
	pid = fork();
	if (pid == 0) {
		if (opt.filter)
			install_filter();
		execute();
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork");
	return status;
}

/* --- figures ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double microseconds(uint64_t *values, size_t n, size_t which)
{
	qsort(values, n, sizeof(*values), compare);
	return (double)values[which] / 1e3;
}

static void measure(void)
{
	size_t n = (size_t)opt.iterations;
	uint64_t *spent[N_PHASES];

	for (int p = 0; p < N_PHASES; p++)
		spent[p] = calloc(n, sizeof(**spent));
	for (size_t i = 0; i < n; i++) {
		run.nth = (int)i;
		if (run_once() != 0)
			die("the program failed");
		for (int p = 1; p < N_PHASES; p++)
			spent[p][i] = run.times[p] - run.times[p - 1];
		spent[0][i] = run.times[CLEANED] - run.times[START];
	}
	printf("median %.0f us  minimum %.0f us  (%zu runs)\n", microseconds(spent[0], n, n / 2),
	       microseconds(spent[0], n, 0), n);
	for (int p = 1; p < N_PHASES && !opt.quiet; p++)
		printf("   %-18s %8.1f us\n", phase_names[p], microseconds(spent[p], n, n / 2));
}

static const char usage[] =
	"usage: limit [-i RUNS] [-r ROOTFS] [-w WORKDIR] [-b BRIDGE] [-v] [-H] [-s] [-p] [-q]\n"
	"             [-G N | -g 20] [-j PID] [COMMAND...]\n"
	"-v veth pair on the bridge   -H network of the host   -s seccomp filter\n"
	"-p the root file system as it is, without a writable layer\n"
	"-G N join N version 1 controllers   -g 20 be born in a version 2 cgroup\n"
	"-j run COMMAND in the namespaces of PID   -q no phases\n";

static bool parse(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "+i:r:w:b:G:g:j:vHspq")) != -1) {
		switch (o) {
		case 'i':
			opt.iterations = (int)strtol(optarg, NULL, 10);
			break;
		case 'r':
			opt.root = optarg;
			break;
		case 'w':
			opt.work = optarg;
			break;
		case 'b':
			opt.bridge = optarg;
			break;
		case 'G':
		case 'g':
			opt.groups = (int)strtol(optarg, NULL, 10);
			break;
		case 'j':
			opt.join_pid = (int)strtol(optarg, NULL, 10);
			break;
		case 'v':
			opt.veth = true;
			break;
		case 'H':
			opt.host_net = true;
			break;
		case 's':
			opt.filter = true;
			break;
		case 'p':
			opt.plain = true;
			break;
		case 'q':
			opt.quiet = true;
			break;
		default:
			return false;
		}
	}
	return opt.iterations > 0 && opt.groups >= 0 &&
	       (opt.groups <= MAX_GROUPS || opt.groups == UNIFIED);
}

int main(int argc, char **argv)
{
	static char *nothing[] = {"/bin/true", NULL};
	int status;

	if (!parse(argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	run.argv = optind < argc ? argv + optind : nothing;
	if (opt.join_pid) {
		status = join_once();
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	run.me = getpid();
	run.times = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir(opt.work, 0755);
	if (opt.veth) {
		run.route_sock = nl_open();
		run.bridge_index = nl_bridge(run.route_sock, opt.bridge, GATEWAY, 16);
		if (run.bridge_index <= 0)
			die("bridge");
	}
	if (opt.iterations > 1) {
		measure();
		return 0;
	}
	status = run_once();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
