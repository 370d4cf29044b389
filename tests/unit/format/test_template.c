/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Most rows are what docker's client 28 made of the same data. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "format/template.h"
#include "json/json.h"

static const char data_text[] =
	"{\"Id\":\"abc\",\"Name\":\"/x\",\"Args\":[\"a\",\"b c\"],\"State\":{\"Status\":\"exited\","
	"\"Running\":false,\"ExitCode\":137,\"Pid\":0},\"Config\":{\"Labels\":{\"z\":\"zed\","
	"\"a.b\":\"1\",\"empty\":\"\"},\"Env\":[\"A=1\",\"B=2\"],\"Cmd\":null,\"Image\":\"deb:12\"}"
	","
	"\"HostConfig\":{\"Memory\":1073741824,\"NanoCpus\":0,\"PortBindings\":{},\"Cpu\":1.5},"
	"\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\"},{\"Type\":\"volume\",\"Name\":\"v\"}],"
	"\"Ports\":{\"80/tcp\":{},\"9/udp\":{}},"
	"\"NetworkSettings\":{\"Networks\":{\"b\":{\"IPAddress\":\"10.0.0.2\"},"
	"\"a\":{\"IPAddress\":\"10.0.0.3\"}},\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\","
	"\"HostPort\":\"8080\"}],\"53/udp\":null}},\"Big\":18446744073709551615}";

/* Only labels are a map here, as inspect would have it. */
static bool is_struct(void *user, struct json_object *object, const char *member)
{
	(void)user;
	(void)object;
	return !mb_streq(member, "Labels");
}

static int call(void *user, struct json_object *object, const char *name,
                struct json_object *const *args, size_t n_args, struct json_object **ret,
                struct mb_err *err)
{
	(void)user;
	if (strcmp(name, "Label") != 0)
		return 1;
	if (n_args != 1)
		return mb_fail(err, EINVAL, "want 1 got %zu", n_args);
	(void)args;
	*ret = mb_json_ref(mb_json_walk(object, "Config", "Image", NULL));
	return 0;
}

static const struct mb_format_host host = {.is_struct = is_struct, .call = call};

/* The result, or the error's text. */
static char *outcome(const char *text, bool escapes, const struct mb_format_host *h)
{
	MB_AUTO(mb_format_template_free) struct mb_format_template *t = NULL;
	MB_AUTO(mb_json_free) struct json_object *data = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	int r = mb_format_template_new(text, escapes, &t, &err);

	assert_int_equal(mb_json_parse(data_text, strlen(data_text), &data, NULL), 0);
	if (r == 0)
		r = mb_format_template_run(t, data, h, &out, &err);
	if (r < 0) {
		assert_true(r == -EINVAL || r == -E2BIG);
		return mb_strdup(err.msg);
	}
	return mb_str_take(&out);
}

struct row {
	const char *text, *result;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		MB_AUTO_FREE char *got = outcome(rows[i].text, false, &host);

		if (strcmp(got, rows[i].result) != 0)
			fail_msg("%s\n gives  %s\n not    %s", rows[i].text, got, rows[i].result);
	}
}

