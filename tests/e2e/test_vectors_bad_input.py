"""What a client of vectors may do wrong: each costs it a clear answer, and the index nothing."""

import pytest
import requests
from lake import Lake

DIMENSION = 4
ITEMS = 50


class Docs:
    def __init__(self, lake, name):
        self.base = lake.url("/v1/vectors/index")
        self.url = f"{self.base}/{name}"
        assert requests.post(self.base, json={"name": name, "dimension": DIMENSION}, timeout=30).status_code == 201

    def length(self):
        return requests.get(self.url, timeout=30).json()["length"]

    def add(self, *items):
        return requests.post(f"{self.url}/add", json={"items": list(items)}, timeout=60)

    def search(self, **options):
        return requests.post(f"{self.url}/search", json={"vector": [1, 2, 3, 4], **options}, timeout=60)


@pytest.fixture(scope="module")
def docs(lake):
    made = Docs(lake, "docs")
    assert made.add(*({"id": f"i{n}", "vector": [n + 1, 1, 1, 1], "metadata": {"n": n}} for n in range(ITEMS))).status_code == 200
    return made


def refused(answer, status, *parts):
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    for part in parts:
        assert part in problem["detail"]


@pytest.mark.parametrize("dimension", [0, 4097, -1, 1.5, "4", None])
def test_an_index_has_1_to_4096_dimensions(lake, dimension):
    refused(requests.post(lake.url("/v1/vectors/index"), json={"name": "odd", "dimension": dimension}, timeout=30), 400, "dimension")


def test_a_search_asks_for_1_to_10000(docs):
    for k in (0, -1, 10_001, 1.5, "3"):
        refused(docs.search(k=k), 400, "\"k\"", "10000")
    assert len(docs.search(k=10_000).json()["results"]) == ITEMS


def test_a_filter_says_what_is_wrong_with_it(docs):
    refused(docs.search(filter={"n": {"$near": 1}}), 400, "$near")
    refused(docs.search(filter={"$nor": [{"n": 1}]}), 400, "$nor")
    refused(docs.search(filter={"$or": [{"n": n} for n in range(10_000)]}), 400, "1000")
    deep = "[" * 100_000
    answer = requests.post(f"{docs.url}/search", data=f'{{"vector":[1,2,3,4],"filter":{deep}', headers={"Content-Type": "application/json"}, timeout=30)
    refused(answer, 400)


def test_metadata_is_bounded_in_size_and_depth(docs):
    item = {"id": "big", "vector": [1, 2, 3, 4]}
    refused(docs.add(item | {"metadata": {"text": "x" * (1 << 20)}}), 413, "1048576", "big")
    assert docs.add(item | {"id": "almost", "metadata": {"text": "x" * ((1 << 20) - 20)}}).status_code == 200
    assert requests.delete(f"{docs.url}/items/almost", timeout=30).status_code == 204
    nested = '{"a":' * 1000 + "1" + "}" * 1000
    body = f'{{"items":[{{"id":"deep","vector":[1,2,3,4],"metadata":{nested}}}]}}'
    refused(requests.post(f"{docs.url}/add", data=body, headers={"Content-Type": "application/json"}, timeout=30), 400, "metadata")
    assert docs.length() == ITEMS


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "a\tb", "a\x7fb", "x" * 1025])
def test_ids_are_text_without_control_bytes(docs, name):
    refused(docs.add({"id": "good", "vector": [1, 2, 3, 4]}, {"id": name, "vector": [1, 2, 3, 4]}), 400, "items[1]")
    assert docs.length() == ITEMS, "the good item of the batch was added"


@pytest.mark.parametrize("vector, part", [
    ([1, 2, 3], "3 dimensions"), ([1, 2, 3, 4, 5], "dimensions"), ([], "0 dimensions"), ([0, 0, 0, 0], "zero"), ([1, 2, 3, 1e39], "vector[3]"),
    ([1, 2, 3, None], "vector[3]"), ("1234", "array")])
def test_vectors_fit_the_index(docs, vector, part):
    refused(docs.add({"id": "good", "vector": [1, 2, 3, 4]}, {"id": "bad", "vector": vector}), 400, "items[1]", part)
    assert docs.length() == ITEMS


def test_numbers_that_are_none_are_refused(docs):
    for number in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = f'{{"items":[{{"id":"n","vector":[1,2,3,{number}]}}]}}'
        refused(requests.post(f"{docs.url}/add", data=body, headers={"Content-Type": "application/json"}, timeout=30), 400)
    assert docs.length() == ITEMS


def test_an_id_stands_once_in_a_batch(docs):
    refused(docs.add({"id": "twice", "vector": [1, 2, 3, 4]}, {"id": "twice", "vector": [4, 3, 2, 1]}), 400, "twice")
    assert docs.length() == ITEMS


def test_a_batch_has_100000_items_at_most(docs):
    items = ",".join(f'{{"id":"m{n}","vector":[1,2,3,4]}}' for n in range(100_001))
    answer = requests.post(f"{docs.url}/add", data=f'{{"items":[{items}]}}', headers={"Content-Type": "application/json"}, timeout=60)
    refused(answer, 413, "100000")
    assert docs.length() == ITEMS


def test_a_full_memory_budget_adds_nothing_of_a_batch():
    with Lake() as lake:
        lake.environment["LAKEHOUSE_VECTORD_MEMORY_LIMIT"] = "16MiB"
        lake.restart()
        docs = Docs(lake, "docs")
        assert docs.add({"id": "first", "vector": [1, 2, 3, 4]}).status_code == 200
        large = [{"id": f"m{n}", "vector": [1, 2, 3, 4], "metadata": {"text": "x" * 2000}} for n in range(20_000)]
        refused(docs.add(*large), 507, "memory_limit")
        assert docs.length() == 1
        assert [hit["id"] for hit in docs.search(k=10).json()["results"]] == ["first"]
        assert docs.add({"id": "second", "vector": [1, 2, 3, 4]}).status_code == 200, "what fits is still taken"
        lake.restart()
        assert docs.length() == 2
