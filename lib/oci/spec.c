/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oci/spec.h"

#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "oci/spec_check.h"
#include "json/json.h"

int mb_oci_spec_decode(struct json_object *o, struct mb_oci_spec *ret, struct mb_err *err)
{
	MB_AUTO_OCI_SPEC struct mb_oci_spec spec = {0};
	int r = mb_json_decode(o, mb_oci_spec_table, &spec, err);

	if (r == 0)
		r = mb_oci_spec_check(&spec, err);
	if (r < 0)
		return r;
	*ret = spec;
	spec = (struct mb_oci_spec){0};
	return 0;
}

int mb_oci_spec_load(const char *text, size_t len, struct mb_oci_spec *ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = mb_json_parse_object(text, len, &o, err);

	if (r < 0)
		return r;
	return mb_oci_spec_decode(o, ret, err);
}

int mb_oci_process_load(const char *text, size_t len, struct mb_oci_process *ret,
                        struct mb_err *err)
{
	struct mb_oci_process process;
	int r = mb_json_load(text, len, mb_oci_process_table, &process, sizeof(process), err);

	if (r < 0)
		return r;
	r = mb_oci_process_check(&process, err);
	if (r < 0) {
		mb_oci_process_done(&process);
		return r;
	}
	*ret = process;
	return 0;
}

int mb_oci_resources_load(const char *text, size_t len, struct mb_oci_resources *ret,
                          struct mb_err *err)
{
	struct mb_oci_resources res;
	int r = mb_json_load(text, len, mb_oci_resources_table, &res, sizeof(res), err);

	if (r < 0)
		return r;
	r = mb_oci_resources_check(&res, err);
	if (r < 0) {
		mb_oci_resources_done(&res);
		return r;
	}
	*ret = res;
	return 0;
}

struct json_object *mb_oci_spec_save(const struct mb_oci_spec *spec)
{
	return mb_json_encode(mb_oci_spec_table, spec);
}

void mb_oci_spec_save_text(const struct mb_oci_spec *spec, struct mb_str *out)
{
	mb_json_save(mb_oci_spec_table, spec, out);
}

void mb_oci_spec_done(struct mb_oci_spec *spec)
{
	mb_json_done(mb_oci_spec_table, spec);
}

void mb_oci_process_done(struct mb_oci_process *process)
{
	mb_json_done(mb_oci_process_table, process);
}

void mb_oci_resources_done(struct mb_oci_resources *resources)
{
	mb_json_done(mb_oci_resources_table, resources);
}

struct mb_oci_namespace *mb_oci_spec_find_namespace(const struct mb_oci_spec *spec,
                                                    const char *type)
{
	for (size_t i = 0; i < spec->linux.n_namespaces; i++)
		if (strcmp(spec->linux.namespaces[i].type, type) == 0)
			return &spec->linux.namespaces[i];
	return NULL;
}

/* One more zeroed element at the end of the list *@v.  Return: the element. */
static void *grow(void *v, size_t *n, size_t size)
{
	void **list = v;
	char *element;

	*list = mb_realloc(*list, (*n + 1) * size);
	element = (char *)*list + *n * size;
	memset(element, 0, size);
	++*n;
	return element;
}

struct mb_oci_mount *mb_oci_spec_add_mount(struct mb_oci_spec *spec, const char *destination,
                                           const char *type, const char *source)
{
	struct mb_oci_mount *m = grow(&spec->mounts, &spec->n_mounts, sizeof(*m));

	m->destination = mb_strdup(destination);
	m->type = mb_strdup_or_null(type);
	m->source = mb_strdup_or_null(source);
	return m;
}

struct mb_oci_namespace *mb_oci_spec_add_namespace(struct mb_oci_spec *spec, const char *type,
                                                   const char *path)
{
	struct mb_oci_namespace *ns =
		grow(&spec->linux.namespaces, &spec->linux.n_namespaces, sizeof(*ns));

	ns->type = mb_strdup(type);
	ns->path = mb_strdup_or_null(path);
	return ns;
}

struct mb_oci_device *mb_oci_spec_add_device(struct mb_oci_spec *spec)
{
	return grow(&spec->linux.devices, &spec->linux.n_devices, sizeof(struct mb_oci_device));
}

struct mb_oci_device_rule *mb_oci_resources_add_device_rule(struct mb_oci_resources *res)
{
	return grow(&res->devices, &res->n_devices, sizeof(struct mb_oci_device_rule));
}

struct mb_oci_rlimit *mb_oci_process_add_rlimit(struct mb_oci_process *process, const char *type,
                                                uint64_t soft, uint64_t hard)
{
	struct mb_oci_rlimit *l = grow(&process->rlimits, &process->n_rlimits, sizeof(*l));

	l->type = mb_strdup(type);
	l->soft = soft;
	l->hard = hard;
	return l;
}
