"""Starts a lakehouse for a smoke, in one process or as separate roles, over a folder or a real S3 server, and stops it."""

import atexit
import json
import os
import random
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
SHAPES = ("serve", "split", "split over gRPC")
DEADLINE_S = 30


GIVEN_PORTS = set()
# Tests that run side by side have a slot each.
PORT_SLOT = int(os.environ.get("LAKE_PORT_SLOT") or 0) % 2
PORTS = (12000 + PORT_SLOT * 10000, 22000 + PORT_SLOT * 10000)


def free_port():
    """A port that nothing listens on, not given before, and out of the range that the kernel takes outgoing connections' from."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        if port in GIVEN_PORTS:
            continue
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        GIVEN_PORTS.add(port)
        return port


def listens(pid, port):
    """Whether the process itself does, not another that was quicker."""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
              if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}
    return not open_files(pid).isdisjoint(f"socket:[{inode}]" for inode in inodes)


def open_files(pid):
    try:
        return {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


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
        assert shape in SHAPES, shape
        self.shape, self.backend = shape, backend
        self.folder = Path(tempfile.mkdtemp(prefix="lakehouse-smoke-"))
        self.ports = {role: free_port() for role in ROLES}
        self.processes = {}
        self.transcript = []
        atexit.register(self.__exit__)
        outside = {name: value for name, value in os.environ.items() if not name.startswith("LAKEHOUSE_")}
        self.environment = dict(outside, LAKEHOUSE_SERVER_DATA_DIR=str(self.folder / "data"),
                                LAKEHOUSE_SERVER_LOG_FORMAT="json", LAKEHOUSE_GRPC_BIND="127.0.0.1:0", LAKEHOUSE_FLIGHT_BIND="127.0.0.1:0")
        for role in ROLES:
            self.environment[f"LAKEHOUSE_{role.upper()}_BIND"] = f"127.0.0.1:{self.ports[role]}"
            for other in ("storaged", "catalogd", "ingestd", "queryd", "vectord"):
                if f"[{role}] {other}_url" in KNOWN_URLS:
                    self.environment[f"LAKEHOUSE_{role.upper()}_{other.upper()}_URL"] = f"http://127.0.0.1:{self.ports[other]}"
        if shape == "split over gRPC":
            self.speak_grpc()
        # Asked for by the tests of these ways in alone.
        self.environment["LAKEHOUSE_FLIGHT_BIND"] = "off"
        if backend == "s3":
            self.start_s3()

    def speak_grpc(self):
        """Every role but the gateway answers gRPC, and is asked over it alone."""
        self.grpc_ports = {role: free_port() for role in ROLES if role != "gateway"}
        for role, port in self.grpc_ports.items():
            self.environment[f"LAKEHOUSE_{role.upper()}_GRPC_BIND"] = f"127.0.0.1:{port}"
        for setting in KNOWN_URLS:
            section, key = setting[1:].split("] ")
            self.environment[f"LAKEHOUSE_{section.upper()}_{key.upper()}"] = f"grpc://127.0.0.1:{self.grpc_ports[key.removesuffix('_url')]}"

    def start_s3(self):
        bucket = self.folder / "s3" / "lake"
        bucket.mkdir(parents=True)
        keys = dict(os.environ, ROOT_ACCESS_KEY="smoke", ROOT_SECRET_KEY="smoke-secret")
        answers = False
        while not answers:
            port = free_port()
            self.s3 = subprocess.Popen([str(ROOT / ".deps/bin/versitygw"), "--port", f"127.0.0.1:{port}", "posix", str(bucket.parent)],
                                       env=keys, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.processes["s3"] = self.s3
            wait_for("versitygw", lambda: self.s3.poll() is not None or listens(self.s3.pid, port))
            answers = self.s3.poll() is None
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

    def logged_address(self, message, role=None):
        """Where the role's newest log line with this message says that it listens."""
        log = self.folder / f"{role or ('serve' if self.shape == 'serve' else 'gateway')}.log"
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        return next(line["address"] for line in reversed(lines) if line.get("msg") == message)

    def grpc_address(self, role=None):
        return self.logged_address("listening for gRPC", role)

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
    """Runs a smoke on every shape and backend; what the shapes answer must not differ. Over S3 roles speak as they do over a folder: once is enough for gRPC."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for backend in backends:
        transcripts = {}
        for shape in SHAPES if backend == "local" else SHAPES[:2]:
            print(f"== {shape} on {backend}", flush=True)
            with Lake(shape, backend) as lake:
                try:
                    transcripts[shape] = (smoke(lake), lake.transcript)
                except SystemExit as failure:
                    lake.show_logs()
                    print(failure)
                    sys.exit(1)
        served, said = transcripts.pop("serve")
        for shape, (answer, transcript) in transcripts.items():
            for one, other in zip(said, transcript):
                if one != other:
                    raise SystemExit(f"FAILED the shapes differ on {backend}:\n  serve {one}\n  {shape} {other}")
            check(f"serve and {shape} answer alike on {backend}", answer, served)
