/* SPDX-License-Identifier: MIT */
/* What an event costs that nothing matches, by the number of rules and of words: rules [STATUSES]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "decode.h"
#include "host.h"
#include "limits.h"
#include "statuses.h"
#include "xmalloc.h"

enum { ROUNDS = 3, PLUGINS = 20 };

struct lines {
	struct str *list;
	size_t count, bytes;
};

struct bench {
	char folder[64];
	struct json_parser *parser;
	struct secrets *secrets;
	struct log *log;
	struct lines lines;
	double parse_us; /* of one line */
};

static double
now_us(void)
{
	struct timespec now;

	clock_gettime(
		CLOCK_PROCESS_CPUTIME_ID, &now); /* other work on the machine does not count */
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int64_t
fixed_time(void *data)
{
	(void)data;
	return 1795262400000;
}

static void
make_lines(struct bench *bench, size_t count)
{
	struct statuses statuses;

	statuses_init(&statuses, 5);
	bench->lines.list = xreallocarray(NULL, count, sizeof(*bench->lines.list));
	for (size_t i = 0; i < count; i++) {
		struct buf out;
		size_t len;
		buf_init(&out, 1 << 20);
		statuses_put(&statuses, &out);
		char *text = buf_take(&out, &len);
		bench->lines.list[bench->lines.count++] = (struct str){text, len};
		bench->lines.bytes += len;
	}
}

/* The library's own work, nothing else. */
static void
measure_parse(struct bench *bench)
{
	double best = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_us();
		for (size_t i = 0; i < bench->lines.count; i++) {
			struct json_doc *doc = NULL;
			if (json_parse(bench->parser, bench->lines.list[i], &doc, NULL) == ERR_OK)
				json_doc_destroy(doc);
		}
		double spent = now_us() - start;
		best = spent < best ? spent : best;
	}
	bench->parse_us = best / (double)bench->lines.count;
	printf("%zu statuses, %zu bytes each; parsing alone: %.2f us a status, %.0f MB/s\n\n",
		bench->lines.count, bench->lines.bytes / bench->lines.count, bench->parse_us,
		(double)bench->lines.bytes / best);
}

/* A word that no status has: letters in an order that no language uses. */
static void
odd_word(struct rng *rng, char out[16])
{
	static const char vowels[] = "aeiou", consonants[] = "bcdfghjklmnpqrstvwxz";
	unsigned len = 5 + (unsigned)rng_below(rng, 6);

	for (unsigned i = 0; i < len; i++)
		out[i] = i % 2 ? vowels[rng_below(rng, 5)] : consonants[rng_below(rng, 20)];
	out[2] = rng_below(rng, 2) ? 'q' : 'z';
	out[3] = out[2] == 'q' ? 'x' : 'j';
	out[len] = '\0';
}

/* Rules of one plugin: patterns, lists of a few words, tags. */
static void
write_rules(struct rng *rng, FILE *out, unsigned count)
{
	fprintf(out, "local tusk = require \"moontusk\"\ntusk.subscribe(\"public\")\n");
	for (unsigned i = 0; i < count; i++) {
		char a[16], b[16];
		odd_word(rng, a);
		odd_word(rng, b);
		fprintf(out, "tusk.on(\"update\", { ");
		switch (i % 5) {
		case 0:
			fprintf(out, "text = [[\\b%s\\s+%s\\b]]", a, b);
			break;
		case 1:
			fprintf(out, "text = { [[%s(?:s|es)?\\b]], [[\\b%s]] }, language = \"en\"",
				a, b);
			break;
		case 2:
			fprintf(out, "words = { \"%s\", \"%s\" }", a, b);
			break;
		case 3:
			fprintf(out, "any = { { text = [[%s]] }, { tags = \"%s\" } }", a, b);
			break;
		default:
			fprintf(out, "links = [[%s\\.example/]], account = { bot = false }", a);
		}
		fprintf(out, " }, function() error(\"matched\") end)\n");
	}
}

/* Rules that each look for the host of a link. */
static void
write_hosts(struct rng *rng, FILE *out, unsigned count)
{
	fprintf(out, "local tusk = require \"moontusk\"\ntusk.subscribe(\"public\")\n");
	for (unsigned i = 0; i < count; i++) {
		char word[16];
		odd_word(rng, word);
		fprintf(out,
			"tusk.on(\"update\", { links = { host = \"%s%s.example\" } }, "
			"function() error(\"matched\") end)\n",
			i % 2 ? "*." : "", word);
	}
}

static void
write_words(struct rng *rng, FILE *out, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char word[16];
		odd_word(rng, word);
		fprintf(out, "%s\n", word);
	}
}

