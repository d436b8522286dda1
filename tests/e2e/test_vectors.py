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
    """Adds and removes until the server is gone. Keeps what was acknowledged, and what was asked last, which is in doubt:
    (row, number) of each item by its id, None for one that is gone."""

    NAMES = 1500  # few, so that ids come again and replacing is interrupted too, and a start has little to read

    def __init__(self, url, name, vectors, first_number):
        super().__init__()
        self.url, self.name, self.vectors, self.first_number = url, name, vectors, first_number
        self.acknowledged, self.doubtful, self.wrong = {}, {}, None

    def run(self):
        rng = random.Random(self.first_number)
        session = requests.Session()
        for number in range(self.first_number, self.first_number + 10_000):
            # Large batches bring snapshots about.
            size = rng.choice([0, 1, 5, 20, 800])
            names = [f"{self.name}-{rng.randrange(self.NAMES)}" for _ in range(max(1, size))]
            self.doubtful = {name: (rng.randrange(len(self.vectors)), number) if size else None for name in names}
            try:
                answer = self.ask(session, names)
            except requests.RequestException:
                return
            if answer.status_code not in (200, 204):
                self.wrong = answer.text
                return
            self.acknowledged.update(self.doubtful)

    def ask(self, session, names):
        if self.doubtful[names[0]] is None:
            return session.delete(f"{self.url}/items/{names[0]}", timeout=30)
        items = [{"id": name, "vector": self.vectors[row].tolist(), "metadata": {"row": row, "batch": number}}
                 for name, (row, number) in self.doubtful.items()]
        return session.post(f"{self.url}/add", json={"items": items}, timeout=30)


def every_item(index):
    """(row, number) by id of all that the index holds, and the vectors by id."""
    answer = index.session.get(f"{index.url}/items", headers={"Accept": "application/vnd.apache.arrow.stream"}, timeout=30)
    assert answer.status_code == 200, answer.text
    table = pa.ipc.open_stream(answer.content).read_all()
    texts = [json.loads(text) for text in table["metadata"].to_pylist()]
    names = table["id"].to_pylist()
    vectors = np.array(table["vector"].to_pylist(), np.float32).reshape(len(names), DIMENSION)
    assert len(set(names)) == len(names)
    return {name: (text["row"], text["batch"]) for name, text in zip(names, texts)}, dict(zip(names, vectors))


def log_bytes(lake):
    objects = requests.get(lake.url("/v1/storage/objects?prefix=vectors/&limit=10000"), timeout=30).json()["objects"]
    return sum(one["size"] for one in objects if "/log/" in one["key"])


def settle(adder, found, expected):
    """Into `expected` what the adder was told, and its last batch if that happened: whole, or not at all."""
    assert adder.wrong is None, adder.wrong
    expected.update(adder.acknowledged)
    happened = {found.get(name) == value for name, value in adder.doubtful.items() if expected.get(name) != value}
    assert len(happened) <= 1, f"half of a batch of {adder.name} is there"
    if happened == {True}:
        expected.update(adder.doubtful)


def test_every_acknowledged_item_survives_kill_9(vectors):
    expected, acknowledged = {}, 0
    rng = random.Random(7)
    with Lake() as lake:
        # Few links and short walks: a start reads what the crash left in the log, and there are many starts.
        index = Index(lake, "crash", m=8, ef_construction=40)
        for number in range(ROUNDS):
            adders = [Adder(index.url, f"w{worker}", vectors, (3 * number + worker) * 10_000) for worker in range(3)]
            for adder in adders:
                adder.start()
            time.sleep(rng.uniform(0.01, 0.5))  # the random point of the crash
            lake.restart(signal.SIGKILL)
            for adder in adders:
                adder.join()
            found, stored_vectors = every_item(index)
            for adder in adders:
                settle(adder, found, expected)
                acknowledged += len(adder.acknowledged)
            assert found == {name: value for name, value in expected.items() if value is not None}, f"round {number}"
            for name, (row, _) in found.items():
                assert np.array_equal(stored_vectors[name], vectors[row]), name
            assert index.session.get(index.url, timeout=30).json()["length"] == len(found)
            # Few rounds last long enough for a snapshot to be done; with none for long, a start would read ever more.
            if log_bytes(lake) > 4 << 20:
                wait_for("a snapshot", lambda: log_bytes(lake) < 1 << 20)
        assert acknowledged >= 200 * ROUNDS, "the adders were hardly at work"
        for name in rng.sample(sorted(found), 100):
            hits = index.search(stored_vectors[name], k=50, exact=True)["results"]
            assert hits[0]["distance"] < 1e-5 and len({hit["id"] for hit in hits}) == len(hits)


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
