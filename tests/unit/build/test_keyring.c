/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/keyring.h"
#include "core/own.h"

#define OPENSSH "-----BEGIN OPENSSH PRIVATE KEY-----"

static void files_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum mb_build_key_kind kind;
	} rows[] = {
		{"", MB_BUILD_KEY_NONE},
		{"ssh-ed25519 AAAA", MB_BUILD_KEY_NONE},
		{"-----BEGIN CERTIFICATE-----\n", MB_BUILD_KEY_NONE},
		{"-----BEGIN PUBLIC KEY-----\n", MB_BUILD_KEY_NONE},
		{"PuTTY-User-Key-File-3: ssh-ed25519\n", MB_BUILD_KEY_NONE},
		{"-----BEGIN RSA PRIVATE KEY-----\nMII", MB_BUILD_KEY_PLAIN},
		{"text\n-----BEGIN EC PRIVATE KEY-----\nMII", MB_BUILD_KEY_PLAIN},
		{"-----BEGIN PRIVATE KEY-----\nMII", MB_BUILD_KEY_PLAIN},
		{"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII", MB_BUILD_KEY_ENCRYPTED},
		{"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES",
	         MB_BUILD_KEY_ENCRYPTED},
		{OPENSSH "\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ", MB_BUILD_KEY_PLAIN},
		{OPENSSH "\r\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ", MB_BUILD_KEY_PLAIN},
		{OPENSSH "\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0",
	         MB_BUILD_KEY_ENCRYPTED},
		{OPENSSH, MB_BUILD_KEY_ENCRYPTED},
		{OPENSSH "\nb3Bl", MB_BUILD_KEY_ENCRYPTED},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_int_equal(mb_build_key_kind_of(rows[i].text, strlen(rows[i].text)),
		                 rows[i].kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
