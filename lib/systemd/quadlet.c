/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "systemd/quadlet.h"

#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "systemd/unit.h"

enum how {
	VALUE, /* --flag VALUE, for each line */
	ONCE,  /* --flag VALUE, of the last line */
	WORDS, /* --flag WORD, for each word of each line */
	FLAG,  /* --flag, if it is true */
	BARE,  /* WORDs as they stand */
	OWN,   /* code below reads it */
};

struct key {
	const char *name;
	enum how how;
	const char *flag; /* up to its value: "--env=" */
};

// clang-format off
static const struct key container_keys[] = {
	{"AddCapability", WORDS, "--cap-add="},
	{"AddDevice", VALUE, "--device="},
	{"AddHost", VALUE, "--add-host="},
	{"Annotation", WORDS, "--annotation="},
	{"ContainerName", OWN, NULL},
	{"DNS", VALUE, "--dns="},
	{"DNSOption", VALUE, "--dns-option="},
	{"DNSSearch", VALUE, "--dns-search="},
	{"DropCapability", WORDS, "--cap-drop="},
	{"Entrypoint", ONCE, "--entrypoint="},
	{"Environment", WORDS, "--env="},
	{"EnvironmentFile", VALUE, "--env-file="},
	{"Exec", OWN, NULL},
	{"ExposeHostPort", VALUE, "--expose="},
	{"GIDMap", VALUE, "--gidmap="},
	{"Group", OWN, NULL},
	{"GroupAdd", VALUE, "--group-add="},
	{"HealthCmd", ONCE, "--health-cmd="},
	{"HealthInterval", ONCE, "--health-interval="},
	{"HealthOnFailure", ONCE, "--health-on-failure="},
	{"HealthRetries", ONCE, "--health-retries="},
	{"HealthStartPeriod", ONCE, "--health-start-period="},
	{"HealthStartupCmd", ONCE, "--health-startup-cmd="},
	{"HealthStartupInterval", ONCE, "--health-startup-interval="},
	{"HealthStartupRetries", ONCE, "--health-startup-retries="},
	{"HealthStartupSuccess", ONCE, "--health-startup-success="},
	{"HealthStartupTimeout", ONCE, "--health-startup-timeout="},
	{"HealthTimeout", ONCE, "--health-timeout="},
	{"HostName", ONCE, "--hostname="},
	{"IP", ONCE, "--ip="},
	{"IP6", ONCE, "--ip6="},
	{"Image", OWN, NULL},
	{"Label", WORDS, "--label="},
	{"LogDriver", ONCE, "--log-driver="},
	{"LogOpt", VALUE, "--log-opt="},
	{"Mask", VALUE, "--security-opt=mask="},
	{"Memory", ONCE, "--memory="},
	{"Mount", VALUE, "--mount="},
	{"Network", OWN, NULL},
	{"NetworkAlias", VALUE, "--network-alias="},
	{"NoNewPrivileges", FLAG, "--security-opt=no-new-privileges"},
	{"Notify", OWN, NULL},
	{"PidsLimit", ONCE, "--pids-limit="},
	{"PodmanArgs", BARE, NULL},
	{"PublishPort", VALUE, "--publish="},
	{"Pull", ONCE, "--pull="},
	{"ReadOnly", FLAG, "--read-only"},
	{"Rootfs", OWN, NULL},
	{"RunInit", FLAG, "--init"},
	{"SeccompProfile", ONCE, "--security-opt=seccomp="},
	{"Secret", VALUE, "--secret="},
	{"ShmSize", ONCE, "--shm-size="},
	{"StopSignal", ONCE, "--stop-signal="},
	{"StopTimeout", ONCE, "--stop-timeout="},
	{"Sysctl", WORDS, "--sysctl="},
	{"Tmpfs", VALUE, "--tmpfs="},
	{"UIDMap", VALUE, "--uidmap="},
	{"Ulimit", VALUE, "--ulimit="},
	{"Unmask", VALUE, "--security-opt=unmask="},
	{"User", OWN, NULL},
	{"UserNS", ONCE, "--userns="},
	{"Volume", OWN, NULL},
	{"WorkingDir", ONCE, "--workdir="},
	{NULL, OWN, NULL},
};

