/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/keyring.h — private keys of the caller in an ssh agent of the build's own.
 *
 * It is the host's ssh-agent, as somebody whom nobody else is (nobody.h), and dies with us.  Its
 * socket has a name for nobody but us, and RUN gets one that leads to it (agent.h).
 */
#ifndef MB_BUILD_KEYRING_H
#define MB_BUILD_KEYRING_H

#include <stddef.h>

#include "build/nobody.h"

struct mb_err;

struct mb_build_keyring {
	int dir_fd; /* a file system in memory that has the socket as "agent" */
	int pidfd;
	struct mb_build_nobody who;
};
#define MB_BUILD_KEYRING_INIT ((struct mb_build_keyring){.dir_fd = -1, .pidfd = -1})

enum mb_build_key_kind { MB_BUILD_KEY_NONE, MB_BUILD_KEY_PLAIN, MB_BUILD_KEY_ENCRYPTED };
/* What a file is that says it is a private key. */
enum mb_build_key_kind mb_build_key_kind_of(const char *bytes, size_t n);

int mb_build_keyring_start(struct mb_build_keyring *ret, struct mb_err *err);
/* Give it the key that a file has, PEM as OpenSSH or OpenSSL write it, without a passphrase. */
int mb_build_keyring_add(const struct mb_build_keyring *keyring, const char *bytes, size_t n,
                         struct mb_err *err);
/* End it; the keys are gone. */
void mb_build_keyring_stop(struct mb_build_keyring *keyring);

#endif
