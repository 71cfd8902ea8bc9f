/* SPDX-License-Identifier: MIT */
/* Every cap on what a stranger can make grow, in one place. Bytes unless the name says otherwise. */
#pragma once

#include_next <limits.h> /* this file's name hides the system's */

/* base */
#define LOG_LINE_MAX          4096
#define SECRET_LEN_MIN        8
#define FLAG_NUMBER_MAX       1e10 /* seconds, Unix times, events a second: what a timer can hold */
#define MESSAGE_MAX           1024 /* an error text for people */
#define SUGGEST_WORD_MAX      64   /* longer words get no suggestion */
#define ZONE_NAME_MAX         64
#define ZONE_ABBREVIATION_MAX 16           /* with the NUL */
#define ZONE_FOLDER_DEPTH_MAX 3            /* America/Argentina/Ushuaia */
#define ZONE_FOLDER_NAMES_MAX 4096         /* looked at for a suggestion */
#define ZONE_FILE_MAX         (256u << 10) /* the biggest of tzdata has 5 KiB */
#define ZONE_TRANSITIONS_MAX  8192
#define ZONE_NAMES_MAX        512 /* bytes of all abbreviations of a zone */

/* net */
#define RESOLVE_ADDRESSES_MAX  8
#define URL_MAX                8192
#define HTTP_RUNNING_MAX       256 /* requests at a time, besides streams */
#define HTTP_STREAMS_MAX       1100
#define HTTP_BODY_MAX          (16u << 20)
#define HTTP_REJECTED_BODY_MAX (64u << 10) /* of an answer that on_head refused */
#define HTTP_HEADERS_MAX       (64u << 10)
#define HTTP_CONNECT_MS        15000
#define HTTP_FIRST_BYTE_MS     30000
#define HTTP_TOTAL_MS          60000
#define HTTP_REDIRECTS_MAX     3
#define WS_MESSAGE_MAX         (16u << 20) /* protocol.md 10, row 28 */
#define WS_MESSAGE_KEPT_MAX    65536       /* a bigger buffer is freed after its message */
#define WS_HEAD_MAX            14          /* RFC 6455, 5.2: before the payload, mask included */
#define WS_CONTROL_MAX         125         /* RFC 6455, 5.5 */
#define WS_SEND_QUEUE_MAX      (1u << 20)
#define WS_CONNECTIONS_MAX     1100 /* of one client */
#define DIAL_QUEUE_MAX                                                                             \
	(WS_SEND_QUEUE_MAX +                                                                       \
		(256u << 10)) /* bytes that wait to leave; control frames come on top */
#define WS_HANDSHAKE_MS  20000
#define WS_HANDSHAKE_MAX 16384 /* bytes of the answer to the upgrade */
#define SSE_LINE_MAX     (16u << 20)
#define SSE_EVENT_MAX    (16u << 20)
#define SSE_ID_MAX       1024
#define SSE_TYPE_MAX                                                                               \
	(EVENT_NAME_MAX + 1) /* one more than the decoder takes, so that it can say what it found */
#define SSE_KEPT_MAX           (1u << 20) /* buffers beyond this are given back after their event */
#define LOCAL_LINE_MAX         (64u << 10) /* of a request on the control socket */
#define LOCAL_ANSWER_MAX       (8u << 20)
#define LOCAL_PEERS_MAX        64
#define LOCAL_IDLE_MS          30000
#define SERVER_HEAD_MAX        (16u << 10) /* of a request, as Node has it */
#define SERVER_HEADERS_MAX     100
#define SERVER_BODY_MAX        (64u << 20)
#define SERVER_CONNECTIONS_MAX 4096
#define SERVER_SEND_QUEUE_MAX  (256u << 20) /* the practice instance buffers SSE as Mastodon does */
#define SERVER_WAITING_MAX                                                                         \
	(SERVER_BODY_MAX + SERVER_HEAD_MAX + (1u << 20)) /* a request and what follows it */
