"""Vectors as Arrow streams, made and read by pyarrow; and full text beside vectors."""

import json

import numpy as np
import pyarrow as pa
import pytest
import requests

STREAM = "application/vnd.apache.arrow.stream"


def stream_of(table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def index(lake):
    url = lake.url("/v1/vectors/index")
    requests.delete(f"{url}/arrow", timeout=30)
    made = requests.post(url, json={"name": "arrow", "dimension": 8, "metric": "l2", "text_field": "body"}, timeout=30)
    assert made.status_code == 201, made.text
    return f"{url}/arrow"


def add(index, table):
    return requests.post(f"{index}/add", data=stream_of(table), headers={"Content-Type": STREAM}, timeout=30)


VECTORS = np.random.default_rng(3).normal(size=(500, 8)).astype(np.float32)
IDS = [f"a{i}" for i in range(500)]


@pytest.mark.parametrize("vectors", [
    pa.FixedSizeListArray.from_arrays(pa.array(VECTORS.ravel()), 8),
    pa.array(VECTORS.tolist(), pa.list_(pa.float32())),
    pa.array(VECTORS.astype(np.float64).tolist(), pa.large_list(pa.float64())),
], ids=["fixed", "list", "large doubles"])
def test_vectors_come_and_go_as_arrow(index, vectors):
    added = add(index, pa.table({"id": IDS, "vector": vectors, "metadata": ['{"body":"lake"}'] + [None] * 499}))
    assert added.status_code == 200, added.text
    assert added.json()["added"] == 500
    ask = {"vector": VECTORS[7].tolist(), "k": 5, "include": ["metadata", "vector"]}
    answer = requests.post(f"{index}/search", json=ask, headers={"Accept": STREAM}, timeout=30)
    assert answer.headers["Content-Type"] == STREAM
    hits = pa.ipc.open_stream(answer.content).read_all()
    assert hits.column("id")[0].as_py() == "a7"
    assert hits.column("distance").to_pylist() == sorted(hits.column("distance").to_pylist())
    assert np.array_equal(np.array(hits.column("vector")[0].as_py(), np.float32), VECTORS[7])
    both = requests.post(f"{index}/search", json={"searches": [ask, ask]}, headers={"Accept": STREAM}, timeout=30)
    assert pa.ipc.open_stream(both.content).read_all().column("search").to_pylist() == [0] * 5 + [1] * 5
    asked = requests.post(f"{index}/search", json={"text": "Lake"}, timeout=30)
    assert asked.status_code == 200, asked.text
    text = asked.json()["results"]
    assert [hit["id"] for hit in text] == ["a0"] and text[0]["score"] > 0


@pytest.mark.parametrize("table, named", [
    (pa.table({"id": ["a"], "vector": [[1.0, 2.0]]}), "2 dimensions"),
    (pa.table({"id": ["a"], "vector": [[None] * 8]}), "vector"),
    (pa.table({"id": [1], "vector": [[1.0] * 8]}), "id"),
    (pa.table({"id": ["a"], "vector": ["x"]}), "vector"),
    (pa.table({"id": ["a", "a"], "vector": [[1.0] * 8, [2.0] * 8]}), "twice"),
    (pa.table({"id": ["a"], "vector": [[1e300] * 8]}), "vector[0]"),
    (pa.table({"id": ["a"], "vector": [[1.0] * 8], "metadata": ["[1]"]}), "metadata"),
    (pa.table({"vector": [[1.0] * 8]}), "id"),
])
def test_wrong_tables_are_refused_whole(index, table, named):
    answer = add(index, table)
    assert (answer.status_code, named in answer.json()["detail"]) == (400, True), answer.text
    assert requests.get(index, timeout=30).json()["length"] == 0


def test_broken_streams_are_refused(index):
    whole = stream_of(pa.table({"id": IDS, "vector": VECTORS.tolist()}))
    for broken in (b"", b"ARROW1", whole[:100], whole[:len(whole) // 2], whole[:40] + b"\xff" * 40 + whole[80:]):
        answer = requests.post(f"{index}/add", data=broken, headers={"Content-Type": STREAM}, timeout=30)
        assert answer.status_code == 400, (len(broken), answer.text)
    assert requests.get(index, timeout=30).json()["length"] == 0


def test_a_stream_of_queries_is_answered_like_json(index):
    assert add(index, pa.table({"id": IDS, "vector": VECTORS.tolist(), "metadata": [f'{{"n":{i}}}' for i in range(500)]})).ok
    options = {"k": 4, "filter": {"n": {"$lt": 300}}, "include": ["metadata"]}

    def ask(queries, text=None, accept=STREAM):
        return requests.post(f"{index}/search", data=stream_of(pa.table({"vector": queries})), timeout=30,
                             params={"options": json.dumps(options) if text is None else text},
                             headers={"Content-Type": STREAM, "Accept": accept})

    hits = pa.ipc.open_stream(ask(VECTORS[:20].tolist()).content).read_all().to_pylist()
    searches = [{"vector": query.tolist(), **options} for query in VECTORS[:20]]
    answers = requests.post(f"{index}/search", json={"searches": searches}, timeout=30).json()["answers"]
    assert [(hit["search"], hit["id"]) for hit in hits] == [(n, hit["id"]) for n, one in enumerate(answers) for hit in one["results"]]
    assert ask(VECTORS[:20].tolist(), accept="application/json").json()["answers"] == answers
    for queries, text, named in (([[1.0] * 7], "{}", "row 0"), ([[float("nan")] * 8], "{}", "finite"), ([[1.0] * 8] * 1001, "{}", "1000"),
                                 ([[1.0] * 8], '{"vector":[1]}', "body"), ([[1.0] * 8], "{", "object"), ([[1.0] * 8], '{"x":1}', '"x"')):
        answer = ask(queries, text)
        assert (answer.status_code, named in answer.json()["detail"]) == (400, True), answer.text
