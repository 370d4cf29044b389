/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/seccomp_builtin.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#define BIT(cap)                      (UINT64_C(1) << CAP_##cap)
#define ROW(name, number, rule, caps) {#name, (number), MB_SECCOMP_##rule, (caps)},
const struct mb_seccomp_row mb_runtime_seccomp_rows[] = {
#include "runtime/seccomp_rows.h"
};
const size_t mb_runtime_seccomp_n_rows =
	sizeof(mb_runtime_seccomp_rows) / sizeof(mb_runtime_seccomp_rows[0]);

/* What happens at a number: leaves of the search. */
enum verdict {
	V_ENOSYS,
	V_EPERM,
	V_ALLOW,
	V_SOCKET,
	V_PERSONALITY,
	V_CLONE,
	V_IOCTL,
};

/* Calls have numbers from 0 on; 32-bit ARM has a few of its own far above. */
/* Linux 6.1, the oldest kernel with long support that has all that today's programs ask for. */
enum { LAST_OF_6_1 = 450 };
enum { MAX_NUMBER = 512, ARM_FIRST = 0xf0000, ARM_MAX = 16, MAX_RUNS = MAX_NUMBER + ARM_MAX + 2 };
#define CLONE_NEW_MASK 0x7e020000u /* every CLONE_NEW* but NEWTIME, which clone(2) cannot take */

struct run {
	uint32_t first;
	enum verdict verdict;
};

struct emitter {
	struct sock_filter *insns;
	size_t n;
};

/* The address families that today's programs need; left out are those of dead networks, and of
 * AF_ALG and AF_VSOCK: kernel code open to attack, or a way past the network namespace. */
static const struct {
	uint32_t first, last;
} socket_families[] = {{0, 11},  {13, 18}, {21, 22}, {24, 24},
                       {26, 33}, {35, 36}, {39, 39}, {41, 45}};

static const uint32_t personalities[] = {0, 8, 0x20000, 0x20008, 0xffffffff};

uint64_t mb_runtime_seccomp_default_caps(void)
{
	return BIT(CHOWN) | BIT(DAC_OVERRIDE) | BIT(FSETID) | BIT(FOWNER) | BIT(MKNOD) |
	       BIT(NET_RAW) | BIT(SETGID) | BIT(SETUID) | BIT(SETFCAP) | BIT(SETPCAP) |
	       BIT(NET_BIND_SERVICE) | BIT(SYS_CHROOT) | BIT(KILL) | BIT(AUDIT_WRITE);
}

static enum verdict verdict_of(const struct mb_seccomp_row *row, uint64_t caps, bool hardened)
{
	const bool capable = caps & row->caps;

	if (hardened && row->number > LAST_OF_6_1)
		return V_ENOSYS;
	switch (row->rule) {
	case MB_SECCOMP_ALLOW:
		return V_ALLOW;
	case MB_SECCOMP_DENY:
		return V_EPERM;
	case MB_SECCOMP_CAP:
		return capable ? V_ALLOW : V_EPERM;
	case MB_SECCOMP_SOCKET:
		return V_SOCKET;
	case MB_SECCOMP_PERSONALITY:
		return V_PERSONALITY;
	case MB_SECCOMP_CLONE:
		return capable ? V_ALLOW : V_CLONE;
	case MB_SECCOMP_CLONE3: /* its flags are out of a filter's sight */
		return capable ? V_ALLOW : V_ENOSYS;
	case MB_SECCOMP_IOCTL:
		return hardened ? V_IOCTL : V_ALLOW;
	}
	return V_EPERM;
}

static void op(struct emitter *e, unsigned int code, uint32_t k, size_t yes, size_t no)
{
	e->insns[e->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)yes, (uint8_t)no, k};
}

static void answer(struct emitter *e, uint32_t action)
{
	op(e, BPF_RET | BPF_K, action, 0, 0);
}

/* The kernel takes the lower half of these arguments, so the lower half is what counts. */
static void load_argument(struct emitter *e, size_t i)
{
	const size_t low = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4;

	op(e, BPF_LD | BPF_W | BPF_ABS,
	   (uint32_t)(offsetof(struct seccomp_data, args[0]) + i * sizeof(uint64_t) + low), 0, 0);
}

static void emit_socket(struct emitter *e)
{
	load_argument(e, 0);
	for (size_t i = 0; i < sizeof(socket_families) / sizeof(socket_families[0]); i++) {
		op(e, BPF_JMP | BPF_JGE | BPF_K, socket_families[i].first, 0, 2);
		op(e, BPF_JMP | BPF_JGT | BPF_K, socket_families[i].last, 1, 0);
		answer(e, SECCOMP_RET_ALLOW);
	}
	answer(e, SECCOMP_RET_ERRNO | EPERM);
}

