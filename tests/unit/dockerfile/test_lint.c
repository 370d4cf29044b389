/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <errno.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/ignore.h"
#include "dockerfile/lint.h"

/* The image "deb" sets PATH and LANG; nobody knows others. */
static bool find_env(void *arg, const char *image, struct mb_strv *out)
{
	(void)arg;
	if (strcmp(image, "deb") != 0)
		return false;
	mb_strv_add(out, "PATH=/bin");
	mb_strv_add(out, "LANG=C");
	return true;
}

/* "Rule:line message; ..." */
static char *lint(const char *text, bool *ret_is_error, int *ret_r)
{
	MB_AUTO_DOCKERFILE struct mb_dockerfile file = {0};
	MB_AUTO_IGNORE struct mb_dockerfile_ignore ignore = {0};
	struct mb_dockerfile_lint how = {
		.text = text, .len = strlen(text), .ignore = &ignore, .find_env = find_env};
	struct mb_str out = MB_STR_INIT;
	bool is_error = false;

	assert_int_equal(mb_dockerfile_ignore_add(&ignore, "skip", NULL), 0);
	assert_int_equal(mb_dockerfile_parse(text, strlen(text), &file, NULL, NULL), 0);
	*ret_r = mb_dockerfile_lint(&file, &how, &is_error, NULL);
	if (ret_is_error)
		*ret_is_error = is_error;
	for (size_t i = 0; i < file.n_warnings; i++)
		mb_str_addf(&out, "%s%s:%u %s", i ? "; " : "", file.warnings[i].rule,
		            file.warnings[i].span.first, file.warnings[i].message);
	mb_str_text(&out);
	return mb_str_take(&out);
}

