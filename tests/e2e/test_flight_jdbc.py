"""Arrow Flight SQL through its official JDBC driver, in both process shapes. Behind ./test --long."""

import subprocess

import pytest
from lake import ROOT, Lake
from trips import TRIPS

JAVA = ["java", "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", str(ROOT / ".deps/jdbc/driver.jar"), str(ROOT / "tests/jdbc/JdbcCheck.java")]


@pytest.fixture(scope="module", params=["serve", "split"])
def said(request):
    """What the program found, by name."""
    lake = Lake(request.param)
    lake.environment["LAKEHOUSE_FLIGHT_BIND"] = "127.0.0.1:0"
    with lake:
        assert lake.ingest("trips", TRIPS).status == 201
        url = f"jdbc:arrow-flight-sql://{lake.logged_address('listening for Arrow Flight SQL')}?useEncryption=false&user=any&password=any"
        done = subprocess.run([*JAVA, url], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        yield dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name,value", [
    ("product", "Lakehouse"),
    ("catalogs", "[lakehouse]"),
    ("table types", "[SYSTEM TABLE, TABLE]"),
    ("tables", "[trips]"),
    ("columns", "[id, zip, fare]"),
    ("column types", "[BIGINT, VARCHAR, DOUBLE]"),
    ("primary keys", "[]"),
    ("result columns", "[id, BIGINT, VARCHAR, DOUBLE]"),
    ("rows", "1000"),
    ("sum", "249750.0"),
    ("prepared columns", "2"),
    ("parameters", "2"),
    ("prepared after 0", "3 1.5"),
    ("prepared after 100", "101 50.5"),
    ("unanswered", "[]"),
])
def test_the_driver_finds(said, name, value):
    assert said[name] == value


def test_the_driver_finds_schemas_and_what_is_wrong(said):
    assert "main" in said["schemas"]
    assert "fare" in said["bad SQL"] and "request id" in said["bad SQL"]
