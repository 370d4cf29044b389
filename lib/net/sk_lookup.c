/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/sk_lookup.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "core/own.h"

enum { SLOT_UDP, SLOT_TCP, SLOTS, KEY_AT = -4 };

static int bpf(int command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static int make_map(int *ret_fd)
{
	union bpf_attr a;
	int fd;

	memset(&a, 0, sizeof(a));
	a.map_type = BPF_MAP_TYPE_SOCKMAP;
	a.key_size = sizeof(uint32_t);
	a.value_size = sizeof(uint64_t);
	a.max_entries = SLOTS;
	fd = bpf(BPF_MAP_CREATE, &a);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

static int set_slot(int map_fd, uint32_t slot, int sock_fd)
{
	uint64_t value = (uint64_t)sock_fd;
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_fd = (uint32_t)map_fd;
	a.key = (uint64_t)(uintptr_t)&slot;
	a.value = (uint64_t)(uintptr_t)&value;
	return bpf(BPF_MAP_UPDATE_ELEM, &a);
}

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define LOAD(d, member) \
	INSN(BPF_LDX | BPF_MEM | BPF_W, d, BPF_REG_1, offsetof(struct bpf_sk_lookup, member), 0)
#define UNLESS(r, value, skip) INSN(BPF_JMP | BPF_JNE | BPF_K, r, 0, skip, value)
#define MOVE(d, s)             INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define SET(d, value)          INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, value)
#define CALL(f)                INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)

/* Distances of jumps count instructions; those to PASS end at the last two. */
static int load_program(int map_fd, uint32_t addr, uint16_t port, int *ret_fd)
{
	const struct bpf_insn program[] = {
		/*  0 */ MOVE(BPF_REG_6, BPF_REG_1),
		/*  1 */ LOAD(BPF_REG_2, family),
		/*  2 */ UNLESS(BPF_REG_2, AF_INET, 23),
		/*  3 */ LOAD(BPF_REG_2, local_port),
		/*  4 */ UNLESS(BPF_REG_2, port, 21),
		/*  5 */ LOAD(BPF_REG_2, local_ip4),
		/*  6 */ UNLESS(BPF_REG_2, (int32_t)addr, 19),
		/*  7 */ LOAD(BPF_REG_2, protocol),
		/*  8 */ SET(BPF_REG_3, SLOT_UDP),
		/*  9 */ INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_2, 0, 2, IPPROTO_UDP),
		/* 10 */ UNLESS(BPF_REG_2, IPPROTO_TCP, 15),
		/* 11 */ SET(BPF_REG_3, SLOT_TCP),
		/* 12 */ INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_3, KEY_AT, 0),
		/* 13 */ MOVE(BPF_REG_2, BPF_REG_10),
		/* 14 */ INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, KEY_AT),
		/* 15 */ INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		/* 16 */ INSN(0, 0, 0, 0, 0),
		/* 17 */ CALL(BPF_FUNC_map_lookup_elem),
		/* 18 */ INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 7, 0),
		/* 19 */ MOVE(BPF_REG_7, BPF_REG_0),
		/* 20 */ MOVE(BPF_REG_1, BPF_REG_6),
		/* 21 */ MOVE(BPF_REG_2, BPF_REG_7),
		/* 22 */ SET(BPF_REG_3, 0),
		/* 23 */ CALL(BPF_FUNC_sk_assign),
		/* 24 */ MOVE(BPF_REG_1, BPF_REG_7),
		/* 25 */ CALL(BPF_FUNC_sk_release),
		/* 26 */ SET(BPF_REG_0, SK_PASS),
		/* 27 */ INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr a;
	int fd;

	memset(&a, 0, sizeof(a));
	a.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
	a.expected_attach_type = BPF_SK_LOOKUP;
	a.insns = (uint64_t)(uintptr_t)program;
	a.insn_cnt = MB_N(program);
	a.license = (uint64_t)(uintptr_t) "GPL";
	memcpy(a.prog_name, "mybox_dns", sizeof("mybox_dns"));
	fd = bpf(BPF_PROG_LOAD, &a);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

void mb_net_sk_lookup_done(struct mb_net_sk_lookup *lookup)
{
	mb_close(&lookup->map_fd);
	mb_close(&lookup->program_fd);
}

int mb_net_sk_lookup_load(uint32_t addr, uint16_t port, struct mb_net_sk_lookup *ret)
{
	struct mb_net_sk_lookup lookup = MB_NET_SK_LOOKUP_INIT;
	int r = make_map(&lookup.map_fd);

	if (!r)
		r = load_program(lookup.map_fd, addr, port, &lookup.program_fd);
	if (r)
		mb_net_sk_lookup_done(&lookup);
	else
		*ret = lookup;
	return r;
}

int mb_net_sk_lookup_attach(const struct mb_net_sk_lookup *lookup, int netns_fd, int udp_fd,
                            int tcp_fd, int *ret_link_fd)
{
	union bpf_attr a;
	int r = set_slot(lookup->map_fd, SLOT_UDP, udp_fd);

	if (!r)
		r = set_slot(lookup->map_fd, SLOT_TCP, tcp_fd);
	if (r)
		return r;
	memset(&a, 0, sizeof(a));
	a.link_create.prog_fd = (uint32_t)lookup->program_fd;
	a.link_create.target_fd = (uint32_t)netns_fd;
	a.link_create.attach_type = BPF_SK_LOOKUP;
	r = bpf(BPF_LINK_CREATE, &a);
	if (r < 0)
		return r;
	*ret_link_fd = r;
	return 0;
}
