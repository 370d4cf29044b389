/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/protocol.h — what the command and a container's monitor say to each other.
 *
 * Transport: AF_UNIX SOCK_SEQPACKET, one message = one packet = struct mb_monitor_head + payload,
 * descriptors by SCM_RIGHTS.  Native byte order and layout (both ends are one machine).
 * Payloads only ever grow at their end: a receiver zero-fills what an older peer did not send and
 * ignores what a newer one added.  A message of unknown type is answered with ERROR ENOSYS.
 * Only uid 0 (or the monitor's own uid) is served; the rest is disconnected at once.
 *
 * Birth
 *   1. M' (forked by the command) does setsid(), clones process 1 as its own child, then becomes
 *      the monitor: argv { "mybox-monitor", "<pid of process 1>", "<container id>" }, empty
 *      environment, descriptor 3 = its end of a SEQPACKET socketpair (mb_monitor_image_exec()).
 *      It closes every other descriptor and points 0, 1 and 2 at /dev/null.
 *   2. The command sends, in any order and number: HOLD, NETWORK, DNS, RELAY, TARGET, ABOUT,
 *      HEALTH, LOGTO, NOTIFY, LEASE.
 *   3. The command sends SETUP last, when process 1 has exec'ed (so that a console's master is
 *      known).  Until SETUP arrived, end of file on descriptor 3 means: kill process 1, reap it,
 *      exit; nothing is written.  SETUP commits: from here on the container outlives the command.
 *   4. The monitor answers READY, or ERROR and then behaves as if it had seen end of file.
 *      Waiting for the answer is optional; SETUP followed at once by close() is a detached start.
 *   5. Descriptor 3 then is an ordinary client: with MB_MONITOR_FOREGROUND in setup.flags it is
 *      attached already, to setup.foreground_streams, lossless (see ATTACH).
 * Every descriptor that is sent belongs to the monitor; the sender closes its own copies.
 *
 * End
 *   Process 1 ended -> the pipes are drained -> every descriptor of HOLD, RELAY, DNS, NETWORK and
 *   stdio is closed, relays are gone -> exit.json is written -> EXIT goes to every client that
 *   attached or waits.  Then:
 *   - a restart is due: it stays for the back-off (STOPPING ends that), then becomes
 *     `EXE --root ROOT --runroot RUN __restart ID`;
 *   - a client with MB_MONITOR_CLEANS was told so in its EXIT (exit.flags & MB_MONITOR_YOU_CLEAN):
 *     it waits for CLEANED from that client, then exits; if the connection ends first, as below;
 *   - otherwise it becomes `EXE --root ROOT --runroot RUN __cleanup ID`.
 *   Both run with descriptors 0..2 on /dev/null, cwd /, PATH alone in the environment, signals,
 *   limits and oom_score_adj as the command had them.
 *   The monitor never unlinks its socket: connecting to a dead one gives ECONNREFUSED.
 *
 * Health
 *   While the container runs and is not paused (no file RUN/c/<id>/paused), and its state.json is
 *   there, the monitor starts
 *   `EXE --root ROOT --runroot RUN __health ID` each time an interval has passed since the one
 *   before ended, in the environment that is told above.  Its exit code says what became of it:
 *   enum mb_monitor_health_says.  It is killed when it takes much longer than a probe may.
 *   Before one that is unwell gets its stop signal, what will follow stands in RUN/c/<id>/owed, a
 *   link to nowhere: "restart" or "stop".
 *
 * Leases
 *   When the time of a LEASE has come, the monitor starts `EXE --root ROOT --runroot RUN __lease
 * ID` in that environment, which does what is due and sends LEASEs anew; what it has sent none for
 *   when it ends is tried again later.  When process 1 has ended, the frames are sent.
 *
 * Packing
 *   With MB_MONITOR_PACK_LOG `EXE --root ROOT --runroot RUN __pack ID` is run, in that environment,
 *   for each log file that is rotated away: it writes to its output, and brings to the disk, what
 *   is in its input, gzip'd (container/logpack.h), and exits with 0.  It is killed before the
 *   monitor leaves.
 *
 * exit.json (document format of lib/store/doc.h), in the container's directory, or where that
 * cannot be written in RUN/c/<id>:
 *   {"schema":1,"sum":"89abcdef","exit_code":137,"oom_killed":false,"started":"RFC 3339",
 *    "finished":"RFC 3339","error":"","restarting":false,"restarts":0,"backoff_ms":0,
 *    "stop_requested":false,"dropped_bytes":0,"unsent_bytes":0}
 * "restarts" counts the coming one when "restarting"; __restart hands "restarts" and "backoff_ms"
 * to its new monitor's SETUP.  The last two are those of struct mb_monitor_info; while it runs they
 * stand in RUN/c/<id>/lost, "DROPPED UNSENT\n", as soon as there are any.
 */
