/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main program of a fuzz target where there is no fuzzer: runs the seeds, then mutations of
 * them in an order that is always the same, until @MILLISECONDS are over.
 *
 *	fuzz_x SEEDS [MILLISECONDS]      seeds are the lines of SEEDS, or its parts between lines
 *	                                 "=====" if it has any
 *	fuzz_x SEEDS --corpus DIRECTORY  write the seeds as files, for a real fuzzer
 *	fuzz_x --one FILE                run that file alone
 *
 * An input that ends the program is left in "crash-fuzz_x" in the current directory.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "fuzz.h"

enum { MAX_SEEDS = 512, MAX_SIZE = 16384 };

static struct seed {
	const uint8_t *data;
	size_t size;
} seeds[MAX_SEEDS];
static size_t n_seeds;
static const uint8_t *current;
static size_t current_size;
static char crash_path[256];

/* Of the sanitizers' runtime, where it is there. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void leave_input(void)
{
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, current, current_size);

	fprintf(stderr, "%zd bytes of input are in '%s'\n", n, crash_path);
}

static void on_abort(int sig)
{
	signal(sig, SIG_DFL);
	leave_input();
	raise(sig);
}

static void run(const uint8_t *data, size_t size)
{
	/* A block of exactly that size: the sanitizer watches its end. */
	uint8_t *copy = malloc(size ? size : 1);

	FUZZ_CHECK(copy);
	memcpy(copy, data, size);
	current = data;
	current_size = size;
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static uint8_t *read_all(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	uint8_t *data = NULL;
	size_t size = 0;

	if (!file) {
		fprintf(stderr, "cannot open '%s': %s\n", path, strerror(errno));
		exit(2);
	}
	for (size_t n = 1; n; size += n) {
		data = realloc(data, size + 65536 + 1);
		FUZZ_CHECK(data);
		n = fread(data + size, 1, 65536, file);
	}
	data[size] = '\0';
	fclose(file);
	*ret_size = size;
	return data;
}

/* "\xNN" in a seed is that byte; nothing else is special.  Return: the new size. */
static size_t unescape(uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned value;
		int end = 0;

		if (size - i >= 4 && data[i] == '\\' && data[i + 1] == 'x' &&
		    sscanf((const char *)data + i + 2, "%2x%n", &value, &end) == 1 && end == 2) {
			data[n++] = (uint8_t)value;
			i += 3;
		} else {
			data[n++] = data[i];
		}
	}
	return n;
}

static void add_seed(uint8_t *data, size_t size)
{
	FUZZ_CHECK(n_seeds < MAX_SEEDS);
	seeds[n_seeds++] = (struct seed){data, unescape(data, size)};
}

static void split_seeds(uint8_t *data)
{
	char *p = (char *)data;
	const char *between = strstr(p, "\n=====\n") ? "\n=====\n" : "\n";

	while (*p) {
		char *end = strstr(p, between);
		size_t n = end ? (size_t)(end - p) : strlen(p);

		add_seed((uint8_t *)p, n);
		p += n + (end ? strlen(between) : 0);
	}
}

static void write_corpus(const char *directory)
{
	for (size_t i = 0; i < n_seeds; i++) {
		char path[4096];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%03zu", directory, i);
		file = fopen(path, "we");
		if (!file || fwrite(seeds[i].data, 1, seeds[i].size, file) != seeds[i].size ||
		    fclose(file) != 0) {
			fprintf(stderr, "cannot write '%s'\n", path);
			exit(2);
		}
	}
}

/* --- mutations -------------------------------------------------------------------------------- */

static uint64_t state = 0x9e3779b97f4a7c15;

static size_t below(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n ? (size_t)(state >> 11) % n : 0;
}

struct input {
	uint8_t data[MAX_SIZE];
	size_t size;
};

static void insert(struct input *in, size_t at, const void *bytes, size_t n)
{
	if (n > MAX_SIZE - in->size)
		n = MAX_SIZE - in->size;
	memmove(in->data + at + n, in->data + at, in->size - at);
	memcpy(in->data + at, bytes, n);
	in->size += n;
}

