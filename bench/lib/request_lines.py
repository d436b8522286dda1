"""Lines of the table about requests: SELECT 1, small PUTs and GETs, large GETs, the gateway alone, start-up."""

import http.client
import os
import subprocess
import time
from contextlib import ExitStack

import numpy as np

from data import OUT
from lake import Lake
from measure import interleaved, memory_mib, on_server, server_cpu
from servers import nginx, presigned, versitygw, wrk

OBJECT = "/v1/storage/objects/"


def select_one(quick, runs):
    import duckdb
    embedded, seconds = duckdb.connect(), 1 if quick else 3

    def in_process():
        found, cpu = [], time.process_time()
        for _ in range(2000):
            began = time.monotonic()
            embedded.execute("SELECT 1").fetchall()
            found.append(time.monotonic() - began)
        return {"per_s": 1 / np.mean(found), "p50_us": np.percentile(found, 50) * 1e6, "p99_us": np.percentile(found, 99) * 1e6,
                "cpu_us_per_request": (time.process_time() - cpu) / len(found) * 1e6}
    with Lake() as lake:
        def ask(clients):
            return lambda: wrk(lake.ports["gateway"], ["/v1/sql"], [lake.processes["serve"].pid], clients, seconds, "POST",
                               body='{"sql":"SELECT 1"}', headers=["Content-Type: application/json"])
        return interleaved({"1 client": ask(1), "8 clients": ask(8), "duckdb embedded": in_process}, runs)


def fsync_rate():
    """What the disk does alone: one writer that overwrites 4 KiB and calls fdatasync."""
    path, block, count = OUT / "fsync", os.urandom(4096), 300
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        began = time.monotonic()
        for _ in range(count):
            os.pwrite(descriptor, block, 0)
            os.fdatasync(descriptor)
        return {"per_s": count / (time.monotonic() - began)}
    finally:
        os.close(descriptor)
        path.unlink()


def put_once(port, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("PUT", path, body)
    answer = connection.getresponse()
    if answer.status not in (200, 201):
        raise RuntimeError(f"PUT {path.split('?')[0]} was answered {answer.status}: {answer.read()[:300]}")


def small_objects(quick, runs):
    seconds, keys = 1 if quick else 3, [f"p/{n}" for n in range(2000)]
    rounds = iter(range(1000))
    lake = Lake()
    lake.environment["LAKEHOUSE_STORAGED_PUT_SLOTS"] = "64"
    with lake, versitygw() as (s3, s3_pid, _):
        port, pid = lake.ports["gateway"], lake.processes["serve"].pid
        ours, puts, gets = [OBJECT + key for key in keys], presigned(s3, "put_object", keys), presigned(s3, "get_object", ["g"])
        # What the GETs ask for is there before them, however few PUTs a round comes to.
        for server, path in ((port, OBJECT + "g"), (s3, presigned(s3, "put_object", ["g"])[0])):
            put_once(server, path, os.urandom(4096))

        def new_keys(count):
            nth = next(rounds)
            return [f"new/{nth}/{n}" for n in range(count)]
        return interleaved({
            "PUT 4 KiB, durable, 32 clients": lambda: wrk(port, ours, [pid], 32, seconds, "PUT", body_bytes=4096),
            "the same, each key new": lambda: wrk(port, [OBJECT + key for key in new_keys(60_000)], [pid], 32, seconds, "PUT", body_bytes=4096),
            "disk: fdatasync, one writer": fsync_rate,
            "versitygw PUT": lambda: wrk(s3, puts, [s3_pid], 32, seconds, "PUT", body_bytes=4096),
            "versitygw PUT, each key new": lambda: wrk(s3, presigned(s3, "put_object", new_keys(10_000)), [s3_pid], 32, seconds,
                                                       "PUT", body_bytes=4096),
            "GET 4 KiB, 32 clients": lambda: wrk(port, [OBJECT + "g"], [pid], 32, seconds),
            "versitygw GET": lambda: wrk(s3, gets, [s3_pid], 32, seconds)}, runs)


def large_get(quick, runs):
    size = (32 if quick else 256) << 20
    path = OUT / "large.bin"
    path.write_bytes(os.urandom(1 << 20) * (size >> 20))
    with Lake() as lake, ExitStack() as peers:
        subprocess.run(["curl", "-sSf", "-T", str(path), lake.url(OBJECT + "large")], check=True, stdout=subprocess.DEVNULL)
        port, pids = peers.enter_context(nginx(f"server {{ listen 127.0.0.1:PORT; root {OUT}; }}"))
        worker = pids[-1]

        def get(url, pid):
            return lambda: on_server(pid, lambda: subprocess.run(["curl", "-sSf", "-o", "/dev/null", url], check=True, stderr=subprocess.PIPE))
        try:
            return interleaved({"GET": get(lake.url(OBJECT + "large"), lake.processes["serve"].pid),
                                "nginx": get(f"http://127.0.0.1:{port}/large.bin", worker)}, runs)
        finally:
            path.unlink()


def proxied_get(quick, runs):
    """The gateway as a process of its own before storaged; nginx before the same storaged, keep-alive upstream."""
    seconds = 1 if quick else 3
    with Lake("split") as lake:
        if lake.put("small", os.urandom(4096)).status != 201:
            raise RuntimeError("the object was not stored")
        upstream = f"127.0.0.1:{lake.ports['storaged']}"
        block = (f"upstream lake {{ server {upstream}; keepalive 32; keepalive_requests 100000000; }}\n"
                 f"server {{ listen 127.0.0.1:PORT; location /v1/ {{ proxy_pass http://lake/; proxy_http_version 1.1; "
                 f"proxy_set_header Connection \"\"; proxy_set_header Host {upstream}; }} }}")
        with nginx(block) as (port, pids):
            return interleaved({
                "gateway alone": lambda: wrk(lake.ports["gateway"], [OBJECT + "small"], [lake.processes["gateway"].pid], 8, seconds),
                "nginx proxy_pass": lambda: wrk(port, [OBJECT + "small"], pids, 8, seconds)}, runs)


def start_up(quick, runs):
    """Start to ready is looked at every 20 ms, so the figure may be up to that much too large."""
    def once():
        began = time.monotonic()
        with Lake() as lake:
            ready = time.monotonic() - began
            pid = lake.processes["serve"].pid
            time.sleep(1)  # idle is what is left when the start has settled
            return {"ready_ms": ready * 1e3, "rss_mib": memory_mib(pid, "VmRSS"), "cpu_s": server_cpu([pid])}
    return interleaved({"serve, empty lake": once}, runs)
