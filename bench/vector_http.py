#!/usr/bin/env python3
"""The line `vectors_over_http` of bench/run: adds and searches through :3110 beside the same index in process.

    bench/vector_http.py [--quick] [--runs N]

100,000 x 128 (`--quick` as well: what is compared is the way, not the size), l2, sq8, M 16, ef_construction 200. Adds are batches of
500 from two clients, durable before they answer; the same vectors are built in process by two threads. Searches: k 10 and ef 80,
two connections of wrk, against two processes of one thread each that ask in turn; a batch is 100 queries as an Arrow stream, answered as one.
Client and server share the machine's processors here, so a rate is also given by the CPU seconds of the server alone.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench/lib"), str(ROOT / "bench"), str(ROOT / "tests/smoke")]

from lake import Lake  # noqa: E402
from measure import interleaved, server_cpu  # noqa: E402
from servers import wrk  # noqa: E402
from vector_data import DataSet, read_matrix, write_matrix  # noqa: E402
from vector_lines import EF_CONSTRUCTION, M, ask  # noqa: E402
from vector_peers import OURS, command_of  # noqa: E402

COUNT, DIMENSION, BATCH, K, EF, CLIENTS, QUERIES_IN_BATCH = 100_000, 128, 500, 10, 80, 2, 100
STREAM = "application/vnd.apache.arrow.stream"
INDEX = "/v1/vectors/index"


def arrow(columns):
    import pyarrow as pa
    sink, table = pa.BufferOutputStream(), pa.table(columns)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def fixed(vectors):
    import pyarrow as pa
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), DIMENSION)


def as_json(base, first):
    items = [{"id": str(first + i), "vector": [float(f"{x:.9g}") for x in row.tolist()]} for i, row in enumerate(base)]
    return json.dumps({"items": items}, separators=(",", ":")).encode()


def as_arrow(base, first):
    return arrow({"id": [str(first + i) for i in range(len(base))], "vector": fixed(base)})


def post(connection, path, body, kind):
    connection.request("POST", path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status not in (200, 201):
        raise RuntimeError(f"POST {path}: {answer.status} {text[:200]}")


def create(port, name):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("DELETE", f"{INDEX}/{name}")
    connection.getresponse().read()
    definition = {"name": name, "dimension": DIMENSION, "metric": "l2", "m": M, "ef_construction": EF_CONSTRUCTION}
    post(connection, INDEX, json.dumps(definition), "application/json")


def add_all(port, name, bodies, kind):
    """Every body once, from CLIENTS connections."""
    left, lock, errors = list(reversed(bodies)), threading.Lock(), []

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            while True:
                with lock:
                    if not left:
                        return
                    body = left.pop()
                post(connection, f"{INDEX}/{name}/add", body, kind)
        except Exception as error:
            errors.append(error)
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def adds(lake, bodies, kind):
    def work():
        port, pid = lake.ports["gateway"], lake.processes["serve"].pid
        create(port, "adds")
        began, before = time.monotonic(), server_cpu([pid])
        add_all(port, "adds", bodies, kind)
        wall, cpu = time.monotonic() - began, server_cpu([pid]) - before
        return {"items_per_s": COUNT / wall, "items_per_cpu_s": COUNT / cpu}
    return work


def build_in_process(data, folder):
    def work():
        cpus = sorted(os.sched_getaffinity(0))[-2:]
        spent, _ = ask(OURS, "build", cpus, base=data.vectors()[0], metric="l2", m=M, ef_construction=EF_CONSTRUCTION, threads=2,
                       out=folder, quantization="sq8")
        return {"items_per_s": COUNT / spent["seconds"], "items_per_cpu_s": COUNT / spent["cpu_seconds"]}
    return work


def search_in_process(queries, folder):
    """CLIENTS processes at once, each with a processor of its own."""
    def work():
        with tempfile.TemporaryDirectory() as scratch:
            cpus, running = sorted(os.sched_getaffinity(0)), []
            for nth in range(CLIENTS):
                command = [*command_of(OURS), "search", "--index", folder, "--queries", str(queries), "--k", str(K), "--ef", str(EF),
                           "--repeat", "20", "--out", f"{scratch}/{nth}"]
                running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                                preexec_fn=lambda nth=nth: os.sched_setaffinity(0, [cpus[nth % len(cpus)]])))
            found = [json.loads(process.communicate(timeout=120)[0])[0] for process in running]
        asked = 20 * len(read_matrix(queries, "<f4"))
        return {"queries_per_s": sum(one["qps"] for one in found), "queries_per_cpu_s": asked * CLIENTS / sum(one["cpu_seconds"] for one in found)}
    return work


def searches(lake, files, path, headers, seconds, each):
    def work():
        pid = lake.processes["serve"].pid
        os.environ["BODIES"] = "\n".join(map(str, files))
        try:
            found = wrk(lake.ports["gateway"], [path], [pid], CLIENTS, seconds, "POST", headers=headers)
        finally:
            del os.environ["BODIES"]
        return {"queries_per_s": found["per_s"] * each, "queries_per_cpu_s": each * 1e6 / found["cpu_us_per_request"], "p50_us": found["p50_us"],
                "p99_us": found["p99_us"]}
    return work


def written(folder, name, bodies):
    files = [folder / f"{name}{nth}" for nth in range(len(bodies))]
    for file, body in zip(files, bodies):
        file.write_bytes(body)
    return files


def vectors_over_http(quick, runs):
    data, seconds = DataSet(COUNT, DIMENSION), 2 if quick else 5
    base, queries = read_matrix(data.vectors()[0], "<f4"), read_matrix(data.vectors()[1], "<f4")
    with ExitStack() as stack:
        lake = stack.enter_context(Lake())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        firsts = range(0, COUNT, BATCH)
        json_items, arrow_items = ([make(np.asarray(base[at:at + BATCH]), at) for at in firsts] for make in (as_json, as_arrow))
        create(lake.ports["gateway"], "docs")
        add_all(lake.ports["gateway"], "docs", arrow_items, STREAM)
        singles = written(scratch, "single", [json.dumps({"vector": q.tolist(), "k": K, "ef": EF, "include": []}).encode() for q in queries])
        batches = written(scratch, "batch", [arrow({"vector": fixed(queries[at:at + QUERIES_IN_BATCH])}) for at in range(0, len(queries), QUERIES_IN_BATCH)])
        options = "%7B%22k%22:10,%22ef%22:80,%22include%22:[]%7D"
        path = f"{INDEX}/docs/search"
        contenders = {
            "search, in process": search_in_process(data.vectors()[1], str(scratch / "built")),
            "search, JSON": searches(lake, singles, path, ["Content-Type: application/json"], seconds, 1),
            "search, Arrow batches": searches(lake, batches, f"{path}?options={options}", [f"Content-Type: {STREAM}", f"Accept: {STREAM}"], seconds, QUERIES_IN_BATCH),
            "add, JSON": adds(lake, json_items, "application/json"),
            "add, Arrow": adds(lake, arrow_items, STREAM),
        }
        return interleaved({"add, in process": build_in_process(data, str(scratch / "built")), **contenders}, runs)


AIMS = (("search, JSON", "search, in process", "queries_per", 0.7), ("search, Arrow batches", "search, in process", "queries_per", 0.9),
        ("add, JSON", "add, in process", "items_per", 0.8), ("add, Arrow", "add, in process", "items_per", 0.8))


def show(name, result):
    print(f"\n{name}")
    for contender, figures in result["medians"].items():
        print(f"  {contender:24} " + "  ".join(f"{key} {value:,.0f}" for key, value in figures.items()))
    for ours, peer, what, aim in AIMS:
        if ours in result["medians"] and peer in result["medians"]:
            ratios = [result["medians"][ours][key] / result["medians"][peer][key] for key in (f"{what}_s", f"{what}_cpu_s")]
            print(f"  {ours} against {peer}: {ratios[0]:.2f}x, by the server's CPU {ratios[1]:.2f}x (aim >= {aim}x)")
    for contender, why in result["failed"].items():
        print(f"  {contender:24} not measured: {why}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    medians, _, failed = vectors_over_http(chosen.quick, chosen.runs)
    show("vectors_over_http", {"medians": medians, "failed": failed})