static const struct key volume_keys[] = {
	{"Driver", ONCE, "--driver="},
	{"Label", WORDS, "--label="},
	{"PodmanArgs", BARE, NULL},
	{"Type", ONCE, "--opt=type="},
	{"Device", ONCE, "--opt=device="},
	{"Options", ONCE, "--opt=o="},
	{NULL, OWN, NULL},
};

static const struct key network_keys[] = {
	{"Driver", ONCE, "--driver="},
	{"Gateway", VALUE, "--gateway="},
	{"IPAMDriver", ONCE, "--ipam-driver="},
	{"IPRange", VALUE, "--ip-range="},
	{"IPv6", FLAG, "--ipv6"},
	{"Internal", FLAG, "--internal"},
	{"Label", WORDS, "--label="},
	{"Options", VALUE, "--opt="},
	{"PodmanArgs", BARE, NULL},
	{"Subnet", VALUE, "--subnet="},
	{NULL, OWN, NULL},
};
// clang-format on

static const struct type {
	const char *suffix, *section, *infix, *name_key;
	const struct key *keys;
} types[] = {
	{".container", "Container", "", "ContainerName", container_keys},
	{".volume", "Volume", "-volume", NULL, volume_keys},
	{".network", "Network", "-network", NULL, network_keys},
};

