"""Parquet uploads whose columns are more than text files can say: kept as they are, asked by SQL, read by other tools."""

import datetime
import decimal
import io

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
PERSON = pa.struct([("name", pa.string()), ("ages", pa.list_(pa.int16()))])
TABLE = pa.table({
    "id": pa.array(["a", "b", "c"]),
    "embedding": pa.array([[1.0, 0.5], None, [0.0, -2.0]], pa.list_(pa.float32(), 2)),
    "tags": pa.array([["x", None], [], None], pa.list_(pa.string())),
    "who": pa.array([{"name": "Ada", "ages": [1, 2]}, None, {"name": None, "ages": []}], PERSON),
    "counts": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    "price": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-3.25")], pa.decimal128(9, 2)),
    "raw": pa.array([b"\x00\xff", None, b""], pa.binary()),
    "at": pa.array([datetime.time(1, 2, 3), None, datetime.time(0)], pa.time64("us")),
    "n": pa.array([1, None, 3], pa.uint64()),
})
TYPES = ["VARCHAR", "FLOAT[]", "VARCHAR[]", 'STRUCT("name" VARCHAR, "ages" SMALLINT[])', "MAP(VARCHAR, BIGINT)", "DECIMAL(9,2)", "BLOB", "TIME",
         "UBIGINT"]


def upload(lake, table, name, **params):
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return requests.post(lake.url("/v1/ingest"), params={"name": name, **params}, data=buffer.getvalue(), headers=PARQUET, timeout=30)


@pytest.fixture(scope="module")
def answer(lake):
    sent = upload(lake, TABLE, "docs")
    assert sent.status_code == 201, sent.text
    return sent.json()


def test_columns_keep_their_types(lake, answer):
    assert [column["type"] for column in answer["columns"]] == TYPES
    described = lake.rows("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'docs' ORDER BY ordinal_position")
    assert [row[0] for row in described] == TABLE.column_names
    assert described[5][1] == "DECIMAL(9,2)" and described[1][1] == "FLOAT[]"


def test_sql_reads_into_them(lake, answer):
    assert lake.rows("SELECT id, embedding[2], len(tags), who.name, who.ages[1], counts['k'], price * 2, n FROM docs ORDER BY id")[0] == [
        "a", 0.5, 2, "Ada", 1, 1, "3.00", 1]
    assert lake.rows("SELECT array_cosine_similarity(embedding::FLOAT[2], [1.0, 0.5]::FLOAT[2]) > 0.99 FROM docs WHERE id = 'a'") == [[True]]
    assert lake.rows("SELECT count(*) FROM docs WHERE price < 0 AND raw = ''::BLOB") == [[1]]
    assert lake.rows("SELECT unnest(tags) FROM docs WHERE id = 'a'") == [["x"], [None]]


def test_arrow_out_is_what_came_in(lake, answer):
    got = requests.post(lake.url("/v1/sql"), json={"sql": "FROM docs ORDER BY id"}, headers={"Accept": "application/vnd.apache.arrow.stream"}, timeout=30)
    table = pa.ipc.open_stream(got.content).read_all()
    assert table.to_pylist() == TABLE.to_pylist()


def test_other_tools_read_the_file(lake, answer, tmp_path):
    path = tmp_path / "docs.parquet"
    path.write_bytes(requests.get(lake.url(f"/v1/storage/objects/{answer['objects'][0]['key']}"), timeout=30).content)
    assert pq.read_table(path).to_pylist() == TABLE.to_pylist()
    assert polars.read_parquet(path)["embedding"].to_list() == [[1.0, 0.5], None, [0.0, -2.0]]
    assert duckdb.sql(f"SELECT who.name, price FROM '{path}' WHERE id = 'a'").fetchone() == ("Ada", decimal.Decimal("1.50"))
    assert pq.read_schema(path).field("price").metadata[b"PARQUET:field_id"] == b"6"


def test_more_rows_come_with_the_same_types_alone(lake, answer):
    assert upload(lake, TABLE.slice(1), "docs", mode="append").status_code == 200
    assert lake.rows("SELECT count(*) FROM docs") == [[5]]
    other = upload(lake, TABLE.set_column(5, "price", TABLE["price"].cast(pa.decimal128(12, 3))), "docs", mode="append")
    assert other.status_code == 409 and "DECIMAL(12,3)" in other.json()["detail"], other.text
    text = lake.ingest("docs", ",".join(TABLE.column_names) + "\n" + "," * 8 + "\n")
    assert text.status == 409 and "only Parquet uploads" in text.json()["detail"], text.body
    assert lake.rows("SELECT count(*) FROM docs") == [[5]]


def test_a_column_of_lists_becomes_an_index(lake):
    table = pa.table({"key": [f"k{i}" for i in range(300)], "vector": pa.array([[i / 100, 1.0, -i / 7] for i in range(300)], pa.list_(pa.float32()))})
    assert upload(lake, table, "embedded").status_code == 201
    assert requests.post(lake.url("/v1/vectors/index"), json={"name": "embedded", "dimension": 3, "metric": "l2"}, timeout=30).status_code == 201
    loaded = requests.post(lake.url("/v1/vectors/index/embedded/add"), json={"from": {"dataset": "embedded", "id": "key", "vector": "vector"}}, timeout=60)
    assert loaded.status_code == 200 and loaded.json()["added"] == 300, loaded.text
    joined = lake.rows("SELECT t.key FROM vector_search('embedded', [0.42, 1, -6]::FLOAT[], k := 1) v JOIN embedded t ON t.key = v.id")
    assert joined == [["k42"]]


def test_the_same_file_twice_is_one_commit(lake, answer):
    again = upload(lake, TABLE, "once")
    assert again.status_code == 201
    assert upload(lake, TABLE, "once").json()["objects"] == again.json()["objects"]


def test_what_has_no_counterpart_is_named(lake):
    bad = upload(lake, pa.table({"d": pa.array([1], pa.duration("s"))}), "bad")
    assert bad.status_code == 422 and 'column "d"' in bad.json()["detail"], bad.text