#ifndef MB_MONITOR_PROTOCOL_H
#define MB_MONITOR_PROTOCOL_H

#include <stdint.h>

enum {
	MB_MONITOR_SETUP_FD = 3,
	MB_MONITOR_DATA_MAX = 32 << 10,   /* bytes of output in one OUTPUT */
	MB_MONITOR_PACKET_MAX = 40 << 10, /* bytes of the largest packet: buffers of receivers */
	MB_MONITOR_CLIENTS_MAX = 512,     /* connections; more are told ERROR EBUSY and closed */
	MB_MONITOR_CLIENTS_STAY = 480,    /* of these, for who attaches, waits or guards (others are
	                                   * told EBUSY): the rest is for who stops or asks */
	MB_MONITOR_HOLDS_MAX = 4096,      /* descriptors in all HOLDs */
	MB_MONITOR_RELAYS_MAX = 4096,     /* descriptors in all RELAYs */
	MB_MONITOR_RELAYS_AT_ONCE = 32,   /* of these in one message */
	MB_MONITOR_RELAYING_MAX = 64,     /* of these that are in use; who comes to more waits */
	MB_MONITOR_NETWORKS_MAX = 32,
	MB_MONITOR_UPSTREAMS_MAX = 3,
	MB_MONITOR_FRAME_MAX = 640,
	MB_MONITOR_BEHIND_MAX = 256 << 10, /* bytes a client other than the first may lag */
	MB_MONITOR_PATH_MAX = 1024,
	MB_MONITOR_TABLE_MAX = 32,
	MB_MONITOR_ABOUT_MAX = 8 << 10,
	MB_MONITOR_EXECS_MAX = 256, /* detached ones whose end is told; of more it is not */
	MB_MONITOR_LEFT_MAX = 64,   /* execs with a terminal that were left; more are refused */
	MB_MONITOR_LOGTO_TEXT = 8 << 10,
	MB_MONITOR_LOGTO_QUEUE = 1 << 20,
	MB_MONITOR_LOGTO_QUEUE_MAX = 16 << 20,
};

#define MB_MONITOR_OWED "owed"

