/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json_object.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/filter.h"
#include "format/human.h"
#include "format/table.h"
#include "format/template.h"
#include "net/net.h"
#include "json/json.h"

struct ls_args {
	const char *format;
	struct mb_strv filters;
	bool quiet, no_trunc;
};

static const struct mb_format_column columns[] = {
	{"ID", "NETWORK ID"},
	{"Name", "NAME"},
	{"Driver", "DRIVER"},
	{"Scope", "SCOPE"},
	{"CreatedAt", "CREATED AT", .is_off = true},
	{"IPv4", "IPV4", .is_off = true},
	{"IPv6", "IPV6", .is_off = true},
	{"Internal", "INTERNAL", .is_off = true},
	{"Labels", "LABELS", .is_off = true},
	{NULL},
};
static const char *const known_filters[] = {"driver", "id",   "label",    "label!", "name",
                                            "scope",  "type", "dangling", NULL};

/* Later than the docker whose JSON this is: for who asks for it by name. */
static const char ipv4_key[] = "_ipv4";

static int call(void *user, struct json_object *object, const char *name,
                struct json_object *const *args, size_t n_args, struct json_object **ret,
                struct mb_err *err)
{
	const char *ipv4 = mb_json_find_str(object, ipv4_key, NULL);

	if (!ipv4 || n_args || strcmp(name, "IPv4") != 0)
		return mb_cmd_list_host()->call(user, object, name, args, n_args, ret, err);
	*ret = json_object_new_string(ipv4);
	return 0;
}

static const struct mb_format_host host = {.call = call};

static const char *yes_or_no(bool value)
{
	return value ? "true" : "false";
}

static struct json_object *new_row(const struct mb_net_network *n, bool no_trunc)
{
	struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *short_id = mb_format_short_id(n->id);
	char created[MB_FORMAT_HUMAN_TEXT];

	mb_json_set_str(row, "ID", no_trunc ? n->id : short_id);
	mb_json_set_str(row, "Name", n->name);
	mb_json_set_str(row, "Driver", n->driver);
	mb_json_set_str(row, "Scope", "local");
	mb_json_set_str(row, "CreatedAt", mb_format_created_at_nsec(n->created, created));
	mb_json_set_str(row, ipv4_key, yes_or_no(n->v4.subnet || (n->no_addresses && !n->no_ipv4)));
	mb_json_set_str(row, "IPv6", yes_or_no(n->ipv6));
	mb_json_set_str(row, "Internal", yes_or_no(n->internal));
	mb_cmd_row_labels(row, &n->labels);
	return row;
}

/* Whether the network has the wanted use: dangling ones have no container and can go. */
static int has_use(struct mb_net *net, const struct mb_net_network *n,
                   const struct mb_format_filters *filters, bool *ret, struct mb_err *err)
{
	struct mb_net_members members = {0};
	bool wants = false;
	int r = mb_format_filters_bool(filters, "dangling", false, &wants, err);

	*ret = true;
	if (r < 0 || !mb_format_filters_has(filters, "dangling"))
		return r;
	r = mb_net_members_list(net, n->id, &members, err);
	if (r < 0)
		return r;
	*ret = wants == (members.n == 0 && !n->builtin);
	mb_net_members_done(&members);
	return 0;
}

static int check_types(const struct mb_format_filters *filters, struct mb_err *err)
{
	const struct mb_strv *types = mb_format_filters_find(filters, "type");

	for (size_t i = 0; types && i < types->n; i++)
		if (!mb_streq(types->v[i], "builtin") && !mb_streq(types->v[i], "custom"))
			return mb_fail(err, EINVAL, "invalid filter: 'type'='%s'", types->v[i]);
	return 0;
}

static int matches(struct mb_net *net, const struct mb_net_network *n,
                   const struct mb_format_filters *filters, bool *ret, struct mb_err *err)
{
	*ret = mb_format_filters_exact(filters, "driver", n->driver) &&
	       mb_format_filters_match(filters, "id", n->id) &&
	       mb_format_filters_match(filters, "name", n->name) &&
	       mb_format_filters_exact(filters, "scope", "local") &&
	       mb_format_filters_exact(filters, "type", n->builtin ? "builtin" : "custom") &&
	       mb_format_filters_labels(filters, &n->labels);
	return *ret ? has_use(net, n, filters, ret, err) : 0;
}

static int add_rows(struct mb_net *net, const struct ls_args *args,
                    const struct mb_format_filters *filters, struct mb_format_list *list,
                    struct mb_err *err)
{
	struct mb_net_networks networks = {0};
	int r = mb_net_network_list(net, &networks, err);

	for (size_t i = 0; i < networks.n && r == 0; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = NULL;
		bool wanted = false;

		r = matches(net, networks.v[i], filters, &wanted, err);
		if (r < 0 || !wanted)
			continue;
		row = new_row(networks.v[i], args->no_trunc);
		r = mb_format_list_add(list, row, err);
	}
	mb_net_networks_done(&networks);
	return r;
}

static int ls_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct ls_args *args = in->args;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	MB_AUTO_FILTERS struct mb_format_filters filters = {0};
	const char *format = mb_cmd_list_format(args->format, args->quiet, "{{.ID}}");
	int r = mb_format_filters_parse(&args->filters, known_filters, &filters, err);

	if (r == 0)
		r = check_types(&filters, err);
	if (r == 0)
		r = mb_format_list_new(format, columns, &host, &list, err);
	if (r == 0)
		r = mb_cmd_net(cx, &net, err);
	if (r == 0)
		r = add_rows(net, args, &filters, list, err);
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

static const struct mb_cli_opt ls_opts[] = {
	MB_OPT_LIST('f', "filter", "filter", struct ls_args, filters,
                    "only those that match, as key=value", .is_pairs = true),
	MB_OPT_STRING(0, "format", NULL, struct ls_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_SWITCH(0, "no-trunc", struct ls_args, no_trunc, "do not shorten ids"),
	MB_OPT_SWITCH('q', "quiet", struct ls_args, quiet, "print ids only"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_ls = {
	.paths = "network ls|network list",
	.summary = "list networks",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.examples = "mybox network ls --filter type=custom\n"
		    "mybox network ls --format '{{.Name}}: {{.Driver}}'\n",
	.main = ls_main,
};