#define RELAY_QUEUE_MAX       (64u << 10)                /* bytes of one direction that wait */
#define RELAY_CONNECTIONS_MAX SERVER_CONNECTIONS_MAX
#define LWS_CONNECTIONS_MAX   (SERVER_CONNECTIONS_MAX + 16) /* lws allocates tables of that length */

/* json, event */
#define JSON_DEPTH_MAX         256
#define JSON_TEXT_MAX          (64u << 20)
#define EVENT_LINE_MAX         (32u << 20)
#define EVENT_NAME_MAX         128
#define EVENT_STREAM_MAX       512
#define EVENT_STREAMS_TEXT_MAX 2048 /* of the list of streams that carry one event */
#define EVENT_ID_MAX           128
#define EVENT_HEADER_MAX       4096 /* of a line, before its payload; longer ones are read the slow way */
#define EVENT_SHOWN_MAX        60           /* of a broken message in an error text */
#define INPUT_BLOCK_SIZE       (128u << 10) /* lines that are read at a time */
#define INPUT_WINDOW_LOG_MAX   27 /* zstd window: 128 MiB, as the zstd program takes without flags */

/* match */
#define PATTERN_TEXT_MAX        (64u << 10)
#define PATTERN_MATCH_LIMIT     200000
#define PATTERN_MATCH_LIMIT_MIN 100        /* however long the text */
#define PATTERN_WORK_MAX        100000000u /* bytes of text x match limit: about a second at worst */
#define PATTERN_DEPTH_LIMIT     10000
#define PATTERN_HEAP_KIB        4096
#define PATTERN_LIMIT_HITS_MAX  5    /* a pattern that gives up so often */
#define PATTERN_LIMIT_EVENTS    1000 /* within so many events is not run any more */
#define PATTERN_SHOWN_MAX       200  /* bytes of a pattern that a message repeats */
#define PATTERN_CAPTURES_MAX    128
#define PATTERN_JIT_STACK_MAX   (1u << 20)
#define LITERAL_LEN_MAX         64 /* of a required literal */
#define LITERAL_CLASS_MAX       8  /* characters of a class that is read as alternatives */
#define LITERAL_JOINED_MAX      64
#define LITERAL_COUNT_MAX       1024 /* alternatives of one pattern */
#define LITERAL_DEPTH_MAX       250  /* as PCRE2's own limit of nested parentheses */
#define RULE_NEEDS_MAX          4096 /* terms of which a rule needs one; with more it is always tried */
#define SCAN_CACHED_MIN         64 /* literals; smaller sets compile faster than a file is read */
#define SCAN_CACHE_FILES_MAX    16
#define SCAN_CACHE_FILE_MAX     (256u << 20)
#define VIEW_TEXT_MAX           (8u << 20)
#define FOLD_UNITS_MAX          65536 /* characters that are folded together */
#define VIEW_FIELD_MAX          96    /* of the path of a field in a payload */
#define VIEW_SOURCES_MAX        8     /* fields that one hit is told to span */
#define LINK_HOST_MAX           255   /* bytes of a host in its one form */
#define HOST_LABEL_MAX          63    /* characters between its dots */
#define REQUEST_MENTIONS_MAX    200   /* leading mentions that are taken off */
#define HTML_NESTING_MAX        64    /* link spans looked at; text is never lost */
#define RULE_NODES_MAX          4096
#define RULE_DEPTH_MAX          32
#define WORDS_MAX               100000
#define WORDS_FILE_MAX          (16u << 20)
#define WORD_MAX                1024 /* bytes of one word or phrase */

