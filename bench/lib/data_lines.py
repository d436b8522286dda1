"""Lines of the table about files: CSV in, queries, results out. Each takes (quick, runs) and returns interleaved()'s answer."""

import http.client
import json
import subprocess
import time

from data import DATA, OUT, ROOT, make_trips
from lake import BINARY, Lake
from measure import interleaved, on_server, spend

VENV = str(ROOT / ".deps/venv/bin/python")
QUERIES = [
    "SELECT count(*) FROM {t}", "SELECT sum(fare), avg(tip) FROM {t}",
    "SELECT zone, count(*) c FROM {t} GROUP BY zone ORDER BY c DESC, zone LIMIT 5",
    "SELECT vendor, avg(distance) FROM {t} WHERE fare > 20 GROUP BY vendor ORDER BY 1",
    "SELECT max(dropoff_at - pickup_at) FROM {t}",
    "SELECT date_trunc('month', pickup_at) m, sum(fare) FROM {t} GROUP BY m ORDER BY m",
    "SELECT payment, passengers, count(*) FROM {t} GROUP BY ALL ORDER BY ALL",
    "SELECT * FROM {t} ORDER BY fare DESC, trip_id LIMIT 10", "SELECT approx_quantile(distance, 0.9) FROM {t}",
    "SELECT count(DISTINCT note) FROM {t}"]


def python(code):
    return [VENV, "-c", code]


def convert(csv):
    return lambda: spend([BINARY, "convert", str(csv), str(OUT / "converted.parquet")])


def csv_to_parquet(quick, runs):
    csv, out = make_trips(400_000 if quick else 4_600_000), OUT / "converted.parquet"
    duck = (f"import duckdb\nduckdb.sql('SET preserve_insertion_order=false')\n"
            f"duckdb.sql(\"COPY (FROM read_csv('{csv}', sample_size=-1)) TO '{out}' (FORMAT parquet, COMPRESSION snappy)\")")
    arrow = (f"import pyarrow.csv as c, pyarrow.parquet as p\nr = c.open_csv('{csv}')\nw = p.ParquetWriter('{out}', r.schema, compression='snappy')\n"
             f"[w.write_batch(b) for b in r]\nw.close()")
    sampled = f"import polars; polars.scan_csv('{csv}', try_parse_dates=True).sink_parquet('{out}', compression='snappy')"
    whole = f"import polars; polars.scan_csv('{csv}', infer_schema_length=None).sink_parquet('{out}', compression='snappy')"
    return interleaved({
        "lakehouse convert": convert(csv), "duckdb": lambda: spend(python(duck)), "pyarrow (types from the first block)": lambda: spend(python(arrow)),
        "polars (types from 100 rows)": lambda: spend(python(sampled)), "polars (whole file, dates as text)": lambda: spend(python(whole))}, runs)


def upload(lake, csv, name):
    subprocess.run(["curl", "-sSf", "-X", "POST", "-H", "Content-Type: text/csv", "-T", str(csv), lake.url(f"/v1/ingest?name={name}")],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ingest_over_http(quick, runs):
    csv, count = make_trips(400_000 if quick else 4_600_000), iter(range(1000))
    with Lake() as lake:
        pid = lake.processes["serve"].pid
        return interleaved({"POST /v1/ingest (server)": lambda: on_server(pid, lambda: upload(lake, csv, f"t{next(count)}")),
                            "lakehouse convert": convert(csv)}, runs)


def trips_lake(quick):
    """A lake with the dataset `trips`, entered by the caller; and how to fill it and list its files."""
    csv = make_trips(1_000_000 if quick else 10_000_000)

    def fill(lake):
        upload(lake, csv, "trips")
        return [str(path) for path in (lake.folder / "data").rglob("*.parquet") if "/datasets/" in str(path)]
    return Lake(), fill


def queries(quick, runs):
    import duckdb
    lake, fill = trips_lake(quick)
    with lake:
        files, embedded = fill(lake), duckdb.connect()
        connection = http.client.HTTPConnection("127.0.0.1", lake.ports["gateway"])

        def over_http(query):
            connection.request("POST", "/v1/sql", json.dumps({"sql": query.format(t="trips")}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(body.decode())

        def in_process(query):
            embedded.execute(query.format(t=f"read_parquet({files})")).fetchall()

        def each(work):
            found, cpu = {}, time.process_time()
            for nth, query in enumerate(QUERIES, 1):
                began = time.monotonic()
                work(query)
                found[f"q{nth}_ms"] = (time.monotonic() - began) * 1e3
            return {"wall_s": sum(found.values()) / 1e3, "cpu_s": time.process_time() - cpu, **found}

        def served():
            found = {}
            cost = on_server(lake.processes["serve"].pid, lambda: found.update(each(over_http)))
            return dict(found, cpu_s=cost["cpu_s"])
        for work in (over_http, in_process):  # caches of both are warm
            each(work)
        return interleaved({"POST /v1/sql": served, "duckdb embedded": lambda: each(in_process)}, runs)


def results_out(quick, runs):
    columns = ["trip_id", "zone", "fare", "pickup_at"]
    body = json.dumps({"sql": f"SELECT {', '.join(columns)} FROM trips"})
    lake, fill = trips_lake(quick)
    with lake:
        files, pid = fill(lake), lake.processes["serve"].pid

        def fetch(accept):
            command = ["curl", "-sSf", "-o", "/dev/null", "-H", "Content-Type: application/json", "-H", f"Accept: {accept}", "-d", body, lake.url("/v1/sql")]
            return lambda: on_server(pid, lambda: subprocess.run(command, check=True, stderr=subprocess.PIPE))

        def in_python(code):
            """The work alone is timed, not the interpreter's start; peak memory is the whole process's."""
            program = (f"import time, resource\n{code.split(chr(10))[0]}\nb, c = time.monotonic(), time.process_time()\n" + "\n".join(code.split("\n")[1:]) +
                       "\nprint(time.monotonic() - b, time.process_time() - c, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)")

            def work():
                done = subprocess.run(python(program), check=True, capture_output=True, text=True)
                return dict(zip(("wall_s", "cpu_s", "rss_mib"), map(float, done.stdout.split())))
            return work
        arrow = f"import pyarrow.parquet as p\nt = [p.read_table(f, columns={columns}) for f in {files}]"
        duck = (f"import duckdb\nduckdb.sql('SET enable_progress_bar=false')\nduckdb.sql(\"COPY (SELECT {', '.join(columns)} FROM read_parquet({files})) TO '{DATA}/out.json' (FORMAT json)\")")
        return interleaved({"Arrow stream": fetch("application/vnd.apache.arrow.stream"), "pyarrow read_table": in_python(arrow),
                            "JSON": fetch("application/json"), "duckdb COPY json": in_python(duck)}, runs)
