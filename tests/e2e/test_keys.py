"""API keys over HTTP, MCP and the command line: who gets in, how far, how often, and what is kept of it."""

import concurrent.futures
import http.client
import json
import os
import re
import socket
import subprocess
import time

import pytest
import requests
from lake import BINARY, ROOT, Lake, free_port, wait_for

HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
KEY = re.compile(r"lh_[0-9a-f]{12}_[0-9a-f]{64}")


class KeyLake(Lake):
    """With an administrator's key, so that the door is closed from the start."""

    def __init__(self, shape="serve"):
        super().__init__(shape)
        self.environment["LAKEHOUSE_SECRET_API_KEYS"] = self.admin = "the-administrators-key"
        self.environment["LAKEHOUSE_AUTH_REFRESH_EVERY"] = "100ms"

    def ask(self, method, path, key=None, **more):
        headers = more.pop("headers", {}) | ({"Authorization": f"Bearer {key}"} if key else {})
        return requests.request(method, self.url(path), headers=headers, timeout=30, **more)

    def make(self, name, scope="read", **more):
        made = self.ask("POST", "/v1/keys", self.admin, json={"name": name, "scope": scope, **more})
        assert made.status_code == 201, made.text
        assert made.headers["Cache-Control"] == "no-store"
        return made.json()

    def cli(self, *arguments, key=None, **environment):
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **environment} | ({"LAKEHOUSE_API_KEY": key} if key else {}))


@pytest.fixture(scope="module", params=["serve", "split"])
def lake(request):
    with KeyLake(request.param) as running:
        assert running.ask("POST", "/v1/ingest?name=trips", running.admin, data="a,b\n1,x\n", headers={"Content-Type": "text/csv"}).status_code == 201
        yield running


def settled(lake, key, path="/v1/catalog/epoch", status=200):
    """Every process hears of a key within a moment."""
    wait_for(f"{path} to answer {status}", lambda: lake.ask("GET", path, key).status_code == status)