struct making {
	const struct mb_systemd_quadlet *q;
	const struct type *type;
	struct mb_systemd_unit unit;
	char *stem;           /* "web" */
	char *name;           /* of what it makes: "systemd-web" */
	struct mb_str args;   /* of run or create */
	struct mb_strv needs; /* services of other files that it names */
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const struct type *type_of(const char *name)
{
	for (size_t i = 0; i < MB_N(types); i++)
		if (mb_ends_with(name, types[i].suffix) && strlen(name) > strlen(types[i].suffix))
			return &types[i];
	return NULL;
}

static char *stem_of(const char *name, const struct type *type)
{
	return mb_strndup(name, strlen(name) - strlen(type->suffix));
}

char *mb_systemd_quadlet_service(const char *name)
{
	const struct type *type = type_of(name);
	MB_AUTO_FREE char *stem = type ? stem_of(name, type) : NULL;

	return type ? mb_asprintf("%s%s.service", stem, type->infix) : NULL;
}

static void making_done(struct making *m)
{
	mb_systemd_unit_done(&m->unit);
	mb_strset(&m->stem, NULL);
	mb_strset(&m->name, NULL);
	mb_str_done(&m->args);
	mb_strv_done(&m->needs);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void add_arg(struct making *m, const char *flag, const char *value)
{
	MB_AUTO_FREE char *word = mb_asprintf("%s%s", flag, value);

	mb_systemd_unit_add_raw(&m->args, word);
}

/* "data.volume" is what that file makes, and its service comes first.  @value up to @n bytes. */
static char *resolve(struct making *m, const char *value, size_t n)
{
	MB_AUTO_FREE char *name = mb_strndup(value, n);
	const struct type *type = strchr(name, '/') ? NULL : type_of(name);
	MB_AUTO_FREE char *stem = type ? stem_of(name, type) : NULL;

	if (!type)
		return mb_take_ptr(&name);
	mb_strv_take(&m->needs, mb_systemd_quadlet_service(name));
	return mb_asprintf("systemd-%s", stem);
}

static void add_referring(struct making *m, const char *flag, const char *value)
{
	size_t n = strcspn(value, ":");
	MB_AUTO_FREE char *first = resolve(m, value, n);
	MB_AUTO_FREE char *whole = mb_asprintf("%s%s", first, value + n);

	add_arg(m, flag, whole);
}

static int add_words(struct making *m, const struct key *key, const char *value, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = mb_systemd_unit_split(value, &words, err);

	for (size_t i = 0; r == 0 && i < words.n; i++)
		add_arg(m, key->flag ? key->flag : "", words.v[i]);
	return r;
}

static int add_key(struct making *m, const struct key *key, const char *value, struct mb_err *err)
{
	bool is_true = false;

	if (strcmp(key->name, "Volume") == 0)
		add_referring(m, "--volume=", value);
	else if (strcmp(key->name, "Network") == 0)
		add_referring(m, "--network=", value);
	else if (key->how == VALUE || key->how == ONCE)
		add_arg(m, key->flag, value);
	else if (key->how == WORDS || key->how == BARE)
		return add_words(m, key, value, err);
	else if (key->how == FLAG) {
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0 &&
		    mb_parse_bool(value, &is_true) < 0)
			return mb_fail(err, EINVAL, "%s='%s' is neither true nor false", key->name,
			               value);
		if (is_true || strcmp(value, "yes") == 0)
			add_arg(m, key->flag, "");
	}
	return 0;
}

static const struct key *find_key(const struct type *type, const char *name)
{
	for (const struct key *key = type->keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

/* An empty value takes back all that came before it, as everywhere in systemd. */
static bool is_taken_back(const struct mb_systemd_unit *u, size_t i, bool once)
{
	for (size_t k = i + 1; k < u->n; k++)
		if (strcmp(u->v[k].section, u->v[i].section) == 0 &&
		    strcmp(u->v[k].key, u->v[i].key) == 0 && (once || !*u->v[k].value))
			return true;
	return false;
}

static int add_keys(struct making *m, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->unit.n; i++) {
		const struct mb_systemd_unit_line *line = &m->unit.v[i];
		const struct key *key;

		if (strcmp(line->section, m->type->section) != 0)
			continue;
		key = find_key(m->type, line->key);
		if (!key)
			return mb_fail(err, EINVAL, "unsupported key '%s' in group '%s'", line->key,
			               line->section);
		if (*line->value &&
		    !is_taken_back(&m->unit, i, key->how == ONCE || key->how == FLAG))
			r = add_key(m, key, line->value, err);
	}
	return r;
}

/* --- the unit --------------------------------------------------------------------------------- */

static const char *value_of(const struct making *m, const char *key)
{
	return mb_systemd_unit_find(&m->unit, m->type->section, key);
}

/* Sections that are systemd's own stay as they are. */
static void copy_section(const struct making *m, const char *section, struct mb_str *out)
{
	for (size_t i = 0; i < m->unit.n; i++)
		if (strcmp(m->unit.v[i].section, section) == 0)
			mb_str_addf(out, "%s=%s\n", m->unit.v[i].key, m->unit.v[i].value);
}

static int add_user(struct making *m, struct mb_err *err)
{
	const char *user = value_of(m, "User"), *group = value_of(m, "Group");
	MB_AUTO_FREE char *both = NULL;

	if (!user && group)
		return mb_fail(err, EINVAL, "Group without User");
	both = user ? mb_asprintf("%s%s%s", user, group ? ":" : "", group ? group : "") : NULL;
	if (both)
		add_arg(m, "--user=", both);
	return 0;
}

static int notify_of(const struct making *m, const char **ret, struct mb_err *err)
{
	const char *value = value_of(m, "Notify");

	*ret = "conmon";
	if (!value || strcmp(value, "false") == 0 || strcmp(value, "no") == 0)
		return 0;
	*ret = strcmp(value, "healthy") == 0 ? "healthy" : "container";
	if (strcmp(value, "healthy") != 0 && strcmp(value, "true") != 0 &&
	    strcmp(value, "yes") != 0)
		return mb_fail(err, EINVAL, "Notify='%s' is neither true, false nor healthy",
		               value);
	return 0;
}

static int put_container(struct making *m, struct mb_str *out, struct mb_err *err)
{
	const char *image = value_of(m, "Image"), *rootfs = value_of(m, "Rootfs");
	const char *exec = value_of(m, "Exec"), *notify = NULL;
	int r = add_user(m, err);

	if (r == 0)
		r = notify_of(m, &notify, err);
	if (r == 0 && !image == !rootfs)
		r = mb_fail(err, EINVAL, "either Image or Rootfs is needed");
	if (r < 0)
		return r;
	if (rootfs)
		add_arg(m, "--rootfs", "");
	mb_systemd_unit_add_raw(&m->args, image ? image : rootfs);
	if (exec)
		r = add_words(m, &(struct key){"Exec", BARE, NULL}, exec, err);
	mb_str_addf(out,
	            "Type=notify\nNotifyAccess=all\nKillMode=mixed\nSuccessExitStatus=143\n"
	            "TasksMax=infinity\nSyslogIdentifier=%%N\n"
	            "ExecStartPre=-%s rm -f %s\n"
	            "ExecStart=%s run --sdnotify=%s -d --rm --name=%s%s\n"
	            "ExecStop=%s stop %s\n"
	            "ExecStopPost=-%s rm -f -v %s\n",
	            m->q->program, m->name, m->q->program, notify, m->name, mb_str_text(&m->args),
	            m->q->program, m->name, m->q->program, m->name);
	return r;
}

/* Making one that is there already is no error. */
static void put_object(struct making *m, struct mb_str *out)
{
	const char *verb = m->type->keys == volume_keys ? "volume" : "network";

	mb_str_addf(out,
	            "Type=oneshot\nRemainAfterExit=yes\nSyslogIdentifier=%%N\n"
	            "ExecStart=-%s %s create%s %s\n"
	            "ExecStart=%s %s exists %s\n",
	            m->q->program, verb, mb_str_text(&m->args), m->name, m->q->program, verb,
	            m->name);
}

static int add_links(struct making *m, const char *key, const char *suffix, struct mb_strv *links,
                     struct mb_err *err)
{
	const char *value = mb_systemd_unit_find(&m->unit, "Install", key);
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = value ? mb_systemd_unit_split(value, &words, err) : 0;

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		if (strchr(words.v[i], '/') || words.v[i][0] == '.')
			return mb_fail(err, EINVAL, "'%s' is no unit's name", words.v[i]);
		mb_strv_addf(links, "%s%s", words.v[i], suffix);
	}
	return r;
}

static void put_unit_section(const struct making *m, struct mb_str *out)
{
	mb_str_addf(out,
	            "# written by mybox-generator\n[Unit]\n"
	            "SourcePath=%s\nWants=network-online.target\nAfter=network-online.target\n",
	            m->q->path);
	for (size_t i = 0; i < m->needs.n; i++)
		mb_str_addf(out, "Requires=%s\nAfter=%s\n", m->needs.v[i], m->needs.v[i]);
	copy_section(m, "Unit", out);
}

static int make(struct making *m, struct mb_str *out, struct mb_strv *links, struct mb_err *err)
{
	const char *name = m->type->name_key ? value_of(m, m->type->name_key) : NULL;
	int r;

	m->name = name ? mb_strdup(name) : mb_asprintf("systemd-%s", m->stem);
	if (!mb_name_is_valid(m->name))
		return mb_fail(err, EINVAL, "'%s' is no valid name", m->name);
	r = add_keys(m, err);
	if (r < 0)
		return r;
	put_unit_section(m, out);
	mb_str_add(out, "\n[Service]\n");
	if (m->type->keys == container_keys)
		r = put_container(m, out, err);
	else
		put_object(m, out);
	copy_section(m, "Service", out);
	mb_str_add(out, "\n[Install]\n");
	copy_section(m, "Install", out);
	if (r == 0)
		r = add_links(m, "WantedBy", ".wants", links, err);
	return r == 0 ? add_links(m, "RequiredBy", ".requires", links, err) : r;
}

int mb_systemd_quadlet_make(const struct mb_systemd_quadlet *q, const char *text, size_t n,
                            struct mb_str *out, struct mb_strv *ret_links, struct mb_err *err)
{
	const char *base = base_of(q->path);
	__attribute__((cleanup(making_done))) struct making m = {.q = q, .type = type_of(base)};
	int r;

	if (!m.type)
		return mb_fail(err, EINVAL, "'%s' is no .container, .volume or .network", base);
	m.stem = stem_of(base, m.type);
	r = mb_systemd_unit_parse(text, n, &m.unit, err);
	if (r == 0)
		r = make(&m, out, ret_links, err);
	return r < 0 ? mb_wrap(err, r, "%s", base) : 0;
}
