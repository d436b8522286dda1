"""schemathesis asks every route what openapi.json says it takes, and much that it does not: no 5xx, no answer that the document does not have."""

import os
import subprocess
from pathlib import Path

from lake import Lake

SCHEMATHESIS = str(Path(__file__).resolve().parents[2] / ".deps/venv/bin/schemathesis")
LONG = os.environ.get("LAKEHOUSE_LONG_TESTS") == "1"
KEY = "schemathesis-key"
# Left out: positive_data_acceptance and ensure_resource_availability, which take it for a defect that a text is no SQL, a key no key that storage
# takes, or a dataset that is not there; and object_level_authorization, which wants two users with objects of their own.
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,"
          "negative_data_rejection,missing_required_header,unsupported_method,allow_header_conformance,use_after_free,ignored_auth")


def run(lake, examples, *more):
    environment = dict(os.environ, SCHEMATHESIS_HOOKS="schemathesis_hooks", PYTHONPATH=str(Path(__file__).parent))
    return subprocess.run([SCHEMATHESIS, "run", lake.url("/v1/openapi.json"), "--no-color", "--continue-on-failure", "--checks", CHECKS,
                           "--max-examples", str(examples), "--request-timeout", "30", "-H", f"Authorization: Bearer {KEY}", *more],
                          env=environment, cwd=lake.folder, capture_output=True, text=True, timeout=800)


def test_every_answer_is_in_the_document():
    lake = Lake()
    lake.environment["LAKEHOUSE_SECRET_API_KEYS"] = KEY
    with lake:
        done = run(lake, 100 if LONG else 5, *([] if LONG else ["--seed", "1", "--suppress-health-check", "all"]))
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        operations = sum(len(methods) for methods in lake.get("/v1/openapi.json").json()["paths"].values())
        # It does not ask for the document that it has from there already.
        assert f"Tested: {operations - 1}" in done.stdout, done.stdout[-3000:]
        assert lake.get("/health").status == 200


def test_it_would_find_something():
    """The same run against a document that lies about one route."""
    lake = Lake()
    lake.environment["LAKEHOUSE_SECRET_API_KEYS"] = KEY
    with lake:
        document = lake.get("/v1/openapi.json").body.replace(b'"seq":{"type":"integer"}', b'"seq":{"type":"string"}').replace(
            b'"seq": {"type": "integer"}', b'"seq": {"type": "string"}')
        lying = lake.folder / "lying.json"
        lying.write_bytes(document)
        done = subprocess.run([SCHEMATHESIS, "run", str(lying), "--url", lake.url(""), "--no-color", "--checks", CHECKS, "--max-examples", "1",
                               "--include-path", "/v1/catalog/epoch", "--phases", "examples", "-H", f"Authorization: Bearer {KEY}"],
                              cwd=lake.folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1 and "seq" in done.stdout, done.stdout[-3000:]
