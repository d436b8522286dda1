"""Items that come from a dataset: read by vectord itself, checked whole before the first is added."""

import json

import numpy as np
import pytest
import requests
from lake import SHAPES, Lake

ROWS, DIMENSION = 12_000, 6


@pytest.fixture(scope="module", params=SHAPES)
def shaped(request):
    with Lake(shape=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(5).normal(size=(ROWS, DIMENSION)).round(4)


def csv_of(rows):
    return "key,embedding,city,fare\n" + "".join(f'{key},"{vector}",{city},{fare}\n' for key, vector, city, fare in rows)


def create(lake, name, **options):
    made = requests.post(lake.url("/v1/vectors/index"), json={"name": name, "dimension": DIMENSION, "metric": "l2", **options}, timeout=30)
    assert made.status_code == 201, made.text
    return lake.url(f"/v1/vectors/index/{name}")


def load(index, source, **headers):
    return requests.post(f"{index}/add", json={"from": source}, headers=headers, timeout=120)


SOURCE = {"dataset": "rides", "id": "key", "vector": "embedding", "metadata": ["city", "fare"]}


@pytest.fixture(scope="module")
def rides(shaped, vectors):
    rows = [(f"r{i}", json.dumps(vector.tolist()), "" if i % 5 == 0 else f"c{i % 7}", i / 2) for i, vector in enumerate(vectors)]
    assert shaped.ingest("rides", csv_of(rows)).status == 201
    return shaped


def test_a_dataset_becomes_an_index(rides, vectors):
    index = create(rides, "rides")
    loaded = load(index, SOURCE)
    assert loaded.status_code == 200, loaded.text
    answer = loaded.json()
    assert (answer["added"], answer["length"], answer["source"]) == (ROWS, ROWS, {"dataset": "rides", "version": 1})
    item = requests.get(f"{index}/items/r7", timeout=30).json()
    assert np.allclose(item["vector"], vectors[7], atol=1e-6) and item["metadata"] == {"city": "c0", "fare": 3.5}
    assert requests.get(f"{index}/items/r5", timeout=30).json()["metadata"] == {"fare": 2.5}
    near = requests.post(f"{index}/search", json={"vector": vectors[99].tolist(), "k": 1, "filter": {"fare": {"$lt": 60}}}, timeout=30)
    assert near.json()["results"][0]["id"] == "r99"
    again = load(index, SOURCE).json()
    assert (again["added"], again["updated"], again["length"]) == (0, ROWS, ROWS)


def test_progress_comes_as_lines(rides):
    index = create(rides, "lines")
    loaded = load(index, SOURCE, Accept="application/x-ndjson")
    lines = [json.loads(line) for line in loaded.text.splitlines()]
    assert loaded.headers["Content-Type"] == "application/x-ndjson"
    assert [line["of"] for line in lines[:-1]] == [ROWS] * (len(lines) - 1) and len(lines) >= 3
    assert [line["done"] for line in lines[:-1]] == sorted(line["done"] for line in lines[:-1])
    assert lines[-1]["length"] == ROWS


@pytest.mark.parametrize("rows, words", [
    ([("a", "[1,2,3,4,5,6]", "x", 1), ("b", "[1,2]", "x", 1)], ["row 2", "embedding"]),
    ([("a", "[1,2,3,4,5,6]", "x", 1), ("a", "[1,2,3,4,5,7]", "x", 1)], ["key", "row 1", "row 2"]),
    ([("a", "[1,2,3,4,5,6]", "x", 1), ("", "[1,2,3,4,5,6]", "x", 1)], ["row 2", "key"]),
    ([("a", "[1,2,3,4,5,6]", "x", 1), ("b", "", "x", 1)], ["row 2", "embedding"]),
    ([("a", "[1,2,3,4,5,6]", "x", 1), ("b", "[1,2,3,4,5,1e99]", "x", 1)], ["row 2", "embedding"]),
    ([("a", "[1,2,3,4,5,6]", "x", 1), ("b", "no vector", "x", 1)], ["row 2", "embedding"]),
])
def test_a_wrong_row_is_named_and_nothing_is_added(shaped, rows, words):
    name = f"wrong{abs(hash(str(rows))) % 10 ** 9}"
    assert shaped.ingest(name, csv_of(rows)).status == 201
    index = create(shaped, name)
    refused = load(index, SOURCE | {"dataset": name})
    assert refused.status_code == 400, refused.text
    assert all(word in refused.json()["detail"] for word in [name, *words]), refused.text
    assert requests.get(index, timeout=30).json()["length"] == 0


def test_what_is_not_there_is_said(rides):
    index = create(rides, "missing")
    for source, status, word in ((SOURCE | {"dataset": "nope"}, 404, "nope"), (SOURCE | {"version": 9}, 404, "9"),
                                 (SOURCE | {"vector": "nope"}, 400, "nope"), (SOURCE | {"id": "nope"}, 400, "nope"),
                                 (SOURCE | {"metadata": ["nope"]}, 400, "nope"), (SOURCE | {"x": 1}, 400, '"x"'), ({}, 400, "dataset")):
        refused = load(index, source)
        assert (refused.status_code, word in refused.json()["detail"]) == (status, True), refused.text
