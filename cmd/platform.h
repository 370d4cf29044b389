/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/platform.h — the words for this machine. */
#ifndef MB_CMD_PLATFORM_H
#define MB_CMD_PLATFORM_H

struct mb_str;

/* As images name it: "amd64". */
const char *mb_cmd_architecture(void);
/* PRETTY_NAME of os-release: "Debian GNU/Linux 12 (bookworm)", or "Linux". */
void mb_cmd_os_name(struct mb_str *out);

#endif
