/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

struct run_args {
	bool tty, stdin_open, detach, sig_proxy;
	int quiet_tri, number, level, verbose;
	int64_t big, memory, cpus, timeout;
	uint64_t unsigned_big;
	const char *name, *network, *pull;
	struct mb_strv env, ports, filters;
	struct mb_kv labels;
};

static const char *const levels[] = {"low", "high", NULL};

static const struct mb_cli_opt run_opts[] = {
	MB_OPT_SWITCH('t', "tty", struct run_args, tty, "terminal"),
	MB_OPT_SWITCH('i', "interactive", struct run_args, stdin_open, "input"),
	MB_OPT_SWITCH('d', "detach", struct run_args, detach, "background"),
	MB_OPT_SWITCH(0, "sig-proxy", struct run_args, sig_proxy, "signals", .def = "true"),
	MB_OPT_TRI(0, "ipv4", struct run_args, quiet_tri, "addresses"),
	MB_OPT_INT('n', "number", NULL, struct run_args, number, "a number", .def = "7"),
	MB_OPT_I64(0, "big", NULL, struct run_args, big, "a number"),
	MB_OPT_U64(0, "unsigned", NULL, struct run_args, unsigned_big, "a number"),
	MB_OPT_SIZE('m', "memory", NULL, struct run_args, memory, "memory", .minus_one = true),
	MB_OPT_CPUS(0, "cpus", NULL, struct run_args, cpus, "processors"),
	MB_OPT_DURATION(0, "time", NULL, struct run_args, timeout, "a time"),
	MB_OPT_STRING(0, "name", NULL, struct run_args, name, "a name"),
	MB_OPT_STRING(0, "network", NULL, struct run_args, network, "a network",
                      .aliases = "net|netns"),
	MB_OPT_STRING(0, "pull", NULL, struct run_args, pull, "when to pull", .bare = "always"),
	MB_OPT_LIST('e', "env", NULL, struct run_args, env, "variables"),
	MB_OPT_LIST('p', "publish", NULL, struct run_args, ports, "ports"),
	MB_OPT_LIST(0, "filter", NULL, struct run_args, filters, "filters", .is_pairs = true),
	MB_OPT_KV('l', "label", NULL, struct run_args, labels, "labels"),
	MB_OPT_CHOICE(0, "level", NULL, struct run_args, level, levels, "how much"),
	MB_OPT_COUNT('v', "verbose", struct run_args, verbose, "tell more"),
	MB_OPT_SWITCH(0, "old", struct run_args, detach, "old", .deprecated = "use --detach"),
	MB_OPT_IGNORED(0, "isolation", true, NULL),
	MB_OPT_IGNORED(0, "compress", false, NULL),
	MB_OPT_REFUSED(0, "gpus", true, "no driver"),
	MB_OPT_REFUSED(0, "tls", false, "no daemon"),
	MB_OPT_END,
};

static int no_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	(void)cx;
	(void)in;
	(void)err;
	return 0;
}

static const struct mb_cli_verb run_verb = {
	.paths = "run|container run",
	.summary = "start something",
	.operands = "IMAGE [COMMAND]",
	.min = 1,
	.max = MB_CLI_MANY,
	.stop_at_operand = true,
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.main = no_main,
};
static const struct mb_cli_verb rm_verb = {
	.paths = "rm|container rm",
	.summary = "remove things",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.main = no_main,
};

enum { MAX_WORDS = 16 };

static int parse_words(const struct mb_cli_verb *verb, const char *line, char *text, size_t size,
                       struct mb_cli_input *in, struct mb_strv *warnings, struct mb_err *err)
{
	char *words[MAX_WORDS] = {0};
	int n = 0;

