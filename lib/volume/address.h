/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/volume/address.h — addresses of servers that hold volumes (this folder). */
#ifndef MB_VOLUME_ADDRESS_H
#define MB_VOLUME_ADDRESS_H

struct mb_err;
struct mb_strv;

/* The kernel mounts from an address alone: an option "addr=NAME" gets the address of NAME, the IPv4
 * one if there are both, as docker has it.  Return: 0 or -errno, told. */
int mb_volume_address_resolve(struct mb_strv *options, struct mb_err *err);

#endif
