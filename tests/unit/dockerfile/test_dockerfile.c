/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/dockerfile.h"

static void dump_instruction(const struct mb_dockerfile_instruction *in, struct mb_str *out)
{
	mb_str_addf(out, "%s", mb_dockerfile_kind_name(in->kind));
	for (size_t i = 0; i < in->n_flags; i++)
		mb_str_addf(out, " --%s=%s", in->flags[i].name, in->flags[i].value);
	mb_str_add(out, in->is_exec ? " exec" : "");
	MB_STRV_FOREACH (arg, &in->args)
		mb_str_addf(out, "|%s", arg);
	for (size_t i = 0; i < in->n_heredocs; i++)
		mb_str_addf(out, " <%s%s:%s>", in->heredocs[i].name,
		            in->heredocs[i].expands ? "" : "!", in->heredocs[i].content);
	mb_str_addc(out, '\n');
}

/* A file as text: what the tests compare. */
static char *dump(const struct mb_dockerfile *file)
{
	struct mb_str out = MB_STR_INIT;

	for (size_t i = 0; i < file->n_globals; i++)
		dump_instruction(&file->globals[i], &out);
	for (size_t i = 0; i < file->n_stages; i++) {
		const struct mb_dockerfile_stage *stage = &file->stages[i];

		mb_str_addf(&out, "FROM %s%s%s%s%s\n", stage->base, stage->name ? " as " : "",
		            stage->name ? stage->name : "", stage->platform ? " for " : "",
		            stage->platform ? stage->platform : "");
		for (size_t j = 0; j < stage->n; j++)
			dump_instruction(&stage->v[j], &out);
	}
	return mb_str_take(&out);
}

