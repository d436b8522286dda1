"""Arrow Flight SQL through its official Python driver (ADBC), in both process shapes."""

import concurrent.futures
import datetime
import decimal

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import pyarrow as pa
import pytest
import requests
import snippets
from adbc_driver_flightsql import ConnectionOptions, DatabaseOptions, StatementOptions
from lake import Lake, wait_for
from trips import TRIPS

LISTENING = "listening for Arrow Flight SQL"


@pytest.fixture(scope="module", params=["serve", "split"])
def lake(request):
    lake = Lake(request.param)
    lake.environment["LAKEHOUSE_FLIGHT_BIND"] = "127.0.0.1:0"
    with lake:
        assert lake.ingest("trips", TRIPS).status == 201
        yield lake


def uri(lake):
    return f"grpc://{lake.logged_address(LISTENING)}"


@pytest.fixture
def connection(lake):
    with flightsql.connect(uri(lake), autocommit=True) as connection:
        yield connection


@pytest.fixture
def cursor(connection):
    with connection.cursor() as cursor:
        yield cursor


def rows(cursor, sql, parameters=None):
    cursor.execute(sql, parameters)
    return cursor.fetchall()


def test_queries_come_as_arrow(cursor):
    cursor.execute("SELECT id, zip, fare FROM trips WHERE id < 3 ORDER BY id")
    table = cursor.fetch_arrow_table()
    assert table.to_pydict() == {"id": [0, 1, 2], "zip": ["00000", "00001", "00002"], "fare": [0.0, 0.5, 1.0]}
    assert table.schema.types == [pa.int64(), pa.string(), pa.float64()]


def test_no_rows_still_have_their_columns(cursor):
    cursor.execute("SELECT id, zip FROM trips WHERE false")
    table = cursor.fetch_arrow_table()
    assert table.num_rows == 0 and table.schema.names == ["id", "zip"]


def test_many_rows_come_in_order(cursor):
    cursor.execute("SELECT i FROM range(1000000) t(i)")
    seen = 0
    for batch in cursor.fetch_record_batch():
        first = batch.column(0)[0].as_py()
        assert first == seen and batch.column(0)[-1].as_py() == first + batch.num_rows - 1
        seen += batch.num_rows
    assert seen == 1_000_000


@pytest.mark.parametrize("value", [
    7, -1, 2**40, 1.5, "text", "it's", "", True, None, b"\x00\xff", decimal.Decimal("12.50"), datetime.date(2026, 1, 31),
    datetime.datetime(2026, 1, 31, 12, 30, 0, 250), datetime.time(23, 59, 1),
    datetime.datetime(2026, 1, 31, 12, 30, tzinfo=datetime.timezone.utc)], ids=repr)
def test_parameters_of_each_type_come_back(cursor, value):
    assert rows(cursor, "SELECT ?", [value]) == [(value,)]


def test_parameters_choose_rows(cursor):
    assert rows(cursor, "SELECT id FROM trips WHERE zip = ? AND fare > ? ORDER BY id LIMIT 2", ["00003", 100.0]) == [(206,), (213,)]
    assert rows(cursor, "SELECT count(*) FROM trips WHERE id BETWEEN $1 AND $2", [10, 19]) == [(10,)]


def test_each_bound_row_is_a_run_of_its_own(cursor):
    bound = pa.record_batch({"1": pa.array([3, 1, 2])})
    cursor.adbc_prepare("SELECT id, fare FROM trips WHERE id = ?")
    cursor.execute("SELECT id, fare FROM trips WHERE id = ?", bound)
    assert cursor.fetchall() == [(3, 1.5), (1, 0.5), (2, 1.0)]


def test_a_prepared_statement_says_what_it_takes(cursor):
    assert cursor.adbc_prepare("SELECT id FROM trips WHERE zip = $1 AND id = $2").types == [pa.string(), pa.int64()]


def test_a_statement_is_described_without_a_run(cursor):
    assert cursor.adbc_execute_schema("SELECT zip, count(*) AS n FROM trips GROUP BY ALL").types == [pa.string(), pa.int64()]