enum mb_monitor_type {
	/* command -> monitor */
	MB_MONITOR_SETUP = 1, /* struct mb_monitor_setup; descriptors by setup.slots */
	MB_MONITOR_HOLD,      /* no payload; up to 32 descriptors kept open until the exit: reserved
	                       * ports, anything that shall live as long as process 1 */
	MB_MONITOR_NETWORK,   /* struct mb_monitor_network; 1 descriptor: directory RUN/net/<netid>.
	                       * Before SETUP in the order of joining; later for `network connect`;
	                       * the same id again replaces */
	MB_MONITOR_UNNETWORK, /* struct mb_monitor_network, only .id counts; unknown is success */
	MB_MONITOR_DNS,    /* struct mb_monitor_dns; descriptors by dns.slots; once.  Later without
	                    * any: from now on these are asked */
	MB_MONITOR_ATTACH, /* struct mb_monitor_attach -> ATTACHED */
	MB_MONITOR_WAIT,   /* struct mb_monitor_wait: EXIT shall be sent; in a back-off at once */
	MB_MONITOR_RESIZE, /* struct mb_monitor_resize; no answer */
	MB_MONITOR_STOPPING, /* struct mb_monitor_stopping -> OK: no restart after this exit; in a
	                      * back-off: the restart is off, EXIT without RESTARTING follows */
	MB_MONITOR_POLICY,   /* struct mb_monitor_policy -> OK: `update --restart` */
	MB_MONITOR_CLOSE_STDIN, /* no payload, no answer: this client's input is at its end */
	MB_MONITOR_EXEC_GUARD,  /* struct mb_monitor_guard -> OK; see there.  Once per connection */
	MB_MONITOR_EXEC_RELEASE, /* no payload -> OK: the exec ended, the guard is off */
	MB_MONITOR_CLEANED,      /* no payload, no answer: the client has cleaned up */
	MB_MONITOR_INFO,         /* no payload -> INFO_IS */
	MB_MONITOR_UNHOLD,       /* struct mb_monitor_unhold -> OK: close the sockets of HOLD and
	                          * RELAY that are bound so; none is a success */
	MB_MONITOR_RELAY,  /* struct mb_monitor_relay; as many descriptors: sockets on [::1] or
	                    * [::], those of TCP listen.  Who comes to [::1] is led to a port
	                    * of TARGET */
	MB_MONITOR_TARGET, /* struct mb_monitor_target: where relays lead to from now on */
	MB_MONITOR_ABOUT,  /* text of at most MB_MONITOR_ABOUT_MAX bytes: attributes that its
	                    * events have (core/event.h).  No answer.  Before SETUP, and when
	                    * they change; never: it tells no events */
	MB_MONITOR_HEALTH, /* struct mb_monitor_health: probe it.  Before SETUP; no answer */
	MB_MONITOR_LOGTO,  /* struct mb_monitor_logto, .text as long as it is; 0 or 1 descriptor: a
	                    * socket that is connected to it.  Before SETUP; no answer */
	MB_MONITOR_NOTIFY, /* no payload; 2 descriptors: the socket by which the container speaks to
	                    * systemd, and one that is connected to systemd's.  Before SETUP; no
	                    * answer */
	MB_MONITOR_EXEC_ASIDE, /* no payload; 2 descriptors -> OK: `__exec ID` is run with these as
	                        * its input and output.  What it leaves behind is the monitor's */
	MB_MONITOR_EXEC_BEGAN, /* struct mb_monitor_began -> OK: a process that will be the
	                        * monitor's child; its end is to be told (exec_die) */
	MB_MONITOR_EXEC_LEFT,  /* struct mb_monitor_began; 2 descriptors: the master of its
	                        * terminal, its pidfd -> OK: its caller has left it.  The
	                        * terminal is kept and read until it ends, which is told */
	MB_MONITOR_LEASE, /* struct mb_monitor_lease; 0 or 1 descriptor: where the frame goes.  The
	                   * same id again replaces; UNNETWORK forgets it */
	/* monitor -> command */
	MB_MONITOR_READY = 64, /* no payload: SETUP is accepted */
	MB_MONITOR_OK,         /* no payload */
	MB_MONITOR_ERROR,      /* struct mb_monitor_error */
	MB_MONITOR_ATTACHED,   /* struct mb_monitor_attached; 0 or 1 descriptor (the input) */
	MB_MONITOR_OUTPUT,     /* head.stream; payload = 1..MB_MONITOR_DATA_MAX bytes */
	MB_MONITOR_EXIT,    /* struct mb_monitor_exit; the last message of an attach or wait, except
	                     * that a wait whose exit had RESTARTING may be followed by another */
	MB_MONITOR_INFO_IS, /* struct mb_monitor_info */
};

enum mb_monitor_stream { MB_MONITOR_STDOUT = 1, MB_MONITOR_STDERR = 2 }; /* bits, too */

struct mb_monitor_head {
	uint16_t type;   /* enum mb_monitor_type */
	uint16_t stream; /* OUTPUT: enum mb_monitor_stream; else 0 */
	uint32_t size;   /* bytes that follow in this packet */
};

/* Descriptors of SETUP: those whose bit (1 << slot) is set in setup.slots, in this order. */
enum mb_monitor_slot {
	MB_MONITOR_SLOT_CONTAINER, /* required: ROOT/containers/<id>, for log* and exit.json */
	MB_MONITOR_SLOT_RUN,       /* required: RUN/c/<id> */
	MB_MONITOR_SLOT_RUNROOT,   /* RUN: the resolver asks c/<id>/state.json of it whether a
	                            * container lives.  Without it every name counts as alive */
	MB_MONITOR_SLOT_CONTROL,   /* listening SEQPACKET socket RUN/c/<id>/monitor.sock */
	MB_MONITOR_SLOT_STDIN,     /* write end of the container's stdin.  Absent: no stdin, or the
	                            * foreground client keeps the only write end itself */
	MB_MONITOR_SLOT_STDOUT,    /* read end */
	MB_MONITOR_SLOT_STDERR,    /* read end */
	MB_MONITOR_SLOT_CONSOLE,   /* pseudo-terminal master, instead of the three above */
	MB_MONITOR_SLOT_OOM,   /* memory.events (v2) or memory.oom_control (v1), open for reading:
	                        * its line "oom_kill N" is compared at the exit, and when it
	                        * changes */
	MB_MONITOR_SLOT_PIDFD, /* adoption only: process 1, which is not the monitor's child.  Its
	                        * exit code is known from kernel 6.15 on; before, it is 255 and the
	                        * error says so */
	MB_MONITOR_SLOT_EXE,   /* O_PATH of the mybox executable: used where setup.exe is gone */
	MB_MONITOR_SLOT_ROOT,  /* ROOT, for events */
	MB_MONITOR_SLOT_OOM_EVENT, /* v1: an eventfd that tells when to look at SLOT_OOM, which a
	                            * cgroup2's file tells itself */
	MB_MONITOR_SLOT_N_,
};