static void files_are_read(void **state)
{
	static const char *const rows[][2] = {
		{"FROM a", "FROM a\n"},
		{"from a:1 as Build", "FROM a:1 as build\n"},
		{"FROM --platform=linux/arm64 a", "FROM a for linux/arm64\n"},
		{"\xef\xbb\xbf"
	         "FROM a",
	         "FROM a\n"},
		{"ARG V=1\nFROM a:$V\nARG V\n", "ARG|V=1\nFROM a:$V\nARG|V\n"},
		{"# comment\n\nFROM a\n  # another\n\tRUN x", "FROM a\nRUN|x\n"},
		{"FROM a\nRUN a && \\\n  b", "FROM a\nRUN|a &&   b\n"},
		{"FROM a\nRUN a \\\n# no\n   # no\n b", "FROM a\nRUN|a  b\n"},
		{"FROM a\nRUN a \\\n\n b", "FROM a\nRUN|a  b\n"},
		{"FROM a\nRUN a \\  \n b", "FROM a\nRUN|a  b\n"},
		{"FROM a\nRUN a \\\\\nRUN b", "FROM a\nRUN|a \\\\\nRUN|b\n"},
		{"FROM a\nRUN a \\", "FROM a\nRUN|a\n"},
		{"FROM a\r\nRUN a \\\r\n b\r\n", "FROM a\nRUN|a  b\n"},
		{"# escape=`\nFROM a\nRUN a `\n b\\\nRUN c", "FROM a\nRUN|a  b\\\nRUN|c\n"},
		{"#escape = `\n# syntax=docker/dockerfile:1\nFROM a", "FROM a\n"},
		{"# x\n# escape=`\nFROM a\nRUN b \\\n c", "FROM a\nRUN|b  c\n"},
		{"FROM a\nRUN [\"a\", \"b c\"]", "FROM a\nRUN exec|a|b c\n"},
		{"FROM a\nRUN ['a']", "FROM a\nRUN|['a']\n"},
		{"FROM a\nRUN [\"a\", 1]", "FROM a\nRUN|[\"a\", 1]\n"},
		{"FROM a\nRUN [ -f x ]", "FROM a\nRUN|[ -f x ]\n"},
		{"FROM a\nCMD []", "FROM a\nCMD exec\n"},
		{"FROM a\nCMD", "FROM a\nCMD\n"},
		{"FROM a\nENTRYPOINT [\"x\"]\nCMD y z", "FROM a\nENTRYPOINT exec|x\nCMD|y z\n"},
		{"FROM a\nSHELL [\"/bin/bash\", \"-c\"]", "FROM a\nSHELL exec|/bin/bash|-c\n"},
		{"FROM a\nENV a=b c=\"d e\" f=g\\ h", "FROM a\nENV|a|b|c|\"d e\"|f|g\\ h\n"},
		{"FROM a\nENV a b  c", "FROM a\nENV|a|b  c\n"},
		{"FROM a\nENV a=b=c d=", "FROM a\nENV|a|b=c|d|\n"},
		{"FROM a\nENV a=b \\\n  c=d", "FROM a\nENV|a|b|c|d\n"},
		{"FROM a\nLABEL \"x y\"=z a.b=c", "FROM a\nLABEL|\"x y\"|z|a.b|c\n"},
		{"FROM a\nARG a b=c d=\"e f\"", "FROM a\nARG|a|b=c|d=\"e f\"\n"},
		{"FROM a\nCOPY a b c/", "FROM a\nCOPY|a|b|c/\n"},
		{"FROM a\nCOPY [\"a b\", \"c\"]", "FROM a\nCOPY exec|a b|c\n"},
		{"FROM a\nCOPY --from=x --chown=1:2 --link a b",
	         "FROM a\nCOPY --from=x --chown=1:2 --link=true|a|b\n"},
		{"FROM a\nCOPY --link=false a b", "FROM a\nCOPY --link=false|a|b\n"},
		{"FROM a\nCOPY --exclude=*.o --exclude=x a b",
	         "FROM a\nCOPY --exclude=*.o --exclude=x|a|b\n"},
		{"FROM a\nCOPY -- --x b", "FROM a\nCOPY|--x|b\n"},
		{"FROM a\nADD --checksum=sha256:1 --keep-git-dir=true http://x /y",
	         "FROM a\nADD --checksum=sha256:1 --keep-git-dir=true|http://x|/y\n"},
		{"FROM a\nRUN --mount=type=cache,target=/x --mount=type=tmpfs,target=/y "
	         "--network=none make",
	         "FROM a\nRUN --mount=type=cache,target=/x --mount=type=tmpfs,target=/y "
	         "--network=none|make\n"},
		{"FROM a\nRUN --mount=\"type=bind,src=a b\" make",
	         "FROM a\nRUN --mount=type=bind,src=a b|make\n"},
		{"FROM a\nEXPOSE 80 443/tcp $P", "FROM a\nEXPOSE|80|443/tcp|$P\n"},
		{"FROM a\nVOLUME /a /b\nVOLUME [\"/c\"]", "FROM a\nVOLUME|/a|/b\nVOLUME exec|/c\n"},
		{"FROM a\nUSER a b\nWORKDIR /x y\nSTOPSIGNAL 9\nMAINTAINER A B <c>",
	         "FROM a\nUSER|a b\nWORKDIR|/x y\nSTOPSIGNAL|9\nMAINTAINER|A B <c>\n"},
		{"FROM a\nHEALTHCHECK NONE", "FROM a\nHEALTHCHECK|NONE\n"},
		{"FROM a\nHEALTHCHECK --interval=5s --retries=3 CMD curl x",
	         "FROM a\nHEALTHCHECK --interval=5s --retries=3|CMD|curl x\n"},
		{"FROM a\nHEALTHCHECK cmd [\"a\", \"b\"]", "FROM a\nHEALTHCHECK exec|CMD|a|b\n"},
		{"FROM a\nONBUILD RUN x", "FROM a\nONBUILD|RUN x\n"},
		{"FROM a\nONBUILD copy --from=x a b", "FROM a\nONBUILD|copy --from=x a b\n"},
		{"FROM a\nRUN <<EOF\nx\n y\nEOF\nRUN z",
	         "FROM a\nRUN|<<EOF <EOF:x\n y\n>\nRUN|z\n"},
		{"FROM a\nRUN <<-EOF\n\tx\n\t\ty\n\tEOF", "FROM a\nRUN|<<-EOF <EOF:x\ny\n>\n"},
		{"FROM a\nRUN <<'EOF'\n$x\nEOF", "FROM a\nRUN|<<'EOF' <EOF!:$x\n>\n"},
		{"FROM a\nRUN <<\"E F\"\nx\nE F", "FROM a\nRUN|<<\"E F\" <E F!:x\n>\n"},
		{"FROM a\nRUN python3 <<EOF && y 3<<B\n1\nEOF\n2\nB",
	         "FROM a\nRUN|python3 <<EOF && y 3<<B <EOF:1\n> <B:2\n>\n"},
		{"FROM a\nCOPY <<a <<b /x\n1\na\n2\nb",
	         "FROM a\nCOPY|<<a|<<b|/x <a:1\n> <b:2\n>\n"},
		{"FROM a\nRUN echo \"<<EOF\"", "FROM a\nRUN|echo \"<<EOF\"\n"},
		{"FROM a\nRUN cat <<<word", "FROM a\nRUN|cat <<<word\n"},
		{"FROM a\nENV x <<EOF", "FROM a\nENV|x|<<EOF\n"},
		{"FROM a\nRUN <<EOF\nEOF", "FROM a\nRUN|<<EOF <EOF:>\n"},
		{"FROM a\nRUN <<EOF\r\nx\r\nEOF\r\n", "FROM a\nRUN|<<EOF <EOF:x\r\n>\n"},
		{"FROM a\nONBUILD RUN <<EOF\nx\nEOF",
	         "FROM a\nONBUILD|RUN <<EOF\nx\nEOF <EOF:x\n>\n"},
		{"FROM scratch\nFROM a AS b\nFROM b\nCOPY --from=0 / /",
	         "FROM scratch\nFROM a as b\nFROM b\nCOPY --from=0|/|/\n"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO_DOCKERFILE struct mb_dockerfile file = {0};
		struct mb_err err = MB_ERR_INIT;
		MB_AUTO_FREE char *got = NULL;

		if (mb_dockerfile_parse(rows[i][0], strlen(rows[i][0]), &file, NULL, &err) < 0)
			fail_msg("'%s': %s", rows[i][0], err.msg);
		got = dump(&file);
		if (strcmp(got, rows[i][1]) != 0)
			fail_msg("'%s' is read as '%s'", rows[i][0], got);
	}
}

static const struct {
	const char *text;
	unsigned line; /* 0: none */
	const char *message;
} wrong[] = {
	{"", 0, "file with no instructions"},
	{"# only\n\n", 0, "file with no instructions"},
	{"ARG x", 0, "no build stage in the Dockerfile"},
	{"RUN x", 1, "no build stage in current context"},
	{"ARG a\nENV a b\nFROM x", 2, "no build stage in current context"},
	{"FROM", 1, "FROM requires either one or three arguments"},
	{"FROM a b", 1, "FROM requires either one or three arguments"},
	{"FROM a as", 1, "FROM requires either one or three arguments"},
	{"FROM a is b", 1, "FROM requires either one or three arguments"},
	{"FROM a as b c", 1, "FROM requires either one or three arguments"},
	{"FROM a as 1b", 1, "invalid name for build stage: \"1b\""},
	{"FROM a as b/c", 1, "invalid name for build stage"},
	{"FROM a as b\nFROM c as _", 2, "invalid name for build stage"},
	{"FROM --plattform=x a", 1, "unknown flag: --plattform (did you mean platform?)"},
	{"FROM --platform a", 1, "missing a value on flag: --platform"},
	{"FROM --platform=a --platform=b c", 1, "duplicate flag specified: --platform"},
	{"FROM a\nFOO b", 2, "unknown instruction: FOO"},
	{"FROM a\nRUNN b", 2, "unknown instruction: RUNN (did you mean RUN?)"},
	{"FROM a\n\n\nCPOY b c", 4, "unknown instruction: CPOY (did you mean COPY?)"},
	{"FROM a\nENTRYPONT b", 2, "(did you mean ENTRYPOINT?)"},
	{"FROM a\nRUN x \\\n y\nBAD", 4, "unknown instruction: BAD"},
	{"FROM a\n{}", 2, "unknown instruction: {}"},
	{"FROM a\nRUN", 2, "RUN requires at least one argument"},
	{"FROM a\nRUN --mount=type=bind", 2, "RUN requires at least one argument"},
	{"FROM a\nRUN --mount x", 2, "missing a value on flag: --mount"},
	{"FROM a\nRUN --moutn=x y", 2, "unknown flag: --moutn (did you mean mount?)"},
	{"FROM a\nRUN --network=none --network=host x", 2, "duplicate flag specified: --network"},
	{"FROM a\nCOPY", 2, "COPY requires at least two arguments"},
	{"FROM a\nCOPY a", 2, "COPY requires at least two arguments, but only one was provided"},
	{"FROM a\nCOPY --from=x a", 2, "but only one was provided"},
	{"FROM a\nCOPY --from a b", 2, "missing a value on flag: --from"},
	{"FROM a\nCOPY --link=maybe a b", 2, "expecting boolean value for flag --link, not: maybe"},
	{"FROM a\nCOPY --form=x a b", 2, "unknown flag: --form (did you mean from?)"},
	{"FROM a\nCOPY --checksum=x a b", 2, "unknown flag: --checksum"},
	{"FROM a\nCOPY [\"a\"]", 2, "but only one was provided"},
	{"FROM a\nADD", 2, "ADD requires at least two arguments"},
	{"FROM a\nADD --from=x a b", 2, "unknown flag: --from"},
	{"FROM a\nENV", 2, "ENV requires at least one argument"},
	{"FROM a\nENV a", 2, "ENV must have two arguments"},
	{"FROM a\nENV a=b c", 2, "can't find = in \"c\". Must be of the form: name=value"},
	{"FROM a\nENV =b", 2, "ENV names can not be blank"},
	{"FROM a\nENV a=b =c", 2, "ENV names can not be blank"},
	{"FROM a\nENV --x=1 a=b", 2, "unknown flag: --x"},
	{"FROM a\nLABEL", 2, "LABEL requires at least one argument"},
	{"FROM a\nLABEL a", 2, "LABEL must have two arguments"},
	{"FROM a\nLABEL a=b c", 2, "can't find = in \"c\""},
	{"FROM a\nARG", 2, "ARG requires at least one argument"},
	{"FROM a\nARG =x", 2, "ARG names can not be blank"},
	{"FROM a\nEXPOSE", 2, "EXPOSE requires at least one argument"},
	{"FROM a\nVOLUME", 2, "VOLUME requires at least one argument"},
	{"FROM a\nVOLUME []", 2, "VOLUME requires at least one argument"},
	{"FROM a\nUSER", 2, "USER requires exactly one argument"},
	{"FROM a\nWORKDIR", 2, "WORKDIR requires exactly one argument"},
	{"FROM a\nSTOPSIGNAL", 2, "STOPSIGNAL requires exactly one argument"},
	{"FROM a\nMAINTAINER", 2, "MAINTAINER requires exactly one argument"},
	{"FROM a\nSHELL", 2, "SHELL requires at least one argument"},
	{"FROM a\nSHELL bash -c", 2, "SHELL requires the arguments to be in JSON form"},
	{"FROM a\nSHELL []", 2, "SHELL requires at least one argument"},
	{"FROM a\nHEALTHCHECK", 2, "HEALTHCHECK requires at least one argument"},
	{"FROM a\nHEALTHCHECK FOO x", 2, "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"},
	{"FROM a\nHEALTHCHECK CMD", 2, "Missing command after HEALTHCHECK CMD"},
	{"FROM a\nHEALTHCHECK CMD []", 2, "Missing command after HEALTHCHECK CMD"},
	{"FROM a\nHEALTHCHECK NONE x", 2, "HEALTHCHECK NONE takes no arguments"},
	{"FROM a\nHEALTHCHECK --interval=1 CMD x", 2, "'1' is not a duration"},
	{"FROM a\nHEALTHCHECK --interval=1us CMD x", 2, "cannot be less than 1ms"},
	{"FROM a\nHEALTHCHECK --retries=x CMD y", 2, "'x' is not a number"},
	{"FROM a\nHEALTHCHECK --retries=-1 CMD y", 2, "'-1' is not a number"},
	{"FROM a\nHEALTHCHECK --every=1s CMD x", 2, "unknown flag: --every"},
	{"FROM a\nONBUILD", 2, "ONBUILD requires exactly one argument"},
	{"FROM a\nONBUILD ONBUILD RUN x", 2, "Chaining ONBUILD via `ONBUILD ONBUILD`"},
	{"FROM a\nONBUILD FROM b", 2, "FROM isn't allowed as an ONBUILD trigger"},
	{"FROM a\nONBUILD maintainer b", 2, "MAINTAINER isn't allowed as an ONBUILD trigger"},
	{"FROM a\nONBUILD FOO", 2, "unknown instruction: FOO"},
	{"FROM a\nONBUILD COPY a", 2, "but only one was provided"},
	{"FROM a\nRUN <<EOF\nx", 2, "unterminated heredoc"},
	{"FROM a\nRUN <<EOF", 2, "unterminated heredoc"},
	{"FROM a\nRUN <<A <<B\nA\n", 2, "unterminated heredoc"},
	{"FROM a\nRUN <<EOF\nx\n EOF\n", 2, "unterminated heredoc"},
	{"FROM a\nCOPY <<EOF /x\n$x\n", 2, "unterminated heredoc"},
	{"# escape=x\nFROM a", 1, "invalid escape token 'x' does not match ` or \\"},
	{"# escape=``\nFROM a", 1, "invalid escape token"},
	{"# escape=`\n# escape=`\nFROM a", 2, "only one escape parser directive can be used"},
	{"# syntax=a\n# syntax=b\nFROM a", 2, "only one syntax parser directive can be used"},
};

static void what_is_wrong_is_told_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(wrong); i++) {
		MB_AUTO_DOCKERFILE struct mb_dockerfile file = {0};
		struct mb_dockerfile_span span;
		struct mb_err err = MB_ERR_INIT;
		MB_AUTO_FREE char *prefix = mb_asprintf("parse error on line %u: ", wrong[i].line);

		if (mb_dockerfile_parse(wrong[i].text, strlen(wrong[i].text), &file, &span, &err) !=
		    -EINVAL)
			fail_msg("'%s' is taken", wrong[i].text);
		if (!strstr(err.msg, wrong[i].message) || strchr(err.msg, '\n') ||
		    (wrong[i].line && (!strstr(err.msg, prefix) || span.first != wrong[i].line)))
			fail_msg("'%s' tells '%s'", wrong[i].text, err.msg);
	}
}

