/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lines BYTES: lines of 128 bytes with their numbers, one write(2) for each, on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 128, DIGITS = 12 };

int main(int argc, char **argv)
{
	unsigned long long n = argc > 1 ? strtoull(argv[1], NULL, 10) / LINE : 0;
	char line[LINE], number[DIGITS + 2];

	memset(line, '.', sizeof(line));
	line[LINE - 1] = '\n';
	for (unsigned long long i = 1; i <= n; i++) {
		snprintf(number, sizeof(number), "%0*llu ", DIGITS, i);
		memcpy(line, number, DIGITS + 1);
		if (write(STDOUT_FILENO, line, sizeof(line)) != sizeof(line))
			return 1;
	}
	return 0;
}
