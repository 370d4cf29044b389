/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netop add|del NAME: the floor of `network create` and `network rm`: one bridge, one address. */
#include <stdio.h>
#include <string.h>

#include "netlink.h"

int main(int argc, char **argv)
{
	int r;

	if (argc != 3) {
		fputs("usage: netop add|del NAME\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "add") == 0)
		r = nl_bridge(nl_open(), argv[2], 0x0101c90au, 24);
	else
		r = nl_delete(nl_open(), argv[2]);
	return r < 0;
}