static void template_fields(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"plain } text }}", "plain } text }}"},
		{"{{.Id}}", "abc"},
		{"{{ .Id }}", "abc"},
		{"{{.Id}}}", "abc}"},
		{"{{.State.ExitCode}} {{.State.Running}}", "137 false"},
		{"{{.HostConfig.Memory}} {{.HostConfig.Cpu}} {{.Big}}",
	         "1073741824 1.5 18446744073709551615"},
		{"{{.Args}}", "[a b c]"},
		{"{{.Config.Labels}}", "map[a.b:1 empty: z:zed]"},
		{"{{.Ports}}", "map[80/tcp:{} 9/udp:{}]"},
		{"{{.Mounts}}", "[map[Source:/a Type:bind] map[Name:v Type:volume]]"},
		{"{{.NetworkSettings.Ports}}",
	         "map[53/udp:<nil> 80/tcp:[map[HostIp:0.0.0.0 HostPort:8080]]]"},
		{"{{.Config.Labels.q}}", "<no value>"},
		{"{{.Config.Labels.a.b}}", "<no value>"},
		{"{{.Config.Cmd}}", "<no value>"},
		{"{{$.Id}} {{$}}{{with .State}}{{$.Id}}{{.Status}}{{end}}", NULL},
		{"{{(index .Mounts 0).Type}}", "bind"},
		{"{{.NetworkSettings.Networks.a.IPAddress}}", "10.0.0.3"},
		{"{{.Id}}\\n\\t", "abc\\n\\t"},
		{"{{.Label \"x\"}}", "deb:12"},
		{"{{\"x\" | .Label}}", "deb:12"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		if (rows[i].result)
			check(&rows[i], 1);
}

static void template_constants(void **state)
{
	static const struct row rows[] = {
		{"{{true}} {{1.5}} {{0x1f}} {{1e3}} {{-3}} {{+4}} {{0b101}} {{0o17}}",
	         "true 1.5 31 1000 -3 4 5 15"},
		{"{{'a'}} {{'\\n'}} {{'\xc3\xa9'}}", "97 10 233"},
		{"{{\"a\\tb\\\"\\x41\\u00e9\\101\"}}", "a\tb\"A\xc3\xa9"
	                                               "A"},
		{"{{`raw \\t \"x\"`}}", "raw \\t \"x\""},
		{"{{print 1 2 \"a\" 3 nil}}", "1 2a3 <nil>"},
		{"{{.5}}", "0.5"},
	};

	(void)state;
	check(rows, MB_N(rows));
}

static void template_control(void **state)
{
	static const struct row rows[] = {
		{"{{range $k,$v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}",
	         "a=10.0.0.3 b=10.0.0.2 "},
		{"{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", "10.0.0.3 10.0.0.2 "},
		{"{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n"},
		{"{{range $i, $e := .Args}}{{if $i}}, {{end}}{{$e}}{{end}}", "a, b c"},
		{"{{range $e := .Args}}<{{$e}}>{{end}}", "<a><b c>"},
		{"{{range 3}}{{.}}{{end}}", "012"},
		{"{{range .Config.Cmd}}x{{else}}none{{end}}", "none"},
		{"{{range $v := .Config.Cmd}}x{{else}}{{$v}}{{end}}", "<no value>"},
		{"{{range .Config.Env}}{{.}}{{break}}{{end}}", "A=1"},
		{"{{range .Config.Env}}{{if eq . \"A=1\"}}{{continue}}{{end}}{{.}}{{end}}", "B=2"},
		{"{{range .Mounts}}{{range $.Args}}{{.}}{{break}}{{end}};{{end}}", "a;a;"},
		{"{{with .Config.Cmd}}x{{else}}none{{end}}", "none"},
		{"{{with .State}}{{.Status}}{{end}}", "exited"},
		{"{{with $x := .State}}{{$x.Status}}{{end}}", "exited"},
		{"{{with .Config.Cmd}}x{{else with .Id}}{{.}}{{end}}", "abc"},
		{"{{if .Config.Labels.empty}}y{{else if .Id}}z{{end}}", "z"},
		{"{{if .Config.Cmd}}1{{else if .State.Pid}}2{{else}}3{{end}}", "3"},
		{"{{if .HostConfig.PortBindings}}y{{else}}n{{end}}", "n"},
		{"{{$x := 1}}{{$x = 2}}{{$x}}", "2"},
		{"{{$x := 1}}{{if true}}{{$x = 5}}{{$x := 7}}{{$x}}{{end}}{{$x}}", "75"},
		{"{{$i := 0}}{{range .Args}}{{$i = .}}{{end}}{{$i}}", "b c"},
	};

	(void)state;
	check(rows, MB_N(rows));
}

