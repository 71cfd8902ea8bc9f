/* SPDX-License-Identifier: MIT */
/* moontusk doctor: everything that can be wrong when connecting, in plain words, with what to do. */
#include "doctor_parts.h"

#include <stdlib.h>

#include "command.h"
#include "limits.h"
#include "target.h"
#include "version.h"
#include "xmalloc.h"

#define LOG_MODULE      "doctor"
#define COVERAGE_MIN_MS INT64_C(1000)
#define COVERAGE_MAX_MS INT64_C(86400000)

static void
start(struct doctor *doctor)
{
	struct session *session = &doctor->session;
	rng_seed_system(&doctor->rng);
	doctor->quiet = args_given(doctor->args, "verbose") ? session->log : NULL;
	doctor->fetch = (struct fetch){
		.loop = session->loop,
		.http = http_create(session->loop, doctor->quiet, "moontusk/" MOONTUSK_VERSION),
		.parser = json_parser_create(),
	};
	doctor->ws = ws_client_create(session->loop, doctor->quiet);
	buf_init(&doctor->report, LOCAL_ANSWER_MAX);
	buf_init(&doctor->coverage_report, LOCAL_ANSWER_MAX);
}

static void
end(struct doctor *doctor)
{
	http_destroy(doctor->fetch.http);
	if (doctor->ws)
		ws_client_destroy(doctor->ws);
	json_parser_destroy(doctor->fetch.parser);
	buf_finish(&doctor->report);
	buf_finish(&doctor->coverage_report);
}

static void
examine(struct doctor *doctor)
{
	const struct config *config = &doctor->config;
	struct doctor_subject machine = {NULL, "this machine"};
	struct findings findings = {0};
	unsigned told = 0;
	struct patient *patients = xcalloc(config->account_count + 1, sizeof(patients[0]));
	for (unsigned i = 0; i < config->account_count; i++)
		patients[i] = (struct patient){.doctor = doctor, .from = &config->accounts[i]};
	doctor_state(doctor, &findings);
	doctor_plugins(doctor, patients, &findings);
	doctor_tell(doctor, &machine, &findings, &told);
	for (unsigned i = 0; i < config->account_count; i++)
		doctor_account(&patients[i]);
	if (doctor->coverage_ms)
		doctor_coverage(doctor, patients, config->account_count);
	doctor_summary(doctor);
	for (unsigned i = 0; i < config->account_count; i++)
		patient_finish(&patients[i]);
	findings_finish(&findings);
	free(patients);
}

/* Config file and command line, as `run` reads them. */
static bool
read_target(struct doctor *doctor)
{
	const struct args *args = doctor->args;
	struct target_words words = {args->words, args->word_count, false};
	if (!target_plugins(&doctor->config, args, &doctor->session, &words))
		return false;
	if (args_given(args, "plugin-folder")) {
		free(doctor->config.plugin_folder.path);
		doctor->config.plugin_folder.path = xstrdup(args_text(args, "plugin-folder", NULL));
	}
	return true;
}

static int
doctor_run(const struct args *args)
{
	struct doctor doctor = {.args = args, .json = args_given(args, "json")};
	const char *time = args_text(args, "coverage", NULL);
	if (time && (!duration_parse(str_from(time), &doctor.coverage_ms) ||
			    doctor.coverage_ms < COVERAGE_MIN_MS ||
			    doctor.coverage_ms > COVERAGE_MAX_MS))
		return args_usage_error(args,
			"--coverage takes a time from 1s to 24h, such as 60s or 10m, not \"%s\".",
			time);
	session_start(&doctor.session, args);
	bool good = read_target(&doctor);
	if (good) {
		start(&doctor);
		examine(&doctor);
		end(&doctor);
	}
	config_finish(&doctor.config);
	session_end(&doctor.session);
	return good && doctor.counts[FINDING_ERROR] == 0 ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag doctor_flags[] = {
	TARGET_FLAGS,
	PLUGIN_FLAGS,
	{"plugin-folder", FLAG_TEXT, "DIR", "look at what lies in DIR, too", false},
	{"state", FLAG_TEXT, "DIR",
		"the state folder that is looked at (default: ~/.local/state/moontusk)", false},
	{"coverage", FLAG_TEXT, "TIME",
		"listen for TIME (60s, 10m), and say how much of what REST lists came by the streams",
		false},
	{"json", FLAG_SWITCH, NULL, "one JSON document", false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_doctor = {
	.name = "doctor",
	.summary = "find what is wrong when connecting, and say what to do",
	.usage = "[PLUGIN…] [flags]",
	.details =
		"Looks at the server and its streaming server, the token, and whether the streams that the plugins want can be\n"
		"had. Nothing is posted or changed, and no plugin runs. Takes plugins, --server and the config file as run does.\n"
		"Exit code: 1 when something is wrong; warnings do not count.",
	.examples =
		"  moontusk doctor --server https://mastodon.example\n"
		"  moontusk doctor ./caturday.lua --server https://mastodon.example\n"
		"  moontusk doctor ./caturday.lua --coverage 10m --server https://mastodon.example\n"
		"  moontusk doctor --config moontusk.lua --json",
	.flags = doctor_flags,
	.words_min = 0,
	.words_max = UINT_MAX,
	.run = doctor_run,
};