/* script */
#define PLUGIN_SOURCE_MAX      (4u << 20)
#define PLUGIN_HANDLERS_MAX    1024
#define HANDLER_NAME_MAX       128
#define HANDLER_KEYS_MAX       (1u << 20) /* of all handlers of a plugin, by line */
#define PLUGIN_STREAMS_MAX     256
#define PLUGIN_SCHEDULES_MAX   256
#define PLUGIN_ZONES_MAX       16 /* time zones that a plugin keeps open besides those of its schedules */
#define SCHEDULE_MS_MIN        1000
#define SCHEDULE_MS_MAX        (INT64_C(366) * 24 * 60 * 60 * 1000)
#define SCHEDULE_TIMES_MAX     96     /* of one tusk.daily */
#define SCHEDULE_MISSED_MAX    100000 /* due times of one outage that are counted */
#define SCHEDULE_NAME_MAX      200    /* bytes */
#define PLUGIN_EFFECTS_MAX     1000 /* actions, archive lines and journal notes of one handler call */
#define PLUGIN_TIMERS_MAX      1000 /* functions of tusk.after and tusk.spawn that wait for their time */
#define TIMER_DELAY_MAX_MS     INT64_C(2678400000) /* of tusk.after: 31 days */
#define TASK_SLEEP_MAX_MS      86400000            /* of one tusk.sleep */
#define TASK_WAIT_MAX_MS       600000              /* for the outcome of an action */
#define PLUGIN_IDLE_TASKS_MAX  4                   /* coroutines kept for the next task */
#define PLUGIN_LOG_LINES_MAX   200                 /* lines that one handler call may log */
#define PLUGIN_STATE_VALUE_MAX (1u << 20)          /* of one key of tusk.store, as JSON */
#define PLUGIN_STATE_TOTAL_MAX (8u << 20)
#define PLUGIN_ERROR_MAX       8192
#define TRUSTED_HEADERS_MAX    64 /* of one answer of the practice instance */
#define PLUGIN_MODULE_NAME_MAX 128
#define TRACEBACK_FRAMES_MAX   20
#define CONFIG_MEMORY_MAX      (64u << 20) /* of the state that a config file runs in */
#define TOKEN_MAX              8192        /* of an account */
#define CONFIG_VALUE_MAX       (1u << 20)  /* of file "path" in a config */
#define LUA_JSON_DEPTH_MAX     64          /* of a Lua value that is written as JSON */
#define LUA_JSON_TEXT_MAX      (16u << 20)

/* script: budgets */
#define PLUGIN_MEMORY_DEFAULT (32u << 20) /* an instance: Lua heap, documents, patterns, answers */
#define PLUGIN_MEMORY_MIN     (1u << 20)  /* what the config may set */
#define PLUGIN_MEMORY_MAX     (1u << 30)
#define PLUGIN_CPU_MS_DEFAULT 100   /* CPU time of one call of a handler or schedule */
#define PLUGIN_CPU_MS_MIN     10    /* what the config may set */
#define PLUGIN_CPU_MS_MAX     10000 /* nothing else of the host runs meanwhile */
#define PLUGIN_LOAD_MS_DEFAULT                                                                     \
	1000 /* for running a plugin's file; ten times "cpu" when that is set */
#define PLUGIN_PCALL_FRAMES_MAX 4000        /* calls around a pcall */
#define LUA_LOAD_MAX            (1u << 20)  /* of a text that load compiles */
#define LUA_JUMPS_MAX           8192        /* times break or goto in one text */
#define LUA_SMALL_TEXT          (64u << 10) /* results that are not measured before */
#define DATE_FORMAT_MAX         1024        /* of os.date */
#define EFFECTS_BYTES_MAX       (8u << 20)  /* texts of what one task asks for */
#define PLUGIN_LOG_MINUTE_MAX   1000        /* lines of an instance in a minute */
#define PLUGIN_LOG_TEXT_MAX     8192        /* bytes of one line that are looked at */
#define PLUGIN_PERMISSIONS_MAX  256
#define REGEX_WORK_MAX          20000000u /* as PATTERN_WORK_MAX, for one call of tusk.regex: 0.2 s */
#define LUA_HARD_LIMIT_EXTRA    (256u << 20) /* over four times the limit: there allocations fail */
#define LUA_CHARGED_MIN         (4u << 20)   /* charged memory that is not worth a collection */
#define LUA_PIECES_MAX                                                                             \
	(256u << 10) /* pieces of some kilobytes that a state keeps for the next ones */