static void template_trims(void **state)
{
	static const struct row rows[] = {
		{"{{- \"a\" -}} b", "ab"},   {"a  \n {{- .Id -}} \t\n b", "aabcb"},
		{"a {{.Id -}} b", "a abcb"}, {"a {{- .Id}} b", "aabc b"},
		{"{{/* c */}}x", "x"},       {"a {{- /* c\n */ -}} b", "ab"},
		{"{{/*/*/}}y", "y"},         {"{{range .Args -}} <{{.}}> {{- end}}", "<a><b c>"},
		{"{{3 -}} x", "3x"},         {"{{ -3 }}", "-3"},
	};

	(void)state;
	check(rows, MB_N(rows));
}

static void template_functions(void **state)
{
	static const struct row rows[] = {
		{"{{json .Config.Cmd}} {{json .Id}} {{json .State.ExitCode}}", "null \"abc\" 137"},
		{"{{json .Config.Labels}}", "{\"z\":\"zed\",\"a.b\":\"1\",\"empty\":\"\"}"},
		{"{{json \"<>&\"}} {{json .Config.Labels.none}}", "\"<>&\" null"},
		{"{{.Config.Env | json}}", "[\"A=1\",\"B=2\"]"},
		{"{{index .Config.Labels \"a.b\"}}", "1"},
		{"{{index .Config.Labels \"q\"}}|", "|"},
		{"{{index .Config.Cmd \"q\"}}|", "|"},
		{"{{index .NetworkSettings.Networks \"q\"}}|", "<no value>|"},
		{"{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080"},
		{"{{index .NetworkSettings.Ports \"80/tcp\" 0 \"HostIp\"}}", "0.0.0.0"},
		{"{{index .Args 1}} {{index \"abc\" 1}} {{index .Config.Labels}}",
	         "b c 98 map[a.b:1 empty: z:zed]"},
		{"{{len .Args}} {{len .Id}} {{len .Config.Labels}} {{len .Config.Cmd}}", "2 3 3 0"},
		{"{{title \"hello wORLD a_b c-d it's\"}}", "Hello WORLD A_b C-D It's"},
		{"{{upper .Id}} {{lower \"ABC\"}}", "ABC abc"},
		{"{{pad \"x\" 2 3}}|{{pad \"\" 2 3}}|", "  x   ||"},
		{"{{truncate \"hello\" 3}} {{truncate \"hi\" 5}}", "hel hi"},
		{"{{split \"a,b\" \",\"}} {{join .Args \"-\"}} {{split \"abc\" \"\"}}",
	         "[a b] a-b c [a b c]"},
		{"{{join (split .Config.Image \":\") \"/\"}}", "deb/12"},
		{"{{slice \"hello\" 1 3}} {{slice .Args 1}} {{slice \"hello\" 2}}", "el [b c] llo"},
		{"{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge \"b\" \"a\"}}", "true true false true"},
		{"{{eq 1 1}} {{eq 1 2 1}} {{ne \"a\" \"b\"}} {{eq nil nil}}",
	         "true true true true"},
		{"{{eq .State.ExitCode 137}} {{eq .Config.Cmd nil}}", "true true"},
		{"{{not true}} {{and 1 0 2}} {{or 0 \"\" 5}} {{and 1 2}} {{or 1 .X}}",
	         "false 0 5 2 1"},
		{"{{print \"a\" \"b\" 1 2 true}} {{println \"a\" 1}}", "ab1 2 true a 1\n"},
		{"{{.Id | printf \"%q-%s\" \"z\"}}", "\"z\"-abc"},
		{"{{.Id | len | printf \"%03d\"}}", "003"},
		{"{{print}}|{{println}}", "|\n"},
		{"{{html \"<a href='x'>&\\\"\"}}", "&lt;a href=&#39;x&#39;&gt;&amp;&#34;"},
		{"{{html 1 2 \"<\"}}", "1 2&lt;"},
		{"{{js \"it's <b>&\\\\ \\\"q\\\" a=b\\n\"}}",
	         "it\\'s \\u003Cb\\u003E\\u0026\\\\ \\\"q\\\" a\\u003Db\\u000A"},
		{"{{urlquery \"a b/~c\" 1}}", "a+b%2F~c1"},
		{"{{(print \"a\") | printf \"%s%s\" (upper \"b\")}}", "Ba"},
	};

	(void)state;
	check(rows, MB_N(rows));
}