def test_the_lake_is_listed(connection):
    (catalog,) = connection.adbc_get_objects(depth="all").read_all().to_pylist()
    assert catalog["catalog_name"] == "lakehouse"
    schemas = {schema["db_schema_name"]: schema for schema in catalog["catalog_db_schemas"]}
    assert {"main", "lake"} <= set(schemas)
    (trips,) = [t for t in schemas["main"]["db_schema_tables"] if t["table_name"] == "trips"]
    assert trips["table_type"] == "TABLE"
    assert [(c["column_name"], c["ordinal_position"]) for c in trips["table_columns"]] == [("id", 1), ("zip", 2), ("fare", 3)]
    only = connection.adbc_get_objects(depth="tables", table_name_filter="tri%", table_types_filter=["TABLE"]).read_all().to_pylist()
    assert [t["table_name"] for s in only[0]["catalog_db_schemas"] for t in s["db_schema_tables"] or []] == ["trips"]
    assert connection.adbc_get_table_types() == ["SYSTEM TABLE", "TABLE"]
    assert connection.adbc_get_table_schema("trips", db_schema_filter="main").names == ["id", "zip", "fare"]
    with pytest.raises(adbc_driver_manager.Error):
        connection.adbc_get_table_schema("tripz")


def test_the_server_says_who_it_is(connection):
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "Lakehouse" and info["vendor_version"]


def test_ingest_makes_adds_to_and_replaces_a_dataset(lake, connection, cursor):
    table = pa.table({"id": [1, 2], "name": ["a", None], "at": pa.array([0, 1], pa.timestamp("us"))})
    assert cursor.adbc_ingest("made", table, mode="create") == 2
    assert rows(cursor, "SELECT * FROM made ORDER BY id") == [(1, "a", datetime.datetime(1970, 1, 1)), (2, None, datetime.datetime(1970, 1, 1, 0, 0, 0, 1))]
    with pytest.raises(adbc_driver_manager.ProgrammingError, match='a dataset "made" already') as refused:
        cursor.adbc_ingest("made", table, mode="create")
    assert refused.value.status_code == adbc_driver_manager.AdbcStatusCode.ALREADY_EXISTS
    more = pa.table({"id": [3], "name": ["c"], "at": pa.array([5], pa.timestamp("us"))})
    assert cursor.adbc_ingest("made", more, mode="append") == 1
    assert cursor.adbc_ingest("made", more, mode="append") == 0  # the same source twice changes nothing
    assert rows(cursor, "SELECT count(*) FROM made") == [(3,)]
    assert cursor.adbc_ingest("made", more, mode="replace") == 1
    assert rows(cursor, "SELECT id FROM made") == [(3,)]
    assert cursor.adbc_ingest("made_too", more, mode="create_append") == 1
    assert lake.get("/v1/catalog/manifest/made").json()["row_count"] == 1


def test_one_of_many_creates_the_table(lake):
    def create(n):
        with flightsql.connect(uri(lake), autocommit=True) as client, client.cursor() as own:
            try:
                return own.adbc_ingest("raced", pa.table({"id": [n]}), mode="create")
            except adbc_driver_manager.ProgrammingError as refused:
                assert refused.status_code == adbc_driver_manager.AdbcStatusCode.ALREADY_EXISTS
                return 0
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(create, range(6))) == 1
    assert lake.get("/v1/catalog/manifest/raced").json()["version"] == 1


def test_ingest_that_cannot_be(cursor):
    table = pa.table({"id": [1]})
    with pytest.raises(adbc_driver_manager.Error, match="no dataset missing") as refused:
        cursor.adbc_ingest("missing", table, mode="append")
    assert refused.value.status_code == adbc_driver_manager.AdbcStatusCode.NOT_FOUND
    with pytest.raises(adbc_driver_manager.Error) as refused:
        cursor.adbc_ingest("trips", pa.table({"other": ["x"]}), mode="append")
    assert refused.value.status_code == adbc_driver_manager.AdbcStatusCode.ALREADY_EXISTS and "the dataset has 3" in str(refused.value)
    with pytest.raises(adbc_driver_manager.Error, match="Names|name"):
        cursor.adbc_ingest("no such name", table, mode="create")
    with pytest.raises(adbc_driver_manager.Error, match="temporary"):
        cursor.adbc_ingest("temp", table, mode="create", temporary=True)
    assert rows(cursor, "SELECT count(*) FROM trips") == [(1000,)]


