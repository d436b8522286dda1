"""The API's description: valid OpenAPI 3.1, the same in both shapes, in step with the documents, and true of answers."""

import json
import sys
from pathlib import Path

import jsonschema
import pytest
from lake import Lake
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import write_routes  # noqa: E402

ROUTES_ELSEWHERE = {"/", "/health", "/ready", "/metrics", "/v1/openapi.json"}


@pytest.fixture(scope="module")
def api(lake):
    return lake.get("/v1/openapi.json").json()


def test_it_is_valid_openapi(api):
    assert api["openapi"].startswith("3.1.")
    validate(api, cls=OpenAPIV31SpecValidator)


def test_a_gateway_alone_describes_the_same(api):
    with Lake("split") as split:
        assert split.get("/v1/openapi.json").json() == api


def test_every_route_stands_in_the_contract(api):
    before, listed = write_routes.split_page()
    assert listed == write_routes.section(api), "run scripts/write_routes.py"
    for path in api["paths"]:
        internal = path.removeprefix("/v1")
        if path not in ROUTES_ELSEWHERE and "{sha256}" not in path:
            assert internal in before, f"the contract says nothing of {path}"


def test_every_operation_says_what_it_takes_and_gives(api):
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            answers = dict(operation["responses"])
            for errors in ("4XX", "5XX"):
                assert "application/problem+json" in answers.pop(errors)["content"], where
            assert answers and "2XX" not in answers, f"{where}: say what it answers"
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == {part.strip("{}") for part in path.split("/") if part.startswith("{")}, where
            if method in ("put", "post") and "/pins/" not in path:
                assert operation["requestBody"]["content"], where


# As a reader would try them, from nothing: a dataset, an object, an index, what there is to see of each, and their end.
TRIED_IN_TURN = [
    "POST /v1/ingest", "POST /v1/sql", "POST /v1/sql/describe", "POST /v1/catalog/register", "GET /v1/catalog/list", "GET /v1/catalog/manifest/{name}",
    "GET /v1/catalog/manifest/{name}/snapshots", "GET /v1/catalog/manifest/{name}/sources/{sha256}", "POST /v1/catalog/manifest/{name}/pins/{version}",
    "DELETE /v1/catalog/manifest/{name}/pins/{version}", "GET /v1/catalog/epoch", "POST /v1/catalog/gc", "PUT /v1/storage/objects/{key}", "GET /v1/storage/objects",
    "HEAD /v1/storage/objects/{key}", "GET /v1/storage/objects/{key}", "DELETE /v1/storage/objects/{key}", "POST /v1/vectors/index",
    "POST /v1/vectors/index/{name}/add", "POST /v1/vectors/index/{name}/search", "POST /v1/vectors/index/{name}/rebuild", "GET /v1/vectors/index/{name}",
    "GET /v1/vectors/index/{name}/items", "GET /v1/vectors/index/{name}/items/{id}", "DELETE /v1/vectors/index/{name}/items/{id}",
    "DELETE /v1/vectors/index/{name}", "DELETE /v1/catalog/manifest/{name}", "GET /v1/vectors/index", "GET /v1/keys", "POST /mcp", "GET /health", "GET /ready",
    "GET /metrics", "GET /", "GET /v1/openapi.json", "POST /v1/keys"]
# These want what only the server can have named: a session, a key.
WANT_AN_ID = ["GET /mcp", "DELETE /mcp", "DELETE /v1/keys/{id}"]


def try_sample(lake, api, call):
    method, path = call.split(" ")
    operation = api["paths"][path][method.lower()]
    given = {where: {p["name"]: p["example"] for p in operation.get("parameters", []) if p["in"] == where and "example" in p} for where in ("path", "query", "header")}
    headers = {name: str(value) for name, value in given["header"].items()}
    body = None
    if "requestBody" in operation:
        headers["Content-Type"], content = next(iter(operation["requestBody"]["content"].items()))
        body = content["example"] if isinstance(content["example"], str) else json.dumps(content["example"])
    query = "&".join(f"{name}={value}" for name, value in given["query"].items())
    return lake.call(method, path.format(**given["path"]) + ("?" + query if query else ""), body and body.encode(), headers)


