#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What people see, through a plugin over recorded events: which field a hit was in, which bytes, and what is no text."""
import json
import os
import re
import unittest

import harness

ACCOUNT = {"id": "1", "acct": "ann", "username": "ann", "display_name": "Ann", "note": "<p>hi</p>"}


class Views(harness.Case):
    def hits(self, table, posts, more=""):
        """What a handler with that match table is told for each post: its id and event.match, in order."""
        lines = []
        for number, post in enumerate(posts, 1):
            payload = {"id": str(number), "content": "<p>a quiet day</p>", "account": ACCOUNT, **post}
            lines.append('{"kind":"update","stream":["public"],"received_at":"2026-03-01T12:00:00Z","payload":%s}'
                         % json.dumps(payload))
        events = self.write("events.jsonl", "\n".join(lines) + "\n")
        self.write("views.lua", """local tusk = require "moontusk"
            tusk.on("update", %s, function(status, event)
              local source = event.match.source
              tusk.log.info("HIT %%s", tusk.json.encode { id = status.id, source = source, view = event.match.view,
                text = event.match.text,
                seen = source and event.raw:sub(source.start + 1, source["end"]) })
            end)
            %s""" % (table, more))
        code, out, err = self.run_to_end("replay", events, "--", self.folder + "/views.lua")
        self.assertEqual(code, 0, out + err)
        return [json.loads(line.split("HIT ", 1)[1]) for line in (out + err).splitlines() if "HIT " in line]

    def test_nobot_is_seen_through_the_tags_of_a_bio_and_not_in_ethnobotany(self):
        bios = ['<p>hi <a href="https://x.example/tags/nobot" class="mention hashtag" rel="tag">#<span>nobot</span></a></p>',
                "<p>I love ethnobotany</p>", "<p>#nobots</p>"]
        found = self.hits(r"{ bio = [[#nobot\b]] }", [{"account": {**ACCOUNT, "note": bio}} for bio in bios])
        self.assertEqual([hit["id"] for hit in found], ["1"])
        self.assertEqual(found[0]["source"]["field"], "account.note")
        self.assertEqual(found[0]["seen"], "#<span>nobot")

    def test_each_hidden_text_reports_its_field(self):
        posts = [
            {"spoiler_text": "casino"},
            {"media_attachments": [{"type": "image", "description": "grey"}, {"type": "image", "description": "a casino"}]},
            {"poll": {"options": [{"title": "no"}, {"title": "casino"}]}},
            {"content": '<p><a href="https://casino.example/">here</a></p>'},
            {"account": {**ACCOUNT, "display_name": "Casino King"}},
            {"reblog": {"id": "9", "content": "<p>ca<wbr>s\u0456no</p>", "account": ACCOUNT}},
        ]
        found = self.hits("""{ any = { { words = { "casino" } }, { links = "casino" }, { name = "casino" } } }""", posts)
        self.assertEqual([(hit["id"], hit["view"], hit["source"]["field"], hit["seen"]) for hit in found], [
            ("1", "folded", "spoiler_text", "casino"),
            ("2", "folded", "media_attachments.1.description", "casino"),
            ("3", "folded", "poll.options.1.title", "casino"),
            ("4", "links", "content", "casino"),
            ("5", "name", "account.display_name", "Casino"),
            ("6", "folded", "reblog.content", "ca<wbr>s\\u0456no"),
        ])

    def test_leet_words_are_found_in_every_hidden_part(self):
        posts = [{"spoiler_text": "my C4S1N0"}, {"media_attachments": [{"type": "image", "description": "a c451n0"}]},
                 {"poll": {"options": [{"title": "no"}, {"title": "c@s!n0"}]}}, {"content": "<p>c4<wbr>s1n0</p>"}, {"content": "4510"},
                 {"media_attachments": [{"type": "image", "description": "a casino"}]}]
        found = self.hits("""{ words = { "casino", leet = true } }""", posts)
        self.assertEqual([(hit["id"], hit["view"], hit["source"]["field"], hit["seen"]) for hit in found], [
            ("1", "leet", "spoiler_text", "C4S1N0"),
            ("2", "leet", "media_attachments.0.description", "c451n0"),
            ("3", "leet", "poll.options.1.title", "c@s!n0"),
            ("4", "leet", "content", "c4<wbr>s1n0"),
            ("6", "folded", "media_attachments.0.description", "casino"),
        ])

    def test_a_pattern_looks_at_one_part_alone(self):
        posts = [{"spoiler_text": "casino"}, {"media_attachments": [{"type": "image", "description": "casino"}]},
                 {"poll": {"options": [{"title": "casino"}]}}, {"content": "<p>casino</p>"}]
        fields = ["spoiler_text", "media_attachments.0.description", "poll.options.0.title", "content"]
        for number, view in enumerate(("cw", "alt", "poll", "body"), 1):
            found = self.hits('{ text = { { "casino", view = "%s" } } }' % view, posts)
            self.assertEqual([(hit["id"], hit["view"], hit["source"]["field"]) for hit in found],
                             [(str(number), view, fields[number - 1])])

    def test_the_text_of_a_word_is_what_people_see(self):
        found = self.hits("""{ words = { "free viagra" } }""", [{"content": "<p>get FREE <b>V I</b> A G R A!</p>"}])
        self.assertEqual([(hit["text"], hit["seen"]) for hit in found], [("FREE V I A G R A", "FREE <b>V I</b> A G R A")])

    def test_attributes_and_targets_of_mentions_are_no_text(self):
        posts = [{"content": '<p class="casino"><a class="u-url mention" href="https://casino.example/@ann">@<span>ann</span></a></p>'},
                 {"content": '<p>hi<!-- casino --><script>casino</script></p>'}]
        self.assertEqual(self.hits("""{ any = { { words = { "casino" } }, { text = "casino" }, { links = "casino" } } }""", posts), [])

    def test_evasions_hit_and_innocent_words_do_not(self):
        with open(os.path.join(harness.SOURCE, "tests/fixtures/traps/words.json"), encoding="utf-8") as file:
            rows = [row for row in json.load(file) if row["words"] == ["viagra"]]
        self.assertGreater(len(rows), 20)
        innocent = ["Scunthorpe", "viagras", "Niagara", "v14gr4", "192.168.1.50"]
        posts = [{"content": row["content"]} for row in rows] + [{"content": word} for word in innocent]
        found = self.hits("""{ words = { "viagra" } }""", posts)
        self.assertEqual([hit["id"] for hit in found], [str(number) for number in range(1, len(rows) + 1)])

    def test_the_table_of_examples_in_the_docs_is_true(self):
        with open(os.path.join(harness.SOURCE, "docs/match.md"), encoding="utf-8") as file:
            table = file.read().split("| a list with | finds | but not |\n", 1)[1].split("\n\n", 1)[0]
        rows = [[re.findall("`([^`]+)`", cell) for cell in line.split("|")[1:4]] for line in table.splitlines()[1:]]
        self.assertGreaterEqual(len(rows), 8)
        for (word,), finds, leaves in rows:
            found = self.hits("{ words = { %s } }" % json.dumps(word, ensure_ascii=False),
                              [{"content": text} for text in finds + leaves])
            self.assertEqual([hit["id"] for hit in found], [str(number) for number in range(1, len(finds) + 1)], word)

    def test_leet_and_links_by_host_and_fold(self):
        posts = [{"content": "v14gr4"}, {"content": "p0rn"},
                 {"content": '<a href="https://WWW.xn--bcher-kva.example:443/x">x</a>'}]
        found = self.hits("""{ any = { { words = { "viagra", "casino", leet = true } }, { words = { "lamp", { "porn", leet = true } } },
            { links = { domain = "b\u00fccher.example" } } } }""", posts,
            """assert(tusk.text.fold("\uff36\u00cdAGR\u0410 a b c") == "viagra abc")""")
        self.assertEqual([(hit["id"], hit["view"]) for hit in found], [("1", "leet"), ("2", "leet"), ("3", "links")])


if __name__ == "__main__":
    unittest.main()
