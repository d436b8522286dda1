"""What agents send by mistake or on purpose: messages that are none, and ten thousand event streams at once. Who is over a limit is told, everyone else
is served."""

import json
import re
import resource
import selectors
import socket
import subprocess

import pytest
import requests
from lake import BINARY, Lake, wait_for

STREAMS = 128  # docs/operating.md, "Connections"
RESERVE = 400  # files of this process and of the server that are no streams


@pytest.fixture
def many_files():
    """As many as the machine lets this process have; given back afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def listen_request():
    version = "2026-07-28"
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
        "_meta": {"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {}},
        "notifications": {"resourcesListChanged": True}}}).encode()
    return (f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: {version}\r\n"
            f"Mcp-Method: subscriptions/listen\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def rss(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) << 10


class Crowd:
    """Sockets that each sent one request, and the head of what each was answered."""

    def __init__(self, port, request):
        self.port, self.request, self.sockets, self.heads = port, request, [], {}
        self.selector = selectors.DefaultSelector()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()
        self.selector.close()

    def add(self, count):
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            one.sendall(self.request)
            one.setblocking(False)
            self.sockets.append(one)
            self.selector.register(one, selectors.EVENT_READ)

    def answered(self):
        for ready, _ in self.selector.select(0):
            one = ready.fileobj
            try:
                got = one.recv(4096)
            except ConnectionResetError:
                got = b""
            self.heads[one] = self.heads.get(one, b"") + got
            if not got or b"\r\n\r\n" in self.heads[one]:
                self.selector.unregister(one)
        return not self.selector.get_map()

    def statuses(self):
        found = [int(head.split()[1]) if head else 0 for head in self.heads.values()]
        return {status: found.count(status) for status in sorted(set(found))}


PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


@pytest.fixture(scope="module")
def lake():
    with Lake() as running:
        yield running


def post(lake, body):
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    return requests.post(lake.url("/mcp"), data=body, headers=headers, timeout=30)


@pytest.mark.parametrize("body,code,words", [
    (b"", -32700, "not JSON"), (b"\xff\xfe", -32700, "not JSON"), (PING + b"x", -32700, "text after the value"), (b"[" * 100000, -32700, "too deep"),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, -32700, "too deep"), (b"null", -32600, "object"), (PING.replace(b'"2.0"', b'"1.0"'), -32600, "2.0"),
    (PING.replace(b'"id":1', b'"id":{}'), -32600, "id"), (PING.replace(b'"ping"', b"3"), -32600, "method"), (b"[" + PING + b"]", -32600, "batches"),
    (b"[" + b",".join([PING] * 60) + b"]", -32600, "batches")])
def test_what_is_no_message_says_why(lake, body, code, words):
    answer = post(lake, body)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == code and words in answer.json()["error"]["message"], answer.text


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_oversized_message_is_told_the_limit(lake, framing):
    body = b"x" * (17 << 20)
    answer = post(lake, body if framing == "length" else (body[at:at + (1 << 20)] for at in range(0, len(body), 1 << 20)))
    assert answer.status_code == 413 and "16777216 bytes" in answer.json()["detail"], answer.text
    assert post(lake, PING).status_code == 400


def test_ten_thousand_event_streams(many_files):
    count = min(10000, many_files - RESERVE)
    with Lake() as lake:
        process = lake.processes["serve"]
        before = rss(process.pid)
        with Crowd(lake.ports["gateway"], listen_request()) as crowd:
            while len(crowd.sockets) < count:
                crowd.add(min(200, count - len(crowd.sockets)))
                wait_for("answers", crowd.answered)
                # All along, whoever comes is served.
                assert requests.get(lake.url("/health"), timeout=10).status_code == 200
            statuses = crowd.statuses()
            assert statuses == {200: STREAMS, 503: count - STREAMS}, statuses
            assert all(b"\r\nRetry-After: 5\r\n" in head for head in crowd.heads.values() if head.split()[1] == b"503")
            assert lake.ingest("meanwhile", "a\n1\n").status == 201 and lake.rows("SELECT a FROM meanwhile") == [[1]]
            grown = rss(process.pid) - before
            print(f"{count} streams asked for: {grown >> 20} MiB")
            assert grown < 256 << 20
        # Those who were told to wait get their turn.
        with Crowd(lake.ports["gateway"], listen_request()) as crowd:
            def served():
                crowd.add(1)
                wait_for("an answer", crowd.answered)
                return 200 in crowd.statuses()
            wait_for("a free place", served)
        assert lake.stop() == [0]


def test_more_connections_than_files(many_files):
    """The server takes as many as its files allow, less what its own work needs; idle ones make room."""
    lake = Lake()
    log = open(lake.folder / "serve.log", "ab")

    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 800))
    try:
        lake.processes["serve"] = subprocess.Popen([BINARY, "serve"], env=lake.environment, stderr=log, preexec_fn=few_files)
        wait_for("/ready", lake.is_ready)
        with Crowd(lake.ports["gateway"], b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n") as idle:
            for number in range(8):
                idle.add(150)
                wait_for("answers", idle.answered)
                assert lake.ingest(f"t{number}", "a\n1\n").status == 201
            # A connection that is ended as its request is on its way is one that clients ask again on another.
            statuses = idle.statuses()
            assert set(statuses) <= {0, 200} and statuses[200] >= 1140, statuses
        assert "cannot accept" not in (lake.folder / "serve.log").read_text()
    finally:
        lake.__exit__()