#define LUA_GARBAGE_MIN    (512u << 10) /* garbage of a Lua heap that is not worth one */
#define CONFIG_CPU_MS_MAX  1000
#define CONFIG_WAITING_MAX 1000000

/* store, host, mastodon */
#define SEEN_KEPT_MS           (30 * INT64_C(86400000)) /* defaults; struct config_keep */
#define JOURNAL_KEPT_MS        (30 * INT64_C(86400000))
#define ACTIONS_KEPT_MS        (90 * INT64_C(86400000))
#define TOMBSTONES_KEPT_MS     (90 * INT64_C(86400000))
#define KEPT_MIN_MS            (1 * INT64_C(86400000))
#define SHRINK_PAGES_MAX       1000   /* given back to the file system in one commit */
#define WINDOW_TEXT_MAX        256    /* of a key or value; longer ones are told apart by a hash */
#define WINDOW_KEYS_MAX        50000  /* of one instance */
#define WINDOW_ENTRIES_MAX     10000  /* of one key */
#define WINDOW_ENTRIES_ALL_MAX 200000 /* of one instance: about 15 MB */
#define WINDOW_WITHIN_MAX_MS   (366 * INT64_C(86400000))
#define JOURNAL_HELD_MAX       16384 /* bytes of rows that wait to be written together */
#define PRUNE_ROWS_MAX         1000  /* of each kind in one commit */
#define STREAM_PARAM_MAX       200 /* a subscribe message stays below 256 bytes (protocol.md 9.4) */
#define STREAM_SHOWN_MAX       100 /* bytes of a wrong name that a message repeats */
#define ADDRESS_SHOWN_MAX      200 /* bytes of a wrong address that a message repeats */
#define INTAKE_INSTANCES_MAX   256
#define PLUGIN_FOLDER_MAX      256   /* plugins in the folder that plugins are dropped into */
#define RETIRED_MS_MAX         30000 /* how long tasks of a plugin that was replaced may go on */
#define RELOAD_WORDS_MAX       (256u << 10) /* of what a reload has to say */
#define WATCH_LOOK_MS          2000 /* between two looks at the files of plugins when nothing was told */
#define STATUS_CHECK_BATCH     20  /* posts in one question, as Mastodon allows */
#define STATUS_CHECK_ID_MAX    200 /* bytes of an id */
#define RECONCILE_MS           (7 * 24 * INT64_C(3600000)) /* each post that is known is asked for so often */
#define RECONCILE_FIRST_MS     (60 * 1000)                 /* after the start */
#define RECONCILE_LEAST_MS     (10 * 1000)                 /* between two questions */
#define RECONCILE_MOST_MS      (10 * 60 * 1000)
#define RECONCILE_ROWS_MAX     500   /* rows looked at for one question */
#define DELETES_WAITING_MAX    10000 /* that are not verified yet, of all accounts */
#define TOMBSTONES_RING_MAX    16384 /* deleted ids in memory */
#define QUEUE_EVENTS_MAX       4096  /* past this the sockets are not read */
#define QUEUE_BYTES_MAX        (64u << 20)
#define TURN_EVENTS_MAX        256
#define TURN_MS_MAX            50
#define SCHEDULES_TURN_MAX     32          /* runs of schedules in one turn */
#define CONCURRENCY_MAX        64          /* events that one plugin works on at a time */
#define OUTCOME_TEXT_MAX       (64u << 10) /* of an action, as its handler reads it */
#define TASK_AT_ONCE_MAX       32 /* answers that a task gets without waiting, in one turn */
#define STARTED_KEY_MAX        80 /* bytes of the key of what started a function, in its own */
#define TASK_NEWS_MAX          64 /* handlers of "connected" and the like that wait, per instance */
#define INBOX_WAITING_MAX                                                                          \
	20000 /* events that wait for one plugin before its streams are not read; default */