def test_without_a_key_nobody_learns_anything(lake):
    for method, path in [("POST", "/v1/sql"), ("GET", "/v1/storage/objects"), ("GET", "/v1/keys"), ("GET", "/metrics"), ("POST", "/mcp"), ("GET", "/no/such/route"),
                         ("PUT", "/v1/vectors/index")]:
        answer = lake.ask(method, path)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == 'Bearer realm="lakehouse"', (method, path, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
    for path in ("/health", "/ready", "/v1/openapi.json", "/"):
        assert lake.ask("GET", path).status_code == 200, path


CALLS = [("read", "POST", "/v1/sql", {"json": {"sql": "SELECT 1"}}, 200), ("read", "GET", "/v1/storage/objects", {}, 200), ("read", "GET", "/v1/catalog/list", {}, 200),
         ("read", "GET", "/v1/vectors/index", {}, 200), ("read", "GET", "/metrics", {}, 200),
         ("read", "POST", "/mcp", {"json": HELLO, "headers": {"Accept": "application/json, text/event-stream"}}, 200),
         ("write", "POST", "/v1/ingest?name=made", {"data": "a\n1\n", "headers": {"Content-Type": "text/csv"}}, (200, 201)),
         ("write", "PUT", "/v1/storage/objects/k", {"data": b"1"}, (200, 201)), ("write", "DELETE", "/v1/storage/objects/k", {}, 204),
         ("write", "DELETE", "/v1/vectors/index/none", {}, 404),
         ("admin", "GET", "/v1/keys", {}, 200), ("admin", "POST", "/v1/catalog/gc", {"json": {"dry_run": True}}, 200)]


@pytest.mark.parametrize("scope", ["read", "write", "admin"])
def test_a_scope_reaches_so_far(lake, scope):
    order = ["read", "write", "admin"]
    key = lake.make(f"{scope} only", scope)["key"]
    settled(lake, key)
    for needed, method, path, more, status in CALLS:
        answer = lake.ask(method, path, key, **dict(more))
        if order.index(scope) >= order.index(needed):
            assert answer.status_code in (status if isinstance(status, tuple) else (status,)), (scope, method, path, answer.text)
        else:
            assert answer.status_code == 403 and f"scope {needed}" in answer.json()["detail"], (scope, method, path, answer.text)


def test_a_revoked_key_is_out(lake):
    made = lake.make("soon gone")
    settled(lake, made["key"])
    assert lake.ask("DELETE", f"/v1/keys/{made['id']}", lake.admin).status_code == 204
    refused = lake.ask("GET", "/v1/keys", made["key"])
    assert refused.status_code == 401 and "revoked" in refused.json()["detail"]
    (listed,) = [k for k in lake.ask("GET", "/v1/keys", lake.admin).json()["keys"] if k["id"] == made["id"]]
    assert listed["revoked_at"] and "key" not in listed
    assert lake.ask("DELETE", f"/v1/keys/{made['id']}", lake.admin).status_code == 204
    assert lake.ask("DELETE", "/v1/keys/0123456789ab", lake.admin).status_code == 404
    assert lake.ask("DELETE", "/v1/keys/..%2Fx", lake.admin).status_code == 404


def test_an_expired_key_is_out(lake):
    made = lake.make("short", expires="400ms")
    assert made["expires_at"]
    settled(lake, made["key"], status=401)
    assert "expired at" in lake.ask("GET", "/v1/catalog/epoch", made["key"]).json()["detail"]


def test_a_wrong_secret_is_like_no_key(lake):
    made = lake.make("whole")["key"]
    settled(lake, made)
    wrong = made[:-1] + ("0" if made[-1] != "0" else "1")
    for shown in (wrong, made.upper(), made + "0", made[:40], "lh__", "x" * 5000, made.replace("_", "-")):
        refused = lake.ask("GET", "/v1/catalog/epoch", shown)
        assert refused.status_code == 401 and refused.json()["detail"] == "the API key is not one of ours", shown
    for header in (f"Basic {made}", made, "Bearer", f"Bearer {made} {made}"):
        assert requests.get(lake.url("/v1/catalog/epoch"), headers={"Authorization": header}, timeout=30).status_code == 401, header


def test_a_rate_is_held(lake):
    key = lake.make("slow", rate=2)["key"]
    wait_for("the key", lambda: lake.ask("GET", "/v1/catalog/epoch", key).status_code != 401)
    answers = [lake.ask("GET", "/v1/catalog/epoch", key) for _ in range(12)]
    late = [a for a in answers if a.status_code == 429]
    assert late and {a.status_code for a in answers} <= {200, 429}
    assert all(int(a.headers["Retry-After"]) >= 1 and "2 calls a second" in a.json()["detail"] for a in late)
    time.sleep(int(late[-1].headers["Retry-After"]))  # What it was told to wait.
    assert lake.ask("GET", "/v1/catalog/epoch", key).status_code == 200


def test_calls_at_once_are_held(lake):
    key = lake.make("one at a time", concurrency=1)["key"]
    settled(lake, key)
    for _ in range(50):  # One after another is one at a time.
        answer = lake.ask("GET", "/v1/catalog/epoch", key)
        assert answer.status_code == 200, answer.text
    seq = answer.json()["seq"]

    def long_call():
        while (answer := lake.ask("GET", f"/v1/catalog/epoch?wait=2s&since={seq}", key)).status_code == 429:
            pass  # One of the short calls below was first.
        return answer

    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(long_call)
        wait_for("a refusal", lambda: lake.ask("GET", "/v1/catalog/epoch", key).status_code == 429)
        refused = lake.ask("GET", "/v1/catalog/epoch", key)
        if refused.status_code == 429:
            assert "running at once" in refused.json()["detail"] and refused.headers["Retry-After"] == "1"
        assert waiting.result().status_code == 200
    settled(lake, key)


def test_pages_and_names_of_elsewhere_are_refused_whatever_key_they_send(lake):
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
        for method, path in (("GET", "/v1/keys"), ("POST", "/mcp"), ("GET", "/health")):
            refused = lake.ask(method, path, lake.admin, headers=headers)
            assert refused.status_code == 403, (headers, path)
            assert "Access-Control-Allow-Origin" not in refused.headers
    assert lake.ask("OPTIONS", "/v1/keys", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}).status_code == 403
    assert lake.ask("GET", "/v1/keys", lake.admin, headers={"Origin": f"http://localhost:{lake.ports['gateway']}"}).status_code == 200


