#!/usr/bin/env python3
"""The engines of the vector benchmark, each behind one command line; and, as a program, that of the ones from Python.

    ENGINE build  --base X.fbin --metric l2|cosine --m 16 --ef-construction 200 --threads 2 --out DIR
    ENGINE search --index DIR --queries Q.fbin --k 10 --ef 10,20,40 --repeat N --out PREFIX
    ENGINE filter --index DIR --queries Q.fbin --attr A.i32 --below S --k 10 --ef 10,20 --repeat N --out PREFIX
    ENGINE open   --index DIR

`build` and `open` print {"seconds", "cpu_seconds", "rss_anon_bytes"} (memory: RssAnon less what it was before), `search`
and `filter` [{"ef", "qps", "cpu_seconds"}] over `repeat` rounds on one thread after one unmeasured, and write the ids to
PREFIX-ef<EF>.ibin. File formats: bench/vector_data.py; 4294967295 fills the end of a short row.

ENGINE is `bench/vector_peers.py NAME` for usearch-f32, usearch-bf16, faiss-flat and faiss-sq8: all queries go in one call
with one thread, so that Python costs nothing. hnswlib is bench/vector/hnswlib_bench.cc, compiled here from the headers of
0.8 with -O3 -march=native, as its own package is; one call a query. Ours is build/release/lakehouse_vector_bench, or what
LAKEHOUSE_VECTOR_BENCH names, and also gets --quantization sq8.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from vector_data import ABSENT, FOLDER, ROOT, read_matrix, unit, write_matrix

OURS, HNSWLIB = "lakehouse", "hnswlib"
PYTHON_ENGINES = ("usearch-f32", "usearch-bf16", "faiss-flat", "faiss-sq8")
FILTERING = (OURS, HNSWLIB, "faiss-flat")  # usearch's Python package takes no predicate
HEADERS = ROOT / ".deps/hnswlib/include"


def command_of(engine):
    """How an engine is started; raises with what to do when it is not there."""
    if engine == OURS:
        program = Path(os.environ.get("LAKEHOUSE_VECTOR_BENCH", ROOT / "build/release/lakehouse_vector_bench")).resolve()
        if not program.exists():
            raise RuntimeError(f"{program} is not built")
        return [str(program)]
    return [compiled_hnswlib()] if engine == HNSWLIB else [sys.executable, __file__, engine]


def compiled_hnswlib():
    source, program = ROOT / "bench/vector/hnswlib_bench.cc", FOLDER / "hnswlib_bench"
    if not HEADERS.exists():
        raise RuntimeError("hnswlib's headers are missing; scripts/setup.sh --bench installs them")
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["clang++-19", "-std=c++17", "-O3", "-march=native", "-pthread", "-isystem", str(HEADERS), str(source), "-o", str(program)], check=True)
    return str(program)


class Usearch:
    def __init__(self, kind):
        self.kind = kind

    def build(self, base, metric, m, ef_construction, threads):
        from usearch.index import Index
        self.index = Index(ndim=base.shape[1], metric={"l2": "l2sq", "cosine": "cos"}[metric], dtype=self.kind, connectivity=m, expansion_add=ef_construction)
        self.index.add(np.arange(len(base)), base, threads=threads)

    def save(self, folder):
        self.index.save(folder / "index")

    def open(self, folder, _metric):
        from usearch.index import Index
        self.index = Index.restore(folder / "index")

    def search(self, queries, k, ef, allowed=None):
        if allowed is not None:
            raise RuntimeError("usearch's Python package has no filtered search")
        self.index.expansion_search = ef
        return self.index.search(queries, k, threads=1).keys


class Faiss:
    def __init__(self, kind):
        self.kind = kind

    def build(self, base, metric, m, ef_construction, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.metric, measure = metric, faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        rows = unit(base) if metric == "cosine" else np.asarray(base)
        if self.kind == "flat":
            self.index = faiss.IndexHNSWFlat(base.shape[1], m, measure)
        else:
            self.index = faiss.IndexHNSWSQ(base.shape[1], faiss.ScalarQuantizer.QT_8bit, m, measure)
        self.index.hnsw.efConstruction = ef_construction
        if not self.index.is_trained:
            self.index.train(rows)
        self.index.add(rows)

    def save(self, folder):
        import faiss
        faiss.write_index(self.index, str(folder / "index"))

    def open(self, folder, metric):
        import faiss
        self.index, self.metric = faiss.read_index(str(folder / "index")), metric
        faiss.omp_set_num_threads(1)

    def search(self, queries, k, ef, allowed=None):
        import faiss
        settings = {"efSearch": ef}
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            settings["sel"] = faiss.IDSelectorBitmap(bits)
        wanted = unit(queries) if self.metric == "cosine" else queries
        return self.index.search(wanted, k, params=faiss.SearchParametersHNSW(**settings))[1]


def rss_anon():
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) * 1024


def costs(work):
    before, began, cpu = rss_anon(), time.monotonic(), time.process_time()
    work()
    return {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu, "rss_anon_bytes": rss_anon() - before}


def build(engine, options):
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    base = read_matrix(options.base, "<f4")
    print(json.dumps(costs(lambda: engine.build(base, options.metric, options.m, options.ef_construction, options.threads))))
    engine.save(folder)
    (folder / "about").write_text(options.metric)


def search(engine, options):
    engine.open(Path(options.index), (Path(options.index) / "about").read_text())
    queries = np.asarray(read_matrix(options.queries, "<f4")).copy()
    allowed = None if options.attr is None else np.fromfile(options.attr, "<i4") < options.below
    answer = []
    for ef in map(int, options.ef.split(",")):
        found = engine.search(queries, options.k, ef, allowed).astype(np.int64)
        spent = costs(lambda: [engine.search(queries, options.k, ef, allowed) for _ in range(options.repeat)])
        answer.append({"ef": ef, "qps": len(queries) * options.repeat / spent["seconds"], "cpu_seconds": spent["cpu_seconds"]})
        write_matrix(Path(f"{options.out}-ef{ef}.ibin"), np.where(found < 0, ABSENT, found).astype("<u4"))
    print(json.dumps(answer))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=PYTHON_ENGINES)
    parser.add_argument("command", choices=("build", "search", "filter", "open"))
    for name in ("base", "metric", "out", "index", "queries", "attr", "ef"):
        parser.add_argument("--" + name)
    for name in ("m", "ef-construction", "threads", "k", "repeat", "below"):
        parser.add_argument("--" + name, type=int)
    options = parser.parse_args()
    library, kind = options.engine.split("-")
    engine = {"usearch": Usearch, "faiss": Faiss}[library](kind)
    __import__(library)  # its own start is nobody's opening time
    if options.command == "build":
        build(engine, options)
    elif options.command == "open":
        folder = Path(options.index)
        print(json.dumps(costs(lambda: engine.open(folder, (folder / "about").read_text()))))
    else:
        search(engine, options)


if __name__ == "__main__":
    main()
