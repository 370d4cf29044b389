/* SPDX-License-Identifier: GPL-2.0-or-later */
int thing(void)
{
	return 7;
}
