"""Roles that are reached under names of the network's, as in containers: no list of names is needed on the roles."""

import socket

import pytest
import requests
from lake import ROLES, Lake


@pytest.fixture(scope="module")
def name():
    """A name of this machine that is not a loopback one and leads to the address that the roles bind."""
    found = socket.gethostname()
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(found, 80, socket.AF_INET)}
    except OSError:
        addresses = set()
    if not addresses or found == "localhost":
        pytest.skip("the machine's name has no address")
    return found, sorted(addresses)[0]


def test_a_gateway_reaches_roles_by_name(name):
    host, address = name
    lake = Lake("split")
    for key, value in lake.environment.items():
        if key.endswith("_URL") and value.startswith("http://127.0.0.1:"):
            lake.environment[key] = value.replace("127.0.0.1", host)
    for role in ROLES:
        if role != "gateway":
            lake.environment[f"LAKEHOUSE_{role.upper()}_BIND"] = f"{address}:{lake.ports[role]}"
    lake.environment["LAKEHOUSE_SERVER_INSECURE"] = "true"
    with lake:
        answer = requests.post(lake.url("/v1/ingest?name=t"), data="a\n1\n2\n", headers={"Content-Type": "text/csv"}, timeout=30)
        assert answer.status_code == 201, answer.text
        answer = requests.post(lake.url("/v1/sql"), json={"sql": "SELECT max(a) AS m FROM t"}, timeout=30)
        assert answer.json()["rows"] == [[2]], answer.text
        # Nobody else gets in under a name that the role does not know.
        foreign = requests.get(f"http://{address}:{lake.ports['catalogd']}/catalog/list", headers={"Host": "evil.example"}, timeout=30)
        assert foreign.status_code == 403, foreign.text