static void template_printf(void **state)
{
	static const struct row rows[] = {
		{"{{printf \"%v %5d|%-5s|%05d|%x|%t|%q\" .Args 42 \"ab\" 42 255 true "
	         "\"q\\\"uote\"}}",
	         "[a b c]    42|ab   |00042|ff|true|\"q\\\"uote\""},
		{"{{printf \"%s %d\" .State.ExitCode .Id}}", "%!s(int=137) %!d(string=abc)"},
		{"{{printf \"%d\"}} {{printf \"x\" 1}} {{printf \"%z\" 1}} {{printf \"%\"}}",
	         "%!d(MISSING) x%!(EXTRA int=1) %!z(int=1) %!(NOVERB)"},
		{"{{printf \"%.2f %6.1f|%-8.3f|%+d|% d|%e\" 3.14159 2.0 1.5 7 8 1.0}}",
	         "3.14    2.0|1.500   |+7| 8|1.000000e+00"},
		{"{{printf \"%.3s|%5.1s|\" \"abcdef\" \"xyz\"}}", "abc|    x|"},
		{"{{printf \"%x %X %o %b %c %#x\" \"hi\" 255 8 5 65 16}}", "6869 FF 10 101 A 0x10"},
		{"{{printf \"%05d|%-5d|%x\" -42 7 -255}}", "-0042|7    |-ff"},
		{"{{printf \"%%|%T|%T|%v\" 1 \"s\" nil}}", "%|int|string|<nil>"},
		{"{{printf \"%q\" .Args}} {{printf \"%s\" .Args}}", "[\"a\" \"b c\"] [a b c]"},
		{"{{printf \"%4s|%-4s|\" \"\xc3\xa9\" \"\xc3\xa9\"}}", "   \xc3\xa9|\xc3\xa9   |"},
		{"{{printf \"%v %v\" true 1.5}}", "true 1.5"},
	};

	(void)state;
	check(rows, MB_N(rows));
}

