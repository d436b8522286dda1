"""What goes wrong costs its sender a clear error and nobody else anything."""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests
from lake import BINARY, Lake, free_port, wait_for


def raw(lake, request, wait=5):
    with socket.create_connection(("127.0.0.1", lake.ports["gateway"]), timeout=wait) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if b"\r\n\r\n" in answer:
                break
        return int(answer.split()[1])


@pytest.mark.parametrize("headers", [
    b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 3\r\nContent-Length: 4\r\n", b"X: a\r\n b\r\n", b"Content-Length: +3\r\n",
    b"Transfer-Encoding: gzip\r\n", b"X : a\r\n"])
def test_ambiguous_framing_is_refused(lake, headers):
    assert raw(lake, b"POST /v1/sql HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\nabc") == 400


def test_bare_line_feeds_are_refused(lake):
    assert raw(lake, b"GET /health HTTP/1.1\nHost: localhost\n\n") == 400


@pytest.mark.parametrize("text, status, part", [
    ("", 400, "empty"), ("a,a\n1,2\n", 400, "twice"), ("a,\n1,2\n", 400, "empty"), ("a,b\n1\n", 400, "line 2"), ("a,b\n1,2,3\n", 400, "line 2"),
    ('a,b\n1,"x\n', 400, "quote"), ('a,b\n1,x"y\n', 400, "quote"), (",".join(f"c{i}" for i in range(20000)) + "\n", 400, "10000"),
    ("a\n" + "x" * (17 << 20) + "\n", 400, "16777216")])
def test_malformed_files(lake, text, status, part):
    answer = lake.ingest("malformed", text)
    assert answer.status == status and part in answer.json()["detail"], answer.body[:500]
    assert lake.get("/v1/catalog/manifest/malformed").status == 404


def test_invalid_utf8_says_where_and_latin1_is_taken(lake):
    body = "a\nk\xfche\n".encode("latin-1")
    refused = lake.call("POST", "/v1/ingest?name=latin", body, {"Content-Type": "text/csv"})
    assert refused.status == 400 and "byte 3" in refused.json()["detail"]
    assert lake.call("POST", "/v1/ingest?name=latin&encoding=latin1", body, {"Content-Type": "text/csv"}).status == 201
    assert lake.rows("SELECT a FROM latin") == [["kühe"]]


@pytest.mark.parametrize("body,word", [(b"PK\x03\x04\x14\x00\x06\x00" + b"x" * 64, "Excel"), (b"\x1f\x8b\x08\x00" + b"x" * 64, "gzip"), (b"%PDF-1.7\n", "PDF")])
def test_a_file_that_is_no_text(lake, body, word):
    answer = lake.call("POST", "/v1/ingest?name=foreign", body, {"Content-Type": "text/csv"})
    assert answer.status == 400 and word in answer.json()["detail"], answer.body


@pytest.mark.parametrize("body", [b"PAR1" + b"\0" * 100 + b"PAR1", b"PAR1", b"no parquet", b"PAR1" + b"\xff" * 64 + b"\xff\xff\xff\x7fPAR1"])
def test_a_parquet_file_that_lies(lake, body):
    answer = lake.call("POST", "/v1/ingest?name=lies", body, {"Content-Type": "application/vnd.apache.parquet"})
    assert answer.status == 400, answer.body
    assert lake.get("/health").status == 200


def test_an_endless_boundary(lake):
    answer = lake.call("POST", "/v1/ingest?name=x", b"--B" * 1000, {"Content-Type": "multipart/form-data; boundary=B"})
    assert answer.status == 400


def test_a_body_past_the_limit_is_refused_before_it_is_sent(lake):
    assert raw(lake, b"PUT /v1/storage/objects/big HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000000\r\n\r\n") == 413


def test_the_fifth_put_is_told_to_wait(lake):
    def slow_put(i):
        connection = socket.create_connection(("127.0.0.1", lake.ports["gateway"]))
        connection.sendall(f"PUT /v1/storage/objects/slow{i} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345".encode())
        return connection

    held = [slow_put(i) for i in range(4)]
    taken = lambda: 'lakehouse_storage_puts_in_flight{lane="client"} 4' in lake.get("/metrics").body.decode()
    wait_for("four puts", taken)
    fifth = lake.put("fifth", b"1")
    assert (fifth.status, fifth.headers["Retry-After"]) == (503, "5")
    for connection in held:
        connection.close()


