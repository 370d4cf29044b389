/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/kube/kube.h — containers as Kubernetes has them: a pod, and a service for its ports.
 *
 * What Kubernetes has no word for stands as a comment above the pod, by the name of its option.
 */
#ifndef MB_CMD_KUBE_KUBE_H
#define MB_CMD_KUBE_KUBE_H

#include <stddef.h>

#include "core/str.h"
#include "core/strv.h"

struct mb_container;

struct mb_cmd_kube {
	const struct mb_container *const *v; /* one at least */
	size_t n;
	char *name;                               /* of the pod */
	struct mb_str containers, volumes, ports; /* lists that grow, indented for their places */
	struct mb_strv comments, names, volume_names, port_names;
};
void mb_cmd_kube_done(struct mb_cmd_kube *kube);
/* Text of the pod; with @service, the service, too. */
void mb_cmd_kube_write(struct mb_cmd_kube *kube, bool service, struct mb_str *out);

/* One of them becomes an element of kube->containers, and its volumes of kube->volumes. */
void mb_cmd_kube_add(struct mb_cmd_kube *kube, const struct mb_container *c);
/* Its volumeMounts, and the volumes that they mean. */
void mb_cmd_kube_add_volumes(struct mb_cmd_kube *kube, const struct mb_container *c);
/* Its ports, which become kube->ports, too. */
void mb_cmd_kube_add_ports(struct mb_cmd_kube *kube, const struct mb_container *c);
/* A Service for them, when there are any. */
void mb_cmd_kube_put_service(const struct mb_cmd_kube *kube, struct mb_str *out);
/* What Kubernetes has no word for. */
void mb_cmd_kube_add_comments(struct mb_cmd_kube *kube, const struct mb_container *c);

/* "key: " and a string, which no reader of YAML takes for anything else; NULL adds nothing. */
void mb_cmd_kube_put(struct mb_str *out, const char *key, const char *value);
/* "key:" and a list of strings; none adds nothing. */
void mb_cmd_kube_put_list(struct mb_str *out, const char *indent, const char *key,
                          const struct mb_strv *list);
/* @text, of a container with the variables @env, for what Kubernetes expands; caller frees. */
char *mb_cmd_kube_literal(const char *text, const struct mb_strv *env);
/* The list @words in this way. */
void mb_cmd_kube_put_words(struct mb_str *out, const char *indent, const char *key,
                           const struct mb_strv *words, const struct mb_strv *env);
/* @text as a name of Kubernetes': lower case letters, digits and '-', 63 at most; caller frees. */
char *mb_cmd_kube_name(const char *text);

#endif
