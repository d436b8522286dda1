"""One server a module, in one process over a folder, on the harness of the smokes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "smoke"))
from lake import Lake  # noqa: E402


@pytest.fixture(scope="module")
def lake():
    with Lake() as running:
        yield running