def test_a_large_table_goes_in_and_out(cursor):
    table = pa.table({"n": pa.array(range(500_000)), "t": pa.array([f"text {i % 1000}" for i in range(500_000)])})
    assert cursor.adbc_ingest("large", table, mode="replace") == 500_000
    cursor.execute("FROM large ORDER BY n")
    assert cursor.fetch_arrow_table().equals(table)


@pytest.mark.parametrize("sql,words", [
    ("SELEC 1", "syntax error"),
    ("SELECT fair FROM trips", "fare"),
    ("FROM tripz", "tripz"),
    ("DROP TABLE trips", "only SELECT"),
    ("SELECT 1; SELECT 2", "one statement"),
    ("SELECT ? + 1", "nothing is bound"),
])
def test_errors_help(cursor, sql, words):
    with pytest.raises(adbc_driver_manager.Error, match=f"(?is){words}.*request id"):
        rows(cursor, sql)


def test_updates_are_pointed_at_ingest(cursor):
    with pytest.raises(adbc_driver_manager.Error, match="ingest|only SELECT"):
        cursor.executescript("DELETE FROM trips")


def test_session_options_hold_for_the_session(lake):
    with flightsql.connect(uri(lake), autocommit=True, db_kwargs={DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}) as connection:
        driver = connection.adbc_connection
        prefix = ConnectionOptions.OPTION_SESSION_OPTION_PREFIX.value
        driver.set_options(**{f"{prefix}timeout_ms": "1500", f"{prefix}catalog": "lakehouse", f"{prefix}schema": "main"})
        assert driver.get_option_int(f"{prefix}timeout_ms") == 1500
        for name, value in (("catalog", "other"), ("schema", "lake"), ("timeout_ms", "-1"), ("timeout_ms", "soon"), ("colour", "red")):
            with pytest.raises(adbc_driver_manager.Error):
                driver.set_options(**{prefix + name: value})
        driver.set_options(**{f"{prefix}timeout_ms": "200"})
        with connection.cursor() as cursor, pytest.raises(adbc_driver_manager.Error, match="time limit"):
            rows(cursor, "SELECT count(*) FROM range(100000) a(i), range(10000000) b(j) WHERE hash(i + j) = 1")


def test_a_clients_own_time_limit_ends_its_query(lake, cursor):
    cursor.adbc_statement.set_options(**{StatementOptions.TIMEOUT_FETCH.value: 0.3})
    with pytest.raises(adbc_driver_manager.Error):
        rows(cursor, "SELECT count(*) FROM range(100000) a(i), range(10000000) b(j) WHERE hash(i + j) = 1")
    wait_for("the query's end", lambda: running_queries(lake) == 0)


def test_a_cancelled_query_ends(lake, cursor):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        query = pool.submit(rows, cursor, "SELECT count(*) FROM range(100000) a(i), range(10000000) b(j) WHERE hash(i + j) = 1")
        wait_for("the query", lambda: running_queries(lake) == 1)
        cursor.adbc_cancel()
        with pytest.raises(adbc_driver_manager.Error):
            query.result(30)
    wait_for("the query's end", lambda: running_queries(lake) == 0)


def running_queries(lake):
    """In the process that has the engine."""
    path = lake.url("/metrics", "gateway" if lake.shape == "serve" else "queryd")
    lines = requests.get(path, timeout=10).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("lakehouse_queries_running"))


def test_the_page_keeps_its_promise(lake):
    assert snippets.run("docs/flight.md", flight=uri(lake))["totals"].to_pydict() == {"zone": ["north"], "total": [32.5]}