def raw(lake, head):
    with socket.create_connection(("127.0.0.1", lake.ports["gateway"]), timeout=10) as connection:
        connection.sendall(head)
        answer = b""
        while b"\r\n\r\n" not in answer and (got := connection.recv(65536)):
            answer += got
        return answer


def test_a_key_splits_no_header(lake):
    def status(authorization):
        return int(raw(lake, b"GET /v1/keys HTTP/1.1\r\nHost: localhost\r\n" + authorization + b"\r\n\r\n").split()[1])

    admin = lake.admin.encode()
    assert status(b"Authorization: Bearer " + admin) == 200
    assert status(b"Authorization: Bearer x\r\nX: 1\r\n Authorization: Bearer " + admin) == 400
    assert status(b"Authorization: Bearer x\nAuthorization: Bearer " + admin) == 400
    assert status(b"Authorization: Bearer " + admin + b"\0") == 400
    assert status(b"Authorization: Bearer wrong\r\nAuthorization: Bearer " + admin) in (400, 401)
    assert status(b"X-Lakehouse-Role-Token: guess\r\nX-Lakehouse-Caller: 1 2 admin x 00 00") == 401
    for name in ("a\r\nX-Injected: 1", "a\nb", "\0", "", "x" * 200):
        assert lake.ask("POST", "/v1/keys", lake.admin, json={"name": name, "scope": "read"}).status_code == 400, name
    for key in ("id\r\nX-Injected: 1", "%0d%0aX-Injected: 1"):
        answer = raw(lake, b"DELETE /v1/keys/" + key.replace("\r\n", "%0d%0a").replace(" ", "%20").encode() + b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + admin + b"\r\n\r\n")
        assert b"\r\nX-Injected" not in answer and int(answer.split()[1]) in (400, 404)


def rss(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) << 10


