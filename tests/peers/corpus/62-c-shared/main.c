/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

int thing(void);

int main(void)
{
	printf("%d\n", thing());
}
