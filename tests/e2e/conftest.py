"""One server a module, in one process over a folder, on the harness of the smokes."""

import os
import sys
from pathlib import Path

import grpc_client
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "smoke"))
from lake import Lake  # noqa: E402

# Needs Java and the driver, which scripts/setup.sh --long installs.
collect_ignore = [] if os.environ.get("LAKEHOUSE_LONG_TESTS") else ["test_flight_jdbc.py"]


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """lakehouse.v1, generated into a folder that is gone with the tests."""
    return grpc_client.Api(tmp_path_factory.mktemp("generated"))


@pytest.fixture(scope="module")
def lake():
    with Lake() as running:
        yield running
