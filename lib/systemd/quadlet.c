/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "systemd/quadlet.h"

#include <errno.h>
#include <stdlib.h>
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
	PATH,  /* --flag VALUE, for each line: a file, beside this one if it is relative */
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
	{"AppArmor", ONCE, "--security-opt=apparmor="},
	{"ContainerName", OWN, NULL},
	{"DNS", VALUE, "--dns="},
	{"DNSOption", VALUE, "--dns-option="},
	{"DNSSearch", VALUE, "--dns-search="},
	{"DropCapability", WORDS, "--cap-drop="},
	{"Entrypoint", ONCE, "--entrypoint="},
	{"Environment", WORDS, "--env="},
	{"EnvironmentFile", PATH, "--env-file="},
	{"Exec", OWN, NULL},
	{"ExposeHostPort", VALUE, "--expose="},
	{"GIDMap", VALUE, "--gidmap="},
	{"GlobalArgs", OWN, NULL},
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
	{"Mount", OWN, NULL},
	{"Network", OWN, NULL},
	{"NetworkAlias", VALUE, "--network-alias="},
	{"NoNewPrivileges", FLAG, "--security-opt=no-new-privileges"},
	{"Notify", OWN, NULL},
	{"PidsLimit", ONCE, "--pids-limit="},
	{"PodmanArgs", BARE, NULL},
	{"PublishPort", VALUE, "--publish="},
	{"Pull", ONCE, "--pull="},
	{"ReadOnly", FLAG, "--read-only"},
	{"ReloadCmd", OWN, NULL},
	{"ReloadSignal", OWN, NULL},
	{"Rootfs", OWN, NULL},
	{"RunInit", FLAG, "--init"},
	{"SeccompProfile", ONCE, "--security-opt=seccomp="},
	{"Secret", VALUE, "--secret="},
	{"SecurityLabelDisable", FLAG, "--security-opt=label=disable"},
	{"ServiceName", OWN, NULL},
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
	{"GlobalArgs", OWN, NULL},
	{"Label", WORDS, "--label="},
	{"PodmanArgs", BARE, NULL},
	{"ServiceName", OWN, NULL},
	{"Type", ONCE, "--opt=type="},
	{"VolumeName", OWN, NULL},
	{"Device", ONCE, "--opt=device="},
	{"Options", ONCE, "--opt=o="},
	{NULL, OWN, NULL},
};

static const struct key network_keys[] = {
	{"Driver", ONCE, "--driver="},
	{"Gateway", VALUE, "--gateway="},
	{"GlobalArgs", OWN, NULL},
	{"IPAMDriver", ONCE, "--ipam-driver="},
	{"IPRange", VALUE, "--ip-range="},
	{"IPv6", FLAG, "--ipv6"},
	{"InterfaceName", ONCE, "--opt=com.docker.network.bridge.name="},
	{"Internal", FLAG, "--internal"},
	{"Label", WORDS, "--label="},
	{"NetworkDeleteOnStop", OWN, NULL},
	{"NetworkName", OWN, NULL},
	{"Options", VALUE, "--opt="},
	{"PodmanArgs", BARE, NULL},
	{"ServiceName", OWN, NULL},
	{"Subnet", VALUE, "--subnet="},
	{NULL, OWN, NULL},
};

static const struct key quadlet_keys[] = {
	{"DefaultDependencies", OWN, NULL},
	{NULL, OWN, NULL},
};
// clang-format on

static const struct type {
	const char *suffix, *section, *infix, *name_key;
	const struct key *keys;
} types[] = {
	{".container", "Container", "", "ContainerName", container_keys},
	{".volume", "Volume", "-volume", "VolumeName", volume_keys},
	{".network", "Network", "-network", "NetworkName", network_keys},
};