	assert_true(strlen(line) < size);
	strcpy(text, line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		words[n++] = strcmp(w, "''") == 0 ? text + strlen(line) : w;
	return mb_cli_parse(verb, "run", n, words, in, warnings, err);
}

/* A command line, and what must be left of it: members by a small text, operands joined by ','. */
struct row {
	const char *line;
	int result;
	const char *expect; /* of describe(), or the error */
};

static void describe(const struct mb_cli_input *in, struct mb_str *out)
{
	const struct run_args *a = in->args;
	MB_AUTO_FREE char *env = mb_strv_join(&a->env, "+"), *ports = mb_strv_join(&a->ports, "+");

	mb_str_addf(out, "%s%s%s%s", a->tty ? "t" : "", a->stdin_open ? "i" : "",
	            a->detach ? "d" : "", a->sig_proxy ? "" : "S");
	if (a->quiet_tri)
		mb_str_addf(out, " tri=%d", a->quiet_tri);
	if (a->number != 7)
		mb_str_addf(out, " n=%d", a->number);
	if (a->big || a->unsigned_big)
		mb_str_addf(out, " big=%lld,%llu", (long long)a->big,
		            (unsigned long long)a->unsigned_big);
	if (a->memory || a->cpus || a->timeout)
		mb_str_addf(out, " m=%lld c=%lld t=%lld", (long long)a->memory, (long long)a->cpus,
		            (long long)a->timeout);
	if (a->name)
		mb_str_addf(out, " name=%s", a->name);
	if (a->network)
		mb_str_addf(out, " net=%s", a->network);
	if (a->pull)
		mb_str_addf(out, " pull=%s", a->pull);
	if (*env)
		mb_str_addf(out, " e=%s", env);
	if (*ports)
		mb_str_addf(out, " p=%s", ports);
	MB_KV_FOREACH (pair, &a->labels)
		mb_str_addf(out, " l:%s=%s", pair->key, pair->value);
	if (a->level)
		mb_str_addf(out, " level=%d", a->level);
	if (a->verbose)
		mb_str_addf(out, " v=%d", a->verbose);
	mb_str_add(out, " |");
	for (size_t i = 0; i < in->n_operands; i++)
		mb_str_addf(out, "%s%s", i ? "," : "", in->operands[i]);
}

static void check_rows(const struct mb_cli_verb *verb, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct mb_cli_input in = {0};
		struct mb_err err = MB_ERR_INIT;
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;
		char text[256];
		int r = parse_words(verb, rows[i].line, text, sizeof(text), &in, NULL, &err);

		if (r == 0)
			describe(&in, &out);
		else if (r != MB_CLI_HELP)
			mb_str_add(&out, err.msg);
		if (r != rows[i].result || strcmp(mb_str_text(&out), rows[i].expect) != 0)
			fail_msg("'%s': got %d '%s', want %d '%s'", rows[i].line, r,
			         mb_str_text(&out), rows[i].result, rows[i].expect);
		mb_cli_input_done(&in);
	}
}

static void parse_accepts_what_docker_accepts(void **state)
{
	static const struct row rows[] = {
		{"img", 0, " |img"},
		{"-it img", 0, "ti |img"},
		{"-itd img sh -c x", 0, "tid |img,sh,-c,x"},
		{"-i -t img -d", 0, "ti |img,-d"},
		{"-i=false img", 0, " |img"},
		{"-ti=false img", 0, "t |img"},
		{"--tty=true img", 0, "t |img"},
		{"--tty=0 img", 0, " |img"},
		{"--tty=T img", 0, "t |img"},
		{"--sig-proxy=false img", 0, "S |img"},
		{"--sig-proxy img", 0, " |img"},
		{"--ipv4 img", 0, " tri=1 |img"},
		{"--ipv4=false img", 0, " tri=-1 |img"},
		{"-p80:80 img", 0, " p=80:80 |img"},
		{"-p=80:80 img", 0, " p=80:80 |img"},
		{"-p 80:80 -p 81 img", 0, " p=80:80+81 |img"},
		{"-itp 80 img", 0, "ti p=80 |img"},
		{"-itp80 img", 0, "ti p=80 |img"},
		{"--publish=80 img", 0, " p=80 |img"},
		{"--publish 80 img", 0, " p=80 |img"},
		{"-e A=B=C -e D img", 0, " e=A=B=C+D |img"},
		{"-eA=B img", 0, " e=A=B |img"},
		{"-e=A=B img", 0, " e=A=B |img"},
		{"-p -x img", 0, " p=-x |img"},
		{"--name -x img", 0, " name=-x |img"},
		{"--name= img", 0, " name= |img"},
		{"--name '' img", 0, " name= |img"},
		{"--net host img", 0, " net=host |img"},
		{"--net=host --network none img", 0, " net=none |img"},
		{"--netns x img", 0, " net=x |img"},
		{"--pull img", 0, " pull=always |img"},
		{"--pull=never img", 0, " pull=never |img"},
		{"-- img", 0, " |img"},
		{"-t -- -t", 0, "t |-t"},
		{"img -- x", 0, " |img,--,x"},
		{"- x", 0, " |-,x"},
		{"'' x", 0, " |,x"},
		{"-n 3 img", 0, " n=3 |img"},
		{"-n=-3 img", 0, " n=-3 |img"},
		{"-n -3 img", 0, " n=-3 |img"},
		{"-n3 -n4 img", 0, " n=4 |img"},
		{"--big -5 --unsigned 18446744073709551615 img", 0,
	         " big=-5,18446744073709551615 |img"},
		{"-m 64m --cpus 1.5 --time 1m30s img", 0,
	         " m=67108864 c=1500000000 t=90000000000 |img"},
		{"-m -1 img", 0, " m=-1 c=0 t=0 |img"},
		{"-l a=b -l c --label a=d img", 0, " l:a=d l:c= |img"},
		{"--level high img", 0, " level=1 |img"},
		{"-vvv img", 0, " v=3 |img"},
		{"--verbose --verbose=5 img", 0, " v=5 |img"},
		{"--isolation default --compress img", 0, " |img"},
		{"--tls=false img", 0, " |img"},
		{"--help img", MB_CLI_HELP, ""},
		{"--help", MB_CLI_HELP, ""},
		{"-h", MB_CLI_HELP, ""},
		{"-th img", MB_CLI_HELP, ""},
		{"img --help", 0, " |img,--help"},
	};

	(void)state;
	check_rows(&run_verb, rows, MB_N(rows));
}