static void each_rule_tells_what_and_where(void **state)
{
	// clang-format off
	static const char *const rows[][2] = {
		{"FROM deb\nRUN x\n", ""},
		{"FROM deb AS Base\n", "StageNameCasing:1 Stage name 'Base' should be lowercase"},
		{"FROM deb as base\n", "FromAsCasing:1 'as' and 'FROM' keywords' casing do not match"},
		{"from deb as base\nrun x\n", ""},
		{"FROM deb AS a\nFROM deb AS a\n", "DuplicateStageName:2 Duplicate stage name 'a', stage names should be unique"},
		{"FROM deb AS scratch\n", "ReservedStageName:1 Stage name should not use the same name as reserved stage 'scratch'"},
		{"FROM deb AS context\n", "ReservedStageName:1 Stage name should not use the same name as reserved stage 'context'"},
		{"FROM deb\nrun x\nRUN y\n", "ConsistentInstructionCasing:2 Command 'run' should match the case of the command majority (uppercase)"},
		{"from deb\nrun x\nRun y\n", "ConsistentInstructionCasing:3 Command 'Run' should match the case of the command majority (lowercase)"},
		{"FROM deb\nCMD x y\n", "JSONArgsRecommended:2 JSON arguments recommended for CMD to prevent unintended behavior related to OS signals"},
		{"FROM deb\nENTRYPOINT x\n", "JSONArgsRecommended:2 JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals"},
		{"FROM deb\nCMD [\"x\"]\nHEALTHCHECK CMD x\n", ""},
		{"FROM deb\nSHELL [\"bash\"]\nCMD x\n", ""},
		{"FROM deb AS a\nSHELL [\"bash\"]\nFROM a\nCMD x\n", ""},
		{"FROM deb\nMAINTAINER me\n", "MaintainerDeprecated:2 Maintainer instruction is deprecated in favor of using label"},
		{"FROM deb\nENV a b c\n", "LegacyKeyValueFormat:2 \"ENV key=value\" should be used instead of legacy \"ENV key value\" format"},
		{"FROM deb\nLABEL a b\n", "LegacyKeyValueFormat:2 \"LABEL key=value\" should be used instead of legacy \"LABEL key value\" format"},
		{"FROM deb\nWORKDIR a\n", "WorkdirRelativePath:2 Relative workdir \"a\" can have unexpected results if the base image changes"},
		{"FROM deb\nWORKDIR /a\nWORKDIR b\n", ""},
		{"FROM deb AS a\nWORKDIR /a\nFROM a\nWORKDIR b\n", ""},
		{"FROM deb\nCMD [\"a\"]\nCMD [\"b\"]\nCMD [\"c\"]\n", "MultipleInstructionsDisallowed:3 Multiple CMD instructions should not be used in the same stage because only the last one will be used"},
		{"FROM deb\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\n", "MultipleInstructionsDisallowed:3 Multiple HEALTHCHECK instructions should not be used in the same stage because only the last one will be used"},
		{"FROM deb AS a\nCMD [\"a\"]\nFROM a\nCMD [\"b\"]\n", ""},
		{"FROM deb\nRUN a \\\n\n b\n", "NoEmptyContinuation:2 Empty continuation line"},
		{"FROM deb\nARG API_KEY\n", "SecretsUsedInArgOrEnv:2 Do not use ARG or ENV instructions for sensitive data (ARG \"API_KEY\")"},
		{"FROM deb\nENV db_password=x PUBLIC_KEY=y KEYBOARD=z\n", "SecretsUsedInArgOrEnv:2 Do not use ARG or ENV instructions for sensitive data (ENV \"db_password\")"},
		{"ARG token\nFROM deb\n", "SecretsUsedInArgOrEnv:1 Do not use ARG or ENV instructions for sensitive data (ARG \"token\")"},
		{"FROM --platform=$TARGETPLATFORM deb\n", "RedundantTargetPlatform:1 Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior"},
		{"FROM --platform=linux/amd64 deb\n", "FromPlatformFlagConstDisallowed:1 FROM --platform flag should not use constant value \"linux/amd64\""},
		{"FROM --platform=$BUILDPLATFORM deb\n", ""},
		{"ARG TAG\nFROM deb:$TAG\n", "InvalidDefaultArgInFrom:2 Default value for ARG deb:$TAG results in empty or invalid base image name"},
		{"ARG TAG=1\nFROM deb:$TAG\n", ""},
		{"ARG IMAGE\nFROM ${IMAGE:-deb}\n", ""},
		{"ARG VERSION=1\nFROM deb:${VERSIO:-2}\nFROM deb:1$VERSON\n", "UndefinedArgInFrom:3 FROM argument 'VERSON' is not declared (did you mean VERSION?)"},
		{"FROM deb\nCOPY $nosuch /x\n", "UndefinedVar:2 Usage of undefined variable '$nosuch'"},
		{"FROM deb\nARG NAME\nCOPY $NAMEE /x\n", "UndefinedVar:3 Usage of undefined variable '$NAMEE' (did you mean $NAME?)"},
		{"FROM deb\nENV X=$PATH:/y Y=$LANG\nWORKDIR /$X\nUSER $USER_${X}\n", "UndefinedVar:4 Usage of undefined variable '$USER_'"},
		{"FROM deb\nENV A=${a:-b} B=${b-c} C=${c:+d} D='$d' E=\\$e\nRUN $f\n", ""},
		{"FROM nobody\nCOPY $nosuch /x\n", ""},
		{"FROM scratch\nCOPY $nosuch /x\n", "UndefinedVar:2 Usage of undefined variable '$nosuch'"},
		{"FROM deb AS a\nENV X=1\nFROM a\nCOPY $X $Z /x/\n", "UndefinedVar:4 Usage of undefined variable '$Z'"},
		{"FROM deb\nENV P=$http_proxy\n", ""},
		{"FROM deb\nCOPY <<EOF /x\n$nosuch\nEOF\n", ""},
		{"FROM deb\nCOPY skip/a ./b /x/\n", "CopyIgnoredFile:2 Attempting to Copy file \"skip/a\" that is excluded by .dockerignore"},
		{"FROM deb\nADD skip /x\nCOPY --from=a skip /x\nCOPY sk* /x\n", "CopyIgnoredFile:2 Attempting to Add file \"skip\" that is excluded by .dockerignore"},
		{"FROM deb\nEXPOSE 127.0.0.1:80:80\n", "ExposeInvalidFormat:2 EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'"},
		{"FROM deb\nEXPOSE 80/TCP 81/udp $P\nENV P=1\n", "ExposeProtoCasing:2 Defined protocol '80/TCP' in EXPOSE instruction should be lowercase; UndefinedVar:2 Usage of undefined variable '$P'"},
		{"# check=experimental=all\n# what\nFROM deb AS a\n", "InvalidDefinitionDescription:3 Comment for a should follow the format: `# a <description>`"},
		{"# check=experimental=InvalidDefinitionDescription\n# a is this\nFROM deb AS a\n", ""},
		{"# what\nFROM deb AS a\n", ""},
		{"# check=skip=StageNameCasing, FromAsCasing\nFROM deb as Base\n", ""},
		{"# check=skip=all\nFROM deb as Base\nRUN a \\\n\n b\n", ""},
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		int r;
		MB_AUTO_FREE char *told = lint(rows[i][0], NULL, &r);

		assert_int_equal(r, 0);
		assert_string_equal(told, rows[i][1]);
	}
}

static void the_directive_says_what_counts(void **state)
{
	bool is_error;
	int r;

	(void)state;
	free(lint("# check=skip=all;error=true\nFROM deb AS A\n", &is_error, &r));
	assert_true(r == 0 && !is_error);
	free(lint("# check=error=true\nFROM deb AS A\n", &is_error, &r));
	assert_true(r == 0 && is_error);
	free(lint("# check=error=perhaps\nFROM deb\n", &is_error, &r));
	assert_int_equal(r, -EINVAL);
	free(lint("# check=what=ever\nFROM deb\n", &is_error, &r));
	assert_int_equal(r, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_tells_what_and_where),
		cmocka_unit_test(the_directive_says_what_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