static void places_and_texts_are_kept(void **state)
{
	static const char text[] = "# syntax=docker/dockerfile:1\n"
				   "\n"
				   "FROM a AS b\n"
				   "run x \\\n"
				   "  y\n"
				   "COPY <<E /z\n"
				   "1\n"
				   "E\n"
				   "ENV a=1\n";
	MB_AUTO_DOCKERFILE struct mb_dockerfile file = {0};
	const struct mb_dockerfile_instruction *v;

	(void)state;
	assert_int_equal(mb_dockerfile_parse(text, sizeof(text) - 1, &file, NULL, NULL), 0);
	assert_string_equal(file.syntax, "docker/dockerfile:1");
	assert_int_equal(file.stages[0].span.first, 3);
	assert_string_equal(file.stages[0].text, "FROM a AS b");
	v = file.stages[0].v;
	assert_int_equal(v[0].span.first, 4);
	assert_int_equal(v[0].span.last, 5);
	assert_string_equal(v[0].text, "RUN x   y");
	assert_int_equal(v[1].span.first, 6);
	assert_int_equal(v[1].span.last, 8);
	assert_string_equal(v[1].heredocs[0].lines, "1\nE\n");
	assert_int_equal(v[2].span.first, 9);
	assert_true(mb_dockerfile_flag_find(&v[2], "from") == NULL);
}

