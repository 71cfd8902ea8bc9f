#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests of plugins: tusk.api, tusk.http and how far it goes; actions on accounts; permissions."""
import http.server
import json
import os
import threading
import time
import unittest

import harness


class Remote:
    """A server to call: .requests is a list of (method, path, headers, body); answers are chosen by path."""

    def __init__(self, hold=0.0):
        self.requests = []
        self.redirect = None
        remote = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                remote.requests.append((self.command, self.path, dict(self.headers), body))
                if self.path == "/slow":
                    time.sleep(hold)
                status, text = 200, json.dumps({"path": self.path, "said": body.decode("utf-8", "replace")}).encode()
                headers = {"Content-Type": "application/json", "X-Two": "a"}
                if self.path == "/away":
                    status, headers["Location"] = 302, remote.redirect
                elif self.path == "/bytes":
                    text = bytes(range(256))
                elif self.path == "/big":
                    text = b"x" * (5 << 20)
                elif self.path == "/teapot":
                    status = 418
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    try:
                        self.wfile.write(text)
                    except OSError:
                        pass

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


HEAD = """
local tusk = require "moontusk"
tusk.plugin { permissions = { PERMISSIONS } }
tusk.subscribe("user:notification")
local function show(value, problem)
  if value == nil then return ("nil %s %s %s"):format(problem.kind, problem.status or "-", problem.message) end
  return type(value) == "table" and tusk.json.encode(value) or tostring(value)
end
tusk.on("notification", { type = "mention" }, function(notification)
  local status = notification.status
BODY
  tusk.log.info("end of %s", status.id)
end)
"""


