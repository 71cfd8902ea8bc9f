/* SPDX-License-Identifier: MIT */
/* Every SQL statement of the program but those of the schema. */
#include "db.h"

#define INTENT_COLUMNS                                                                             \
	"row, state, key, lane, instance, account, action, target, method, url, headers, body,"    \
	" idempotency_key, event_key, summary, attempts, status, outcome, created_ms, updated_ms, made_url"

/* The first `limit` rows that are older; the inner query ends at `limit` even when none is. */
#define PRUNE_FIRST(table)                                                                         \
	"DELETE FROM " table " WHERE row IN (SELECT row FROM"                                      \
	" (SELECT row, at_ms FROM " table " ORDER BY row LIMIT ?2) WHERE at_ms < ?1)"

/* JOURNAL_MANY rows with one statement cost half of what they cost one by one. */
#define JOURNAL_INSERT "INSERT INTO journal (at_ms, instance, what, event_key, detail) VALUES "
#define JOURNAL_ROW    "(?, ?, ?, ?, ?)"
#define JOURNAL_ROWS_4 JOURNAL_ROW "," JOURNAL_ROW "," JOURNAL_ROW "," JOURNAL_ROW

/* Binds 1 to 4 of the sources' tables. */
#define OF_SOURCE " WHERE account = ?1 AND stream = ?2 AND param = ?3 AND kind = ?4"