def test_ten_thousand_wrong_keys_cost_no_memory(lake):
    process = lake.processes["serve" if lake.shape == "serve" else "gateway"]
    connection = http.client.HTTPConnection("127.0.0.1", lake.ports["gateway"], timeout=30)

    def guess(number):
        connection.request("GET", "/v1/catalog/epoch", headers={"Authorization": f"Bearer lh_{number:012x}_{number:064x}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 401

    for number in range(500):
        guess(number)
    before = rss(process.pid)
    for number in range(10000):
        guess(number)
    assert rss(process.pid) - before < 8 << 20
    metrics = lake.ask("GET", "/metrics", lake.admin).text
    assert len(metrics) < 1 << 20


def test_no_secret_is_kept_and_no_literal_is_written_down(lake):
    made = lake.make("kept as a hash", "write")
    secret = made["key"].rsplit("_", 1)[1]
    settled(lake, made["key"])
    assert lake.ask("POST", "/v1/sql", made["key"], json={"sql": "SELECT 'literal-4711' AS x"}).status_code == 200
    assert lake.ask("PUT", "/v1/storage/objects/private/name-4712", made["key"], data=b"body-4713").status_code == 201
    assert lake.ask("POST", "/v1/sql", made["key"], json={"sql": "SELECT wrong-4714 FROM nowhere"}).status_code == 400
    assert lake.ask("GET", f"/v1/storage/objects?prefix=query-4715&token={secret}", made["key"]).status_code in (200, 400)
    files = [path for path in (lake.folder / "data").rglob("*") if path.is_file()]
    records = [re.search(rb'\{"format":1,"id":"%b"[^{}]*\}' % made["id"].encode(), path.read_bytes()) for path in files]
    (record,) = [json.loads(found.group()) for found in records if found]
    assert len(record["salt"]) == 32 and len(record["hash"]) == 64 and record["name"] == "kept as a hash"
    for path in files:
        text = path.read_bytes()
        assert secret.encode() not in text and lake.admin.encode() not in text, path
    lines = []
    for log in lake.folder.glob("*.log"):
        text = log.read_text()
        for word in (secret, lake.admin, "literal-4711", "name-4712", "body-4713", "wrong-4714", "query-4715"):
            assert word not in text, (log, word)
        lines += [json.loads(line) for line in text.splitlines() if '"audit"' in line]
    mine = [line for line in lines if line["key"] == made["id"]]
    assert {(line["call"], line["status"]) for line in mine} >= {
        ("POST /v1/sql", "200"), ("POST /v1/sql", "400"), ("PUT /v1/storage/objects/{key...}", "201")} or lake.shape == "split"
    assert all(line["name"] == "kept as a hash" and line["door"] == "http" and line["request_id"] for line in mine) and mine
    # A private object cannot be read through the front door, not by an administrator either.
    listed = lake.ask("GET", "/v1/storage/objects?prefix=.lakehouse/", lake.admin)
    assert listed.status_code in (200, 400, 403) and made["id"] not in listed.text
    assert lake.ask("GET", f"/v1/storage/objects/.lakehouse/keys/{made['id']}.json", lake.admin).status_code in (400, 403, 404)


def test_what_a_key_must_be_is_said(lake):
    for body, words in [({"scope": "read"}, "name"), ({"name": "x"}, "scope"), ({"name": "x", "scope": "root"}, "read, write or admin"),
                        ({"name": "x", "scope": "read", "rate": -1}, "rate"), ({"name": "x", "scope": "read", "rate": 10**9}, "rate"),
                        ({"name": "x", "scope": "read", "expires": "soon"}, "expires"), ({"name": "x", "scope": "read", "expires": "0s"}, "expires"),
                        ({"name": "x", "scope": "read", "secret": "mine"}, "unknown member")]:
        answer = lake.ask("POST", "/v1/keys", lake.admin, json=body)
        assert answer.status_code == 400 and words in answer.json()["detail"], (body, answer.text)


def test_the_command_line_asks_a_server(lake):
    url = ["--url", lake.url("")]
    made = lake.cli(*url, "keys", "create", "from the shell", "--scope", "write", "--rate", "100", "--expires", "30d", key=lake.admin)
    key = made.stdout.strip()
    assert made.returncode == 0 and KEY.fullmatch(key) and "shown this once" in made.stderr, made
    settled(lake, key)
    listed = lake.cli(*url, "keys", "ls", key=lake.admin)
    assert "from the shell" in listed.stdout and key.split("_")[1] in listed.stdout and key.split("_")[2] not in listed.stdout, listed
    assert lake.cli(*url, "sql", "SELECT 41 + 1", key=key).stdout.count("42") == 1
    refused = lake.cli(*url, "keys", "ls", key=key)
    assert refused.returncode == 1 and "scope admin" in refused.stderr, refused
    assert lake.cli(*url, "keys", "revoke", key.split("_")[1], key=lake.admin).returncode == 0
    settled(lake, key, status=401)
    gone = lake.cli(*url, "sql", "SELECT 1", key=key)
    assert gone.returncode == 1 and "revoked" in gone.stderr and key not in gone.stderr, gone
    assert lake.cli(*url, "keys", "revoke", "0123456789ab", key=lake.admin).returncode == 3
    secret = lake.folder / "key-file"
    secret.write_text(lake.admin + "\n")
    secret.chmod(0o600)
    assert lake.cli(*url, "keys", "ls", LAKEHOUSE_SECRET_API_KEY_FILE=str(secret)).returncode == 0
    secret.chmod(0o644)
    assert lake.cli(*url, "keys", "ls", LAKEHOUSE_SECRET_API_KEY_FILE=str(secret)).returncode != 0


@pytest.mark.parametrize("door", ["LAKEHOUSE_GATEWAY_BIND", "LAKEHOUSE_GRPC_BIND", "LAKEHOUSE_FLIGHT_BIND"])
def test_an_open_address_needs_a_key_or_insecure(door):
    lake = Lake()
    try:
        environment = {**lake.environment, door: "0.0.0.0:0"}
        refused = subprocess.run([BINARY, "serve"], env=environment, capture_output=True, text=True, timeout=30)
        assert refused.returncode == 1 and "API keys" in refused.stderr and "--insecure" in refused.stderr, refused
        # The first key is made in the store, before any server runs; revoked, it is no key.
        keys = {**environment, "LAKEHOUSE_CONFIG": ""}
        made = subprocess.run([BINARY, "keys", "create", "first", "--scope", "admin", "--data-dir", str(lake.folder / "data")], env=keys, capture_output=True, text=True, timeout=30)
        assert KEY.fullmatch(made.stdout.strip()), made
        lake.environment = environment
        port = free_port()
        lake.environment |= {"LAKEHOUSE_GATEWAY_BIND": f"{'0.0.0.0' if door == 'LAKEHOUSE_GATEWAY_BIND' else '127.0.0.1'}:{port}"}
        lake.ports["gateway"] = port
        lake.start()
        assert requests.get(lake.url("/v1/catalog/list"), timeout=30).status_code == 401
        assert requests.get(lake.url("/v1/catalog/list"), headers={"Authorization": f"Bearer {made.stdout.strip()}"}, timeout=30).status_code == 200
        # A foreign Host is refused at an open address as well: it is no name of ours.
        assert requests.get(lake.url("/health"), headers={"Host": "evil.example"}, timeout=30).status_code == 403
        lake.stop()
        subprocess.run([BINARY, "keys", "revoke", made.stdout.split("_")[1], "--data-dir", str(lake.folder / "data")], env=keys, check=True, timeout=30, capture_output=True)
        again = subprocess.run([BINARY, "serve"], env=environment, capture_output=True, text=True, timeout=30)
        assert again.returncode == 1 and "API keys" in again.stderr, again
        lake.processes["serve"] = subprocess.Popen([BINARY, "serve", "--insecure"], env=lake.environment, stderr=open(lake.folder / "serve.log", "ab"))
        wait_for("/ready", lake.is_ready)
        assert "INSECURE" in (lake.folder / "serve.log").read_text()
    finally:
        lake.__exit__()


def test_loopback_without_keys_works_as_before_and_closes_with_the_first_key():
    with Lake() as lake:
        assert requests.post(lake.url("/v1/sql"), json={"sql": "SELECT 1"}, timeout=30).status_code == 200
        key = requests.post(lake.url("/v1/keys"), json={"name": "first", "scope": "admin"}, timeout=30).json()["key"]
        assert requests.post(lake.url("/v1/sql"), json={"sql": "SELECT 1"}, timeout=30).status_code == 401
        assert requests.post(lake.url("/v1/sql"), json={"sql": "SELECT 1"}, headers={"Authorization": f"Bearer {key}"}, timeout=30).status_code == 200
        # Also after the last one is gone, and after a restart with none that opens anything left: whoever revokes meant to shut somebody out.
        requests.delete(lake.url(f"/v1/keys/{key.split('_')[1]}"), headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert requests.post(lake.url("/v1/sql"), json={"sql": "SELECT 1"}, timeout=30).status_code == 401


def test_the_page_on_operating():
    """Its commands from nothing to a server that others may reach, as they stand there."""
    page = (ROOT / "docs/operating.md").read_text()
    commands = re.search(r"## Access\n.*?^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE).group(1)
    lake = Lake()
    try:
        (lake.folder / "bin").mkdir()
        (lake.folder / "bin" / "lakehouse").symlink_to(BINARY)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAKEHOUSE_")}
        environment |= {"PATH": f"{lake.folder / 'bin'}:{environment['PATH']}", "LAKEHOUSE_GRPC_BIND": "off", "LAKEHOUSE_FLIGHT_BIND": "off"}
        script = "set -e\ntrap 'kill $(jobs -p); wait' EXIT\n" + commands.replace("3110", str(free_port()))
        done = subprocess.run(["bash", "-c", script], cwd=lake.folder, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done
        assert KEY.search(done.stdout) and '"datasets":[]' in done.stdout, done
    finally:
        lake.__exit__()