static void template_refuses_text(void **state)
{
	static const struct row rows[] = {
		{"{{if", "template: :1: unclosed action"},
		{"{{.Id", "template: :1: unclosed action"},
		{"{{", "template: :1: unclosed action"},
		{"{{}}", "template: :1: missing value for command"},
		{"{{end}}", "template: :1: unexpected {{end}}"},
		{"{{else}}", "template: :1: unexpected {{else}}"},
		{"\n{{foo}}", "template: :2: function \"foo\" not defined"},
		{"{{range .Mounts}}{{.Type}}", "template: :1: unexpected EOF"},
		{"{{if .A}}{{else}}", "template: :1: unexpected EOF"},
		{"{{if .A}}{{else}}{{else}}{{end}}", "template: :1: expected end; found {{else}}"},
		{"{{$x}}", "template: :1: undefined variable \"$x\""},
		{"{{$x = 1}}", "template: :1: undefined variable \"$x\""},
		{"{{if true}}{{$a := 1}}{{end}}{{$a}}", "template: :1: undefined variable \"$a\""},
		{"{{if true}}{{$a := 1}}{{else}}{{$a}}{{end}}",
	         "template: :1: undefined variable \"$a\""},
		{"{{\"a", "template: :1: unterminated quoted string"},
		{"{{\"a\nb\"}}", "template: :1: unterminated quoted string"},
		{"{{`a", "template: :1: unterminated raw quoted string"},
		{"{{'ab'}}", "template: :1: malformed character constant"},
		{"{{\"\\q\"}}", "template: :1: invalid syntax"},
		{"{{\"\\ud800\"}}", "template: :1: invalid syntax"},
		{"{{1x}}", "template: :1: bad number syntax: \"1x\""},
		{"{{.ID}", "template: :1: bad character U+007D '}'"},
		{"{{.A)}}", "template: :1: unexpected right paren"},
		{"{{(.A}}", "template: :1: unclosed left paren"},
		{"{{.A.}}", "template: :1: unexpected <.> in operand"},
		{"{{.A | 1}}", "template: :1: non executable command in pipeline stage 2"},
		{"{{.A | }}", "template: :1: missing value for command"},
		{"{{| .A}}", "template: :1: missing value for command"},
		{"{{break}}", "template: :1: {{break}} outside {{range}}"},
		{"{{continue}}", "template: :1: {{continue}} outside {{range}}"},
		{"{{/* a", "template: :1: unclosed comment"},
		{"{{/* a */ .Id}}", "template: :1: comment ends before closing delimiter"},
		{"{{template \"x\"}}", "template: :1: {{template}} is not supported"},
		{"{{define \"x\"}}{{end}}", "template: :1: {{define}} is not supported"},
		{"{{.A \"x\"\"y\"}}", "template: :1: bad character U+0022 '\"'"},
		{"{{1.A}}", NULL},
		{"{{nil.A}}", "template: :1: unexpected . after term"},
		{"{{if}}x{{end}}", "template: :1: missing value for if"},
		{"{{end if}}", NULL},
		{"{{\x01}}", NULL},
		{"{{.\xff}}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_format_template *t = NULL;
		struct mb_err err = MB_ERR_INIT;
		int r = mb_format_template_new(rows[i].text, false, &t, &err);

		if (!rows[i].result) {
			mb_format_template_free(t);
			continue;
		}
		if (r != -EINVAL || strcmp(err.msg, rows[i].result) != 0)
			fail_msg("%s\n gives  %d %s\n not    %s", rows[i].text, r, err.msg,
			         rows[i].result);
	}
}

#define AT(where) "template: :1:" where

static void template_fails(void **state)
{
	static const struct row rows[] = {
		{"{{.Foo}}", AT("2: executing \"\" at <.Foo>: map has no entry for key \"Foo\"")},
		{"{{.State.Foo}}",
	         AT("8: executing \"\" at <.State.Foo>: map has no entry for key \"Foo\"")},
		{"{{.State.Health.Status}}", AT("8: executing \"\" at <.State.Health.Status>: "
	                                        "map has no entry for key \"Health\"")},
		{"{{.Id.X}}",
	         AT("5: executing \"\" at <.Id.X>: can't evaluate field X in type string")},
		{"{{.Config.Cmd.X}}", AT("9: executing \"\" at <.Config.Cmd.X>: "
	                                 "nil pointer evaluating interface {}.X")},
		{"{{index .Mounts 5}}", AT("2: executing \"\" at <index .Mounts 5>: error calling "
	                                   "index: index out of range: 5")},
		{"{{index .Args -1}}", AT("2: executing \"\" at <index .Args -1>: error calling "
	                                  "index: index out of range: -1")},
		{"{{print .Id .Config.Foo}}",
	         AT("19: executing \"\" at <.Config.Foo>: map has no entry for key \"Foo\"")},
		{"{{len 3}}",
	         AT("2: executing \"\" at <len 3>: error calling len: len of type int")},
		{"{{.Config.Env 1}}", AT("9: executing \"\" at <.Config.Env>: "
	                                 "Env is not a method but has arguments")},
		{"{{1 2}}", AT("2: executing \"\" at <1>: can't give argument to non-function 1")},
		{"{{nil}}", AT("2: executing \"\" at <nil>: nil is not a command")},
		{"{{eq 1 1.0}}", AT("2: executing \"\" at <eq 1 1.0>: error calling eq: "
	                            "incompatible types for comparison")},
		{"{{eq 1 \"1\"}}", AT("2: executing \"\" at <eq 1 \"1\">: error calling eq: "
	                              "incompatible types for comparison")},
		{"{{range .Id}}{{end}}",
	         AT("8: executing \"\" at <.Id>: range can't iterate over abc")},
		{"{{upper 1}}",
	         AT("2: executing \"\" at <upper 1>: error calling upper: wrong type for "
	            "value; expected string; got int")},
		{"{{len}}", AT("2: executing \"\" at <len>: wrong number of args for "
	                       "len: want 1 got 0")},
		{"{{.Label}}",
	         AT("2: executing \"\" at <.Label>: error calling Label: want 1 got 0")},
		{"{{slice \"hello\" 3 9}}",
	         AT("2: executing \"\" at <slice \"hello\" 3 9>: error calling "
	            "slice: index out of range: 9")},
	};

	(void)state;
	check(rows, MB_N(rows));
}

static void template_without_structs(void **state)
{
	MB_AUTO_FREE char *got = outcome("{{.Foo}} {{.Foo.Bar}} {{if .Foo}}y{{end}}", false, NULL);

	(void)state;
	assert_string_equal(got, "<no value> <no value> ");
}

static void template_escapes(void **state)
{
	MB_AUTO_FREE char *with = outcome("{{.Id}}\\t{{\"\\\\t\"}}\\n\\\\x", true, &host);
	MB_AUTO_FREE char *without = outcome("a\\tb", false, &host);

	(void)state;
	assert_string_equal(with, "abc\t\\t\n\\\\x");
	assert_string_equal(without, "a\\tb");
}

static void template_knows_what_it_uses(void **state)
{
	struct mb_format_template *t = NULL;

	(void)state;
	assert_int_equal(mb_format_template_new("{{range .A}}{{if eq .B.Size 1}}{{(.C).D}}{{end}}"
	                                        "{{end}}.E",
	                                        false, &t, NULL),
	                 0);
	assert_true(mb_format_template_uses(t, "A"));
	assert_true(mb_format_template_uses(t, "Size"));
	assert_true(mb_format_template_uses(t, "D"));
	assert_false(mb_format_template_uses(t, "E"));
	mb_format_template_free(t);
}

static void template_is_bounded(void **state)
{
	static const char endless[] = "{{range 1000000}}{{range 1000000}}{{end}}{{end}}";
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *got = outcome(endless, false, &host), *deep = NULL;

	(void)state;
	assert_string_equal(got, "template: the result is too long");
	mb_str_add(&text, "{{");
	for (int i = 0; i < 100000; i++)
		mb_str_addc(&text, '(');
	deep = outcome(text.buf, false, &host);
	assert_string_equal(deep, "template: :1: nested too deep");
	mb_str_reset(&text);
	for (int i = 0; i < 10000; i++)
		mb_str_add(&text, "{{if 1}}");
	free(deep);
	deep = outcome(text.buf, false, &host);
	assert_string_equal(deep, "template: :1: nested too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_fields),
		cmocka_unit_test(template_constants),
		cmocka_unit_test(template_control),
		cmocka_unit_test(template_trims),
		cmocka_unit_test(template_functions),
		cmocka_unit_test(template_printf),
		cmocka_unit_test(template_refuses_text),
		cmocka_unit_test(template_fails),
		cmocka_unit_test(template_without_structs),
		cmocka_unit_test(template_escapes),
		cmocka_unit_test(template_knows_what_it_uses),
		cmocka_unit_test(template_is_bounded),
	};

	return cmocka_run_group_tests_name("format/template", tests, NULL, NULL);
}
