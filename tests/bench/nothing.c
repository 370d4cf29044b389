/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nothing: what merely starting a program costs. */
int main(void)
{
	return 0;
}
