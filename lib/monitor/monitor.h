/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/monitor.h — the running monitor: all of its state, in one object without a heap.
 *
 * Internal to the folder.  The object lives in zeroed memory that the kernel gives page by page
 * as it is touched, so its limits cost nothing until they are used.
 */
#ifndef MB_MONITOR_MONITOR_H
#define MB_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "monitor/dns.h"
#include "monitor/logsink.h"
#include "monitor/logwrite.h"
#include "monitor/message.h"
#include "monitor/protocol.h"
#include "monitor/source.h"

enum { MB_MONITOR_READ = 64 << 10, MB_MONITOR_NOTIFY_MAX = 4096 };

enum mb_monitor_phase {
	MB_MONITOR_UNBORN, /* before SETUP */
	MB_MONITOR_ALIVE,
	MB_MONITOR_DRAINING, /* process 1 ended; its pipes may hold more */
	MB_MONITOR_LINGER,   /* told to all; a slow reader or a cleaning client is waited for */
	MB_MONITOR_RESTART,  /* back-off */
};

struct mb_monitor_client {
	int fd; /* 0: free slot */
	unsigned streams;
	bool foreground, waits, cleans, has_stdin;
	bool is_told, owes_exit; /* EXIT was sent; did not fit yet */
	bool is_cleaning;
	bool guarded; /* guard_fd[] is armed */
	bool guard_is_cgroup;
	int guard_fd[2];
	char guard_name[128];
};

/* A killed exec's cgroup that is not empty yet. */
struct mb_monitor_corpse {
	int parent_fd; /* 0: free slot */
	int tries;
	char name[128];
};
enum { MB_MONITOR_CORPSES = 16 };

/* A port that [::1] is led to (relay.h). */
struct mb_monitor_relayed {
	int fd;    /* 0: free slot */
	pid_t pid; /* of the process that has taken it over; 0: we watch it */
	uint16_t proto, port;
};

/* A detached exec, whose end nobody else sees. */
struct mb_monitor_exec {
	pid_t pid; /* 0: free slot */
	char id[65];
};

/* An exec that was left by its caller: its terminal is ours. */
struct mb_monitor_left {
	int pidfd; /* 0: free slot */
	int console;
	bool is_paused; /* it writes without end: read on at left_due */
	char id[65];
};

/* An address of a DHCP server (lease.c). */
struct mb_monitor_leased {
	int fd; /* where its frame goes; -1: nowhere */
	struct mb_monitor_lease what;
};

struct mb_monitor {
	int epoll, signals;
	int spare; /* a descriptor to be given up when there are no more */
	enum mb_monitor_phase phase;
	pid_t pid;
	const char *id;
	struct mb_monitor_setup setup;
	int fd[MB_MONITOR_SLOT_N_]; /* -1: absent */
	bool stopping;
	size_t n_about;

	/* output */
	int stream_fd[2]; /* stdout or console, stderr; -1: none or ended */
	struct mb_logwrite_stream stream[2];
	uint64_t told_lost; /* bytes of output that loglost.c has told of */
	struct mb_logwrite log;
	struct {
		int fd, to;  /* not > 0: none */
		int64_t due; /* CLOCK_MONOTONIC: when to go on; 0: it is heard from */
		size_t n_held;
		char held[MB_MONITOR_NOTIFY_MAX + 1]; /* what systemd had no room for */
	} notify;
	struct mb_logsink logsink;
	struct mb_monitor_logto logto; /* of JSON; as it came */
	struct {
		pid_t pid; /* 0: none */
		int from;  /* while there is one: what it packs */
	} pack;            /* of a log file that was rotated away */
	uint64_t output_bytes;
	unsigned foreground; /* index of the lossless client + 1; 0: none */
	struct {
		const char *bytes; /* what of the read buffer it has not taken */
		size_t n;
		enum mb_monitor_stream stream;
	} stalled;
	bool is_touched; /* the read buffer has pages */