/* In us a status, the best of some rounds. */
static double
run(struct bench *bench, struct config *config, double *start_ms)
{
	struct host_config about = {
		.clock = {fixed_time, fixed_time, NULL},
		.log = bench->log,
		.secrets = bench->secrets,
		.config = config,
		.state_folder = bench->folder,
		.dry_run = true,
		.offline = true,
	};
	double begun = now_us(), best = 1e18;
	struct host *host = host_create(&about, &(struct host_events){0}, NULL);
	struct decode_context context = {
		.parser = bench->parser, .origin = ORIGIN_REPLAY, .borrow = true};

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_us();
		for (size_t i = 0; i < bench->lines.count; i++) {
			struct decode_output out;
			if (decode_line(&context, bench->lines.list[i], &out) == DECODE_EVENT)
				host_replay(host, out.event);
			if (round == 0 && i == 0)
				*start_ms = (now_us() - begun) / 1000;
		}
		double spent = now_us() - start;
		best = spent < best ? spent : best;
	}
	if (host_stats(host)->matched > 0)
		printf("(%llu matched: not what is measured)\n",
			(unsigned long long)host_stats(host)->matched);
	host_destroy(host);
	return best / (double)bench->lines.count;
}

static FILE *
create(const struct bench *bench, const char *name, unsigned number, char path[128])
{
	snprintf(path, 128, "%s/%s%u%s", bench->folder, name, number,
		strcmp(name, "list") == 0 ? ".txt" : ".lua");
	return fopen(path, "w");
}

typedef void write_rules_fn(struct rng *rng, FILE *out, unsigned count);

static double
bench_rules(struct bench *bench, unsigned count, write_rules_fn *write, double one_us)
{
	struct config config = {.folder = bench->folder};
	unsigned plugins = count < PLUGINS ? 1 : PLUGINS;
	struct rng rng;
	double start_ms;

	rng_seed(&rng, count);
	for (unsigned i = 0; i < plugins; i++) {
		char path[128];
		FILE *file = create(bench, "rules", i, path);
		write(&rng, file, count / plugins);
		fclose(file);
		config_add_plugin(&config, path);
	}
	double us = run(bench, &config, &start_ms);
	printf("%6u %s in %2u plugins: %6.2f us an event", count,
		write == write_hosts ? "hosts" : "rules", plugins, us);
	if (one_us > 0)
		printf(", %.2f x one rule (B6: at most 3)", us / one_us);
	printf(", parse-only / this: %.2f\n", bench->parse_us / us);
	config.folder = NULL;
	config_finish(&config);
	return us;
}

static void
bench_words(struct bench *bench, unsigned count)
{
	struct config config = {.folder = bench->folder};
	char path[128];
	struct rng rng;
	double first_ms, second_ms;

	rng_seed(&rng, count);
	FILE *file = create(bench, "list", 0, path);
	write_words(&rng, file, count);
	fclose(file);
	file = create(bench, "words", 0, path);
	fprintf(file,
		"local tusk = require \"moontusk\"\ntusk.on(\"update\", { words = \"list0.txt\" }, "
		"function() error(\"matched\") end)\n");
	fclose(file);
	config_add_plugin(&config, path);
	run(bench, &config, &first_ms);
	double us = run(bench, &config, &second_ms);
	printf("%6u words in a list:     %6.2f us an event, parse-only / this: %.2f; first start %.0f ms, second %.0f ms\n",
		count, us, bench->parse_us / us, first_ms, second_ms);
	config.folder = NULL;
	config_finish(&config);
}

int
main(int argc, char **argv)
{
	struct bench bench = {
		.folder = "/tmp/moontusk-bench-XXXXXX", .parser = json_parser_create()};
	size_t count = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10)
				: 20000; /* far more than the host remembers as routed */

	if (count == 0 || !mkdtemp(bench.folder))
		return 2;
	bench.secrets = secrets_create();
	bench.log = log_create(stderr, LOG_WARN, false, bench.secrets);
	make_lines(&bench, count);
	measure_parse(&bench);
	double one_us = bench_rules(&bench, 1, write_rules, 0);
	for (unsigned rules = 10; rules <= 1000; rules *= 10)
		bench_rules(&bench, rules, write_rules, one_us);
	one_us = bench_rules(&bench, 1, write_hosts, 0);
	bench_rules(&bench, 1000, write_hosts, one_us);
	bench_words(&bench, 1000);
	bench_words(&bench, 10000);
	printf("\nfiles are left in %s\n", bench.folder);
	for (size_t i = 0; i < bench.lines.count; i++)
		free((char *)(uintptr_t)bench.lines.list[i].ptr);
	free(bench.lines.list);
	log_destroy(bench.log);
	secrets_destroy(bench.secrets);
	json_parser_destroy(bench.parser);
	return 0;
}
