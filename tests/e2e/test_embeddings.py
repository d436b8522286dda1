"""Texts instead of vectors: hashed, and by a small server that speaks OpenAI's /v1/embeddings, which also misbehaves."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from lake import SHAPES, Lake

KEY = "sk-test-0123456789"
DIMENSION = 16


def vector_of(text):
    digest = hashlib.sha512(text.encode()).digest()
    return [byte / 128 - 1 for byte in digest[:DIMENSION]]


class Service:
    """Answers texts by their hash; `plan` holds what the next requests get instead: a function of the handler."""

    def __init__(self):
        self.plan, self.requests = [], []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append((self.path, dict(self.headers), body))
                if service.plan:
                    return service.plan.pop(0)(self)
                if self.headers.get("Authorization") != f"Bearer {KEY}":
                    return self.answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
                data = [{"object": "embedding", "index": i, "embedding": vector_of(text)}
                        for i, text in enumerate(body["input"])]
                return self.answer(200, {"object": "list", "data": data[::-1], "model": body["model"]})

            def answer(self, status, value, **headers):
                text = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, header in headers.items():
                    self.send_header(name.replace("_", "-"), header)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, status, value, **headers):
        self.plan.append(lambda handler: handler.answer(status, value, **headers))

    def texts(self):
        return [text for _, _, body in self.requests for text in body["input"]]


def made_lake(shape, **settings):
    lake = Lake(shape)
    lake.environment.update({f"LAKEHOUSE_{name.upper()}": value for name, value in settings.items()})
    return lake


@pytest.fixture(scope="module")
def service():
    made = Service()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module", params=SHAPES)
def lake(request, service):
    with made_lake(request.param, vectord_embedding_provider="openai", vectord_embedding_url=service.url,
                   vectord_embedding_model="tiny", secret_embedding_api_key=KEY) as running:
        yield running


@pytest.fixture(scope="module")
def hashing():
    with made_lake("serve", vectord_embedding_provider="hash") as running:
        yield running


class Index:
    def __init__(self, lake, name, dimension=DIMENSION, **options):
        self.base = lake.url(f"/v1/vectors/index/{name}")
        made = requests.post(lake.url("/v1/vectors/index"), json={"name": name, "dimension": dimension, **options}, timeout=30)
        assert made.status_code == 201, made.text

    def post(self, what, body):
        return requests.post(f"{self.base}/{what}", json=body, timeout=60)

    def add(self, *items):
        return self.post("add", {"items": items})

    def ids(self, **search):
        answer = self.post("search", search)
        assert answer.status_code == 200, answer.text
        return [hit["id"] for hit in answer.json()["results"]]


@pytest.fixture
def index(lake, service, request):
    service.plan.clear()
    service.requests.clear()
    return Index(lake, request.node.name.split("[")[0])


def detail(answer, status):
    assert answer.status_code == status, answer.text
    assert KEY not in answer.text
    return answer.json()["detail"]


def test_texts_become_vectors(index, service):
    added = index.add({"id": "a", "text": "alpha", "metadata": {"n": 1}}, {"id": "b", "vector": [1] * DIMENSION},
                      {"id": "c", "text": "gamma"})
    assert added.json()["added"] == 3, added.text
    path, headers, body = service.requests[0]
    assert (path, headers["Authorization"], body["model"], body["input"]) == (
        "/v1/embeddings", f"Bearer {KEY}", "tiny", ["alpha", "gamma"])
    stored = requests.get(f"{index.base}/items/c", timeout=30).json()
    assert stored["vector"] == pytest.approx(vector_of("gamma"))
    hits = index.post("search", {"text": "gamma", "k": 1}).json()["results"]
    assert hits[0]["id"] == "c" and abs(hits[0]["distance"]) < 1e-5
    answers = index.post("search", {"searches": [{"text": "alpha", "k": 1}, {"text": "gamma", "k": 1}]}).json()["answers"]
    assert [answer["results"][0]["id"] for answer in answers] == ["a", "c"]
    assert service.texts() == ["alpha", "gamma"], "what was embedded once comes from the cache"


def test_many_texts_go_in_batches(index, service):
    assert index.add(*({"id": f"i{n}", "text": f"text {n}"} for n in range(300))).json()["added"] == 300
    assert [len(body["input"]) for _, _, body in service.requests] == [128, 128, 44]
    assert index.ids(text="text 217", k=1) == ["i217"]


def test_a_busy_service_is_asked_again(index, service):
    service.next(429, {"error": {"message": "slow down"}}, Retry_After="1")
    service.next(500, b"oops")
    assert index.add({"id": "a", "text": "patience"}).json()["added"] == 1
    assert len(service.requests) == 3


def test_a_service_that_wants_long_peace(index, service):
    service.next(429, {}, Retry_After="120")
    answer = index.add({"id": "a", "text": "impatience"})
    assert "120 s" in detail(answer, 503) and answer.headers["Retry-After"] == "120"
    assert len(service.requests) == 1


@pytest.mark.parametrize("name,status,value,expected,said", [
    ("key", 401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, 502, "LAKEHOUSE_SECRET_EMBEDDING_API_KEY"),
    ("model", 404, {"error": {"message": "no model tiny"}}, 502, "no model tiny"),
    ("long", 400, {"error": {"message": "too many tokens"}}, 400, "too many tokens"),
    ("text", 200, b"<html>", 502, "not JSON"),
    ("count", 200, {"data": []}, 502, "1 texts with 0"),
    ("size", 200, {"data": [{"index": 0, "embedding": [1, 2, 3]}]}, 400, "3 dimensions; the index has 16"),
    ("range", 200, {"data": [{"index": 0, "embedding": [1e39] * DIMENSION}]}, 502, "32-bit float"),
    ("zero", 200, {"data": [{"index": 0, "embedding": [0] * DIMENSION}]}, 400, "zero"),
])
def test_answers_that_are_none(lake, service, name, status, value, expected, said):
    index = Index(lake, f"bad_{name}")
    service.requests.clear()
    service.plan[:] = [lambda handler: handler.answer(status, value)] * (6 if status == 200 and expected == 502 else 1)
    answer = index.add({"id": "a", "text": f"text for {name}"})
    service.plan.clear()
    assert said in detail(answer, expected)
    info = requests.get(index.base, timeout=30).json()
    assert (info["length"], info["version"]) == (0, 0)


def test_nothing_is_embedded_for_a_batch_that_is_wrong(index, service):
    assert "items[1]" in detail(index.add({"id": "a", "text": "x"}, {"id": "a", "text": "y"}), 400)
    assert "items[0]" in detail(index.add({"id": "a", "text": "x", "vector": [1] * DIMENSION}), 400)
    assert "empty" in detail(index.add({"id": "a", "text": "  "}), 400)
    assert service.requests == []


def test_hashes_find_shared_words(hashing):
    index = Index(hashing, "docs", 384)
    texts = {"fruit": "red apples from the garden", "money": "quarterly revenue report", "sea": "ships on the ocean"}
    assert index.add(*({"id": name, "text": text} for name, text in texts.items())).json()["added"] == 3
    assert index.ids(text="apple garden", k=1) == ["fruit"]
    assert index.ids(text="the revenue of a quarter", k=1) == ["money"]


def test_words_and_meaning_together(hashing):
    index = Index(hashing, "both", 64, text_field="body")
    index.add({"id": "a", "text": "green pears"}, {"id": "b", "text": "blue plums", "metadata": {"n": 1}},
              {"id": "c", "vector": [1] * 64, "text": "kept words"})
    assert requests.get(f"{index.base}/items/b", timeout=30).json()["metadata"] == {"body": "blue plums", "n": 1}
    assert index.ids(text="plums") == ["b"], "an index with a text_field is searched by words"
    assert index.ids(text="kept") == ["c"]
    hits = index.post("search", {"text": "plums", "fusion": "rrf", "k": 3}).json()["results"]
    assert hits[0]["id"] == "b" and len(hits) == 3 and "distance" in hits[0] and "score" in hits[0]


def test_without_a_provider():
    with Lake() as lake:
        index = Index(lake, "plain", 3)
        assert "embedding_provider" in detail(index.add({"id": "a", "text": "x"}), 400)
        assert "embedding_provider" in detail(index.post("search", {"text": "x"}), 400)


def test_settings_that_do_not_fit():
    lake = made_lake("serve", vectord_embedding_provider="openai")
    with pytest.raises(SystemExit, match="ended by itself"):
        with lake:
            pass