class Requests(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = self.practice("--quiet", "--events", os.devnull)
        self.server.rest("/practice/limit", "POST", {"most": 1000000})
        self.state = self.folder + "/state"

    def remote(self, hold=0.0):
        remote = Remote(hold)
        self.addCleanup(remote.close)
        return remote

    def plugin(self, body, *permissions):
        names = ", ".join(f'"{name}"' for name in permissions)
        return self.write("asks.lua", HEAD.replace("PERMISSIONS", names).replace("BODY", body))

    def host(self, plugin, *args):
        host = self.start("run", plugin, "--server", self.server.url, "--state", self.state, *args, token=self.server.token)
        self.listening(host)
        return host

    def listening(self, host):
        host.wait_line("live|listen", "err")
        harness.wait_until(lambda: any("notification" in name for name in self.server.rest("/practice/state")[1]["listeners"]),
                           what="the host's subscription")

    def mention(self, text="hello"):
        self.server.rest("/practice/mention", "POST", {"text": text, "from": "alice"})

    def ask(self, body, *permissions, until="end of", args=()):
        """Runs the body in a handler; the host, when the line has come."""
        host = self.host(self.plugin(body, *permissions), *args)
        self.mention()
        host.wait_line(until, "err")
        return host

    def says(self, host, text):
        self.assertIn(text, host.text())

    # ---- tusk.api

    def test_reads_as_a_blocking_call(self):
        host = self.ask("""
  local me, info = tusk.api.get("/api/v1/accounts/verify_credentials")
  tusk.log.info("me %s %s %d", me.acct, math.type(me.id) or type(me.id), info.status)
  local found = tusk.api.get("/api/v1/accounts/search", { q = "alice", limit = 5 })
  tusk.log.info("found %s", found[1].acct)
  tusk.log.info("ties %s", show(#tusk.api.get("/api/v1/accounts/relationships", { id = { found[1].id, me.id } })))
  tusk.log.info("gone %s", show(tusk.api.get("/api/v1/statuses/1")))""", "api:read")
        self.says(host, "string 200")
        self.says(host, "found alice")
        self.says(host, "ties 2")
        self.says(host, 'gone nil not_found 404 404 "Record not found"')

    def test_pages_follow_the_server_and_end(self):
        for number in range(12):
            self.server.rest("/api/v1/statuses", "POST", {"status": f"number {number}"})
        host = self.ask("""
  local me = tusk.api.get("/api/v1/accounts/verify_credentials")
  local path, ids = "/api/v1/accounts/" .. me.id .. "/statuses", {}
  for post in tusk.api.pages(path, { limit = 5 }) do ids[#ids + 1] = post.id end
  local some = 0
  for _ in tusk.api.pages(path, { limit = 5 }, { limit = 7 }) do some = some + 1 end
  tusk.log.info("pages %d %d %s", #ids, some, ids[1] > ids[12])
  local ok, problem = pcall(function() for _ in tusk.api.pages("/api/v1/nothing") do end end)
  tusk.log.info("raised %s %s %s", ok, problem.kind, problem)""", "api:read")
        self.says(host, "pages 12 7 true")
        self.says(host, "raised false not_found 404")

    def test_a_busy_server_is_waited_for(self):
        self.server.rest("/practice/fail", "POST", {"path": "/api/v1/lists", "status": 503, "times": 2})
        host = self.ask("""
  tusk.log.info("lists %s", show(#tusk.api.get("/api/v1/lists")))""", "api:read", args=("--clock-rate", "20"))
        self.says(host, "lists 1")
        log = self.server.rest("/practice/log")[1]["requests"]
        self.assertEqual([r["status"] for r in log if r["path"] == "/api/v1/lists"], [503, 503, 200])

    def test_429_waits_until_the_limit_starts_anew(self):
        body = """
  if status.content:find("now") then tusk.log.info("lists %s", show(#tusk.api.get("/api/v1/lists"))) end"""
        host = self.host(self.plugin(body, "api:read"))
        self.server.rest("/practice/limit", "POST", {"status": 429, "for": "2s"})
        self.server.rest("/practice/mention", "POST", {"text": "now", "from": "alice"})
        host.wait_line("takes no more calls", "err")
        host.wait_line("lists 1", "err")

    def test_a_raw_post_leaves_once(self):
        host = self.ask("""
  local handle = tusk.api.post("/api/v1/statuses", { status = "raw" })
  local made = assert(handle:await())
  tusk.log.info("made %s", made.id)
  local wrong, problem = tusk.api.post("/api/v1/nothing", {}):await()
  tusk.log.info("wrong %s", show(wrong, problem))""", "api:write")
        self.says(host, "wrong nil refused 404")
        log = [r for r in self.server.rest("/practice/log")[1]["requests"] if r["method"] == "POST"]
        self.assertEqual([r["body"] for r in log if r["path"] == "/api/v1/statuses"], ['{"status":"raw"}'])

    def test_paths_and_permissions_are_checked(self):
        host = self.ask("""
  for _, call in ipairs {
    function() tusk.api.get("https://elsewhere.example/api/v1/x") end,
    function() tusk.api.get("/api/../x") end,
    function() tusk.api.get("/oauth/token") end,
    function() tusk.api.get("/api/v1/lists", { a = 1.5 }) end,
    function() tusk.api.get("/api/v1/lists", { "a" }) end,
    function() tusk.api.get("/api/v1/admin/reports") end,
    function() tusk.api.get("/api/v1//x") end,
    function() tusk.api.get("/api/v1/%61dmin/x") end,
    function() tusk.api.get("/api/pleroma/admin?x=1") end,
    function() tusk.api.post("/api/v1/lists") end,
    function() tusk.http.get("http://127.0.0.1:1/") end,
    function() tusk.http.get("ftp://127.0.0.1/") end,
  } do
    local ok, problem = pcall(call)
    tusk.log.info("%s", tostring(problem))
  end""", "api:read")
        for text in ["other servers are for tusk.http", "holds no \"..\"", "starts with \"/api/\"", "a: found 1.5",
                     "found a list element among the parameters", 'needs the permission "admin:read"', "found \"/api/v1//x\"", "escaped ASCII",
                     'tusk.api.post needs the permission "api:write"', 'tusk.http.get needs the permission "http:127.0.0.1:1"',
                     "no http or https address"]:
            self.says(host, text)

    # ---- tusk.http

    def test_calls_a_granted_host(self):
        remote = self.remote(hold=3)
        at = f"http://127.0.0.1:{remote.port}"
        host = self.ask(f"""
  local at = "{at}"
  local answer = tusk.http.get(at .. "/x?a=1", {{ headers = {{ ["X-Mine"] = "yes" }} }})
  tusk.log.info("got %d %s %s %s", answer.status, answer.ok, answer.json.path, answer.headers["x-two"])
  tusk.log.info("json %s", tusk.http.post(at .. "/j", {{ json = {{ a = {{ 1 }} }} }}).json.said)
  tusk.log.info("form %s", tusk.http.put(at .. "/f", {{ form = {{ b = "c d", l = {{ "1", "2" }} }} }}).json.said)
  tusk.log.info("body %s", tusk.http.patch(at .. "/b", {{ body = "plain" }}).json.said)
  tusk.log.info("rest %d %d", tusk.http.delete(at .. "/d").status, tusk.http.head(at .. "/h").status)
  local bytes = tusk.http.get(at .. "/bytes")
  tusk.log.info("bytes %d %s %s", #bytes.body, bytes.body:byte(1) == 0 and bytes.body:byte(256), show(bytes.json))
  tusk.log.info("teapot %s %s", tusk.http.get(at .. "/teapot").status, tusk.http.get(at .. "/teapot").ok)
  tusk.log.info("big %s", show(tusk.http.get(at .. "/big")))
  tusk.log.info("slow %s", show(tusk.http.get(at .. "/slow", {{ timeout = "300ms" }})))
  for _, bad in ipairs {{ {{ json = 1, body = "x" }}, {{ headers = {{ Host = "x" }} }}, {{ headers = {{ X = "a\\r\\nb" }} }}, {{ tiemout = 1 }} }} do
    tusk.log.info("bad %s", tostring(select(2, pcall(tusk.http.post, at, bad))))
  end""".replace("show(bytes.json)", "tostring(bytes.json)"), f"http:127.0.0.1:{remote.port}")
        for text in ["got 200 true /x?a=1 a", 'json {"a":[1]}', "form b=c%20d&l%5B%5D=1&l%5B%5D=2", "body plain", "rest 200 200",
                     "bytes 256 255 nil", "teapot 418 false", "big nil broken", "slow nil timeout",
                     "more than one of json, form and body", '"Host" belongs to the connection', "X: expected one line of text",
                     'did you mean "timeout"?']:
            self.says(host, text)
        methods = {path: (method, headers) for method, path, headers, _ in remote.requests}
        self.assertEqual([methods[p][0] for p in ["/j", "/f", "/b", "/d", "/h"]], ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
        self.assertEqual(methods["/j"][1]["Content-Type"], "application/json")
        self.assertEqual(methods["/x?a=1"][1]["X-Mine"], "yes")
        self.assertNotIn("Idempotency-Key", methods["/x?a=1"][1])
        keys = [methods[p][1]["Idempotency-Key"] for p in ["/j", "/f", "/b", "/d"]]
        self.assertEqual(len(set(keys)), 4)
        self.assertFalse(any(self.server.token in json.dumps([h, b.decode("latin-1")]) for _, _, h, b in remote.requests))

    def test_a_redirect_to_what_was_not_granted_is_refused(self):
        remote, inner = self.remote(), self.remote()
        remote.redirect = f"http://127.0.0.1:{inner.port}/secret"
        host = self.ask(f"""
  tusk.log.info("away %s", show(tusk.http.get("http://localhost:{remote.port}/away")))""", f"http:localhost:{remote.port}")
        self.says(host, f"away nil forbidden - requests to 127.0.0.1:{inner.port} are not allowed")
        self.assertEqual((len(remote.requests), inner.requests), (1, []))

    def test_a_name_that_does_not_say_so_leads_to_no_private_address(self):
        remote = self.remote()
        # Numbers are names for the resolver, and no name of this machine.
        body = f'  tusk.log.info("shy %s", show(tusk.http.get("http://2130706433:{remote.port}/")))'
        host = self.ask(body, f"http:2130706433:{remote.port}")
        self.says(host, "shy nil forbidden - 2130706433 leads to a loopback address")
        self.assertEqual(remote.requests, [])

    def test_a_post_has_the_same_key_after_a_kill(self):
        remote = self.remote(hold=2)
        plugin = self.plugin(f"""
  tusk.http.post("http://127.0.0.1:{remote.port}/one", {{ json = {{}} }})
  tusk.http.post("http://127.0.0.1:{remote.port}/slow", {{ json = {{}} }})""", f"http:127.0.0.1:{remote.port}")
        host = self.host(plugin)
        self.mention()
        harness.wait_until(lambda: len(remote.requests) == 2, what="two requests")
        host.kill()
        host = self.host(plugin)
        host.wait_line("end of", "err")
        keys = [(path, headers["Idempotency-Key"]) for _, path, headers, _ in remote.requests]
        self.assertEqual(keys[:2], keys[2:])
        self.assertNotEqual(keys[0][1], keys[1][1])

    def test_a_dry_run_reads_and_writes_nothing(self):
        remote = self.remote()
        host = self.ask(f"""
  tusk.log.info("post %s", show(tusk.http.post("http://127.0.0.1:{remote.port}/p", {{ body = "x" }})))
  tusk.log.info("get %d", tusk.http.get("http://127.0.0.1:{remote.port}/g").status)
  tusk.log.info("me %s", tusk.api.get("/api/v1/accounts/verify_credentials").acct)
  status.account:mute()
  status:report()""", f"http:127.0.0.1:{remote.port}", "api:read", "mute", "report", args=("--dry-run",))
        self.says(host, "post nil dry_run")
        self.says(host, "get 200")
        host.wait_line("would mute .*mute of @alice")
        host.wait_line("would report .*report of @alice")
        self.assertEqual([r[1] for r in remote.requests], ["/g"])
        log = self.server.rest("/practice/log")[1]["requests"]
        self.assertFalse(any(r["path"].endswith("/mute") or r["path"].endswith("/reports") for r in log))

    # ---- accounts and reports

    def test_accounts_are_muted_blocked_followed_and_reported(self):
        host = self.ask("""
  local who = status.account
  assert(who:follow { notify = true }:await())
  assert(who:mute { duration = "1h", notifications = false }:await())
  assert(status:report { comment = "too many links", category = "spam" }:await())
  tusk.log.info("ties %s", show(tusk.api.get("/api/v1/accounts/relationships", { id = { who.id } })))
  who:unmute() who:block()
""",
                        "follow", "mute", "block", "report", "api:read")
        self.says(host, '"following":true')
        self.says(host, '"muting":true,"muting_notifications":false')
        alice = self.server.rest("/api/v1/accounts/lookup?acct=alice")[1]["id"]
        harness.wait_until(lambda: self.server.rest(f"/api/v1/accounts/relationships?id[]={alice}")[1][0]["blocking"], what="the block")
        ties = self.server.rest(f"/api/v1/accounts/relationships?id[]={alice}")[1][0]
        self.assertEqual((ties["muting"], ties["following"]), (False, False))
        reports = self.server.rest("/practice/reports")[1]
        self.assertEqual([(r["comment"], r["category"], r["target_account"]["acct"]) for r in reports],
                         [("too many links", "spam", "alice")])

    def test_a_report_without_an_answer_is_unknown_and_not_sent_again(self):
        self.server.rest("/practice/fail", "POST", {"path": "/api/v1/reports", "status": 502, "body": "<html>"})
        host = self.ask("""
  tusk.log.info("report %s", show(status:report():await()))""", "report")
        self.says(host, "report nil unknown 502")
        self.says(host, "it is not known whether it happened, and it will not be sent again")
        host.stop()
        host = self.host(self.folder + "/asks.lua")
        self.mention()
        host.wait_line("end of", "err")
        log = self.server.rest("/practice/log")[1]["requests"]
        self.assertEqual(len([r for r in log if r["path"] == "/api/v1/reports"]), 2)  # one for each post

    # ---- permissions

    def test_the_operator_grants_by_name_in_the_config(self):
        plugin = self.plugin("  status.account:follow()", "follow", "mute")
        config = self.write("moontusk.lua", f"""return {{
  accounts = {{ bot = {{ server = "{self.server.url}", token = env "MOONTUSK_TOKEN" }} }},
  plugins = {{ {{ "{plugin}", account = "bot", allow = {{ "mute", "folow" }} }} }},
}}""")
        host = self.start("run", "--config", config, "--state", self.state, token=self.server.token)
        self.listening(host)
        self.mention()
        host.wait_line(r'follow needs the permission "follow": the operator has not granted it: add "follow" to allow', "err")
        self.says(host, f'{plugin}:3 declares "follow", which is not granted')
        self.says(host, 'there is no such permission; did you mean "follow"?')


if __name__ == "__main__":
    unittest.main()
