/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/init/protocol.h — what the init stub is told, and what it tells.
 *
 * The stub is executed as  argv = { name, ORDERS, PATH, ARGV0, ARGV1... }  with the program's
 * own environment.  ORDERS is
 * "CHANNEL:FLAGS:FILTER:SIZE:HOW:INHERITABLE:PERMITTED:START:LABEL:PROC", each a hexadecimal
 * number: the channel's descriptor, MB_INIT_* flags, the descriptor that holds SIZE bytes of
 * struct sock_filter and the flags of seccomp(2) for it, the capabilities of the program, the
 * listening socket where who starts it connects (MB_INIT_LISTEN), the descriptor that holds the
 * security label of the program (MB_INIT_LABEL): a struct lsm_ctx; or the name of a file below the
 * procfs PROC, a NUL and what is written there (MB_INIT_LABEL_FILE).
 *
 * The channel is a SOCK_SEQPACKET socket.  Towards process 1 goes one MB_RUNTIME_GO; towards the
 * command go the messages below, and end of file when execve of the program has happened.
 */
#ifndef MB_RUNTIME_INIT_PROTOCOL_H
#define MB_RUNTIME_INIT_PROTOCOL_H

enum {
	MB_INIT_WAIT = 1,        /* read one message from the channel before execve */
	MB_INIT_FILTER = 2,      /* install the filter */
	MB_INIT_FILTER_SOON = 4, /* before waiting: the filter is known to allow what follows */
	MB_INIT_REAP = 8,        /* stay as a minimal init, run the program as a child */
	MB_INIT_VISIBLE = 16, /* exec: be born again in the pid namespace, as our parent's child */
	MB_INIT_SETSID = 32,  /* lead a session */
	MB_INIT_CTTY = 64,    /* descriptor 0 becomes the controlling terminal */
	MB_INIT_DIE = 128,    /* SIGKILL when the parent dies */
	MB_INIT_CAPS = 256,   /* set the inheritable capabilities, dropping what carried us here */
	MB_INIT_LABEL = 1024, /* set the label for the next execve */
	MB_INIT_LABEL_FILE = 2048, /* by writing into a file */
	MB_INIT_LISTEN = 512, /* created, not started: who connects to START becomes the channel */
};

enum mb_runtime_message_kind {
	MB_RUNTIME_CLONED = 1, /* to the command: pid, with the pidfd */
	MB_RUNTIME_GO,         /* to process 1 */
	MB_RUNTIME_MAPPED,     /* to process 1: its identity maps are written */
	MB_RUNTIME_CONSOLE,    /* to the command: with the pty's master side */
	MB_RUNTIME_WARNING,    /* to the command: a struct mb_err follows */
	MB_RUNTIME_FAILED,     /* to the command: a struct mb_err follows */
	MB_RUNTIME_EXECUTING,  /* to the command: nothing but execve is left to do */
	MB_RUNTIME_STUB,       /* to the command: the stub failed; code is errno, step says where */
	MB_RUNTIME_SETTLED,    /* to the command: all mounts are there, the hooks may run */
	MB_RUNTIME_HOOKED,     /* to process 1: they have */
	MB_RUNTIME_NOTIFY,     /* to the command: with the listener of the filter */
	MB_RUNTIME_CREATED,    /* to the command: the channel ends here, START is listened to */
};

enum mb_runtime_stub_step {
	MB_STUB_ORDERS,
	MB_STUB_CAPS,
	MB_STUB_FILTER,
	MB_STUB_FORK,
	MB_STUB_TERMINAL,
	MB_STUB_EXEC,
	MB_STUB_LABEL,
	MB_STUB_NOTIFY,
};

struct mb_runtime_message {
	int kind; /* enum mb_runtime_message_kind */
	int code; /* positive errno */
	int step; /* enum mb_runtime_stub_step */
	int pid;
};

#endif
