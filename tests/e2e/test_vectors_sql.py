"""Vectors in SQL: searches that join datasets, indexes as tables, exports that other programs read."""

import json
import subprocess
import threading

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from lake import BINARY

ITEMS, DIMENSION = 20_000, 8


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(3).normal(size=(ITEMS, DIMENSION)).astype(np.float32)


@pytest.fixture(scope="module")
def docs(lake, vectors):
    base = lake.url("/v1/vectors/index")
    assert requests.post(base, json={"name": "docs", "dimension": DIMENSION, "metric": "l2"}, timeout=30).ok
    for at in range(0, ITEMS, 5000):
        items = [{"id": f"d{i}", "vector": vectors[i].tolist(), "metadata": {"n": i}} for i in range(at, at + 5000)]
        assert requests.post(f"{base}/docs/add", json={"items": items}, timeout=60).ok
    rows = "id,title\n" + "".join(f"d{i},title {i}\n" for i in range(0, ITEMS, 2))
    assert lake.ingest("titles", rows).status == 201
    return f"{base}/docs"


def test_hits_join_a_dataset(lake, docs, vectors):
    query = vectors[7].tolist()
    sql = """SELECT t.title, v.distance, v.metadata->>'n' FROM vector_search('docs', $1::FLOAT[], k := 10,
             filter := '{"n":{"$lt":1000}}', exact := true) v JOIN titles t ON t.id = v.id ORDER BY v.distance"""
    got = lake.rows(sql, params=[query])
    distances = ((vectors[:1000].astype(np.float64) - vectors[7]) ** 2).sum(axis=1)
    nearest = [i for i in np.argsort(distances)[:10] if i % 2 == 0]
    assert [title for title, _, _ in got] == [f"title {i}" for i in nearest]
    assert [n for _, _, n in got] == [str(i) for i in nearest]
    assert np.allclose([d for _, d, _ in got], distances[nearest], rtol=1e-5)


def test_sql_and_http_answer_alike(lake, docs, vectors):
    for query in vectors[:20]:
        hits = requests.post(f"{docs}/search", json={"vector": query.tolist(), "k": 5}, timeout=30).json()["results"]
        rows = lake.rows("SELECT id, distance, metadata FROM vector_search('docs', $1, k := 5)", params=[query.tolist()])
        assert [(h["id"], h["distance"], h["metadata"]) for h in hits] == [(i, pytest.approx(d), json.loads(m)) for i, d, m in rows]


def test_an_index_is_a_table(lake, docs, vectors):
    assert lake.rows("SELECT count(*), count(DISTINCT id), sum((metadata->>'n')::INT)::BIGINT FROM vectors.docs") == [
        [ITEMS, ITEMS, sum(range(ITEMS))]]
    answer = lake.sql("SELECT id, vector FROM vectors.docs", accept="application/vnd.apache.arrow.stream")
    table = pa.ipc.open_stream(answer.body).read_all()
    assert table.schema.field("vector").type.list_size == DIMENSION
    order = np.array([int(i[1:]) for i in table["id"].to_pylist()])
    values = table["vector"].combine_chunks().flatten().to_numpy().reshape(-1, DIMENSION)
    assert np.array_equal(values, vectors[order])
    near = lake.rows(f"SELECT id FROM vectors.docs ORDER BY array_distance(vector, $1::FLOAT[{DIMENSION}]) LIMIT 3",
                     params=[vectors[11].tolist()])
    assert near == lake.rows("SELECT id FROM vector_search('docs', $1, k := 3, exact := true)", params=[vectors[11].tolist()])


def test_a_scan_is_one_version_while_batches_come(lake, vectors):
    """Two items always change together; every scan finds them equal."""
    base = lake.url("/v1/vectors/index")
    assert requests.post(base, json={"name": "pairs", "dimension": 2, "metric": "l2"}, timeout=30).ok

    def write(value):
        items = [{"id": f"p{i}", "vector": [value, i]} for i in range(1200)]
        assert requests.post(f"{base}/pairs/add", json={"items": items}, timeout=30).ok

    write(0)
    done = threading.Event()

    def writer():
        value = 0
        while not done.is_set():
            value += 1
            write(value)

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        for _ in range(30):
            count, ids, values = lake.rows("SELECT count(*), count(DISTINCT id), count(DISTINCT vector[1]) FROM vectors.pairs")[0]
            assert (count, ids, values) == (1200, 1200, 1)
    finally:
        done.set()
        thread.join()


def test_exports_are_read_by_others(lake, docs, vectors, tmp_path):
    def export(name):
        done = subprocess.run([BINARY, "--url", lake.url(""), "vectors", "export", "docs", str(tmp_path / name)],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return tmp_path / name

    table = pq.read_table(export("docs.parquet"))
    assert table.num_rows == ITEMS
    count = duckdb.sql(f"SELECT count(*), sum((metadata->>'n')::INT) FROM '{tmp_path / 'docs.parquet'}'").fetchone()
    assert count == (ITEMS, sum(range(ITEMS)))
    lines = [json.loads(line) for line in export("docs.ndjson").read_text().splitlines()]
    by_id = {line["id"]: line for line in lines}
    assert len(by_id) == ITEMS and by_id["d5"] == {"id": "d5", "vector": by_id["d5"]["vector"], "metadata": {"n": 5}}
    assert np.array_equal(np.array(by_id["d5"]["vector"], np.float32), vectors[5])
    with pa.OSFile(str(export("docs.arrow"))) as file:
        assert pa.ipc.open_stream(file).read_all().num_rows == ITEMS
    # What was exported makes the same index again.
    copy = {"name": "copy", "dimension": DIMENSION, "metric": "l2"}
    assert requests.post(lake.url("/v1/vectors/index"), json=copy, timeout=30).ok
    for name in ("docs.ndjson", "docs.parquet"):
        added = subprocess.run([BINARY, "--url", lake.url(""), "vectors", "add", "copy", str(tmp_path / name)],
                               capture_output=True, text=True, timeout=60)
        assert added.returncode == 0, added.stderr
        assert lake.rows("SELECT count(*) FROM vectors.copy a JOIN vectors.docs b USING (id, vector)") == [[ITEMS]]