#define INBOX_LOAD_MAX          1000 /* open deliveries held in memory per instance */
#define RING_EVENTS_MAX         4096 /* keys remembered of events that matched nothing */
#define OUTBOX_RUNNING_MAX      16
#define OUTBOX_LOAD_MAX         1000
#define ACTION_BODY_MAX         (1u << 20)
#define ACTION_KEY_MAX          2048
#define ERROR_BODY_SHOWN_MAX    300 /* of a server's words in a message */
#define ARCHIVE_NAME_MAX        64
#define ARCHIVE_ASIDE_MAX       1000             /* files of one archive that were put aside */
#define ROTATION_BYTES_MIN      INT64_C(1000000) /* of a file, when the operator asks for a size */
#define ROTATION_BYTES_MAX      INT64_C(1000000000000)
#define ROTATION_NUMBER_MAX     9999 /* files of one archive and day: their names sort */
#define REPLAY_BROKEN_SHOWN_MAX 10
#define REPLAY_TURNS_MAX        4096 /* at one instant: a plugin may start tasks again and again */
#define REPLAY_DRAIN_MS         INT64_C(86400000) /* that handlers may wait on after the last event */
#define REPLAY_DRAIN_STEPS      100000

/* replay */
#define REPLAY_JOBS_MAX          64
#define REPLAY_FOLDERS_DEPTH_MAX 8
#define REPLAY_UNDER_WAY_MAX     (32u << 20) /* bytes of lines that threads work on */
#define REPLAY_SAMPLES_MAX       10          /* posts that the report shows for a rule */
#define REPLAY_DOMAINS_MAX       10000       /* counted for a rule; further ones together */
#define REPLAY_DOMAINS_SHOWN_MAX 10
#define EXPECT_FILE_MAX          (1u << 20)

/* sending */
#define OUTBOX_ATTEMPTS_MAX      12 /* that reached the server: about half an hour */
#define OUTBOX_LANE_LOAD_MAX     32
#define OUTBOX_RETRY_BASE_MS     2000
#define OUTBOX_GIVE_UP_MS        86400000 /* older intents are not tried again */
#define OUTBOX_SEARCH_PAGES      5        /* of 40 own posts */
#define OUTBOX_HEADERS_MAX       32       /* of one forward */
#define THROTTLE_WAIT_MIN_MS     1000
#define THROTTLE_WAIT_MAX_MS     900000
#define THROTTLE_WAIT_DEFAULT_MS 300000

/* doctor */
#define HIDDEN_PAGES_MAX   5      /* of blocks, mutes and domain blocks, each */
#define HIDDEN_NAMED_MAX   5      /* accounts, domains and languages that a sentence names */
#define COVERAGE_HEARD_MAX 100000 /* entities remembered of one stream */
#define COVERAGE_PAGES_MAX 15     /* of each source: 600 posts */

/* requests of plugins */
#define API_ITEMS_DEFAULT     400 /* that tusk.api.pages gives */
#define API_ITEMS_MAX         10000
#define API_PAGES_MAX         250
#define REQUEST_BODY_MAX      (4u << 20) /* of an answer, unpacked */
#define REQUEST_HEADERS_MAX   256        /* of an answer; further ones are left out */
#define REQUEST_RUNNING_MAX   32         /* of all instances */
#define REQUEST_INSTANCE_MAX  4          /* at work at the same time, of one instance */
#define REQUEST_HOST_MAX      8          /* ... to one host, of all instances */
#define REQUEST_QUEUE_MAX     64         /* that wait or are at work, of one instance */
#define REQUEST_ATTEMPTS_MAX  3          /* of a read that the server could not answer */
#define REQUEST_THROTTLED_MAX 3          /* answers of 429 in a row */
#define REQUEST_RETRY_BASE_MS 1000
#define REQUEST_ROOM_MIN      30 /* calls that reads leave to actions until the limit starts anew */

/* failures */
#define FAILURES_DEFAULT    5   /* so many failures */
#define FAILURES_OF_DEFAULT 100 /* in so many events switch an instance off */
#define FAILURES_MAX        1000
#define FAILURES_OF_MAX     1000000
#define FAILURE_KILL_WEIGHT                                                                        \
	2 /* a call that was ended at its CPU or memory limit counts as so many */