static void parse_refuses_in_docker_s_words(void **state)
{
	static const struct row rows[] = {
		{"--foo img", MB_CLI_BAD_FLAG, "unknown flag: --foo"},
		{"--foo=bar img", MB_CLI_BAD_FLAG, "unknown flag: --foo"},
		{"--foo --help img", MB_CLI_BAD_FLAG, "unknown flag: --foo"},
		{"--nam x img", MB_CLI_BAD_FLAG, "unknown flag: --nam"},
		{"-zz", MB_CLI_BAD_FLAG, "unknown shorthand flag: 'z' in -zz"},
		{"-tz", MB_CLI_BAD_FLAG, "unknown shorthand flag: 'z' in -z"},
		{"---x", MB_CLI_BAD_FLAG, "bad flag syntax: ---x"},
		{"--=x", MB_CLI_BAD_FLAG, "bad flag syntax: --=x"},
		{"--name", MB_CLI_BAD_FLAG, "flag needs an argument: --name"},
		{"-itp", MB_CLI_BAD_FLAG, "flag needs an argument: 'p' in -p"},
		{"--tty=maybe img", MB_CLI_BAD_FLAG,
	         "invalid argument \"maybe\" for \"-t, --tty\" flag: "
	         "strconv.ParseBool: parsing \"maybe\": invalid syntax"},
		{"-n x img", MB_CLI_BAD_FLAG,
	         "invalid argument \"x\" for \"-n, --number\" flag: "
	         "strconv.ParseInt: parsing \"x\": invalid syntax"},
		{"-n 99999999999 img", MB_CLI_BAD_FLAG,
	         "invalid argument \"99999999999\" for \"-n, --number\" flag: "
	         "strconv.ParseInt: parsing \"99999999999\": value out of range"},
		{"--unsigned -1 img", MB_CLI_BAD_FLAG,
	         "invalid argument \"-1\" for \"--unsigned\" flag: "
	         "strconv.ParseUint: parsing \"-1\": invalid syntax"},
		{"-m x img", MB_CLI_BAD_FLAG,
	         "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'"},
		{"--filter a= --filter b img", MB_CLI_BAD_FLAG,
	         "invalid argument \"b\" for \"--filter\" flag: "
	         "bad format of filter (expected name=value)"},
		{"--time x img", MB_CLI_BAD_FLAG,
	         "invalid argument \"x\" for \"--time\" flag: time: invalid duration \"x\""},
		{"--cpus x img", MB_CLI_BAD_FLAG,
	         "invalid argument \"x\" for \"--cpus\" flag: "
	         "failed to parse \"x\" as a rational number"},
		{"--level x img", MB_CLI_BAD_FLAG,
	         "invalid argument \"x\" for \"--level\" flag: must be one of: low, high"},
		{"-t", MB_CLI_BAD_OPERANDS, "\"mybox run\" requires at least 1 argument."},
		{"--gpus all img", -95, "option '--gpus' is not offered: no driver"},
		{"--gpus=all img", -95, "option '--gpus' is not offered: no driver"},
		{"--tls img", -95, "option '--tls' is not offered: no daemon"},
		{"--\x1b[31m img", MB_CLI_BAD_FLAG, "unknown flag: --\\x1b[31m"},
	};

	(void)state;
	check_rows(&run_verb, rows, MB_N(rows));
}

