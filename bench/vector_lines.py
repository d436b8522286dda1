#!/usr/bin/env python3
"""The line `vectors` of bench/run: our index beside hnswlib, usearch and faiss at equal M and ef_construction.

    bench/vector_lines.py [--quick] [--dimension D]… [--engine NAME]… [--rounds N] [--builds N] [--reuse]

As a program: a part of the line, for tuning; prints the table, and what it is at to standard error. Each engine builds with
two threads; then all are asked in turn, round after round, on one pinned processor, in a process of its own each time. QPS
at a recall is interpolated (log QPS over recall) between the two values of ef around it; filtered search counts at the first
ef of the list that reaches recall 0.95. Figures "by CPU" are queries for each CPU second: on a busy machine the steadier.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import vector_plot
from vector_data import QUERIES, QUICK_SIZES, ROOT, SELECTIVITIES, SIZES, DataSet, read_matrix, recall, write_matrix
from vector_peers import FILTERING, HNSWLIB, OURS, PYTHON_ENGINES, command_of

FULL = ("usearch-f32", "faiss-flat")
ENGINES = (OURS, HNSWLIB, *PYTHON_ENGINES)
METRIC = {128: "l2", 768: "cosine", 1536: "cosine"}
K, M, EF_CONSTRUCTION, THREADS, REPEAT = 10, 16, 200, 2, 3
EF = (10, 14, 20, 28, 40, 56, 80, 112, 160, 226, 320)
FILTER_EF = (*EF, 640, 1280)
FILTER_QUERIES, FILTER_RECALL = 200, 0.95
TARGETS = (0.95, 0.99)
LIMIT_S = 3600


def ask(engine, what, cpus, **options):
    """One command of an engine on these processors; its JSON and the peak MiB of its process."""
    words = [*command_of(engine), what]
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        environment = dict(os.environ, OMP_NUM_THREADS=str(len(cpus)), OPENBLAS_NUM_THREADS=str(len(cpus)))
        process = subprocess.Popen(words, stdout=out, stderr=errors, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        try:
            peak = watched(process)
        finally:  # nothing goes on when this program is interrupted
            process.kill()
            process.wait()
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{engine} {what}: {errors.read().decode(errors='replace')[-300:] or process.returncode}")
        return json.loads(out.read()), peak


def watched(process):
    """Waits for it to end; its peak MiB, read from outside: the kernel's figure for a finished child knows its parent's size."""
    peak, deadline = 0.0, time.monotonic() + LIMIT_S
    while process.poll() is None:
        try:
            peak = max(peak, int(Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024)
        except (OSError, IndexError):
            pass  # it has just ended
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.05)
    return peak


class Case:
    """One size and metric; holds what every engine has been found to do."""

    def __init__(self, size, engines):
        self.data, self.metric = DataSet(*size), METRIC[size[1]]
        self.name = f"{size[0]:,} x {size[1]:,}, {self.metric}"
        self.engines, self.failed = list(engines), {}
        self.found = {engine: defaultdict(list) for engine in engines}
        self.cpus = sorted(os.sched_getaffinity(0))

    def folder(self, engine):
        return self.data.folder / f"index-{engine}-{self.metric}"

    def each(self, work, among=ENGINES):
        """Does it for every engine; one that fails is out, and the reason kept."""
        for engine in [one for one in self.engines if one in among]:
            print(f"{self.name}: {engine} {getattr(work, '__name__', '')}", file=sys.stderr, flush=True)
            try:
                work(engine)
            except Exception as error:
                self.failed[engine] = str(error)[:400]
                self.engines.remove(engine)

    def find(self, engine):
        command_of(engine)

    def build(self, engine):
        base, _ = self.data.vectors()
        extra = {"quantization": "sq8"} if engine == OURS else {}
        self.folder(engine).mkdir(parents=True, exist_ok=True)
        spent, _ = ask(engine, "build", self.cpus[-THREADS:], base=base, metric=self.metric, m=M, ef_construction=EF_CONSTRUCTION,
                       threads=THREADS, out=self.folder(engine), **extra)
        self.found[engine]["build"].append(spent)

    def build_missing(self, engine):
        if not any(self.folder(engine).glob("*")):
            self.build(engine)

    def open(self, engine):
        self.found[engine]["open"].append(ask(engine, "open", self.cpus[-1:], index=self.folder(engine))[0])

    def search(self, engine):
        with tempfile.TemporaryDirectory() as scratch:
            _, queries = self.data.vectors()
            answer, peak = ask(engine, "search", self.cpus[-1:], index=self.folder(engine), queries=queries, k=K, ef=",".join(map(str, EF)),
                               repeat=REPEAT, out=f"{scratch}/ids")
            curve = self.judged(answer, f"{scratch}/ids", self.data.truth(self.metric), QUERIES * REPEAT)
            self.found[engine]["search"].append({"peak_mib": peak, "curve": curve})

    @staticmethod
    def judged(answer, prefix, truth, asked):
        right = read_matrix(truth, "<u4")
        return [{"ef": one["ef"], "qps": one["qps"], "cpu_qps": asked / one["cpu_seconds"],
                 "recall": recall(found, right[:len(found)], K)}
                for one in answer for found in [read_matrix(f"{prefix}-ef{one['ef']}.ibin", "<u4")]]

    def filter(self, engine):
        """Filtered search at each selectivity, with the ef that an earlier round found to be enough."""
        queries = self.data.folder / f"queries-{FILTER_QUERIES}.fbin"
        if not queries.exists():
            write_matrix(queries, read_matrix(self.data.vectors()[1], "<f4")[:FILTER_QUERIES])
        for share in SELECTIVITIES:
            below, kept = self.data.below(share), self.found[engine][f"filter {share:g}"]
            with tempfile.TemporaryDirectory() as scratch:
                for ef in [kept[0]["ef"]] if kept else FILTER_EF:
                    answer, _ = ask(engine, "filter", self.cpus[-1:], index=self.folder(engine), queries=queries, attr=self.data.attributes(),
                                    below=below, k=K, ef=ef, repeat=1, out=f"{scratch}/ids")
                    [one] = self.judged(answer, f"{scratch}/ids", self.data.truth(self.metric, below), FILTER_QUERIES)
                    if one["recall"] >= FILTER_RECALL:
                        break
            kept.append(one)

    def medians(self, engine):
        found, figures = self.found[engine], {}
        middle = lambda things, key: statistics.median(thing[key] for thing in things)  # noqa: E731
        if found["build"]:
            figures.update(build_s=middle(found["build"], "seconds"), build_cpu_s=middle(found["build"], "cpu_seconds"))
        if found["open"]:
            settled = [one.get("settled_rss_anon_bytes", one["rss_anon_bytes"]) for one in found["open"]]
            figures.update(open_ms=middle(found["open"], "seconds") * 1e3, open_cpu_ms=middle(found["open"], "cpu_seconds") * 1e3,
                           bytes_per_vector=statistics.median(settled) / self.data.count)
        if found["search"]:
            figures["peak_mib"] = middle(found["search"], "peak_mib")
            curve = self.curve(engine)
            for target in TARGETS:
                for key in ("qps", "cpu_qps", "ef"):
                    figures[f"{key}_at_{target}"] = at_recall(curve, target, key)
        for share in SELECTIVITIES:
            kept = found[f"filter {share:g}"]
            if kept:
                figures.update({f"filter_{share:g}_{key}": middle(kept, key) for key in ("qps", "cpu_qps", "recall", "ef")})
        return figures

    def curve(self, engine):
        """Medians over the rounds for each ef."""
        return [{key: statistics.median(point[key] for point in points) for key in points[0]}
                for points in zip(*(one["curve"] for one in self.found[engine]["search"]))]


def at_recall(curve, target, key):
    """The figure at this recall, interpolated; that of the first point when already it is above; None when none is."""
    points = sorted(curve, key=lambda point: point["ef"])
    if points and points[0]["recall"] >= target:
        return points[0][key]
    for low, high in zip(points, points[1:]):
        if low["recall"] < target <= high["recall"]:
            part = (target - low["recall"]) / (high["recall"] - low["recall"])
            return math.exp((1 - part) * math.log(low[key]) + part * math.log(high[key]))
    return None


def measure(sizes, engines, rounds, builds, reuse=False):
    cases = []
    for size in sizes:
        case = Case(size, engines)
        cases.append(case)
        case.data.truth(case.metric)
        for share in SELECTIVITIES:
            case.data.truth(case.metric, case.data.below(share))
        case.each(case.find)
        for _ in range(builds):
            case.each(case.build_missing if reuse else case.build)
        for _ in range(rounds):
            case.each(case.open)
            case.each(case.search)
            case.each(case.filter, FILTERING)
    return cases


def vectors(quick, runs):
    cases = measure(QUICK_SIZES if quick else SIZES, ENGINES, runs, runs if quick else 1)
    curves = {case.name: {engine: case.curve(engine) for engine in case.engines} for case in cases}
    picture = ROOT / ("bench/out" if quick else "docs/images") / "vector-recall-qps.svg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(vector_plot.draw(curves))
    return summary(cases)


def summary(cases):
    return ({case.name: {engine: case.medians(engine) for engine in case.engines} for case in cases},
            {case.name: case.found for case in cases},
            {f"{case.name}: {engine}": why for case in cases for engine, why in case.failed.items()})


def aims(dimension, figures):
    """(what, our ratio or None, aim, whether a smaller ratio is better) for one case; rates by the clock and by CPU time."""
    ours, hnswlib = figures.get(OURS, {}), figures.get(HNSWLIB, {})

    def over(key, against):
        return ours[key] / against if ours.get(key) and against else None
    for target in TARGETS:
        for by, key in (("", f"qps_at_{target}"), (" by CPU", f"cpu_qps_at_{target}")):
            yield f"QPS{by} at recall {target} against hnswlib", over(key, hnswlib.get(key)), 3, False
            for what, peers in (("usearch and faiss on float32", FULL), ("usearch and faiss, compressed too", PYTHON_ENGINES)):
                best = max((figures.get(engine, {}).get(key) or 0 for engine in peers), default=0)
                yield f"QPS{by} at recall {target} against the best of {what}", over(key, best), 2, False
    for by, key in (("", "build_s"), (" by CPU", "build_cpu_s")):
        rate = over(key, hnswlib.get(key))
        yield f"build rate{by} against hnswlib", rate and 1 / rate, 2, False
    if dimension == 768:
        yield "anonymous bytes once open and settled against hnswlib", over("bytes_per_vector", hnswlib.get("bytes_per_vector")), 0.35, True
        # What is mapped and was touched counts here, so that nothing is made light by mapping it.
        yield "peak MiB of the searching process against hnswlib, mapped pages too", over("peak_mib", hnswlib.get("peak_mib")), 0.35, True
    for share in SELECTIVITIES:
        key = f"filter_{share:g}_"
        enough = ours.get(key + "recall", 0) >= FILTER_RECALL
        for by, rate in (("", "qps"), (" by CPU", "cpu_qps")):
            yield f"filtered {share:.1%}, QPS{by} against hnswlib", over(key + rate, hnswlib.get(key + rate)) if enough else None, 2, False
    if dimension == 128:
        for by, key in (("", "open_ms"), (" by CPU", "open_cpu_ms")):
            slower = over(key, hnswlib.get(key))
            yield f"reopen{by} against hnswlib", slower and 1 / slower, 20, False


def show(_name, result):
    columns = {"qps_at_0.95": "QPS@.95", "ef_at_0.95": "ef", "qps_at_0.99": "QPS@.99", "ef_at_0.99": "ef", "cpu_qps_at_0.95": "by CPU@.95",
               "cpu_qps_at_0.99": "@.99", "build_s": "build s", "build_cpu_s": "CPU s", "open_ms": "open ms", "open_cpu_ms": "by CPU", "bytes_per_vector": "B/vector",
               "peak_mib": "peak MiB"}

    def cell(value):
        return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    print("\nvectors (load average before–after " + "–".join(f"{value:.1f}" for value in result["load"]) + ")" if "load" in result else "\nvectors")
    for name, figures in result["medians"].items():
        print(f"\n  {name}\n  {'':14}" + "".join(f"{head:>12}" for head in columns.values()))
        for engine, found in figures.items():
            print(f"  {engine:14}" + "".join(f"{cell(found.get(column)):>12}" for column in columns))
        print(f"  {'filtered':14}" + "".join(f"{f'{share:.1%}':>24}" for share in SELECTIVITIES) + "   (QPS, recall, ef)")
        for engine in (one for one in figures if one in FILTERING):
            keys = [[figures[engine].get(f"filter_{share:g}_{key}") for key in ("qps", "recall", "ef")] for share in SELECTIVITIES]
            print(f"  {engine:14}" + "".join(f"{f'{cell(qps)}  {recalled or 0:.3f}  {cell(ef)}':>24}" for qps, recalled, ef in keys))
        for what, ratio, aim, smaller in aims(int(name.split(" x ")[1].split(", ")[0].replace(",", "")), figures):
            met = ratio is not None and (ratio <= aim if smaller else ratio >= aim)
            verdict = "not measured" if ratio is None else f"{ratio:.2f}x, aim {'≤' if smaller else '≥'} {aim}x: {'met' if met else 'missed'}"
            print(f"  {what:72} {verdict}")
    for contender, why in result["failed"].items():
        print(f"  {contender:36} not measured: {why}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the vectors")
    parser.add_argument("--dimension", type=int, choices=METRIC, action="append")
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--builds", type=int, default=1)
    parser.add_argument("--reuse", action="store_true", help="indexes that are there are not built again")
    parser.add_argument("--plot", type=Path, help="write the picture here")
    options = parser.parse_args()
    sizes = [size for size in (QUICK_SIZES if options.quick else SIZES) if size[1] in (options.dimension or METRIC)]
    cases = measure(sizes, options.engine or ENGINES, options.rounds, options.builds, options.reuse)
    if options.plot:
        options.plot.write_text(vector_plot.draw({case.name: {engine: case.curve(engine) for engine in case.engines} for case in cases}))
    medians, _, failed = summary(cases)
    show("vectors", {"medians": medians, "failed": failed})


if __name__ == "__main__":
    main()