def test_the_samples_work_in_turn(api):
    assert set(TRIED_IN_TURN) | set(WANT_AN_ID) == {f"{method.upper()} {path}" for path, operations in api["paths"].items() for method in operations}
    with Lake() as fresh:
        for call in TRIED_IN_TURN:
            answer = try_sample(fresh, api, call)
            assert 200 <= answer.status < 300, (call, answer.status, answer.body)
        # A key has been made: the door is closed.
        assert try_sample(fresh, api, "GET /v1/keys").status == 401
        assert [try_sample(fresh, api, call).status for call in WANT_AN_ID] == [401] * 3


def answers_as_described(api, answer, method, path):
    operation = api["paths"][path][method]
    if answer.headers["Content-Type"] == "application/problem+json":
        schema = api["components"]["schemas"]["Problem"]
    else:
        schema = operation["responses"][str(answer.status)]["content"][answer.headers["Content-Type"]]["schema"]
    jsonschema.validate(answer.json(), {**schema, "components": api["components"]})
    return answer


def test_answers_are_as_described(lake, api):
    register = {"name": "described", "schema_fingerprint": "f", "schema": [{"name": "a", "type": "BIGINT"}], "objects": [{"key": "datasets/d/1", "size": 1, "rows": 1}],
                "row_count": 1}
    jsonschema.validate(register, {"$ref": "#/components/schemas/Register", "components": api["components"]})
    body = json.dumps(register).encode()
    for status in (201, 200):
        assert answers_as_described(api, lake.call("POST", "/v1/catalog/register", body), "post", "/v1/catalog/register").status == status
    conflict = json.dumps({**register, "schema_fingerprint": "g"}).encode()
    assert answers_as_described(api, lake.call("POST", "/v1/catalog/register", conflict), "post", "/v1/catalog/register").status == 409
    assert answers_as_described(api, lake.ingest("told", "a,b\n1,x\n"), "post", "/v1/ingest").status == 201
    assert answers_as_described(api, lake.sql("SELECT * FROM told"), "post", "/v1/sql").status == 200
    assert answers_as_described(api, lake.sql("SELEC"), "post", "/v1/sql").status == 400
    assert answers_as_described(api, lake.put("described", b"1"), "put", "/v1/storage/objects/{key}").status == 201
    for path, route in [("/v1/catalog/list?limit=1", "/v1/catalog/list"), ("/v1/catalog/manifest/told", "/v1/catalog/manifest/{name}"),
                        ("/v1/catalog/manifest/none", "/v1/catalog/manifest/{name}"), ("/v1/catalog/manifest/told/snapshots", "/v1/catalog/manifest/{name}/snapshots"),
                        ("/v1/catalog/epoch", "/v1/catalog/epoch"), ("/v1/storage/objects?prefix=d", "/v1/storage/objects"), ("/health", "/health"), ("/ready", "/ready")]:
        answers_as_described(api, lake.get(path), "get", route)
    collected = lake.call("POST", "/v1/catalog/gc", b'{"dry_run":true,"min_age":"24h"}')
    assert answers_as_described(api, collected, "post", "/v1/catalog/gc").status == 200


def test_brief_answers_leave_the_objects_out(lake):
    register = {"name": "brief", "schema_fingerprint": "f", "objects": [{"key": "datasets/b/1", "size": 1, "rows": 1}], "row_count": 1, "mode": "append", "brief": True}
    answer = lake.call("POST", "/v1/catalog/register", json.dumps(register).encode()).json()
    assert (answer["version"], answer["row_count"], answer["objects"]) == (1, 1, [])
