/* SPDX-License-Identifier: MIT */
/* Which streams are wanted of which account: the plugins are loaded and asked, nothing of them runs after that. */
#include <stdlib.h>
#include <string.h>

#include "doctor_parts.h"
#include "host.h"
#include "limits.h"
#include "plugin.h"
#include "stream_name.h"
#include "xmalloc.h"

static void
add_wanted(struct patient *patient, const struct stream_info *info, struct str param,
	const char *instance)
{
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		struct checkup_stream *have = &patient->wanted[i];
		if (!stream_same(str_from(have->info->name), str_from(have->param),
			    str_from(info->name), param))
			continue;
		if (instance && have->wanted_by && !strstr(have->wanted_by, instance)) {
			char *both = xasprintf("%s, %s", have->wanted_by, instance);
			free(have->wanted_by);
			have->wanted_by = both;
		}
		return;
	}
	patient->wanted = xreallocarray(
		patient->wanted, patient->wanted_count + 1, sizeof(patient->wanted[0]));
	patient->wanted[patient->wanted_count++] =
		(struct checkup_stream){info, param.len ? str_dup(param) : NULL, xstrdup(instance)};
}

void
patient_finish(struct patient *patient)
{
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		free(patient->wanted[i].param);
		free(patient->wanted[i].wanted_by);
	}
	free(patient->wanted);
	free(patient->live);
	findings_finish(&patient->findings);
	fetched_finish(&patient->instance);
	fetched_finish(&patient->credentials);
	account_destroy(patient->account);
	*patient = (struct patient){0};
}

static struct patient *
find_patient(const struct doctor *doctor, struct patient *patients, const char *account)
{
	for (unsigned i = 0; account && i < doctor->config.account_count; i++) {
		if (strcmp(patients[i].from->name, account) == 0)
			return &patients[i];
	}
	return NULL;
}

static void
ask_plugin(const struct doctor *doctor, const struct plugin *plugin, const char *account,
	struct patient *patients)
{
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(plugin, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct stream_info *info = stream_info(str_from(streams[i].stream));
		struct patient *patient = find_patient(
			doctor, patients, streams[i].account ? streams[i].account : account);
		if (info && patient)
			add_wanted(patient, info, stream_param(info, str_from(streams[i].param)),
				plugin_name(plugin));
	}
}

/* What the host has to say while it loads plugins. */
static void
keep_line(void *data, enum log_level level, const char *module, const char *line)
{
	(void)module;
	if (level == LOG_ERROR)
		findings_add(data, FINDING_ERROR, "plugins",
			"moontusk check says more about a plugin", "%s", line);
}

static void
load(struct doctor *doctor, struct patient *patients, struct findings *findings)
{
	struct session *session = &doctor->session;
	struct log *log = log_create(stderr, LOG_WARN, false, session->secrets);
	log_set_sink(log, keep_line, findings);
	struct host_config about = {
		.loop = session->loop,
		.clock = loop_clock(session->loop),
		.log = log,
		.secrets = session->secrets,
		.config = &doctor->config,
		.lua_dir = session->lua_dir,
		.dry_run = true,
		.offline = true,
	};
	struct host *host = host_create(&about, &(struct host_events){0}, NULL);
	unsigned count = host ? host_instance_count(host) : 0, loaded = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!host_plugin(host, i))
			continue;
		ask_plugin(doctor, host_plugin(host, i), host_instance_account(host, i), patients);
		loaded++;
	}
	host_destroy(host);
	log_destroy(log);
	if (loaded > 0)
		findings_add(findings, FINDING_OK, "plugins", NULL, "%u plugin%s loaded", loaded,
			loaded == 1 ? "" : "s");
}

void
doctor_plugins(struct doctor *doctor, struct patient *patients, struct findings *findings)
{
	static const char *const usual[] = {"user", "public", "public:local"};
	const struct config *config = &doctor->config;
	if (config->plugin_count > 0 || config->plugin_folder.path) {
		load(doctor, patients, findings);
		return;
	}
	findings_add(findings, FINDING_SKIPPED, "plugins", NULL,
		"no plugin is named, so the streams user, public and public:local are tried");
	for (unsigned i = 0; i < config->account_count; i++) {
		for (unsigned k = 0; k < COUNT_OF(usual); k++)
			add_wanted(&patients[i], stream_info(str_from(usual[k])), STR_NONE, NULL);
		patients[i].made_up = true;
	}
}
