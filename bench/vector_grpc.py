#!/usr/bin/env python3
"""The line `vectors_over_grpc` of bench/run: searches over gRPC with packed floats beside the same searches as JSON.

    bench/vector_grpc.py [--quick] [--runs N]

One server, two indexes: 100,000 x 128 and 20,000 x 768, l2, sq8, M 16, ef_construction 200; k 10, ef 80, no metadata; of 768 dimensions
also with the vectors of the hits in the answers. JSON: one
vector a request, two keep-alive connections of wrk. gRPC, by bench/grpc's client from two connections: one vector a call; 100
vectors a call, one after another in one packed field; and a stream of one-vector messages, 16 under way. Client and server share the
machine's processors, and wrk costs less than a gRPC client: so a rate is given by the clock and by the CPU seconds of the server
alone. The client is built with: cmake --build build/release --target lakehouse_grpc_bench (LAKEHOUSE_GRPC_BENCH names another).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench/lib"), str(ROOT / "bench"), str(ROOT / "tests/smoke")]

from lake import BINARY, Lake  # noqa: E402
from measure import interleaved, server_cpu  # noqa: E402
from vector_data import DataSet, read_matrix  # noqa: E402
from vector_http import INDEX, STREAM, arrow, post, searches, written  # noqa: E402
from vector_lines import EF_CONSTRUCTION, M  # noqa: E402

CLIENT = os.environ.get("LAKEHOUSE_GRPC_BENCH", str(Path(BINARY).parent / "lakehouse_grpc_bench"))
SIZES, BATCH, K, EF, CLIENTS = ((100_000, 128), (20_000, 768)), 500, 10, 80, 2
MODES = {"one a call": "unary", "100 a call": "batch", "stream": "stream"}


def fill(port, name, data):
    import http.client
    import pyarrow as pa
    base = read_matrix(data.vectors()[0], "<f4")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    definition = {"name": name, "dimension": data.dimension, "metric": "l2", "m": M, "ef_construction": EF_CONSTRUCTION}
    post(connection, INDEX, json.dumps(definition), "application/json")
    for at in range(0, len(base), BATCH):
        rows = np.ascontiguousarray(base[at:at + BATCH])
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), data.dimension)
        post(connection, f"{INDEX}/{name}/add", arrow({"id": [str(at + i) for i in range(len(rows))], "vector": vectors}), STREAM)


def over_grpc(lake, name, queries, mode, seconds, vectors=False):
    def work():
        pid = lake.processes["serve"].pid
        command = [CLIENT, "--address", lake.grpc_address(), "--index", name, "--queries", str(queries), "--mode", mode, "--k", str(K),
                   "--ef", str(EF), "--clients", str(CLIENTS), "--seconds", str(seconds), "--vectors", str(int(vectors))]
        before = server_cpu([pid])
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=seconds + 60).stdout)
        cpu = server_cpu([pid]) - before
        return {"queries_per_s": found["queries"] / found["seconds"], "queries_per_cpu_s": found["queries"] / cpu,
                "p50_us": found["p50_us"], "p99_us": found["p99_us"]}
    return work


def vectors_over_grpc(quick, runs):
    seconds = 2 if quick else 5
    with ExitStack() as stack:
        lake = stack.enter_context(Lake())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contenders = {}
        for count, dimension in SIZES:
            data, name = DataSet(count, dimension), f"d{dimension}"
            fill(lake.ports["gateway"], name, data)
            queries = read_matrix(data.vectors()[1], "<f4")
            for vectors in (False, True) if dimension == 768 else (False,):
                what = f"{dimension} d" + " with vectors" * vectors
                asked = {"k": K, "ef": EF, "include": ["vector"] * vectors}
                bodies = written(scratch, f"{name}-{vectors}", [json.dumps({"vector": q.tolist(), **asked}).encode() for q in queries])
                contenders[f"JSON, {what}"] = searches(lake, bodies, f"{INDEX}/{name}/search", ["Content-Type: application/json"], seconds, 1)
                for label, mode in MODES.items():
                    contenders[f"gRPC {label}, {what}"] = over_grpc(lake, name, data.vectors()[1], mode, seconds, vectors)
        return interleaved(contenders, runs)


def show(name, result):
    print(f"\n{name}")
    medians = result["medians"]
    for contender, figures in medians.items():
        json_figures = medians.get("JSON, " + contender.rsplit(", ", 1)[1], figures)
        ratios = [figures[key] / json_figures[key] for key in ("queries_per_s", "queries_per_cpu_s")]
        print(f"  {contender:36} " + "  ".join(f"{key} {value:,.0f}" for key, value in figures.items()) +
              f"  {ratios[0]:.2f}x by the clock, {ratios[1]:.2f}x by CPU")
    for contender, why in result["failed"].items():
        print(f"  {contender:36} not measured: {why}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    medians, _, failed = vectors_over_grpc(chosen.quick, chosen.runs)
    show("vectors_over_grpc", {"medians": medians, "failed": failed})