static void emit_personality(struct emitter *e)
{
	load_argument(e, 0);
	for (size_t i = 0; i < sizeof(personalities) / sizeof(personalities[0]); i++) {
		op(e, BPF_JMP | BPF_JEQ | BPF_K, personalities[i], 0, 1);
		answer(e, SECCOMP_RET_ALLOW);
	}
	answer(e, SECCOMP_RET_ERRNO | EPERM);
}

/* With no_new_privs or without: a program cannot type into the terminal it was given. */
static void emit_ioctl(struct emitter *e)
{
	load_argument(e, 1);
	op(e, BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0);
	op(e, BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 0, 1);
	answer(e, SECCOMP_RET_ERRNO | EPERM);
	answer(e, SECCOMP_RET_ALLOW);
}

static void emit_clone(struct emitter *e)
{
	load_argument(e, 0);
	op(e, BPF_JMP | BPF_JSET | BPF_K, CLONE_NEW_MASK, 0, 1);
	answer(e, SECCOMP_RET_ERRNO | EPERM);
	answer(e, SECCOMP_RET_ALLOW);
}

static void emit_leaf(struct emitter *e, enum verdict verdict)
{
	switch (verdict) {
	case V_ENOSYS:
		answer(e, SECCOMP_RET_ERRNO | ENOSYS);
		break;
	case V_EPERM:
		answer(e, SECCOMP_RET_ERRNO | EPERM);
		break;
	case V_ALLOW:
		answer(e, SECCOMP_RET_ALLOW);
		break;
	case V_SOCKET:
		emit_socket(e);
		break;
	case V_PERSONALITY:
		emit_personality(e);
		break;
	case V_CLONE:
		emit_clone(e);
		break;
	case V_IOCTL:
		emit_ioctl(e);
		break;
	}
}

/* Search @n runs for the accumulator: below the middle one go on, else jump over that half.  The
 * depth is log2(MAX_RUNS). */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void emit_search(struct emitter *e, const struct run *runs, size_t n)
{
	const size_t half = n / 2;
	size_t at, distance;

	if (n == 1) {
		emit_leaf(e, runs[0].verdict);
		return;
	}
	at = e->n;
	op(e, BPF_JMP | BPF_JGE | BPF_K, runs[half].first, 0, 0);
	op(e, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(e, runs, half);
	distance = e->n - (at + 1);
	if (distance - 1 <= UINT8_MAX) { /* a conditional jump reaches: take the long one out */
		memmove(&e->insns[at + 1], &e->insns[at + 2],
		        (e->n - at - 2) * sizeof(e->insns[0]));
		e->n--;
		e->insns[at].jt = (uint8_t)(distance - 1);
	} else {
		e->insns[at].jf = 1;
		e->insns[at + 1].k = (uint32_t)(distance - 1);
	}
	emit_search(e, runs + half, n - half);
}

static size_t add_runs(struct run *runs, size_t n, uint32_t first, const enum verdict *at,
                       uint32_t n_at)
{
	for (uint32_t i = 0; i < n_at; i++) {
		if (n == 0 || runs[n - 1].verdict != at[i])
			runs[n++] = (struct run){first + i, at[i]};
	}
	return n;
}

static size_t find_runs(const struct mb_seccomp_arch *arch, uint64_t caps, bool hardened,
                        struct run *runs)
{
	/* One more than there are: what comes after is unknown. */
	enum verdict at[MAX_NUMBER + 1] = {V_ENOSYS}, at_arm[ARM_MAX + 1] = {V_ENOSYS};

	for (size_t i = 0; i < mb_runtime_seccomp_n_rows; i++) {
		const int nr = arch->numbers[i];
		const enum verdict v = verdict_of(&mb_runtime_seccomp_rows[i], caps, hardened);

		if (nr >= 0 && nr < MAX_NUMBER)
			at[nr] = v;
		else if (nr >= ARM_FIRST && nr < ARM_FIRST + ARM_MAX)
			at_arm[nr - ARM_FIRST] = v;
	}
	return add_runs(runs, add_runs(runs, 0, 0, at, MAX_NUMBER + 1), ARM_FIRST, at_arm,
	                ARM_MAX + 1);
}

size_t mb_runtime_seccomp_emit(const struct mb_seccomp_arch *archs, uint64_t caps, bool hardened,
                               struct sock_filter *insns)
{
	struct emitter e = {insns, 0};

	for (size_t i = 0; i < MB_SECCOMP_MAX_ARCHS; i++) {
		struct run runs[MAX_RUNS];
		size_t at;

		op(&e, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
		op(&e, BPF_JMP | BPF_JEQ | BPF_K, archs[i].audit, 1, 0);
		at = e.n;
		op(&e, BPF_JMP | BPF_JA, 0, 0, 0);
		op(&e, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
		emit_search(&e, runs, find_runs(&archs[i], caps, hardened, runs));
		e.insns[at].k = (uint32_t)(e.n - at - 1);
	}
	answer(&e, SECCOMP_RET_ERRNO | ENOSYS);
	return e.n;
}
