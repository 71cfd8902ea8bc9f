# SPDX-License-Identifier: MIT
"""Starts and stops the real binary for the integration tests: practice instances, hosts, a webhook receiver."""
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

MOONTUSK = os.path.abspath(os.environ.get("MOONTUSK", "build/moontusk"))
SOURCE = os.environ.get("MOONTUSK_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
# Under valgrind or sanitizers everything is slower: scales every wait.
SLOW = float(os.environ.get("MOONTUSK_TEST_SLOW", "1"))
# A second run of the suite, under sanitizers say: long tests do a part of what they do in the first.
SHORT = bool(os.environ.get("MOONTUSK_TEST_SHORT"))


def clean_env(**more):
    """The environment of a child: nothing of the caller's config, state or token."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MOONTUSK_")}
    env["NO_COLOR"] = "1"
    env["TZ"] = "UTC"
    for key in ("MOONTUSK_NO_JIT",):
        if key in os.environ:
            env[key] = os.environ[key]
    env.update({key: value for key, value in more.items() if value is not None})
    return env


class Process:
    """A running moontusk: its output is collected by two threads, it is ended by pid."""

    def __init__(self, *args, token=None, cwd=None, home=None, env=None):
        self.args = [MOONTUSK, *map(str, args)]
        more = dict(env or {})
        if token:
            more["MOONTUSK_TOKEN"] = token
        if home:
            more["HOME"] = home
        self.process = subprocess.Popen(
            self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=clean_env(**more)
        )
        self.lines = {"out": [], "err": []}
        self.changed = threading.Condition()
        self.threads = [
            threading.Thread(target=self._read, args=(self.process.stdout, "out"), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, "err"), daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def _read(self, stream, name):
        for line in stream:
            with self.changed:
                self.lines[name].append(line.decode("utf-8", "replace").rstrip("\n"))
                self.changed.notify_all()
        stream.close()

    def wait_line(self, pattern, stream="out", seconds=20):
        """The first line that matches; AssertionError with all output when none comes in time."""
        until = time.monotonic() + seconds * SLOW
        with self.changed:
            seen = 0
            while True:
                for line in self.lines[stream][seen:]:
                    seen += 1
                    found = re.search(pattern, line)
                    if found:
                        return found
                left = until - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not any(t.is_alive() for t in self.threads)):
                    raise AssertionError(f"no line /{pattern}/ from {self.args}:\n{self.text()}")
                self.changed.wait(min(left, 0.2))

    def text(self):
        return "\n".join(self.lines["out"] + ["-- stderr --"] + self.lines["err"])

    @property
    def pid(self):
        return self.process.pid

    def wait(self, seconds=30):
        """Exit code; AssertionError when it does not end."""
        try:
            code = self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.args} does not end:\n{self.text()}") from None
        for thread in self.threads:
            thread.join(5)
        return code

    def stop(self, sig=signal.SIGTERM, seconds=20):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.wait(seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for thread in self.threads:
            thread.join(5)


class Practice(Process):
    """A practice instance; .url and .token are those it printed."""

    def __init__(self, *args, port=0, **kwargs):
        super().__init__("practice", "--port", port, *args, **kwargs)
        try:
            self.url = self.wait_line(r"^server: (\S+)$").group(1)
            self.token = self.wait_line(r"^token: (\S+)$").group(1)
        except AssertionError:
            self.kill()
            raise

    def rest(self, path, method="GET", data=None, headers=None, token=None):
        """(status, decoded JSON or text) of one request with the token."""
        status, body, _ = self.request(path, method, data, headers, token)
        return status, body

    def request(self, path, method="GET", data=None, headers=None, token=None):
        body = None
        headers = dict(headers or {})
        if data is not None:
            body = data if isinstance(data, bytes) else json.dumps(data).encode()
            headers.setdefault("Content-Type", "application/json")
        headers.setdefault("Authorization", f"Bearer {token or self.token}")
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20 * SLOW) as answer:
                status, text, got = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                status, text, got = error.code, error.read(), error.headers
        try:
            return status, json.loads(text), got
        except ValueError:
            return status, text.decode("utf-8", "replace"), got


class Webhook:
    """A receiver of forwards on a free port: .requests is a list of (path, headers, body)."""

    def __init__(self, statuses=()):
        self.requests = []
        answers = list(statuses)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.requests.append((self.path, dict(self.headers), body))
                status = answers.pop(0) if answers else 200
                text = b'{"error":"the hook is tired"}' if status >= 400 else b"ok"
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def run(*args, token=None, cwd=None, home=None, env=None, stdin=b"", seconds=60):
    """Runs to the end: (exit code, standard output, standard error)."""
    more = dict(env or {})
    if token:
        more["MOONTUSK_TOKEN"] = token
    if home:
        more["HOME"] = home
    done = subprocess.run(
        [MOONTUSK, *map(str, args)], input=stdin, capture_output=True, cwd=cwd, env=clean_env(**more), timeout=seconds * SLOW
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def wait_until(condition, seconds=20, what="condition"):
    """The first true value of condition(); AssertionError after the time."""
    until = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come true")
        time.sleep(0.02)


class Case(unittest.TestCase):
    """A test with a folder of its own; every process it starts is ended."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="moontusk-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def started(self, process):
        self.addCleanup(process.kill)
        return process

    def practice(self, *args, **kwargs):
        return self.started(Practice(*args, **kwargs))

    def start(self, *args, **kwargs):
        kwargs.setdefault("home", self.folder)
        return self.started(Process(*args, **kwargs))

    def run_to_end(self, *args, **kwargs):
        kwargs.setdefault("home", self.folder)
        return run(*args, **kwargs)

    def webhook(self, *args, **kwargs):
        hook = Webhook(*args, **kwargs)
        self.addCleanup(hook.close)
        return hook

    def write(self, name, text):
        """A file in the test's folder; returns its path."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


