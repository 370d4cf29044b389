/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/transport.h"

#include <ctype.h>
#include <string.h>

#include "core/str.h"

void mb_registry_transport_free(struct mb_registry_transport *t)
{
	if (t)
		t->free(t);
}

void mb_registry_head_done(struct mb_registry_head *head)
{
	mb_kv_done(&head->fields);
	head->status = 0;
}

void mb_registry_head_add(struct mb_registry_head *head, const char *line)
{
	const char *colon = strchr(line, ':'), *value, *before;
	MB_AUTO_FREE char *name = NULL, *joined = NULL;
	size_t len;

	if (!colon || colon == line)
		return;
	name = mb_strndup(line, (size_t)(colon - line));
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	value = colon + 1 + strspn(colon + 1, " \t");
	len = strlen(value);
	while (len && strchr(" \t", value[len - 1]))
		len--;
	before = mb_kv_find(&head->fields, name);
	joined = mb_asprintf("%s%s%.*s", before ? before : "", before ? ", " : "", (int)len, value);
	mb_kv_set(&head->fields, name, joined);
}
