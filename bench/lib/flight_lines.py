"""The line of the table about Arrow Flight SQL: rows out, beside a server that has the same table in memory. Takes (quick, runs)."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager

from data import DATA, ROOT
from lake import Lake, free_port
from measure import interleaved, on_server

sys.path.append(str(ROOT / "tests/e2e"))


def made(rows):
    """Four columns as trips have them, made once."""
    path = DATA / f"flight-{rows}.parquet"
    if not path.exists():
        import duckdb
        DATA.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"COPY (SELECT i AS trip_id, 'zone ' || (hash(i) % 260) AS zone, round(hash(i * 7) % 10000 / 100.0, 2)::DOUBLE AS fare, "
                   f"TIMESTAMP '2024-01-01' + INTERVAL (i) SECOND AS pickup_at FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet)")
    return path


@contextmanager
def peer(path):
    """The plain server's address and process id."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(ROOT / "bench/lib/flight_peer.py"), str(port), str(path)], stdout=subprocess.PIPE)
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the plain Flight server did not start")
        yield f"grpc://127.0.0.1:{port}", process.pid
    finally:
        process.kill()
        process.wait()


def flight_rows(quick, runs):
    import pyarrow.flight as flight
    from flight_wire import Wire
    rows = 1_000_000 if quick else 10_000_000
    path, sql = made(rows), "SELECT trip_id, zone, fare, pickup_at FROM trips"
    lake = Lake()
    lake.environment["LAKEHOUSE_FLIGHT_BIND"] = "127.0.0.1:0"
    with lake, peer(path) as (plain_uri, plain_pid):
        subprocess.run(["curl", "-sSf", "-H", "Content-Type: application/vnd.apache.parquet", "-T", str(path), "-X", "POST",
                        lake.url("/v1/ingest?name=trips")], check=True, stdout=subprocess.DEVNULL)
        pid = lake.processes["serve"].pid
        ours, plain = Wire(f"grpc://{lake.logged_address('listening for Arrow Flight SQL')}"), flight.connect(plain_uri)

        def read(reader):
            seen = sum(chunk.data.num_rows for chunk in reader)
            if seen != rows:
                raise RuntimeError(f"{seen} rows came, and {rows} are there")

        def measured(server, work):
            def once():
                client = time.process_time()
                found = on_server(server, work)
                return dict(found, client_cpu_s=time.process_time() - client)
            return once

        def as_json():
            subprocess.run(["curl", "-sSf", "-o", "/dev/null", "-H", "Content-Type: application/json", "-d", json.dumps({"sql": sql}),
                            lake.url("/v1/sql")], check=True, stderr=subprocess.PIPE)
        contenders = {"Flight SQL DoGet": measured(pid, lambda: read(ours.get(ours.ticket(sql)))),
                      "pyarrow Flight server, from memory": measured(plain_pid, lambda: read(plain.do_get(flight.Ticket(b"")))),
                      "POST /v1/sql, JSON": lambda: on_server(pid, as_json)}
        for work in contenders.values():  # caches are warm
            work()
        return interleaved(contenders, runs)
