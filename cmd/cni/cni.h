/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/cni/cni.h — mybox-cni: the program as a plugin of the Container Network Interface 1.1.
 *
 * What is asked for is in the environment, the configuration on standard input, the answer JSON on
 * standard output.  Others' engines give their containers a place on a network of mybox's by it;
 * the places themselves are lib/net/guest.h's.
 */
#ifndef MB_CMD_CNI_CNI_H
#define MB_CMD_CNI_CNI_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strv.h"
#include "net/guest.h"
#include "net/network_spec.h"
#include "net/port_spec.h"

struct json_object;
struct mb_cmd_context;
struct mb_err;

#define MB_CMD_CNI_NAME "mybox-cni"
#define MB_CMD_CNI_BEST "1.1.0"

/* The specification's codes of errors; ours begin at 100. */
enum mb_cmd_cni_code {
	MB_CNI_INCOMPATIBLE = 1,
	MB_CNI_UNSUPPORTED = 2,
	MB_CNI_UNKNOWN_CONTAINER = 3,
	MB_CNI_ENVIRONMENT = 4,
	MB_CNI_IO = 5,
	MB_CNI_DECODE = 6,
	MB_CNI_CONFIG = 7,
	MB_CNI_TRY_AGAIN = 11,
	MB_CNI_NOT_AVAILABLE = 50,
	MB_CNI_FAILED = 100,
	MB_CNI_FAULTY = 101,
};

/* One call. */
struct mb_cmd_cni_call {
	struct mb_cmd_context *cx;
	const char *command, *container, *netns, *ifname; /* of the environment; may be NULL */
	struct json_object *config;
	const char *version, *name, *network; /* of the configuration */
	/* What is asked for beyond it. */
	struct mb_net_network_spec spec;
	struct mb_net_port_spec *ports;
	size_t n_ports;
	struct mb_kv args;         /* CNI_ARGS */
	enum mb_cmd_cni_code code; /* of what fails */
};
bool mb_cmd_cni_is_meant(const char *argv0);
int mb_cmd_cni_run(struct mb_cmd_context *cx);

/* Environment and configuration, checked as @call->command wants them.  Return: 0, or -errno told
 * with call->code. */
int mb_cmd_cni_read(struct mb_cmd_cni_call *call, struct mb_err *err);
void mb_cmd_cni_done(struct mb_cmd_cni_call *call);
/* Addresses, MAC, ports and aliases. */
int mb_cmd_cni_read_wishes(struct mb_cmd_cni_call *call, struct mb_err *err);
/* Fail with @code. */
int mb_cmd_cni_fail(struct mb_cmd_cni_call *call, enum mb_cmd_cni_code code, struct mb_err *err,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Whether @version is at least 1.@minor, or 0.@minor where @major is 0. */
bool mb_cmd_cni_is_since(const char *version, int major, int minor);
/* What ADD answers of @s, put to what a plugin before it said. */
struct json_object *mb_cmd_cni_result(struct mb_cmd_cni_call *call, const struct mb_net_sandbox *s);
/* "cniVersion" and the versions that are spoken. */
struct json_object *mb_cmd_cni_versions(void);

#endif