static void single_instructions_are_read(void **state)
{
	struct mb_dockerfile_instruction in = {0};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_dockerfile_instruction_parse("run <<E\nx\nE", true, &in, NULL), 0);
	assert_int_equal(in.kind, MB_DOCKERFILE_RUN);
	assert_string_equal(in.heredocs[0].content, "x\n");
	mb_dockerfile_instruction_done(&in);
	assert_int_equal(mb_dockerfile_instruction_parse("FROM x", true, &in, &err), -EINVAL);
	assert_string_equal(err.msg, "FROM isn't allowed as an ONBUILD trigger");
	assert_int_equal(mb_dockerfile_instruction_parse("  ", false, &in, &err), -EINVAL);
}

static void limits_hold(void **state)
{
	MB_AUTO_DOCKERFILE struct mb_dockerfile file = {0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_dockerfile_parse("FROM a\0b", 8, &file, NULL, &err), -EINVAL);
	mb_str_add(&text, "FROM a\nRUN x");
	for (int i = 0; i < 65; i++)
		mb_str_addf(&text, " <<E%d", i);
	for (int i = 0; i < 65; i++)
		mb_str_addf(&text, "\nE%d", i);
	assert_int_equal(mb_dockerfile_parse(text.buf, text.len, &file, NULL, &err), -E2BIG);
	mb_str_reset(&text);
	for (int i = 0; i < MB_DOCKERFILE_MAX_LINES + 1; i++)
		mb_str_addc(&text, '\n');
	assert_int_equal(mb_dockerfile_parse(text.buf, text.len, &file, NULL, &err), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(places_and_texts_are_kept),
		cmocka_unit_test(single_instructions_are_read),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
