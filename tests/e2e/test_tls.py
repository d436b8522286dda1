"""TLS on every way in: one certificate for HTTP, MCP, gRPC and Flight, read again when it changes."""

import json
import os
import socket
import ssl
import subprocess
import urllib.request

import adbc_driver_flightsql.dbapi as flightsql
import grpc
import pytest
import requests
from adbc_driver_flightsql import DatabaseOptions
from certificates import Authority
from grpc_health.v1 import health_pb2, health_pb2_grpc
from lake import BINARY, Lake, wait_for

FLIGHT = "listening for Arrow Flight SQL"


class TlsLake(Lake):
    def __init__(self, shape="serve"):
        super().__init__(shape)
        self.authority = Authority(self.folder / "authority")
        self.cert, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        self.authority.certify(self.cert, self.key)
        self.environment |= {"LAKEHOUSE_TLS_CERT": str(self.cert), "LAKEHOUSE_TLS_KEY": str(self.key), "LAKEHOUSE_TLS_CA_FILE": str(self.authority.file),
                             "LAKEHOUSE_FLIGHT_BIND": "127.0.0.1:0"}
        for name, value in self.environment.items():
            if name.endswith("_URL"):
                self.environment[name] = value.replace("http://", "https://").replace("grpc://", "grpcs://")
        self.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.authority.file)))
        urllib.request.install_opener(self.opener)

    def __exit__(self, *_):
        urllib.request.install_opener(urllib.request.build_opener())
        super().__exit__()

    def url(self, path, role="gateway"):
        return f"https://127.0.0.1:{self.ports[role]}{path}"

    def ask(self, method, path, **more):
        return requests.request(method, self.url(path), verify=str(self.authority.file), timeout=30, **more)

    def port(self, door):
        address = {"http": f"127.0.0.1:{self.ports['gateway']}", "grpc": self.grpc_address, "flight": lambda: self.logged_address(FLIGHT)}[door]
        return int((address if isinstance(address, str) else address()).rsplit(":", 1)[1])

    def serial(self, door):
        """Of the certificate that a new connection is shown; None when there is none to be had."""
        context = ssl.create_default_context(cafile=self.authority.file)
        context.set_alpn_protocols(["http/1.1" if door == "http" else "h2"])
        try:
            with socket.create_connection(("127.0.0.1", self.port(door)), timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
                return int(tls.getpeercert()["serialNumber"], 16)
        except OSError:
            return None


@pytest.fixture(scope="module", params=["serve", "split", "split over gRPC"])
def lake(request):
    with TlsLake(request.param) as running:
        assert running.ask("POST", "/v1/ingest?name=trips", data="id,zip\n" + "".join(f"{i},{i % 7:05}\n" for i in range(1000)),
                           headers={"Content-Type": "text/csv"}).status_code == 201
        yield running


def test_requests_and_curl_verify_the_server(lake):
    answer = lake.ask("POST", "/v1/sql", json={"sql": "SELECT count(*) FROM trips"})
    assert answer.json()["rows"] == [[1000]]
    curl = ["curl", "-sS", "--cacert", str(lake.authority.file), lake.url("/health")]
    assert json.loads(subprocess.run(curl, capture_output=True, timeout=30).stdout)["status"] == "ok"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(lake.url("/health"), timeout=30)


def test_large_bodies_go_both_ways(lake):
    body = os.urandom(30 << 20)
    assert lake.ask("PUT", "/v1/storage/objects/large", data=body).status_code in (200, 201)
    assert lake.ask("GET", "/v1/storage/objects/large").content == body
    assert lake.ask("GET", "/v1/storage/objects/large", headers={"Range": "bytes=1000000-1999999"}).content == body[1000000:2000000]


def test_plain_http_is_told(lake):
    answer = requests.get(f"http://127.0.0.1:{lake.ports['gateway']}/health", timeout=30)
    assert answer.status_code == 400 and "https://" in answer.text


def lakehouse(lake, *arguments, **more):
    return subprocess.run([BINARY, *arguments], env={**os.environ, "LAKEHOUSE_URL": lake.url("")}, capture_output=True, text=True, timeout=60, **more)


def test_the_command_line(lake):
    believing = ["--ca-file", str(lake.authority.file)]
    done = lakehouse(lake, *believing, "sql", "SELECT count(*) AS n FROM trips")
    assert done.returncode == 0 and "1000" in done.stdout, done
    refused = lakehouse(lake, "sql", "SELECT 1")
    assert refused.returncode != 0 and "certificate" in refused.stderr, refused


def test_mcp_over_https(lake):
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
    answer = lake.ask("POST", "/mcp", json=hello, headers={"Accept": "application/json, text/event-stream"})
    assert answer.json()["result"]["serverInfo"]["name"] == "lakehouse"
    session = {"Mcp-Session-Id": answer.headers["Mcp-Session-Id"], "Accept": "text/event-stream"}
    with lake.ask("GET", "/mcp", headers=session, stream=True) as stream:
        assert next(stream.iter_lines(1)) == b": open"
    bridge = lakehouse(lake, "--ca-file", str(lake.authority.file), "mcp", input=json.dumps(hello) + "\n")
    assert json.loads(bridge.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "lakehouse", bridge


def grpc_channel(lake):
    return grpc.secure_channel(f"localhost:{lake.port('grpc')}", grpc.ssl_channel_credentials(lake.authority.file.read_bytes()))


def serves_grpc(lake):
    with grpc_channel(lake) as channel:
        return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20).status == health_pb2.HealthCheckResponse.SERVING


def test_grpc_shows_the_same_certificate(lake):
    wait_for("gRPC", lambda: serves_grpc(lake))
    with grpc.insecure_channel(f"127.0.0.1:{lake.port('grpc')}") as plain, pytest.raises(grpc.RpcError) as refused:
        health_pb2_grpc.HealthStub(plain).Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def flight_rows(lake, sql):
    options = {DatabaseOptions.TLS_ROOT_CERTS.value: lake.authority.file.read_text()}
    with flightsql.connect(f"grpc+tls://localhost:{lake.port('flight')}", db_kwargs=options, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_flight_shows_the_same_certificate(lake):
    assert flight_rows(lake, "SELECT count(*) FROM trips") == [(1000,)]


def test_a_new_certificate_is_shown_on_every_way_in(lake):
    doors = ["http", "grpc", "flight"]
    assert [lake.serial(door) for door in doors] == [1, 1, 1]
    with requests.Session() as kept, grpc_channel(lake) as channel:
        trusted = {"verify": str(lake.authority.file), "timeout": 30}
        assert kept.get(lake.url("/health"), **trusted).status_code == 200
        stub = health_pb2_grpc.HealthStub(channel)
        stub.Check(health_pb2.HealthCheckRequest(), timeout=20)
        lake.authority.certify(lake.cert, lake.key, serial=2)
        wait_for("the new certificate", lambda: [lake.serial(door) for door in doors] == [2, 2, 2])
        # Who was connected goes on.
        assert kept.get(lake.url("/health"), **trusted).status_code == 200
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=20).status == health_pb2.HealthCheckResponse.SERVING
    assert flight_rows(lake, "SELECT count(*) FROM trips") == [(1000,)]
    # Half of a pair is no pair.
    good = lake.cert.read_bytes()
    lake.cert.write_bytes(b"no certificate")
    log = lake.folder / ("serve.log" if lake.shape == "serve" else "gateway.log")
    wait_for("a word about it", lambda: lake.serial("http") == 2 and "is no good; the one before stays" in log.read_text())
    assert [lake.serial(door) for door in doors] == [2, 2, 2]
    lake.cert.write_bytes(good)


def test_a_running_flight_query_survives_a_renewal(lake):
    options = {DatabaseOptions.TLS_ROOT_CERTS.value: lake.authority.file.read_text()}
    with flightsql.connect(f"grpc+tls://localhost:{lake.port('flight')}", db_kwargs=options, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM range(20000000) t(i)")
        reader = cursor.fetch_record_batch()
        count = reader.read_next_batch().num_rows
        lake.authority.certify(lake.cert, lake.key, serial=3)
        wait_for("the new certificate", lambda: lake.serial("flight") == 3)
        assert count + sum(batch.num_rows for batch in reader) == 20000000
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]


@pytest.mark.parametrize("fault,words", [
    (lambda lake: lake.key.chmod(0o644), "chmod 600"), (lambda lake: lake.key.unlink(), "[tls] key"), (lambda lake: lake.cert.write_text("x"), "[tls] cert"),
    (lambda lake: lake.environment.pop("LAKEHOUSE_TLS_KEY"), "both cert and key"),
    (lambda lake: lake.authority.certify(lake.folder / "other.pem", lake.key), "is not the key of the certificate")])
def test_a_pair_that_is_no_good_stops_the_start(fault, words):
    lake = TlsLake()
    try:
        fault(lake)
        tried = subprocess.run([BINARY, "serve"], env=lake.environment, capture_output=True, text=True, timeout=30)
        assert tried.returncode == 1 and words in tried.stderr and len(tried.stderr.splitlines()) == 1, tried
    finally:
        lake.__exit__()


def test_a_wrong_authority_between_roles_is_said():
    lake = TlsLake("split")
    lake.environment["LAKEHOUSE_TLS_CA_FILE"] = str(Authority(lake.folder / "another").file)
    gateway = {**lake.environment, "LAKEHOUSE_GRPC_BIND": "off", "LAKEHOUSE_FLIGHT_BIND": "off", "LAKEHOUSE_SECRET_API_KEYS": "given"}
    log = lake.folder / "gateway.log"
    try:
        for role in ("storaged", "gateway"):
            lake.processes[role] = subprocess.Popen([BINARY, role], env=gateway, stderr=open(lake.folder / f"{role}.log", "wb"))
        wait_for("the gateway", lambda: '"listening"' in log.read_text())
        answer = lake.ask("GET", "/v1/storage/objects", headers={"Authorization": "Bearer given"})
        assert answer.status_code == 502 and "is its certificate trusted here?" in answer.json()["detail"], answer.text
    finally:
        lake.__exit__()


def test_tls_stands_on_the_cryptography_it_was_made_with():
    """Libraries that carry an OpenSSL of their own must not lend it to the system's."""
    done = subprocess.run([BINARY, "--version"], env={**os.environ, "LD_DEBUG": "bindings", "LD_BIND_NOW": "1"}, capture_output=True, text=True, timeout=60)
    bound = [line.split(" to ")[1].split()[0] for line in done.stderr.splitlines() if "binding file" in line and "libssl.so" in line.split(" to ")[0]]
    foreign = {path for path in bound if "arrow" in path or "parquet" in path}
    assert bound and not foreign, foreign