enum mb_monitor_setup_flags {
	MB_MONITOR_FOREGROUND = 1, /* descriptor 3 is attached, lossless: when its reader is slow
	                            * the container waits */
	MB_MONITOR_CLEANS = 2,     /* (also wait.flags, attach.flags) the client cleans up itself */
	MB_MONITOR_STDIN_ONCE = 4, /* stdin ends for good when the client that has it is done */
	MB_MONITOR_NO_LOG = 8,     /* no log files */
	MB_MONITOR_LAZY_EXIT = 16, /* --rm: exit.json only if no cleaning client takes the exit */
	MB_MONITOR_PACK_LOG = 32,  /* log files that are rotated away are gzip'd, by `EXE --root
	                            * ROOT --runroot RUN __pack ID` from its input to its output */
	MB_MONITOR_TIED = 256,     /* with FOREGROUND: when that connection ends, the container is
	                            * killed, and ends as ever */
};

enum mb_monitor_restart {
	MB_MONITOR_RESTART_NO,
	MB_MONITOR_RESTART_ON_FAILURE, /* exit code not 0, at most .max times (0: no limit) */
	MB_MONITOR_RESTART_ALWAYS,     /* also unless-stopped: the two differ only after a reboot */
	MB_MONITOR_RESTART_ON_UNHEALTHY, /* as ON_FAILURE, and it is stopped when unhealthy */
};

struct mb_monitor_policy {
	uint32_t restart; /* enum mb_monitor_restart */
	uint32_t max;
};

/* The wait before a restart; a member that is 0 has its default. */
struct mb_monitor_backoff {
	uint32_t min_ms, max_ms; /* 100, 60000 */
	uint32_t factor;         /* hundredths by which each is longer than the one before: 200 */
	uint32_t reset_ms;       /* up for so long: the next wait is the first again; 10000 */
};

struct mb_monitor_setup {
	uint32_t slots; /* bits of enum mb_monitor_slot */
	uint32_t flags; /* enum mb_monitor_setup_flags */
	uint32_t foreground_streams;
	uint32_t log_files;   /* log, log.1 .. log.<n-1>; 0 = 3 */
	uint64_t log_size;    /* bytes of each; 0 = 10 MiB; UINT64_MAX = no rotation */
	int64_t started_nsec; /* CLOCK_REALTIME of process 1's start; 0 = now */
	struct mb_monitor_policy policy;
	uint32_t restarts;             /* from exit.json of the run before; 0 for a start by hand */
	uint32_t backoff_ms;           /* likewise */
	char exe[MB_MONITOR_PATH_MAX]; /* absolute path of mybox */
	char root[MB_MONITOR_PATH_MAX]; /* its --root and --runroot */
	char run[MB_MONITOR_PATH_MAX];
	char table[MB_MONITOR_TABLE_MAX]; /* of nftables, which this container relies on: when it
	                                   * is lost, `EXE --root ROOT --runroot RUN __mend ID` is
	                                   * run (keeper.c).  "": none */
	struct mb_monitor_backoff backoff;
	uint64_t oom_before; /* what SLOT_OOM counted before process 1 was let go: the monitor may
	                      * come to read it later than the kernel kills */
};

enum mb_monitor_on_failure {
	MB_MONITOR_ON_FAILURE_NONE,
	MB_MONITOR_ON_FAILURE_KILL,
	MB_MONITOR_ON_FAILURE_RESTART, /* stop it, and start it again whatever the policy */
	MB_MONITOR_ON_FAILURE_STOP,    /* stop it for good */
};