static void take_out(struct input *in, size_t at, size_t n)
{
	if (n > in->size - at)
		n = in->size - at;
	memmove(in->data + at, in->data + at + n, in->size - at - n);
	in->size -= n;
}

static void insert_word(struct input *in)
{
	static const char *const words[] = {
		"0",
		"-1",
		"18446744073709551616",
		"9223372036854775808",
		"1e308",
		"\"",
		"\\",
		"\n",
		"\xff",
		"..",
		"/",
		"null",
		"{",
		"[",
		"\\u0000",
		",",
		":",
		"=",
		"\x80",
		"%",
		"[]",
		"\t",
		"{}",
		"-9223372036854775808",
		"\xef\xbf\xbf",
		"true",
		"4294967296",
	};
	const char *word = words[below(sizeof(words) / sizeof(*words))];

	insert(in, below(in->size + 1), word, strlen(word));
}

static void splice_seed(struct input *in)
{
	const struct seed *other = &seeds[below(n_seeds)];
	size_t from = below(other->size), n = below(other->size - from + 1);

	insert(in, below(in->size + 1), other->data + from, n);
}

static void repeat(struct input *in)
{
	uint8_t piece[256];
	size_t from = below(in->size), n = below(in->size - from + 1);

	n = n < sizeof(piece) ? n : sizeof(piece);
	memcpy(piece, in->data + from, n);
	for (size_t times = 1 + below(below(16) ? 3 : 64); times; times--)
		insert(in, from, piece, n);
}

static void mutate(struct input *in)
{
	uint8_t byte = (uint8_t)below(256);

	switch (in->size ? below(9) : 5) {
	case 0:
		in->data[below(in->size)] ^= (uint8_t)(1u << below(8));
		break;
	case 1:
		in->data[below(in->size)] = byte;
		break;
	case 2:
		take_out(in, below(in->size), 1 + below(8));
		break;
	case 3:
		take_out(in, below(in->size), below(in->size) + 1);
		break;
	case 4:
		insert(in, below(in->size + 1), &byte, 1);
		break;
	case 5:
		insert_word(in);
		break;
	case 6:
		splice_seed(in);
		break;
	case 7:
		repeat(in);
		break;
	default:
		in->data[below(in->size)] = in->data[below(in->size)];
		break;
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static size_t run_mutations(int64_t until)
{
	static struct input in;
	size_t round;

	for (round = 0; now_ms() < until; round++) {
		const struct seed *seed = &seeds[below(n_seeds)];

		in.size = seed->size < MAX_SIZE ? seed->size : MAX_SIZE;
		memcpy(in.data, seed->data, in.size);
		for (size_t n = 1 + below(4); n; n--)
			mutate(&in);
		run(in.data, in.size);
	}
	return round;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	int64_t start = now_ms();
	size_t size, rounds;
	uint8_t *text;

	if (argc < 2)
		return 2;
	snprintf(crash_path, sizeof(crash_path), "crash-%s", name ? name + 1 : argv[0]);
	signal(SIGABRT, on_abort);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(leave_input);
	text = read_all(argv[strcmp(argv[1], "--one") == 0 && argc == 3 ? 2 : 1], &size);
	if (strcmp(argv[1], "--one") == 0) {
		run(text, size);
		return 0;
	}
	split_seeds(text);
	if (argc == 4 && strcmp(argv[2], "--corpus") == 0) {
		write_corpus(argv[3]);
		return 0;
	}
	run((const uint8_t *)"", 0);
	for (size_t i = 0; i < n_seeds; i++)
		run(seeds[i].data, seeds[i].size);
	rounds = run_mutations(start + (argc > 2 ? strtol(argv[2], NULL, 10) : 1000));
	printf("%zu seeds, %zu mutations, %lld ms\n", n_seeds, rounds,
	       (long long)(now_ms() - start));
	free(text);
	return 0;
}