static void parse_mixes_options_and_operands_unless_told(void **state)
{
	static const struct row rows[] = {
		{"a -t b", 0, "t |a,b"},
		{"a --name x b -- -i", 0, " name=x |a,b,-i"},
		{"a -i b --help", MB_CLI_HELP, ""},
		{"a - b", 0, " |a,-,b"},
	};

	(void)state;
	check_rows(&rm_verb, rows, MB_N(rows));
}

static void operand_counts_are_told_as_docker_does(void **state)
{
	static const struct {
		int min, max, n;
		const char *text;
	} rows[] = {
		{0, 0, 1, "\"mybox x\" accepts no arguments."},
		{2, 2, 1, "\"mybox x\" requires exactly 2 arguments."},
		{1, 1, 2, "\"mybox x\" requires exactly 1 argument."},
		{0, 1, 2, "\"mybox x\" requires at most 1 argument."},
		{1, 2, 3, "\"mybox x\" requires at least 1 and at most 2 arguments."},
		{2, MB_CLI_MANY, 1, "\"mybox x\" requires at least 2 arguments."},
		{2, MB_CLI_MANY, 2, NULL},
		{0, 1, 0, NULL},
		{0, 0, 0, NULL},
	};
	char *words[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_cli_verb v = {.paths = "x", .min = rows[i].min, .max = rows[i].max};
		struct mb_cli_input in = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_cli_parse(&v, "x", rows[i].n, words, &in, NULL, &err);

		assert_int_equal(r, rows[i].text ? MB_CLI_BAD_OPERANDS : 0);
		if (rows[i].text)
			assert_string_equal(err.msg, rows[i].text);
		mb_cli_input_done(&in);
	}
}

static void is_given_tells_default_from_given(void **state)
{
	struct mb_cli_input in = {0};
	struct mb_err err = MB_ERR_INIT;
	char text[64];

	(void)state;
	assert_int_equal(
		parse_words(&run_verb, "-n 7 --net x img", text, sizeof(text), &in, NULL, &err), 0);
	assert_true(mb_cli_is_given(&in, "number"));
	assert_true(mb_cli_is_given(&in, "network"));
	assert_true(mb_cli_is_given(&in, "net"));
	assert_false(mb_cli_is_given(&in, "sig-proxy"));
	assert_false(mb_cli_is_given(&in, "no-such"));
	mb_cli_input_done(&in);
}

static void deprecated_options_warn_once_each(void **state)
{
	MB_AUTO_STRV struct mb_strv warnings = MB_STRV_INIT;
	struct mb_cli_input in = {0};
	struct mb_err err = MB_ERR_INIT;
	char text[64];

	(void)state;
	assert_int_equal(
		parse_words(&run_verb, "--old img", text, sizeof(text), &in, &warnings, &err), 0);
	assert_int_equal(warnings.n, 1);
	assert_string_equal(warnings.v[0], "Flag --old has been deprecated, use --detach");
	mb_cli_input_done(&in);
}