	/* the end */
	int exit_code;
	bool oom_killed, is_restarting;
	bool is_decided, is_telling, is_written;
	struct {
		uint64_t told;     /* of what SLOT_OOM counts */
		uint64_t sequence; /* in the kernel's log, behind whom was told */
		int64_t due;       /* CLOCK_MONOTONIC: when to look again; 0: it is heard from */
		int64_t read;      /* CLOCK_MONOTONIC: when the log was read last */
	} oom;
	const char *exit_error;
	int64_t finished_nsec, restart_nsec;
	int64_t deadline, last_deadline; /* CLOCK_MONOTONIC; of the phase */
	int64_t born_nsec;               /* CLOCK_MONOTONIC of SETUP */
	uint64_t bytes_at_deadline;
	uint32_t restarts, backoff_ms;

	struct mb_monitor_client client[MB_MONITOR_CLIENTS_MAX];
	unsigned n_clients, n_slots; /* connected; one more than the highest slot ever used */
	struct mb_monitor_corpse corpse[MB_MONITOR_CORPSES];
	unsigned n_corpses;
	struct mb_monitor_exec exec[MB_MONITOR_EXECS_MAX];
	pid_t exec_helper[MB_MONITOR_EXECS_MAX]; /* `__exec`s that run; 0: free slot */
	unsigned n_execs;                        /* one more than the highest slot ever used */
	struct mb_monitor_left left[MB_MONITOR_LEFT_MAX];
	unsigned n_left;  /* one more than the highest slot ever used */
	int64_t left_due; /* CLOCK_MONOTONIC; 0: none is paused */
	int hold[MB_MONITOR_HOLDS_MAX];
	unsigned n_holds;
	struct mb_monitor_relayed relay[MB_MONITOR_RELAYS_MAX];
	unsigned n_relays;                /* one more than the highest slot ever used */
	unsigned n_relaying;              /* processes */
	struct mb_monitor_target *target; /* shared with those; NULL: never told */
	struct mb_dns dns;

	/* as the command had them */
	struct rlimit limit_before[2];
	char oom_score_before[16];

	/* the line of keepers (keeper.c) */
	struct {
		int64_t due;   /* CLOCK_MONOTONIC: do what could not be done yet; 0: nothing */
		int64_t place; /* in the line */
		bool stands;   /* there */
		bool keeps;    /* is the first there */
		int asks;      /* netlink, for questions; not > 0: none yet */
		int fd;        /* pidfd of who is before us, netlink if we keep; not > 0: none */
		pid_t mender;  /* that puts the table back; 0: none */
		bool again;    /* it was lost while that ran */
		int shared;    /* inotify, of networks that other hosts share; not > 0: none yet */
		pid_t leader;  /* that leads for those; 0: none */
	} keeper;

	struct {
		pid_t pid;  /* of the __lease that runs; 0: none */
		unsigned n; /* of those below */
		struct mb_monitor_leased v[MB_MONITOR_NETWORKS_MAX];
	} lease;

	/* health */
	struct {
		bool is_on;
		struct mb_monitor_health how;
		unsigned says; /* enum mb_monitor_health_says, of the last probe */
		pid_t pid;     /* of the probe that runs; 0: none */
		int64_t next;  /* CLOCK_BOOTTIME: when the next begins, or this one is to be over */
		int64_t stop; /* the container was told to stop: when it is killed; 0: it was not */
		bool restarts; /* at its end it is started again, whatever the policy */
		bool owes;     /* what the monitor before was to do about it */
	} health;

	char about[MB_MONITOR_ABOUT_MAX];
	_Alignas(4096) char packet[MB_MONITOR_PACKET_MAX];
	_Alignas(4096) char scratch[MB_LOGWRITE_PIECE + MB_MONITOR_READ + MB_LOGWRITE_SLACK];
};

/* process.c */
int mb_monitor_process_init(struct mb_monitor *m, char **argv);
void mb_monitor_process_kill(struct mb_monitor *m) __attribute__((noreturn));
/* To process 1, if it has not ended. */
void mb_monitor_process_signal(struct mb_monitor *m, int sig);
/* A child that becomes it, with these as input and output.  Return: -1: none. */
pid_t mb_monitor_process_spawn(struct mb_monitor *m, const char *verb, const int fds[2]);
/* Of a process that is no child of ours and has ended: the kernel tells it to anybody, from 6.15
 * on, once the parent has reaped.  Return: whether it did; 128 + n for signal n. */