def test_a_client_that_goes_away_cancels_its_query(lake):
    with pytest.raises(requests.exceptions.Timeout):
        requests.post(lake.url("/v1/sql"), json={"sql": "SELECT count(*) FROM range(1000000000) a, range(1000000) b"}, timeout=1)
    wait_for("the query's end", lambda: "lakehouse_queries_running 0" in lake.get("/metrics").body.decode())


def start(environment, role="serve"):
    return subprocess.run([BINARY, role], env=environment, capture_output=True, timeout=30)


def test_two_servers_on_one_store(lake):
    second = start(dict(lake.environment, LAKEHOUSE_GATEWAY_BIND="127.0.0.1:0"))
    assert second.returncode == 1 and b"in use by process" in second.stderr


def test_a_folder_that_cannot_be_made(lake):
    second = start(dict(lake.environment, LAKEHOUSE_SERVER_DATA_DIR="/proc/nowhere", LAKEHOUSE_GATEWAY_BIND="127.0.0.1:0"))
    assert second.returncode == 1 and len(second.stderr.splitlines()) == 1 and b"data_dir" in second.stderr


def test_an_open_address_needs_keys(lake):
    second = start(dict(lake.environment, LAKEHOUSE_GATEWAY_BIND="0.0.0.0:0", LAKEHOUSE_SERVER_DATA_DIR=str(lake.folder / "open")))
    assert second.returncode == 1 and b"API keys" in second.stderr


def test_a_full_spool_is_507_and_leaves_nothing():
    lake = Lake()
    lake.environment["LAKEHOUSE_SERVER_SPOOL_LIMIT"] = "1MiB"
    with lake:
        full = lake.ingest("big", "a\n" + "1234567\n" * 400000)
        assert full.status == 507 and "spool" in full.json()["detail"], full.body
        assert lake.ingest("small", "a\n1\n").status == 201
        assert lake.get("/v1/catalog/manifest/big").status == 404


def test_what_was_acknowledged_survives_kill_9():
    with Lake() as lake:
        for round_number in range(3):
            acknowledged = []

            def writer(worker):
                for i in range(1000):
                    name = f"r{round_number}_{worker}_{i}"
                    try:
                        if lake.ingest(name, f"a\n{i}\n").status == 201:
                            acknowledged.append((name, i))
                    except (OSError, requests.RequestException):
                        return

            threads = [threading.Thread(target=writer, args=(w,)) for w in range(3)]
            for thread in threads:
                thread.start()
            wait_for("some ingests", lambda: len(acknowledged) > 20)
            lake.stop(signal.SIGKILL)
            for thread in threads:
                thread.join()
            lake.start()
            for name, i in acknowledged:
                assert lake.rows(f"SELECT a FROM {name}") == [[i]]


def test_a_bucket_that_goes_away_and_comes_back():
    with Lake("serve", "s3") as lake:
        assert lake.ingest("t", "a\n1\n").status == 201
        os.kill(lake.s3.pid, signal.SIGSTOP)
        began = time.monotonic()
        # An answer may be as old as the last look at the bucket, and a signal takes its moment.
        wait_for("a 503", lambda: lake.call("GET", "/ready").status == 503)
        assert time.monotonic() - began < 20
        os.kill(lake.s3.pid, signal.SIGCONT)
        wait_for("/ready", lake.is_ready)
        assert lake.ingest("t", "a\n2\n", "&mode=append").status == 200
        assert lake.rows("SELECT sum(a) FROM t") == [["3"]]


def test_wrong_s3_credentials_are_one_line_without_the_secret():
    with Lake("serve", "s3") as lake:
        for more in ({"AWS_SECRET_ACCESS_KEY": "very-wrong-secret"}, {"LAKEHOUSE_S3_BUCKET": "missing-bucket"}):
            tried = start(dict(lake.environment, LAKEHOUSE_GATEWAY_BIND=f"127.0.0.1:{free_port()}", LAKEHOUSE_SERVER_DATA_DIR=str(lake.folder / "x"), **more))
            assert tried.returncode == 1 and len(tried.stderr.splitlines()) == 1, tried.stderr
            assert b"very-wrong-secret" not in tried.stderr
            assert b"missing-bucket" in tried.stderr or b"credentials" in tried.stderr