enum mb_monitor_health_says {
	MB_MONITOR_HEALTHY,
	MB_MONITOR_UNHEALTHY,
	MB_MONITOR_STARTING,
	MB_MONITOR_BEGINNING, /* its startup probe has not succeeded yet */
	MB_MONITOR_HOPELESS,  /* nor will it: restart */
};

/* Any other code of a probe leaves all as it was. */
struct mb_monitor_health {
	uint32_t interval_ms, timeout_ms;
	uint32_t start_period_ms, start_interval_ms;      /* while it is starting, for so long */
	uint32_t startup_interval_ms, startup_timeout_ms; /* 0: no startup probe */
	uint32_t on_failure;                              /* enum mb_monitor_on_failure */
	uint32_t stop_signal, stop_timeout_ms;            /* UINT32_MAX: it is never killed */
	uint32_t
		known; /* adoption: 1 + enum mb_monitor_health_says of the last probe of this run;
	                * 0: there was none.  What is to be done about one that is unwell the
	                * monitor before may not have done, or not to its end: it is done at once */
};

enum mb_monitor_logto_kind {
	MB_MONITOR_LOGTO_JSON,    /* the log files are docker's json-file's.  .text: what stands
	                           * before the time, "\"attrs\":{...}," or nothing */
	MB_MONITOR_LOGTO_JOURNAL, /* .text: fields of each message, each with its line feed */
	MB_MONITOR_LOGTO_SYSLOG,  /* .text: "tag\nhostname" */
};

enum mb_monitor_logformat {
	MB_MONITOR_UNIXLOG, /* as syslog(3) does: RFC 3164 without a host */
	MB_MONITOR_RFC3164,
	MB_MONITOR_RFC5424,
	MB_MONITOR_RFC5424MICRO,
};

/* Where the output goes besides the log files. */
struct mb_monitor_logto {
	uint32_t kind;     /* enum mb_monitor_logto_kind */
	uint32_t format;   /* SYSLOG: enum mb_monitor_logformat */
	uint32_t facility; /* SYSLOG: 0..23 */
	uint32_t socktype; /* SOCK_DGRAM or SOCK_STREAM */
	uint32_t addr_len;
	_Alignas(8) uint8_t addr[128]; /* struct sockaddr_* */
	uint32_t queue_bytes; /* what may wait for the other end; 0: MB_MONITOR_LOGTO_QUEUE */
	char text[MB_MONITOR_LOGTO_TEXT]; /* sent as long as it is, so it stays the last.  What
	                                   * comes before SETUP goes to the monitor of the same
	                                   * executable: fields may stand before it */
};

enum mb_monitor_network_flags { MB_MONITOR_INTERNAL = 1 };

struct mb_monitor_network {
	char id[65];
	char name[254]; /* NAME.<name> is answered too; PTR answers are NAME.<name> */
	uint32_t
		flags; /* while any network is INTERNAL-only (no other one): nothing is forwarded */
};

struct mb_monitor_unhold {
	uint32_t family;  /* AF_INET or AF_INET6 */
	uint32_t proto;   /* IPPROTO_TCP, _UDP, _SCTP */
	uint32_t port;    /* host byte order */
	uint8_t addr[16]; /* network byte order, 4 or 16 bytes */
};

struct mb_monitor_relay {
	struct {
		uint16_t proto; /* IPPROTO_TCP, _UDP */
		uint16_t port;  /* of the container, host byte order */
	} of[MB_MONITOR_RELAYS_AT_ONCE];
};

/* The container's addresses, as the host reaches them; all zero: none. */
struct mb_monitor_target {
	uint8_t ip4[4], ip6[16];
};

enum mb_monitor_dns_slot {
	MB_MONITOR_DNS_UDP,  /* bound to 127.0.0.11:<port> in the container's netns */
	MB_MONITOR_DNS_TCP,  /* bound and listening likewise */
	MB_MONITOR_DNS_RAW,  /* SOCK_RAW IPPROTO_UDP there: replies leave with source port 53.
	                      * Absent:  replies leave by DNS_UDP as it is (direct bind, or nft
	                      * translates) */
	MB_MONITOR_DNS_LINK, /* kept open: bpf_link of sk_lookup */
	MB_MONITOR_DNS_SLOT_N_,
};