const char *const sql_texts[SQL_COUNT] = {
	/* The write lock at once: a checkpoint on another connection never makes a later write fail. */
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",

	[SQL_SEEN_HAS] = "SELECT 1 FROM seen WHERE instance = ?1 AND id = ?2 AND kind = ?3"
			 " AND scope = ?4 AND version = ?5",
	[SQL_SEEN_ADD] = "INSERT OR IGNORE INTO seen (instance, id, kind, scope, version, at_ms)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_SEEN_PRUNE] = PRUNE_FIRST("seen"),
	[SQL_SEEN_POSTS] =
		"SELECT row, instance, scope, id FROM seen WHERE row > ?1 AND at_ms <= ?2"
		" AND kind IN ('update', 'status.update') ORDER BY row LIMIT ?3",
	[SQL_SEEN_LAST] = "SELECT coalesce(max(row), 0) FROM seen",

	[SQL_DELIVERY_ADD] = "INSERT INTO deliveries"
			     " (instance, key, line, matched, created_ms, tries, due_ms)"
			     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_DELIVERY_DELETE] = "DELETE FROM deliveries WHERE row = ?1",
	[SQL_DELIVERY_EACH] =
		"SELECT row, key, line, matched, created_ms, tries, due_ms FROM deliveries"
		" WHERE instance = ?1 AND row > ?2 ORDER BY row",
	[SQL_DELIVERY_EACH_KEY] = "SELECT DISTINCT key FROM deliveries WHERE instance = ?1",
	[SQL_DELIVERY_COUNT] = "SELECT count(*) FROM deliveries WHERE instance = ?1",
	[SQL_DELIVERY_RETRY] = "UPDATE deliveries SET tries = ?2, due_ms = ?3 WHERE row = ?1",
	[SQL_DELIVERY_RENAME] = "UPDATE deliveries SET key = ?3 WHERE instance = ?1 AND key = ?2",

	[SQL_CURSOR_PUT] = "INSERT INTO cursors (account, stream, param, kind, cursor, at_ms)"
			   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
			   " ON CONFLICT DO UPDATE SET cursor = ?5, at_ms = ?6",
	[SQL_CURSOR_GET] = "SELECT cursor, at_ms FROM cursors" OF_SOURCE,
	[SQL_MARK_PUT] = "INSERT INTO marks (account, stream, param, kind, cursor, at_ms)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET cursor = ?5",
	[SQL_MARK_FIND] = "SELECT cursor FROM marks" OF_SOURCE
			  " AND cursor != ?5 AND at_ms <= ?6 ORDER BY at_ms DESC LIMIT 1",
	[SQL_MARK_OLDEST] =
		"SELECT cursor FROM marks" OF_SOURCE " AND cursor != ?5 ORDER BY at_ms LIMIT 1",
	[SQL_MARK_NEWEST] = "SELECT max(at_ms) FROM marks" OF_SOURCE,
	[SQL_MARK_PRUNE] =
		"DELETE FROM marks" OF_SOURCE " AND at_ms <= (SELECT at_ms FROM marks" OF_SOURCE
		" ORDER BY at_ms DESC LIMIT 1 OFFSET ?5)",

	[SQL_FILL_PUT] =
		"INSERT OR REPLACE INTO fills (account, stream, param, kind, pass, first, down,"
		" next, known, since_ms, connected_ms, due_ms)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[SQL_FILL_DELETE] = "DELETE FROM fills" OF_SOURCE,
	[SQL_FILL_EACH] = "SELECT account, stream, param, kind, pass, first, down, next, known,"
			  " since_ms, connected_ms, due_ms FROM fills",

	[SQL_GAP_PUT] = "INSERT INTO gaps (account, stream, param, what, from_id, to_id, from_ms,"
			" to_ms, reason, quiet, at_ms)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[SQL_GAP_EACH] = "SELECT row, account, stream, param, what, from_id, to_id, from_ms, to_ms,"
			 " reason, quiet, at_ms FROM gaps WHERE to_ms >= ?1 ORDER BY row",
	[SQL_GAP_COUNT] = "SELECT coalesce(sum(quiet = 0), 0), coalesce(sum(quiet), 0),"
			  " coalesce(max(to_ms) FILTER (WHERE quiet = 0), 0) FROM gaps",
	[SQL_GAP_PRUNE] = PRUNE_FIRST("gaps"),

	[SQL_STATE_PUT] = "INSERT INTO state (instance, key, json) VALUES (?1, ?2, ?3)"
			  " ON CONFLICT DO UPDATE SET json = ?3",
	[SQL_STATE_DELETE] = "DELETE FROM state WHERE instance = ?1 AND key = ?2",
	[SQL_STATE_EACH] = "SELECT key, json FROM state WHERE instance = ?1 ORDER BY key",

	[SQL_SCHEDULE_PUT] = "INSERT OR REPLACE INTO schedules"
			     " (instance, name, due_ms, last_ms, spec_hash, runs, missed, skipped)"
			     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_SCHEDULE_GET] =
		"SELECT due_ms, last_ms, spec_hash, runs, missed, skipped FROM schedules"
		" WHERE instance = ?1 AND name = ?2",
	[SQL_SCHEDULE_OTHERS] = "SELECT 1 FROM schedules WHERE instance = ?1"
				" AND name NOT IN (SELECT value FROM json_each(?2)) LIMIT 1",
	[SQL_SCHEDULE_DELETE_OTHERS] = "DELETE FROM schedules WHERE instance = ?1"
				       " AND name NOT IN (SELECT value FROM json_each(?2))",

	[SQL_ARCHIVE_PUT] = "INSERT INTO archives (file, length) VALUES (?1, ?2)"
			    " ON CONFLICT DO UPDATE SET length = ?2",
	[SQL_ARCHIVE_DELETE] = "DELETE FROM archives WHERE file = ?1",
	[SQL_ARCHIVE_GET] = "SELECT length FROM archives WHERE file = ?1",
	[SQL_ARCHIVE_EACH] = "SELECT file, length FROM archives ORDER BY file",

	[SQL_FACT_PUT] = "INSERT INTO facts (name, value) VALUES (?1, ?2)"
			 " ON CONFLICT DO UPDATE SET value = ?2",
	[SQL_FACT_EACH] = "SELECT name, value FROM facts"
			  " WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
	[SQL_FACT_GET] = "SELECT value FROM facts WHERE name = ?1",

	[SQL_ROOM_PUT] = "INSERT INTO facts (name, value) VALUES ('room', hex(zeroblob(?1 / 2)))"
			 " ON CONFLICT DO UPDATE SET value = hex(zeroblob(?1 / 2))",
	[SQL_ROOM_DELETE] = "DELETE FROM facts WHERE name = 'room'",

	[SQL_INTENT_ADD] =
		"INSERT INTO intents (state, key, lane, instance, account, action, target,"
		" method, url, headers, body, idempotency_key, event_key, summary,"
		" attempts, status, outcome, created_ms, updated_ms) VALUES (?1, ?2, ?3,"
		" ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
		" ?19) ON CONFLICT (key) DO NOTHING",
	[SQL_INTENT_GET] = "SELECT " INTENT_COLUMNS " FROM intents WHERE key = ?1",
	[SQL_INTENT_UPDATE] = "UPDATE intents SET state = ?2, attempts = ?3, status = ?4,"
			      " outcome = ?5, updated_ms = ?6, made_url = ?7 WHERE row = ?1",
	/* The one without a lane is for listings; it sorts what the index finds. */
	[SQL_INTENT_OPEN] = "SELECT " INTENT_COLUMNS " FROM intents WHERE state = 0 AND row > ?1"
			    " ORDER BY row LIMIT ?2",
	[SQL_INTENT_OPEN_OF_LANE] = "SELECT " INTENT_COLUMNS " FROM intents WHERE state = 0"
				    " AND row > ?1 AND lane = ?3 ORDER BY row LIMIT ?2",
	[SQL_INTENT_LANES] = "SELECT DISTINCT lane FROM intents WHERE state = 0",
	[SQL_INTENT_COUNT] = "SELECT count(*) FROM intents WHERE instance = ?1 AND action = ?2"
			     " AND created_ms > ?3 AND state != 2",
	[SQL_INTENT_COUNT_OPEN] = "SELECT count(*) FROM intents WHERE state = 0",
	[SQL_INTENT_MADE] = "SELECT 1 FROM intents WHERE instance = ?1 AND action = ?2"
			    " AND created_ms > ?3 AND state = 1 AND outcome = ?4 LIMIT 1",
	[SQL_INTENT_PRUNE] = "DELETE FROM intents WHERE row IN (SELECT row FROM intents"
			     " WHERE state != 0 AND updated_ms < ?1 ORDER BY updated_ms LIMIT ?2)",

	[SQL_JOURNAL_ADD] = JOURNAL_INSERT JOURNAL_ROW,
	[SQL_JOURNAL_ADD_MANY] = JOURNAL_INSERT JOURNAL_ROWS_4 "," JOURNAL_ROWS_4 "," JOURNAL_ROWS_4
							       "," JOURNAL_ROWS_4,
	[SQL_JOURNAL_EACH] = "SELECT at_ms, instance, what, event_key, detail FROM journal"
			     " ORDER BY row",
	[SQL_JOURNAL_OF_EVENT] = "SELECT at_ms, instance, what, event_key, detail FROM journal"
				 " WHERE event_key = ?1 ORDER BY row",
	[SQL_JOURNAL_PRUNE] = PRUNE_FIRST("journal"),

	[SQL_WINDOW_ADD] =
		"INSERT INTO windows (instance, kind, key, value, at_ms, until_ms, amount,"
		" event, since_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_WINDOW_DELETE] = "DELETE FROM windows WHERE row = ?1",
	[SQL_WINDOW_MOVE] = "UPDATE windows SET at_ms = ?2, until_ms = ?3, event = ?4,"
			    " since_ms = ?5 WHERE row = ?1",
	[SQL_WINDOW_EACH] =
		"SELECT row, kind, key, value, at_ms, until_ms, amount, event, since_ms FROM windows"
		" WHERE instance = ?1 ORDER BY row",
	[SQL_WINDOW_PRUNE] = "DELETE FROM windows WHERE row IN (SELECT row FROM windows"
			     " WHERE until_ms < ?1 LIMIT ?2)",

	[SQL_QUARANTINE_PUT] = "INSERT OR REPLACE INTO quarantines"
			       " (instance, at_ms, why, report, source, missed, streams, files)"
			       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_QUARANTINE_GET] = "SELECT instance, at_ms, why, report, source, missed, streams, files"
			       " FROM quarantines WHERE instance = ?1",
	[SQL_QUARANTINE_DELETE] = "DELETE FROM quarantines WHERE instance = ?1",
	[SQL_QUARANTINE_EACH] =
		"SELECT instance, at_ms, why, report, source, missed, streams, files"
		" FROM quarantines ORDER BY instance",
	[SQL_LETTER_EACH] = "SELECT row, at_ms, instance, event_key, detail FROM journal"
			    " WHERE what = 'dead_letter' AND (?1 IS NULL OR instance = ?1)"
			    " ORDER BY row",
	[SQL_LETTER_COUNT] = "SELECT count(*) FROM journal WHERE what = 'dead_letter'"
			     " AND instance = ?1",

	[SQL_TOMBSTONE_ADD] =
		"INSERT OR IGNORE INTO tombstones (scope, id, at_ms) VALUES (?1, ?2, ?3)",
	[SQL_TOMBSTONE_HAS] = "SELECT 1 FROM tombstones WHERE id = ?2 AND scope = ?1",
	[SQL_TOMBSTONE_PRUNE] = PRUNE_FIRST("tombstones"),
	[SQL_UNPROVEN_ADD] = "INSERT INTO unproven (line, at_ms) VALUES (?1, ?2)",
	[SQL_UNPROVEN_DELETE] = "DELETE FROM unproven WHERE row = ?1",
	[SQL_UNPROVEN_EACH] = "SELECT row, line FROM unproven ORDER BY row",
	[SQL_UNPROVEN_PRUNE] = PRUNE_FIRST("unproven"),
};