static void find_resolves_paths(void **state)
{
	static const struct mb_cli_verb ls = {.paths = "network ls|network list"};
	static const struct mb_cli_verb add = {.paths = "network policy add"};
	static const struct mb_cli_verb *const verbs[] = {&run_verb, &rm_verb, &ls, &add, NULL};
	static const struct mb_cli_parent parents[] = {
		{"container", "x"}, {"network", "x"}, {"network policy", "x"}, {NULL}};
	static const struct mb_cli_program program = {
		.name = "mybox", .verbs = verbs, .parents = parents};
	static const struct {
		const char *line;
		int result;
		const struct mb_cli_verb *verb;
		int words;
	} rows[] = {
		{"run img", 0, &run_verb, 1},
		{"container run img", 0, &run_verb, 2},
		{"container rm", 0, &rm_verb, 2},
		{"network list -q", 0, &ls, 2},
		{"network", MB_CLI_ONLY_PARENT, NULL, 1},
		{"network nosuch", MB_CLI_ONLY_PARENT, NULL, 1},
		{"network --help", MB_CLI_ONLY_PARENT, NULL, 1},
		{"network policy add n", 0, &add, 3},
		{"network policy", MB_CLI_ONLY_PARENT, NULL, 2},
		{"network policy nosuch", MB_CLI_ONLY_PARENT, NULL, 2},
		{"nosuch", MB_CLI_NO_VERB, NULL, 0},
		{"ru", MB_CLI_NO_VERB, NULL, 0},
		{"runs", MB_CLI_NO_VERB, NULL, 0},
		{"ls", MB_CLI_NO_VERB, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_cli_found found = {0};
		char text[64], *words[MAX_WORDS] = {0};
		int n = 0;

		strcpy(text, rows[i].line);
		for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
			words[n++] = w;
		assert_int_equal(mb_cli_find(&program, n, words, &found), rows[i].result);
		assert_ptr_equal(found.verb, rows[i].verb);
		assert_int_equal(found.words, rows[i].words);
	}
}

static void add_use(void *arg, const struct mb_cli_opt *opt, const char *text)
{
	mb_str_addf(arg, "%s=%s ", opt->name, text ? text : "-");
}

static void watch_tells_of_each_use_in_order(void **state)
{
	MB_AUTO_STRV struct mb_strv argv = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str uses = MB_STR_INIT;
	const struct mb_cli_watch watch = {add_use, &uses};
	struct mb_cli_input in = {0};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	mb_strv_split(&argv, "-itm1g --net=x -e A=1 --pull --old -eB img -t", ' ');
	assert_int_equal(
		mb_cli_parse_watched(&run_verb, "run", (int)argv.n, argv.v, &watch, &in, &err), 0);
	assert_string_equal(mb_str_text(&uses), "interactive=- tty=- memory=1g network=x env=A=1 "
	                                        "pull=- old=- env=B ");
	assert_int_equal(in.n_operands, 2);
	mb_cli_input_done(&in);
}

/* Words made of the pieces that mean something, in any order: no crash, no leak, and an error
 * whenever one is returned.  The generator is fixed, so that a failure comes back. */
static void parse_survives_any_argv(void **state)
{
	static const char *const pieces[] = {"-",    "--",   "=",     "t",       "p",  "80",
	                                     "name", "env",  "label", "verbose", "",   "v",
	                                     "gpus", "pull", "m",     "1g",      "-1", "h"};
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char words[4][32] = {{0}},
		     *argv[5] = {words[0], words[1], words[2], words[3], NULL};
		struct mb_cli_input in = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = 0;

		for (int i = 0; i < 12; i++) {
			random = random * 1664525u + 1013904223u;
			strcat(words[i / 3], pieces[(random >> 16) % MB_N(pieces)]);
		}
		r = mb_cli_parse(round % 2 ? &run_verb : &rm_verb, "run", 4, argv, &in, NULL, &err);
		assert_true(r == 0 || r == MB_CLI_HELP || err.msg[0]);
		mb_cli_input_done(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_accepts_what_docker_accepts),
		cmocka_unit_test(parse_refuses_in_docker_s_words),
		cmocka_unit_test(parse_mixes_options_and_operands_unless_told),
		cmocka_unit_test(operand_counts_are_told_as_docker_does),
		cmocka_unit_test(is_given_tells_default_from_given),
		cmocka_unit_test(deprecated_options_warn_once_each),
		cmocka_unit_test(find_resolves_paths),
		cmocka_unit_test(watch_tells_of_each_use_in_order),
		cmocka_unit_test(parse_survives_any_argv),
	};

	return cmocka_run_group_tests_name("cli/parse", tests, NULL, NULL);
}
