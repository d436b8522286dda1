#!/usr/bin/env python3
"""The list of routes in docs/contract.md, from the openapi.json that the program serves.

    scripts/write_routes.py      writes the list; the program is $LAKEHOUSE_BIN, or build/check/lakehouse

tests/e2e/test_api.py holds the list against the program.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/contract.md"
TITLE = "## All routes"
INTRODUCTION = "Made from the program's table of routes by `scripts/write_routes.py`; parameters and bodies are in `/v1/openapi.json`.\n"


def scope(operation):
    """What a key must allow; "–" for a route that nobody needs a key for."""
    return operation["security"][0]["key"][0] if operation["security"] else "–"


def section(document):
    """What the page says of the routes in an openapi.json."""
    rows = [
        f"| `{method.upper()} {path}` | {scope(operation)} | {operation['summary']} |"
        for path, operations in sorted(document["paths"].items())
        for method, operation in sorted(operations.items())
    ]
    return "\n".join([TITLE, INTRODUCTION, "| route | scope | does |", "|---|---|---|", *rows]) + "\n"


def split_page():
    """The page before the list, and the list."""
    text = PAGE.read_text(encoding="utf-8")
    start = text.find(f"{TITLE}\n")
    return (text, "") if start < 0 else (text[:start], text[start:])


def main():
    os.environ.setdefault("LAKEHOUSE_BIN", str(ROOT / "build/check/lakehouse"))
    sys.path.insert(0, str(ROOT / "tests/smoke"))
    from lake import Lake  # after LAKEHOUSE_BIN is set

    with Lake() as lake:
        document = lake.get("/v1/openapi.json").json()
    before, _ = split_page()
    PAGE.write_text(before.rstrip("\n") + "\n\n" + section(document), encoding="utf-8")


if __name__ == "__main__":
    main()
