/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/kube/kube.h"
#include "container/container.h"
#include "core/own.h"

#define IN "    "

/* hostPath's type, by what is there now. */
static const char *type_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return "DirectoryOrCreate";
	return S_ISDIR(st.st_mode)    ? "Directory"
	       : S_ISSOCK(st.st_mode) ? "Socket"
	       : S_ISCHR(st.st_mode)  ? "CharDevice"
	       : S_ISBLK(st.st_mode)  ? "BlockDevice"
	                              : "File";
}

/* "noexec,size=64m" */
static char *size_of(const struct mb_container_mount *m)
{
	const char *at = m->options ? strstr(m->options, "size=") : NULL;

	return at ? mb_strndup(at + 5, strcspn(at + 5, ",")) : NULL;
}

static void put_volume(struct mb_str *out, const char *name, const struct mb_container_mount *m)
{
	MB_AUTO_FREE char *size = size_of(m);

	mb_cmd_kube_put(out, "  - name", name);
	if (mb_streq(m->type, "bind")) {
		mb_str_add(out, IN "hostPath:\n");
		mb_cmd_kube_put(out, IN "  path", m->source);
		mb_cmd_kube_put(out, IN "  type", type_of(m->source));
	} else if (mb_streq(m->type, "volume") && !m->anonymous) {
		MB_AUTO_FREE char *claim = mb_cmd_kube_name(m->name);

		mb_str_add(out, IN "persistentVolumeClaim:\n");
		mb_cmd_kube_put(out, IN "  claimName", claim);
	} else if (mb_streq(m->type, "image")) {
		mb_str_add(out, IN "image:\n");
		mb_cmd_kube_put(out, IN "  reference", m->source);
	} else if (mb_streq(m->type, "tmpfs")) {
		mb_str_add(out, IN "emptyDir:\n" IN "  medium: Memory\n");
		/* Kubernetes writes what mybox calls "64m" as "64Mi". */
		if (size && strchr("kmgKMG", size[strlen(size) - 1])) {
			char unit = size[strlen(size) - 1];

			size[strlen(size) - 1] = '\0';
			mb_str_addf(out, IN "  sizeLimit: \"%s%ci\"\n", size,
			            strchr("kK", unit) ? 'K' : unit & ~0x20);
		} else if (size) {
			mb_cmd_kube_put(out, IN "  sizeLimit", size);
		}
	} else {
		mb_str_add(out, IN "emptyDir: {}\n");
	}
}

/* The same source in two containers is one volume of the pod. */
static char *name_of(struct mb_cmd_kube *k, const struct mb_container_mount *m)
{
	bool shared = mb_streq(m->type, "bind") || (mb_streq(m->type, "volume") && !m->anonymous);
	MB_AUTO_FREE char *key =
		mb_asprintf("%s:%s", m->type, mb_streq(m->type, "bind") ? m->source : m->name);
	size_t i = 0;

	while (shared && i < k->volume_names.n && !mb_streq(k->volume_names.v[i], key))
		i++;
	if (!shared || i == k->volume_names.n) {
		MB_AUTO_FREE char *name = mb_asprintf("%s-%zu", m->type, k->volume_names.n);

		i = k->volume_names.n;
		mb_strv_add(&k->volume_names, shared ? key : "");
		put_volume(&k->volumes, name, m);
	}
	return mb_asprintf("%s-%zu", m->type, i);
}

void mb_cmd_kube_add_volumes(struct mb_cmd_kube *k, const struct mb_container *c)
{
	const struct mb_container_record *r = c->record;
	struct mb_str *out = &k->containers;

	if (r->n_mounts)
		mb_str_add(out, IN "volumeMounts:\n");
	for (size_t i = 0; i < r->n_mounts; i++) {
		const struct mb_container_mount *m = &r->mounts[i];
		MB_AUTO_FREE char *name = name_of(k, m);

		mb_cmd_kube_put(out, IN "- mountPath", m->destination);
		mb_cmd_kube_put(out, IN "  name", name);
		if (!m->rw)
			mb_str_add(out, IN "  readOnly: true\n");
		mb_cmd_kube_put(out, IN "  subPath", m->subpath);
		if (mb_streq(m->propagation, "rshared") || mb_streq(m->propagation, "shared"))
			mb_str_add(out, IN "  mountPropagation: Bidirectional\n");
		if (mb_streq(m->propagation, "rslave") || mb_streq(m->propagation, "slave"))
			mb_str_add(out, IN "  mountPropagation: HostToContainer\n");
	}
}
