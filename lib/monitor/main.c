/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's executable; protocol.h says how it is started. */
#include <unistd.h>

#include "monitor/monitor.h"

static struct mb_monitor monitor;

int main(int argc, char **argv)
{
	if (argc != 3 || mb_monitor_process_init(&monitor, argv) < 0)
		return 125;
	mb_monitor_run(&monitor);
}