struct mb_monitor_dns {
	uint32_t slots; /* bits of enum mb_monitor_dns_slot */
	uint32_t flags; /* 0 */
	/* Numeric addresses (IPv4 or IPv6, "%scope" and "#port" allowed) asked instead of those in
	 * the host's resolv.conf: --dns.  "" ends the list; none = the host's */
	char upstream[MB_MONITOR_UPSTREAMS_MAX][64];
	char resolv_conf[256]; /* the host's; "" = /etc/resolv.conf */
};

/* An address of a DHCP server. */
struct mb_monitor_lease {
	char id[65]; /* of the network */
	int64_t due; /* CLOCK_BOOTTIME: when __lease has something to do; 0: never */
	uint32_t n;  /* bytes of .frame, which gives the address back; 0: there is none */
	uint8_t frame[MB_MONITOR_FRAME_MAX];
};

enum mb_monitor_attach_flags {
	MB_MONITOR_WANT_STDIN = 1, /* the input's descriptor shall come with ATTACHED */
	/* MB_MONITOR_CLEANS = 2, as in setup.flags */
	MB_MONITOR_WANT_TAIL = 4, /* begin with what the container wrote of a line that it has not
	                           * ended (a prompt): the log does not hold that yet */
};

/* Afterwards OUTPUT messages follow and finally EXIT.  Only the foreground client is lossless;
 * this one is disconnected without EXIT when it lags MB_MONITOR_BEHIND_MAX.
 * Input goes around the monitor: the client writes to the descriptor it was given (a pipe:
 * blocking; a console's master: O_NONBLOCK, and never read it), says CLOSE_STDIN at its end of file
 * and closes it.  A pipe is granted to one client at a time, a console to all. */
struct mb_monitor_attach {
	uint32_t streams; /* bits of enum mb_monitor_stream; a console is STDOUT */
	uint32_t flags;
};

struct mb_monitor_attached {
	uint32_t has_stdin; /* a descriptor comes with this message; 0 although wanted: there is no
	                     * stdin, or another client has it */
	uint32_t is_console;
	uint64_t log_inode;  /* OUTPUT continues what the log holds up to here: of the file with */
	uint64_t log_offset; /* this inode, this many bytes (whole records) */
};

struct mb_monitor_wait {
	uint32_t flags; /* MB_MONITOR_CLEANS or 0 */
};

struct mb_monitor_resize {
	uint16_t rows, columns;
};

struct mb_monitor_stopping {
	uint32_t on; /* 1; 0 takes it back */
};

/* When the connection ends without EXEC_RELEASE, what the exec started is killed.
 * Descriptors: with .cgroup = 1, the exec's cgroup2 directory (O_DIRECTORY; "1" goes into its
 * cgroup.kill) and the parent's, from which .name is removed once empty.
 * With .cgroup = 0, one pidfd, which gets SIGKILL. */
struct mb_monitor_guard {
	uint32_t cgroup;
	char name[128];
};

struct mb_monitor_began {
	int32_t pid;
	char id[65]; /* of the exec, in events */
};

enum mb_monitor_exit_flags {
	MB_MONITOR_OOM_KILLED = 1,
	MB_MONITOR_RESTARTING = 2,
	MB_MONITOR_YOU_CLEAN = 4, /* say CLEANED when it is done */
};

struct mb_monitor_exit {
	int32_t exit_code; /* 0..255; 128 + n for signal n */
	uint32_t flags;
	int64_t finished_nsec;
};

enum mb_monitor_state {
	MB_MONITOR_RUNNING = 1,
	MB_MONITOR_ENDED,   /* told, waits for a cleaning client or a slow reader */
	MB_MONITOR_BACKOFF, /* a restart is due at info.restart_nsec */
};

struct mb_monitor_info {
	uint32_t state; /* enum mb_monitor_state */
	int32_t monitor_pid, pid;
	int32_t exit_code; /* when not RUNNING */
	uint32_t restarts, clients;
	int64_t started_nsec, finished_nsec, restart_nsec;
	uint64_t output_bytes;  /* read from the container */
	uint64_t dropped_bytes; /* of these, not in the log: its disk is full or failing */
	uint64_t dns_queries, dns_forwarded, dns_dropped;
	uint64_t unsent_bytes; /* of output, that LOGTO's other end did not take */
};

struct mb_monitor_error {
	int32_t code; /* positive errno */
	char msg[252];
};

#endif
