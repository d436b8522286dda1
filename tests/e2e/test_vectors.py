"""Vectors from a client's side: recall, filters, deletes, the command line's files, and kill -9 while items are added."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from lake import BINARY, Lake, free_port, wait_for

DIMENSION = 32
ITEMS = 2000
COLORS = ["red", "green", "blue", "grey"]
ROUNDS = 200 if os.environ.get("LAKEHOUSE_LONG_TESTS") else 20


def made_vectors(seed, count, dimension=DIMENSION):
    """Clusters of low intrinsic dimension, as embeddings are."""
    rng = np.random.default_rng(seed)
    basis = rng.normal(size=(8, dimension))
    centres = rng.normal(size=(16, 8)) * 2
    latent = centres[rng.integers(0, 16, count)] + rng.normal(size=(count, 8))
    return (latent @ basis + 0.1 * rng.normal(size=(count, dimension))).astype(np.float32)


def metadata_of(i):
    return {"n": i, "color": COLORS[i % 4], "author": {"name": f"a{i % 10}"}, "tags": [f"t{i % 3}", "all"]}


def items_of(vectors, first=0):
    return [{"id": f"v{first + i}", "vector": vector.tolist(), "metadata": metadata_of(first + i)}
            for i, vector in enumerate(vectors)]


class Index:
    def __init__(self, lake, name, dimension=DIMENSION, **options):
        self.base = lake.url("/v1/vectors/index")
        self.url = f"{self.base}/{name}"
        self.session = requests.Session()
        made = self.session.post(self.base, json={"name": name, "dimension": dimension, **options}, timeout=30)
        assert made.status_code == 201, made.text

    def add(self, items):
        answer = self.session.post(f"{self.url}/add", json={"items": items}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def search(self, vector, **options):
        answer = self.session.post(f"{self.url}/search", json={"vector": list(map(float, vector)), **options}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, vector, **options):
        return [hit["id"] for hit in self.search(vector, **options)["results"]]


def nearest(vectors, query, k, among=None):
    """Ids of the k rows with the largest cosine to `query`, exactly."""
    rows = np.arange(len(vectors)) if among is None else np.array(among)
    chosen = vectors[rows].astype(np.float64)
    cosine = chosen @ query / (np.linalg.norm(chosen, axis=1) * np.linalg.norm(query))
    return [f"v{rows[i]}" for i in np.argsort(-cosine, kind="stable")[:k]]


def recall(index, vectors, queries, k=10, among=None, **options):
    found = total = 0
    for query in queries:
        truth = nearest(vectors, query.astype(np.float64), k, among)
        got = index.ids(query, k=k, **options)
        assert len(got) == len(set(got)) == len(truth)
        found += len(set(truth) & set(got))
        total += len(truth)
    return found / total


@pytest.fixture(scope="module")
def vectors():
    return made_vectors(1, ITEMS)


@pytest.fixture(scope="module")
def queries():
    return made_vectors(1, ITEMS + 50)[ITEMS:]


@pytest.fixture(scope="module")
def docs(lake, vectors):
    index = Index(lake, "docs")
    for first in range(0, ITEMS, 500):
        answer = index.add(items_of(vectors[first:first + 500], first))
        assert answer["added"] == 500 and answer["length"] == first + 500
    return index


@pytest.mark.parametrize("quantization", ["sq8", "none", "bf16", "rabitq4"])
def test_recall_against_exact_search(lake, vectors, queries, quantization):
    index = Index(lake, f"recall-{quantization}", quantization=quantization)
    for first in range(0, ITEMS, 500):
        index.add(items_of(vectors[first:first + 500], first))
    assert recall(index, vectors, queries) >= 0.95
    assert recall(index, vectors, queries, exact=True) >= 0.999


FILTERS = [
    ({"color": "red"}, lambda i: i % 4 == 0),
    ({"n": {"$gte": 100, "$lt": 130}}, lambda i: 100 <= i < 130),
    ({"$and": [{"color": {"$in": ["red", "blue"]}}, {"n": {"$gt": 1000}}]}, lambda i: i % 2 == 0 and i > 1000),
    ({"$or": [{"n": {"$lt": 10}}, {"author.name": "a7"}]}, lambda i: i < 10 or i % 10 == 7),
    ({"$not": {"color": "red"}}, lambda i: i % 4 != 0),
    ({"$and": [{"$not": {"$or": [{"color": "red"}, {"color": "green"}]}}, {"tags": "t1"}]},
     lambda i: i % 4 >= 2 and i % 3 == 1),
    ({"n": {"$ne": 5}, "color": {"$exists": True}, "nothing": {"$exists": False}}, lambda i: i != 5),
    ({"n": {"$lte": 4}}, lambda i: i <= 4),
    ({"nothing": 1}, lambda i: False),
]


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_filters_leave_what_they_say_and_lose_nothing(docs, vectors, queries, number):
    condition, holds = FILTERS[number]
    among = [i for i in range(ITEMS) if holds(i)]
    for query in queries[:5]:
        got = docs.ids(query, k=10, filter=condition)
        assert len(got) == min(10, len(among))
        assert all(holds(int(name[1:])) for name in got)
    if among:
        assert recall(docs, vectors, queries, among=among, filter=condition) >= 0.95


def test_a_filter_that_is_wrong_is_told(docs, queries):
    body = {"vector": queries[0].tolist(), "filter": {"n": {"$near": 1}}}
    answer = docs.session.post(f"{docs.url}/search", json=body, timeout=30)
    assert answer.status_code == 400 and "$near" in answer.json()["detail"]


def test_searches_in_one_call_answer_as_alone(docs, queries):
    searches = [{"vector": query.tolist(), "k": 3} for query in queries[:4]]
    together = docs.session.post(f"{docs.url}/search", json={"searches": searches}, timeout=30).json()["answers"]
    assert together == [docs.search(query, k=3) for query in queries[:4]]


def test_what_is_deleted_is_not_found_and_may_come_back(lake, vectors):
    index = Index(lake, "deletes")
    for first in range(0, ITEMS, 500):
        index.add(items_of(vectors[first:first + 500], first))
    gone = list(range(0, ITEMS, 3))
    for i in gone:
        assert index.session.delete(f"{index.url}/items/v{i}", timeout=30).status_code == 204
    assert index.session.get(f"{index.url}/items/v0", timeout=30).status_code == 404
    left = [i for i in range(ITEMS) if i % 3]
    assert index.session.get(index.url, timeout=30).json()["length"] == len(left)
    for i in gone[:50]:
        assert f"v{i}" not in index.ids(vectors[i], k=10)
    assert recall(index, vectors, made_vectors(1, ITEMS + 50)[ITEMS:], among=left) >= 0.95
    index.add(items_of(vectors[:1], 0))
    assert index.ids(vectors[0], k=1) == ["v0"]


def run_cli(lake, *arguments, ok=True, **more):
    done = subprocess.run([BINARY, *map(str, arguments)], env=dict(lake.environment, LAKEHOUSE_URL=lake.url("")),
                          capture_output=True, text=True, timeout=60, check=False, **more)
    assert (done.returncode == 0) == ok, done.stderr
    return done


def stored(index, name):
    answer = index.session.get(f"{index.url}/items/{name}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_command_line_reads_parquet_of_pyarrow(lake, vectors, tmp_path):
    run_cli(lake, "vectors", "create", "parquet", "--dimension", DIMENSION, "--metric", "l2", "--quantization", "none")
    index = Index.__new__(Index)
    index.url, index.session = lake.url("/v1/vectors/index/parquet"), requests.Session()
    texts = [json.dumps(metadata_of(i)) for i in range(ITEMS)]
    lists = {"fixed": pa.list_(pa.float32(), DIMENSION), "list": pa.list_(pa.float32()), "double": pa.list_(pa.float64()),
             "large": pa.large_list(pa.float32())}
    for version, (name, kind) in enumerate(lists.items(), 1):
        path = tmp_path / f"{name}.parquet"
        table = pa.table({"other": list(range(ITEMS)), "key": [f"{name}-{i}" for i in range(ITEMS)],
                          "vector": pa.array(vectors.tolist(), kind), "metadata": texts})
        pq.write_table(table, path, row_group_size=700)
        done = json.loads(run_cli(lake, "--json", "vectors", "add", "parquet", path, "--id", "key").stdout)
        assert (done["added"], done["length"]) == (ITEMS, ITEMS * version)
        item = stored(index, f"{name}-1234")
        assert item["metadata"] == metadata_of(1234)
        assert np.array_equal(np.array(item["vector"], np.float32), vectors[1234])
    found = run_cli(lake, "--json", "vectors", "search", "parquet", "--id", "list-77", "-k", 4, "--exact")
    assert {hit["id"] for hit in json.loads(found.stdout)["results"]} == {f"{name}-77" for name in lists}
    wrong = run_cli(lake, "vectors", "add", "parquet", tmp_path / "list.parquet", "--id", "key", "--vector", "nope", ok=False)
    assert "list.parquet" in wrong.stderr and "nope" in wrong.stderr


def test_the_command_line_reads_arrays_of_numpy(lake, vectors, tmp_path):
    run_cli(lake, "vectors", "create", "numpy", "--dimension", DIMENSION)
    index = Index.__new__(Index)
    index.url, index.session = lake.url("/v1/vectors/index/numpy"), requests.Session()
    (tmp_path / "ids").write_text("".join(f"n{i}\n" for i in range(ITEMS)))
    for name, kind, arguments in [("n", np.float32, ["--ids", tmp_path / "ids"]), ("", np.float64, [])]:
        path = tmp_path / f"{kind.__name__}.npy"
        np.save(path, vectors.astype(kind))
        done = json.loads(run_cli(lake, "--json", "vectors", "add", "numpy", path, *arguments).stdout)
        assert done["added"] == ITEMS
        assert np.array_equal(np.array(stored(index, f"{name}1999")["vector"], np.float32), vectors[1999])
    np.save(tmp_path / "fortran.npy", np.asfortranarray(vectors))
    assert "Fortran" in run_cli(lake, "vectors", "add", "numpy", tmp_path / "fortran.npy", ok=False).stderr
    np.save(tmp_path / "wide.npy", np.ones((3, DIMENSION + 1), np.float32))
    assert "wide.npy: row 1 " in run_cli(lake, "vectors", "add", "numpy", tmp_path / "wide.npy", ok=False).stderr


def test_the_command_line_reads_lines_and_names_the_wrong_one(lake, vectors, tmp_path):
    run_cli(lake, "vectors", "create", "lines", "--dimension", DIMENSION)
    text = "".join(json.dumps(item) + "\n" for item in items_of(vectors))
    assert f"{ITEMS:,} items added" in run_cli(lake, "vectors", "add", "lines", "-", input=text).stdout
    assert f"0 items added, {ITEMS:,} replaced" in run_cli(lake, "vectors", "add", "lines", "-", input=text).stdout
    path = tmp_path / "wrong.ndjson"
    path.write_text(text + '{"id":"w","vector":[1,2]}\n')
    wrong = run_cli(lake, "vectors", "add", "lines", path, ok=False).stderr
    assert f"wrong.ndjson: line {ITEMS + 1} (id \"w\")" in wrong and "2,000 items before it are in the index" in wrong
    assert run_cli(lake, "vectors", "search", "lines", "--id", "v5", "-k", 1).stdout.count("v5") == 1
    assert "lines" in run_cli(lake, "vectors", "ls").stdout
    run_cli(lake, "vectors", "drop", "lines")
    assert run_cli(lake, "vectors", "show", "lines", ok=False).returncode == 3


class Adder(threading.Thread):
    """Adds batches until the server is gone; keeps what was acknowledged, and what was asked last, which is in doubt."""

    def __init__(self, url, name, vectors):
        super().__init__()
        self.url, self.name, self.vectors = url, name, vectors
        self.acknowledged, self.doubtful = {}, {}

    def run(self):
        rng = random.Random(self.name)
        session = requests.Session()
        for number in range(10_000):
            # Large batches bring snapshots about; ids come again, so that replacing is interrupted as well.
            size = rng.choice([1, 5, 20, 800])
            self.doubtful = {f"{self.name}-{rng.randrange(4000)}": (rng.randrange(len(self.vectors)), number)
                             for _ in range(size)}
            items = [{"id": name, "vector": self.vectors[row].tolist(), "metadata": {"row": row, "batch": number}}
                     for name, (row, number) in self.doubtful.items()]
            try:
                if session.post(f"{self.url}/add", json={"items": items}, timeout=30).status_code != 200:
                    return
            except requests.RequestException:
                return
            self.acknowledged.update(self.doubtful)


def check_items(index, vectors, names, expected, doubtful):
    for name in names:
        item = stored(index, name)
        # The batch whose answer was cut off may have happened or not.
        allowed = [expected[name], doubtful.get(name)]
        value = (item["metadata"]["row"], item["metadata"]["batch"])
        assert value in allowed, f"{name}: {item['metadata']}, not one of {allowed}"
        assert np.array_equal(np.array(item["vector"], np.float32), vectors[value[0]]), name


def test_every_acknowledged_item_survives_kill_9(vectors):
    expected, doubtful = {}, {}
    rng = random.Random(7)
    with Lake() as lake:
        index = Index(lake, "crash")
        for number in range(ROUNDS):
            adders = [Adder(index.url, f"r{number}w{worker}", vectors) for worker in range(3)]
            for adder in adders:
                adder.start()
            time.sleep(rng.uniform(0.01, 0.7))  # the random point of the crash
            lake.restart(signal.SIGKILL)
            latest = {}
            for adder in adders:
                adder.join()
                latest.update(adder.acknowledged)
                doubtful.update(adder.doubtful)
            check_items(index, vectors, rng.sample(sorted(latest), min(300, len(latest))), latest, doubtful)
            expected.update(latest)
            length = index.session.get(index.url, timeout=30).json()["length"]
            assert len(expected) <= length <= len(expected.keys() | doubtful.keys())
        assert len(expected) >= 500 * ROUNDS, "the adders were hardly at work"
        kept = rng.sample(sorted(expected), 3000)
        check_items(index, vectors, kept, expected, doubtful)
        for name in kept[:100]:
            found = index.search(stored(index, name)["vector"], k=50, exact=True)["results"]
            assert found[0]["distance"] < 1e-5 and len({hit["id"] for hit in found}) == len(found)


def test_a_start_without_the_folder_of_vectors_fetches_the_snapshot(vectors):
    with Lake() as lake:
        index = Index(lake, "snapshot")
        for first in range(0, 24_000, ITEMS):
            index.add(items_of(vectors, first))
        folder = lake.folder / "data" / "vectors"
        wait_for("a snapshot", lambda: any(folder.iterdir()))
        lake.stop(signal.SIGKILL)
        for path in folder.iterdir():
            path.unlink()
        lake.start()
        assert index.session.get(index.url, timeout=30).json()["length"] == 24_000
        assert stored(index, "v23999")["metadata"] == metadata_of(23_999)
        among = {f"v{1999 + ITEMS * copy}" for copy in range(12)}
        assert set(index.ids(vectors[1999], k=12)) == among


def test_a_second_vectord_takes_over_and_the_first_says_so(tmp_path):
    one, two = {"items": [{"id": "a", "vector": [1, 0]}]}, {"items": [{"id": "b", "vector": [0, 1]}]}
    with Lake(backend="s3") as lake:
        first = Index(lake, "shared", dimension=2)
        first.add(one["items"])
        port = free_port()
        environment = dict(lake.environment, LAKEHOUSE_GATEWAY_BIND=f"127.0.0.1:{port}", LAKEHOUSE_SERVER_DATA_DIR=str(tmp_path))
        second = f"http://127.0.0.1:{port}/v1/vectors/index/shared"
        with open(tmp_path / "log", "wb") as log, subprocess.Popen([BINARY, "serve"], env=environment, stderr=log) as process:
            try:
                wait_for("the second", lambda: answers(f"http://127.0.0.1:{port}/ready"))
                assert requests.get(second, timeout=30).json()["length"] == 1
                assert requests.post(f"{second}/add", json=two, timeout=30).status_code == 200
                refused = requests.post(f"{first.url}/add", json=one, timeout=30)
                assert refused.status_code == 409 and "another vectord" in refused.json()["detail"]
                assert requests.delete(f"{first.url}/items/a", timeout=30).status_code == 409
                assert first.ids([1, 0], k=1) == ["a"], "what it had can be searched"
                lake.restart()
                assert first.add(one["items"])["length"] == 2
                assert requests.post(f"{second}/add", json=two, timeout=30).status_code == 409
            finally:
                process.kill()


def answers(url):
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False
