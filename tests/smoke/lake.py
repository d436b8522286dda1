"""Starts a lakehouse for a smoke, in one process or as separate roles, over a folder or a real S3 server, and stops it."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("LAKEHOUSE_BIN", str(ROOT / "build/release/lakehouse"))
ROLES = ["storaged", "catalogd", "ingestd", "queryd", "vectord", "gateway"]
DEADLINE_S = 30


GIVEN_PORTS = set()


def free_port():
    """A port that nothing listens on, and that this program was not given before: the kernel may offer one twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in GIVEN_PORTS:
            GIVEN_PORTS.add(port)
            return port


def wait_for(what, check):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.02)
    raise SystemExit(f"gave up after {DEADLINE_S} s: {what}")


def noted(method, path, answer):
    """What of an answer must be the same in both shapes: everything but ids, times and opaque tokens."""
    content_type = answer.headers.get("Content-Type", "")
    names = None
    if "json" in content_type and answer.body:
        try:
            value = json.loads(answer.body)
            names = sorted(value) if isinstance(value, dict) else None
        except ValueError:
            names = "several lines"
    detail = json.loads(answer.body).get("detail") if content_type == "application/problem+json" and answer.body else None
    return (method, path.split("token=")[0], answer.status, content_type, names, detail)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Lake:
    """REQUIRES: used in a with statement."""

    def __init__(self, shape="serve", backend="local"):
        self.shape, self.backend = shape, backend
        self.folder = Path(tempfile.mkdtemp(prefix="lakehouse-smoke-"))
        self.ports = {role: free_port() for role in ROLES}
        self.processes = {}
        self.transcript = []
        atexit.register(self.__exit__)
        outside = {name: value for name, value in os.environ.items() if not name.startswith("LAKEHOUSE_")}
        self.environment = dict(outside, LAKEHOUSE_SERVER_DATA_DIR=str(self.folder / "data"),
                                LAKEHOUSE_SERVER_LOG_FORMAT="json")
        for role in ROLES:
            self.environment[f"LAKEHOUSE_{role.upper()}_BIND"] = f"127.0.0.1:{self.ports[role]}"
            for other in ("storaged", "catalogd", "ingestd", "queryd", "vectord"):
                if f"[{role}] {other}_url" in KNOWN_URLS:
                    self.environment[f"LAKEHOUSE_{role.upper()}_{other.upper()}_URL"] = f"http://127.0.0.1:{self.ports[other]}"
        if backend == "s3":
            self.start_s3()

    def start_s3(self):
        port = free_port()
        bucket = self.folder / "s3" / "lake"
        bucket.mkdir(parents=True)
        keys = dict(os.environ, ROOT_ACCESS_KEY="smoke", ROOT_SECRET_KEY="smoke-secret")
        self.s3 = subprocess.Popen([str(ROOT / ".deps/bin/versitygw"), "--port", f"127.0.0.1:{port}", "posix", str(bucket.parent)],
                                   env=keys, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes["s3"] = self.s3
        wait_for("versitygw", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        self.environment.update(LAKEHOUSE_STORAGED_BACKEND="s3", LAKEHOUSE_S3_ENDPOINT=f"http://127.0.0.1:{port}",
                                LAKEHOUSE_S3_BUCKET="lake", AWS_ACCESS_KEY_ID="smoke", AWS_SECRET_ACCESS_KEY="smoke-secret")

    def __enter__(self):
        try:
            self.start()
        except SystemExit:
            self.show_logs()
            self.__exit__()
            raise
        return self

    def show_logs(self):
        for log in sorted(self.folder.glob("*.log")):
            print(f"-- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        for role in ["serve"] if self.shape == "serve" else ROLES:
            log = open(self.folder / f"{role}.log", "ab")
            self.processes[role] = subprocess.Popen([BINARY, role], env=self.environment, stderr=log, stdout=log)
        wait_for("/ready", self.is_ready)

    def is_ready(self):
        ended = [role for role, process in self.processes.items() if process.poll() is not None]
        if ended:
            raise SystemExit(f"ended by itself: {', '.join(ended)}")
        return self.try_get("/ready") == 200

    def try_get(self, path):
        try:
            return self.get(path).status
        except OSError:
            return 0

    def stop(self, how=signal.SIGTERM):
        """Stops the roles; their exit statuses."""
        running = [role for role in self.processes if role != "s3"]
        for role in running:
            self.processes[role].send_signal(how)
        return [self.processes.pop(role).wait(DEADLINE_S) for role in running]

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    def url(self, path, role="gateway"):
        return f"http://127.0.0.1:{self.ports[role]}{path}"

    def call(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.url(path), data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as reply:
                answer = Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.headers, error.read())
        if path != "/ready":
            self.transcript.append(noted(method, path, answer))
        return answer

    def get(self, path, **headers):
        return self.call("GET", path, headers=headers)

    def put(self, key, body, headers=None):
        return self.call("PUT", f"/v1/storage/objects/{key}", body, headers)

    def ingest(self, name, text, query="", content_type="text/csv"):
        return self.call("POST", f"/v1/ingest?name={name}{query}", text.encode(), {"Content-Type": content_type})

    def sql(self, text, accept="application/json", **more):
        return self.call("POST", "/v1/sql", json.dumps({"sql": text, **more}).encode(), {"Accept": accept})

    def rows(self, text, **more):
        answer = self.sql(text, **more)
        if answer.status != 200:
            raise SystemExit(f"{text}: {answer.status} {answer.body.decode(errors='replace')}")
        return answer.json()["rows"]


KNOWN_URLS = {f"[gateway] {role}_url" for role in ("storaged", "catalogd", "ingestd", "queryd", "vectord")} | {
    "[catalogd] storaged_url", "[ingestd] storaged_url", "[ingestd] catalogd_url", "[queryd] storaged_url", "[queryd] catalogd_url", "[queryd] vectord_url", "[vectord] storaged_url", "[vectord] catalogd_url"}


def check(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"FAILED {what}: got {got!r}, wanted {wanted!r}")
    print(f"ok {what}")


def run(smoke, backends=("local", "s3")):
    """Runs a smoke on both shapes and backends; the shapes' transcripts must not differ."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    transcripts = {}
    for backend in backends:
        for shape in ("serve", "split"):
            print(f"== {shape} on {backend}", flush=True)
            with Lake(shape, backend) as lake:
                try:
                    transcripts[shape, backend] = (smoke(lake), lake.transcript)
                except SystemExit as failure:
                    lake.show_logs()
                    print(failure)
                    sys.exit(1)
    for backend in backends:
        serve, split = transcripts["serve", backend], transcripts["split", backend]
        for one, other in zip(serve[1], split[1]):
            if one != other:
                raise SystemExit(f"FAILED the shapes differ on {backend}:\n  serve {one}\n  split {other}")
        check(f"serve and split answer alike on {backend}", split[0], serve[0])
