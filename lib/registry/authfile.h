/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/authfile.h — the files config.json of whoever runs the command.
 *
 * Under sudo that is somebody else than root: his file is read and written as he would, with his
 * rights, so that no link in it leads the command anywhere that he could not go himself.
 */
#ifndef MB_REGISTRY_AUTHFILE_H
#define MB_REGISTRY_AUTHFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/auths.h"

struct mb_err;

/* As the environment and the options have it; NULL or "" when not given. */
struct mb_registry_caller {
	const char *config_dir;    /* --config */
	const char *auth_file;     /* $MYBOX_AUTH_FILE */
	const char *docker_config; /* $DOCKER_CONFIG, a directory */
	const char *home;          /* $HOME */
	const char *sudo_uid;      /* $SUDO_UID */
};

/* Find in the first file that has it: --config alone if given; else MYBOX_AUTH_FILE,
 * DOCKER_CONFIG, the caller's ~/.docker/config.json, root's.  A file that belongs to neither the
 * caller nor root, or that everybody may read, is passed over with a warning.
 * Return: 0; MB_REGISTRY_NO_LOGIN; -errno, told. */
int mb_registry_authfile_find(const struct mb_registry_caller *caller, const char *registry,
                              struct mb_registry_login *ret, struct mb_err *err);
/* Write to the first of these places, or let the helper that it names keep it.  *@ret_path, the
 * caller's to free, is where the password lies for whoever can read the file; with a helper it
 * stays what it is. */
int mb_registry_authfile_save(const struct mb_registry_caller *caller, const char *registry,
                              const struct mb_registry_login *login, char **ret_path,
                              struct mb_err *err);
/* Take the entry away there, and from the helper.  Return: 0; MB_REGISTRY_NO_LOGIN; -errno, told.
 */
int mb_registry_authfile_remove(const struct mb_registry_caller *caller, const char *registry,
                                struct mb_err *err);

#endif