struct making {
	const struct mb_systemd_quadlet *q;
	const struct type *type;
	struct mb_systemd_unit unit;
	char *stem;            /* "web" */
	char *name;            /* of what it makes: "systemd-web" */
	struct mb_str program; /* with what stands before the verb */
	struct mb_str args;    /* of run or create */
	struct mb_strv needs;  /* services of other files that it names */
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

bool mb_systemd_quadlet_is_one(const char *name)
{
	return type_of(name) != NULL;
}

/* What a file makes, and its service: as it says, else by its own name. */
static int name_both(const struct mb_systemd_unit *unit, const struct type *type, const char *stem,
                     char **ret_name, char **ret_service, struct mb_err *err)
{
	const char *name = mb_systemd_unit_find(unit, type->section, type->name_key);
	const char *service = mb_systemd_unit_find(unit, type->section, "ServiceName");

	if (name && !mb_name_is_valid(name))
		return mb_fail(err, EINVAL, "'%s' is no valid name", name);
	if (service && (strchr(service, '/') || service[0] == '.' || strchr(service, ' ')))
		return mb_fail(err, EINVAL, "'%s' is no unit's name", service);
	*ret_name = name ? mb_strdup(name) : mb_asprintf("systemd-%s", stem);
	*ret_service = service ? mb_asprintf("%s.service", service)
	                       : mb_asprintf("%s%s.service", stem, type->infix);
	return 0;
}

static void making_done(struct making *m)
{
	mb_systemd_unit_done(&m->unit);
	mb_strset(&m->stem, NULL);
	mb_strset(&m->name, NULL);
	mb_str_done(&m->program);
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
static int resolve(struct making *m, const char *value, size_t n, char **ret, struct mb_err *err)
{
	MB_AUTO_FREE char *name = mb_strndup(value, n);
	const struct type *type = strchr(name, '/') ? NULL : type_of(name);
	MB_AUTO_FREE char *stem = type ? stem_of(name, type) : NULL;
	MB_AUTO_FREE char *text = type && m->q->read ? m->q->read(m->q->arg, name) : NULL;
	struct mb_systemd_unit unit = {0};
	char *service = NULL;
	int r = 0;

	if (!type) {
		*ret = mb_take_ptr(&name);
		return 0;
	}
	if (text)
		r = mb_systemd_unit_parse(text, strlen(text), &unit, err);
	if (r == 0)
		r = name_both(&unit, type, stem, ret, &service, err);
	if (r == 0)
		mb_strv_take(&m->needs, service);
	mb_systemd_unit_done(&unit);
	return r < 0 ? mb_wrap(err, r, "%s", name) : 0;
}

/* What is relative is beside the file, unless systemd says what it begins with ("%h/x.env"). */
static char *beside(const struct making *m, const char *path)
{
	size_t dir = (size_t)(base_of(m->q->path) - m->q->path);

	return *path == '/' || *path == '%' ? mb_strdup(path)
	                                    : mb_asprintf("%.*s%s", (int)dir, m->q->path, path);
}

static int add_volume(struct making *m, const char *value, struct mb_err *err)
{
	size_t n = strcspn(value, ":");
	MB_AUTO_FREE char *first = NULL, *whole = NULL;
	int r = *value == '.' ? 0 : resolve(m, value, n, &first, err);

	if (r < 0)
		return r;
	whole = first ? mb_asprintf("%s%s", first, value + n) : beside(m, value);
	add_arg(m, "--volume=", whole);
	return 0;
}

/* "web.container" is the network of that container. */
static int add_network(struct making *m, const char *value, struct mb_err *err)
{
	size_t n = strcspn(value, ":");
	MB_AUTO_FREE char *name = mb_strndup(value, n), *first = NULL, *whole = NULL;
	int r = resolve(m, value, n, &first, err);

	if (r < 0)
		return r;
	whole = mb_asprintf("%s%s%s", type_of(name) == &types[0] ? "container:" : "", first,
	                    value + n);
	add_arg(m, "--network=", whole);
	return 0;
}

/* "type=volume,source=data.volume,target=/data" */
static int add_mount(struct making *m, const char *value, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT, out = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;

	mb_strv_split(&parts, value, ',');
	MB_STRV_FOREACH (part, &parts) {
		const char *source = mb_skip_prefix(part, "source=");
		char *name = NULL;
		int r = 0;

		source = source ? source : mb_skip_prefix(part, "src=");
		if (!source) {
			mb_strv_add(&out, part);
			continue;
		}
		if (*source == '.')
			name = beside(m, source);
		else
			r = resolve(m, source, strlen(source), &name, err);
		if (r < 0)
			return r;
		mb_strv_addf(&out, "source=%s", name);
		free(name);
	}
	joined = mb_strv_join(&out, ",");
	add_arg(m, "--mount=", joined);
	return 0;
}

static int add_words(struct making *m, const struct key *key, const char *value, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = mb_systemd_unit_split(value, &words, err);

	for (size_t i = 0; r == 0 && i < words.n; i++)
		add_arg(m, key->flag ? key->flag : "", words.v[i]);
	return r;
}

/* Return: 0 and whether it is true; or -EINVAL, told. */
static int read_bool(const char *key, const char *value, bool *ret, struct mb_err *err)
{
	if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0) {
		*ret = *value == 'y';
		return 0;
	}
	return mb_parse_bool(value, ret) == 0
	               ? 0
	               : mb_fail(err, EINVAL, "%s='%s' is neither true nor false", key, value);
}

static int add_own(struct making *m, const struct key *key, const char *value, struct mb_err *err)
{
	static const struct {
		const char *name;
		int (*add)(struct making *m, const char *value, struct mb_err *err);
	} rows[] = {{"Volume", add_volume}, {"Network", add_network}, {"Mount", add_mount}};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (strcmp(key->name, rows[i].name) == 0)
			return rows[i].add(m, value, err);
	return 0;
}

static int add_key(struct making *m, const struct key *key, const char *value, struct mb_err *err)
{
	MB_AUTO_FREE char *path = NULL;
	bool is_true = false;
	int r = 0;

	switch (key->how) {
	case VALUE:
	case ONCE:
		add_arg(m, key->flag, value);
		break;
	case PATH:
		path = beside(m, value);
		add_arg(m, key->flag, path);
		break;
	case WORDS:
	case BARE:
		return add_words(m, key, value, err);
	case FLAG:
		r = read_bool(key->name, value, &is_true, err);
		if (is_true)
			add_arg(m, key->flag, "");
		break;
	case OWN:
		return add_own(m, key, value, err);
	}
	return r;
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	for (const struct key *key = keys; key->name; key++)
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
		bool is_general = strcmp(line->section, "Quadlet") == 0;
		const struct key *key;

		if (!is_general && strcmp(line->section, m->type->section) != 0)
			continue;
		key = find_key(is_general ? quadlet_keys : m->type->keys, line->key);
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

static int put_reload(struct making *m, struct mb_str *out, struct mb_err *err)
{
	const char *command = value_of(m, "ReloadCmd"), *sig = value_of(m, "ReloadSignal");
	const char *program = mb_str_text(&m->program);
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = 0;

	if (command && sig)
		return mb_fail(err, EINVAL, "ReloadCmd and ReloadSignal exclude each other");
	if (sig)
		mb_str_addf(out, "ExecReload=%s kill --signal=%s %s\n", program, sig, m->name);
	if (!command)
		return 0;
	r = mb_systemd_unit_split(command, &words, err);
	mb_str_addf(out, "ExecReload=%s exec %s", program, m->name);
	for (size_t i = 0; i < words.n; i++)
		mb_systemd_unit_add_raw(out, words.v[i]);
	mb_str_addc(out, '\n');
	return r;
}

static int put_container(struct making *m, struct mb_str *out, struct mb_err *err)
{
	const char *image = value_of(m, "Image"), *rootfs = value_of(m, "Rootfs");
	const char *exec = value_of(m, "Exec"), *notify = NULL;
	const char *program = mb_str_text(&m->program);
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
	            program, m->name, program, notify, m->name, mb_str_text(&m->args), program,
	            m->name, program, m->name);
	return r == 0 ? put_reload(m, out, err) : r;
}

/* Making one that is there already is no error. */
static int put_object(struct making *m, struct mb_str *out, struct mb_err *err)
{
	const char *verb = m->type->keys == volume_keys ? "volume" : "network";
	const char *program = mb_str_text(&m->program);
	const char *deletes = value_of(m, "NetworkDeleteOnStop");
	bool is_deleted = false;
	int r = deletes ? read_bool("NetworkDeleteOnStop", deletes, &is_deleted, err) : 0;

	mb_str_addf(out,
	            "Type=oneshot\nRemainAfterExit=yes\nSyslogIdentifier=%%N\n"
	            "ExecStart=-%s %s create%s %s\n"
	            "ExecStart=%s %s exists %s\n",
	            program, verb, mb_str_text(&m->args), m->name, program, verb, m->name);
	if (is_deleted)
		mb_str_addf(out, "ExecStopPost=-%s network rm %s\n", program, m->name);
	return r;
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

static int put_unit_section(const struct making *m, struct mb_str *out, struct mb_err *err)
{
	const char *wanted = mb_systemd_unit_find(&m->unit, "Quadlet", "DefaultDependencies");
	bool waits = true;
	int r = wanted ? read_bool("DefaultDependencies", wanted, &waits, err) : 0;

	mb_str_addf(out, "# written by mybox-generator\n[Unit]\nSourcePath=%s\n", m->q->path);
	if (waits)
		mb_str_add(out, "Wants=network-online.target\nAfter=network-online.target\n");
	for (size_t i = 0; i < m->needs.n; i++)
		mb_str_addf(out, "Requires=%s\nAfter=%s\n", m->needs.v[i], m->needs.v[i]);
	copy_section(m, "Unit", out);
	return r;
}

static int name_program(struct making *m, struct mb_err *err)
{
	int r = 0;

	mb_str_add(&m->program, m->q->program);
	for (size_t i = 0; r == 0 && i < m->unit.n; i++) {
		const struct mb_systemd_unit_line *line = &m->unit.v[i];
		MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

		if (strcmp(line->section, m->type->section) != 0 ||
		    strcmp(line->key, "GlobalArgs") != 0 || is_taken_back(&m->unit, i, false))
			continue;
		r = mb_systemd_unit_split(line->value, &words, err);
		for (size_t k = 0; r == 0 && k < words.n; k++)
			mb_systemd_unit_add_raw(&m->program, words.v[k]);
	}
	return r;
}

static int make(struct making *m, struct mb_str *out, struct mb_strv *links, char **ret_service,
                struct mb_err *err)
{
	int r = name_both(&m->unit, m->type, m->stem, &m->name, ret_service, err);

	if (r == 0)
		r = name_program(m, err);
	if (r == 0)
		r = add_keys(m, err);
	if (r == 0)
		r = put_unit_section(m, out, err);
	if (r < 0)
		return r;
	mb_str_add(out, "\n[Service]\n");
	if (m->type->keys == container_keys)
		r = put_container(m, out, err);
	else
		r = put_object(m, out, err);
	copy_section(m, "Service", out);
	mb_str_add(out, "\n[Install]\n");
	copy_section(m, "Install", out);
	if (r == 0)
		r = add_links(m, "WantedBy", ".wants", links, err);
	return r == 0 ? add_links(m, "RequiredBy", ".requires", links, err) : r;
}

int mb_systemd_quadlet_make(const struct mb_systemd_quadlet *q, const char *text, size_t n,
                            struct mb_systemd_quadlet_made *ret, struct mb_err *err)
{
	const char *base = base_of(q->path);
	__attribute__((cleanup(making_done))) struct making m = {.q = q, .type = type_of(base)};
	int r;

	if (!m.type)
		return mb_fail(err, EINVAL, "'%s' is no .container, .volume or .network", base);
	m.stem = stem_of(base, m.type);
	r = mb_systemd_unit_parse(text, n, &m.unit, err);
	if (r == 0)
		r = make(&m, &ret->unit, &ret->links, &ret->service, err);
	return r < 0 ? mb_wrap(err, r, "%s", base) : 0;
}

void mb_systemd_quadlet_made_done(struct mb_systemd_quadlet_made *made)
{
	mb_str_done(&made->unit);
	mb_strv_done(&made->links);
	mb_strset(&made->service, NULL);
}