bool mb_monitor_process_exit_of(int pidfd, int *ret_code);
void mb_monitor_process_become(struct mb_monitor *m, const char *verb) __attribute__((noreturn));

/* loop.c */
int mb_monitor_watch(struct mb_monitor *m, int fd, enum mb_monitor_source from, unsigned index,
                     uint32_t events);
void mb_monitor_rewatch(struct mb_monitor *m, int fd, enum mb_monitor_source from, unsigned index,
                        uint32_t events);
void mb_monitor_run(struct mb_monitor *m) __attribute__((noreturn));

/* birth.c: messages before and of SETUP.  Return: 0 or -errno, which the client is told. */
int mb_monitor_birth_setup(struct mb_monitor *m, struct mb_monitor_client *c, const void *payload,
                           size_t n, const int *fds, size_t n_fds);
int mb_monitor_birth_logto(struct mb_monitor *m, const struct mb_monitor_logto *to, int fd);
int mb_monitor_birth_hold(struct mb_monitor *m, const int *fds, size_t n_fds);
void mb_monitor_birth_unhold(struct mb_monitor *m, const struct mb_monitor_unhold *what);
bool mb_monitor_birth_is_bound_so(int fd, const struct mb_monitor_unhold *what);

/* server.c */
void mb_monitor_server_accept(struct mb_monitor *m);
struct mb_monitor_client *mb_monitor_server_add(struct mb_monitor *m, int fd);
void mb_monitor_server_event(struct mb_monitor *m, unsigned index, uint32_t events);
void mb_monitor_server_drop(struct mb_monitor *m, struct mb_monitor_client *c);
/* Return: 0 or -errno; a client that cannot take it is dropped, unless it is the foreground. */
int mb_monitor_server_tell(struct mb_monitor *m, struct mb_monitor_client *c,
                           enum mb_monitor_type type, const void *payload, size_t n);

/* output.c */
void mb_monitor_output_read(struct mb_monitor *m, unsigned i);
void mb_monitor_output_resume(
	struct mb_monitor *m); /* the foreground client can take more, or left */
bool mb_monitor_output_is_done(const struct mb_monitor *m);
void mb_monitor_output_close(struct mb_monitor *m);
void mb_monitor_output_trim(struct mb_monitor *m); /* give the read buffer's pages back */

/* finish.c */
void mb_monitor_finish_reap(struct mb_monitor *m);
void mb_monitor_finish_lost(struct mb_monitor *m); /* an adopted process 1 ended */
void mb_monitor_finish_step(struct mb_monitor *m); /* something that the phase waits for changed */
void mb_monitor_finish_cancel(struct mb_monitor *m); /* STOPPING in a back-off */
int mb_monitor_finish_tell(struct mb_monitor *m, struct mb_monitor_client *c);

/* logpack.c */
void mb_monitor_logpack_step(struct mb_monitor *m);
void mb_monitor_logpack_ended(struct mb_monitor *m, pid_t pid, int code); /* maybe another's */
void mb_monitor_logpack_drop(struct mb_monitor *m);                       /* we leave */

/* relay.c */
int mb_monitor_relay_add(struct mb_monitor *m, const struct mb_monitor_relay *what, const int *fds,
                         size_t n);
int mb_monitor_relay_aim(struct mb_monitor *m, const struct mb_monitor_target *target);
void mb_monitor_relay_begin(struct mb_monitor *m, unsigned index); /* somebody came to it */
void mb_monitor_relay_ended(struct mb_monitor *m, pid_t pid);      /* was reaped; maybe another's */
void mb_monitor_relay_drop(struct mb_monitor *m, const struct mb_monitor_unhold *what);
void mb_monitor_relay_drop_all(struct mb_monitor *m);

/* health.c */
int mb_monitor_health_set(struct mb_monitor *m, const struct mb_monitor_health *how);
void mb_monitor_health_begin(struct mb_monitor *m);
/* CLOCK_MONOTONIC of what is due next, about; 0: nothing. */
int64_t mb_monitor_health_deadline(const struct mb_monitor *m);
void mb_monitor_health_step(struct mb_monitor *m);
void mb_monitor_health_ended(struct mb_monitor *m, pid_t pid, int code); /* maybe another's */
void mb_monitor_health_drop(struct mb_monitor *m);                       /* process 1 has ended */

