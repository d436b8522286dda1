"""Independent clients: what they send is taken, what they read back is what was sent."""

import io
import subprocess

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import requests

CSV = "id,zip,at,day,fare,ok\n" + "".join(
    f"{i},{i % 100:05},2026-01-{1 + i % 28:02}T{i % 24:02}:00:00,2026-02-{1 + i % 28:02},{i / 8},{'true' if i % 3 else ''}\n" for i in range(20000))


def test_requests_sends_a_form_and_duckdb_and_polars_read_the_file(lake):
    answer = requests.post(lake.url("/v1/ingest?name=trips"), files={"file": ("trips.csv", CSV, "text/csv")}, timeout=30)
    assert answer.status_code == 201, answer.text
    (key,) = [o["key"] for o in answer.json()["objects"]]
    path = lake.folder / "data" / "store" / key
    assert duckdb.sql(f"SELECT count(*), sum(fare), min(zip), count(ok) FROM '{path}'").fetchone() == (20000, 24998750.0, "00000", 13333)
    frame = polars.read_parquet(path)
    assert frame.height == 20000 and frame["zip"][7] == "00007" and str(frame["at"].dtype).startswith("Datetime")
    assert [str(field.type) for field in pq.read_schema(path)] == ["int64", "string", "timestamp[us]", "date32[day]", "double", "bool"]
    assert pq.read_schema(path).field("id").metadata[b"PARQUET:field_id"] == b"1"


def test_pyarrow_reads_the_arrow_stream(lake):
    answer = requests.post(lake.url("/v1/sql"), json={"sql": "SELECT * FROM trips ORDER BY id"}, stream=True, timeout=30,
                           headers={"Accept": "application/vnd.apache.arrow.stream"})
    table = pa.ipc.open_stream(answer.raw).read_all()
    assert table.num_rows == 20000 and table.column("zip")[7].as_py() == "00007"


def test_parquet_out_is_read_by_pyarrow(lake):
    answer = requests.post(lake.url("/v1/sql"), json={"sql": "SELECT id, day FROM trips WHERE id < 5"}, timeout=30,
                           headers={"Accept": "application/vnd.apache.parquet"})
    assert sorted(pq.read_table(io.BytesIO(answer.content)).column("id").to_pylist()) == [0, 1, 2, 3, 4]


def test_curl_streams_standard_input(lake):
    done = subprocess.run(["curl", "-sS", "-X", "POST", "-H", "Content-Type: text/csv", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-",
                           lake.url("/v1/ingest?name=curled")], input=CSV.encode(), capture_output=True, timeout=30)
    assert b'"row_count":20000' in done.stdout, done


def test_a_parquet_upload_and_json_lines(lake):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([1, None, 3], pa.int32()), "b": ["x", "y", None]}), buffer)
    sent = requests.post(lake.url("/v1/ingest?name=pq"), data=buffer.getvalue(), headers={"Content-Type": "application/vnd.apache.parquet"}, timeout=30)
    assert sent.status_code == 201 and sent.json()["row_count"] == 3, sent.text
    assert lake.rows("SELECT a, b FROM pq") == [[1, "x"], [None, "y"], [3, None]]
    lines = requests.post(lake.url("/v1/ingest?name=nd"), data='{"a":1}\n{"b":"z","a":2}\n', headers={"Content-Type": "application/x-ndjson"}, timeout=30)
    assert lines.status_code == 201, lines.text
    assert lake.rows("SELECT a, b FROM nd") == [[1, None], [2, "z"]]


def test_values_come_back(lake):
    text = 'v\n9007199254740993\n-1\n0\n'
    assert lake.ingest("ints", text).json()["columns"][0]["type"] == "BIGINT"
    assert [row[0] for row in lake.rows("SELECT v FROM ints")] == [9007199254740993, -1, 0]
    for name, values, wanted in [("a1", ["00123", "5"], "VARCHAR"), ("a2", ["+5"], "VARCHAR"), ("a3", ["9223372036854775808"], "VARCHAR"),
                                 ("a4", ["0.12345678901234567890"], "VARCHAR"), ("a5", ["yes", "no"], "VARCHAR"), ("a6", ["01/02/2026"], "VARCHAR"),
                                 ("a7", ["0x1F"], "VARCHAR"), ("a8", ["1", "x"], "VARCHAR"), ("a9", ["", ""], "VARCHAR"), ("b1", ["TRUE", "false"], "BOOLEAN"),
                                 ("b2", ["1", "2.5"], "DOUBLE"), ("b3", ["2026-01-31T10:00:00+02:00"], "TIMESTAMP WITH TIME ZONE")]:
        answer = lake.ingest(name, "k,v\n" + "".join(f"1,{value}\n" for value in values)).json()
        assert answer["columns"][1]["type"] == wanted, (values, answer)
        if wanted == "VARCHAR" and values[0]:
            assert [row[0] for row in lake.rows(f"SELECT v FROM {name}")] == values