#define FAILURES_SHOWN_MAX 20 /* in a report */
#define RETRY_WAITS_MS                                                                             \
	{                                                                                          \
		1000, 10000, 60000, 600000                                                         \
	}                       /* after the first failure, the second, ... */
#define RETRY_TRIES_MAX      5  /* one more than there are waits */
#define REPORTS_KEPT_MAX     10 /* files of an instance */
#define ALERT_TARGETS_MAX    8
#define ALERTS_WAITING_MAX   64
#define ALERT_TEXT_MAX       1500 /* bytes; a post of a Mastodon server has room for 500 characters */
#define ALERT_DM_MAX         450     /* characters */
#define ALERT_EVERY_MS       3600000 /* at most one about the same thing in this time */
#define ALERT_BURST          3       /* so many alerts at once; further ones */
#define ALERT_BURST_MS       600000  /* in this time */
#define ALERT_GATHER_MS      60000   /* are gathered for so long, and become one */
#define ALERT_LAST_MS        10000 /* a host that stops waits so long for its last alerts to leave */
#define ALERT_HEADERS_MAX    8     /* alert_action makes two */
#define ALERT_HELD_LINES_MAX 20    /* of those that were gathered */

/* fills */
#define FILL_HELD_MAX      (8u << 20) /* bytes of pages that one fill keeps while it pages downward */
#define FILL_DOWN_MAX      2000       /* pages downward of one fill */
#define STREAM_SOURCES_MAX 3          /* REST resources that have events of one stream */
#define FILL_WAITS_MAX     120        /* answers of 206 in a row */
#define FILL_REFUSALS_MAX  6    /* answers of 401 in a row while the token is good elsewhere */
#define FILL_WAIT_MS       5000 /* after a 206 that does not say how long */
#define FILL_WAIT_MAX_MS   60000
#define FILL_WORDS_MAX     300  /* of the reason of a gap */
#define BACKLOG_MAX        1000 /* process_backlog */
#define BUDGET_PAGES_MAX   270  /* asked for in 15 minutes, of the 300 of protocol.md 7 */
#define BUDGET_SHORT_MAX   180  /* in 5 minutes, of the 300 that a token has for everything */
#define BUDGET_SPARE_MAX   90   /* in 15 minutes, for what can wait */
#define FILL_RUNNING_MAX   2    /* pages asked for at the same time, of one account */
#define FILL_OVERLAP_MS    (2 * 60 * 1000)
#define FILL_SHORT_MS      (2 * 60 * 1000) /* an outage that alarms nobody when it was filled */
#define FILL_EDGE_MS       30000 /* after a connect: what the stream has brought then ends the fill */
#define FILL_AGAIN_MS      30000 /* and up to as long again, until the second pass */
#define FILL_DEPTH_MS      (7 * INT64_C(86400000)) /* older posts are not fetched back */
#define FILL_RETRY_MS      2000
#define FILL_RETRY_MAX_MS  (5 * 60 * 1000)
#define SWEEP_EVERY_MS     (60 * 60 * 1000)
#define SWEEP_RETRY_MS     (10 * 60 * 1000) /* and up to as long again, after one that was cut off */
#define SWEEP_BACK_MS      (6 * 60 * 60 * 1000)
#define PROBE_EVERY_MS     (15 * 60 * 1000)
#define PROBE_FIRST_MS     (5 * 60 * 1000) /* after a connect, and up to as long again */
#define PROBE_SECOND_MS    70000           /* so long a stream may lag behind REST */
#define POLL_EVERY_MS      60000
#define POLL_BARRED_MS     (60 * 60 * 1000) /* at most, between two polls that the server refuses */
#define POLL_WINDOW_MS     (15 * 60 * 1000)
#define POLL_RARE          10   /* times longer between two looks at announcements */
#define GAPS_TOLD_MAX      5000 /* by one answer */
#define CURSOR_MARK_MS     (5 * 60 * 1000)
#define CURSOR_MARKS_MAX   100 /* of a source: more than the six hours of a sweep */