/* lease.c */
int mb_monitor_lease_set(struct mb_monitor *m, const struct mb_monitor_lease *what, int *fd);
void mb_monitor_lease_forget(struct mb_monitor *m, const char *id);
int64_t mb_monitor_lease_deadline(const struct mb_monitor *m); /* CLOCK_MONOTONIC; 0: nothing */
void mb_monitor_lease_step(struct mb_monitor *m);
void mb_monitor_lease_ended(struct mb_monitor *m, pid_t pid); /* maybe another's */
void mb_monitor_lease_drop(struct mb_monitor *m);             /* process 1 has ended */

/* notify.c */
int mb_monitor_notify_set(struct mb_monitor *m, int *fds, size_t n);
void mb_monitor_notify_event(struct mb_monitor *m);
void mb_monitor_notify_step(struct mb_monitor *m);
void mb_monitor_notify_close(struct mb_monitor *m);
/* Keep the lines of @text that may pass, each with a line feed.  There is room for @n + 1 bytes.
 * Return: how many are left. */
size_t mb_monitor_notify_filter(char *text, size_t n);

/* keeper.c */
void mb_monitor_keeper_begin(struct mb_monitor *m);
void mb_monitor_keeper_step(struct mb_monitor *m);
void mb_monitor_keeper_event(struct mb_monitor *m);
void mb_monitor_keeper_shared(struct mb_monitor *m);
void mb_monitor_keeper_ended(struct mb_monitor *m, pid_t pid); /* maybe another's */

/* tell.c: events.  Their text is in the packet buffer. */
int mb_monitor_tell_about(struct mb_monitor *m, const char *text, size_t n);
/* Count on from what an earlier monitor had counted; have what was lost since known. */
void mb_monitor_loglost_load(struct mb_monitor *m);
void mb_monitor_loglost_tell(struct mb_monitor *m);
void mb_monitor_tell_end(struct mb_monitor *m);
/* @code: < 0: not known. */
void mb_monitor_tell_exec_end(struct mb_monitor *m, const char *exec_id, int code);
/* @victim: whom the kernel killed; NULL: not known.  @pid: in the container; 0: not known. */
void mb_monitor_tell_oom(struct mb_monitor *m, const char *victim, int pid);

/* victim.c */
void mb_monitor_victim_begin(struct mb_monitor *m);
/* Tell of it if the kernel has killed since the last look; while nobody has reaped the victim more
 * is known of it. */
void mb_monitor_victim_look(struct mb_monitor *m);
/* A child has ended, which may be one: look, unless the log was read within the second. */
void mb_monitor_victim_seen(struct mb_monitor *m);
void mb_monitor_victim_event(struct mb_monitor *m);
void mb_monitor_victim_step(struct mb_monitor *m);

/* execs.c.  Return: 0 or -errno, which the client is told.  @sock: whoever says it. */
int mb_monitor_execs_start(struct mb_monitor *m, const int fds[2]);
int mb_monitor_execs_began(struct mb_monitor *m, int sock, const struct mb_monitor_began *what);
void mb_monitor_execs_ended(struct mb_monitor *m, pid_t pid, int code); /* maybe another's */
/* The container has ended.  In a pid namespace of its own none is left by then. */
void mb_monitor_execs_kill(struct mb_monitor *m);

/* left.c.  Return: 0 or -errno, which the client is told; the descriptors are taken over. */
int mb_monitor_left_take(struct mb_monitor *m, const struct mb_monitor_began *what, int fds[2]);
void mb_monitor_left_event(struct mb_monitor *m, unsigned index);
void mb_monitor_left_step(struct mb_monitor *m);
void mb_monitor_left_kill(struct mb_monitor *m); /* the container has ended */

/* guard.c */
void mb_monitor_guard_fire(struct mb_monitor *m, struct mb_monitor_client *c);
void mb_monitor_guard_disarm(struct mb_monitor_client *c);
void mb_monitor_guard_step(struct mb_monitor *m); /* soon again while .n_corpses */

#endif
