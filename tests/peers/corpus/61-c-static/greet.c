/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "greet.h"

const char *greeting(void)
{
	return "hello";
}
