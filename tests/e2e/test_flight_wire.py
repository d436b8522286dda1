"""Arrow Flight SQL by hand: tickets, sessions, clients that misbehave, limits and keys."""

import json
import re
import subprocess
import sys
import threading

import grpc
import pyarrow as pa
import pyarrow.flight as flight
import pytest
import requests
from flight_wire import Wire, packed, pb, schema_of, unpacked
from lake import BINARY, Lake, wait_for
from trips import TRIPS

LISTENING = "listening for Arrow Flight SQL"
STALL_S = 1
ENDLESS = "SELECT i, repeat('x', 100) AS t FROM range(1000000000) t(i)"


@pytest.fixture(scope="module", params=["serve", "split"])
def lake(request):
    lake = Lake(request.param)
    lake.environment |= {"LAKEHOUSE_FLIGHT_BIND": "127.0.0.1:0", "LAKEHOUSE_FLIGHT_STALL_TIMEOUT": f"{STALL_S}s",
                         "LAKEHOUSE_FLIGHT_TICKET_LIFETIME": "20s", "LAKEHOUSE_AUDIT_CALLS": "all"}
    with lake:
        assert lake.ingest("trips", TRIPS).status == 201
        yield lake


def uri(lake, scheme="grpc"):
    return f"{scheme}://{lake.logged_address(LISTENING)}"


@pytest.fixture
def wire(lake):
    return Wire(uri(lake))


def metric(lake, name, role="gateway"):
    lines = requests.get(lake.url("/metrics", role), timeout=10).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def nothing_runs(lake):
    engine = "gateway" if lake.shape == "serve" else "queryd"
    return metric(lake, "lakehouse_queries_running", engine) == 0


def resident_mib(lake):
    return sum(int(open(f"/proc/{process.pid}/status").read().split("VmRSS:")[1].split()[0]) for process in lake.processes.values()) / 1024


# Tickets

def test_a_ticket_may_be_read_again_and_shows_the_same_lake(lake, wire):
    assert lake.ingest("again", "a\n1\n").status == 201
    ticket = wire.ticket("SELECT a FROM again")
    assert wire.get(ticket).read_all().to_pydict() == {"a": [1]}
    assert lake.ingest("again", "a\n2\n").status == 200
    assert wire.get(ticket).read_all().to_pydict() == {"a": [1]}


@pytest.mark.parametrize("change", [
    lambda t: b"", lambda t: b"\x00", lambda t: t[:-1], lambda t: t[:len(t) // 2], lambda t: t + b"\x00" * 8,
    lambda t: t[:-1] + bytes([t[-1] ^ 1]), lambda t: bytes(len(t)), lambda t: packed(pb.TicketStatementQuery(statement_handle=b"x")),
    lambda t: packed(pb.CommandStatementQuery(query="SELECT 1"))], ids=range(9))
def test_a_forged_ticket_is_refused(wire, change):
    with pytest.raises(pa.ArrowInvalid, match="ticket|expected"):
        wire.get(flight.Ticket(change(wire.ticket("SELECT 1").ticket))).read_all()


def test_every_byte_of_a_ticket_counts(wire):
    good = wire.ticket("SELECT 1").ticket
    inner = pb.TicketStatementQuery()
    unpacked(good, inner)
    for at in range(0, len(inner.statement_handle), 5):
        handle = bytearray(inner.statement_handle)
        handle[at] ^= 0x40
        with pytest.raises(pa.ArrowInvalid):
            wire.get(flight.Ticket(packed(pb.TicketStatementQuery(statement_handle=bytes(handle))))).read_all()


def test_a_ticket_of_another_session_is_refused(lake, wire):
    set_option(wire, "timeout_ms", 5000)
    ticket = wire.ticket("SELECT 1 AS one")
    other = Wire(uri(lake))
    for _ in range(2):
        with pytest.raises(flight.FlightUnauthorizedError, match="another session"):
            other.get(ticket).read_all()
        set_option(other, "timeout_ms", 5000)
    assert wire.get(ticket).read_all().to_pydict() == {"one": [1]}


def test_a_ticket_of_another_process_is_refused(lake):
    with Lake() as elsewhere:
        elsewhere.stop()
        elsewhere.environment["LAKEHOUSE_FLIGHT_BIND"] = "127.0.0.1:0"
        elsewhere.start()
        ticket = Wire(uri(elsewhere)).ticket("SELECT 1")
    with pytest.raises(pa.ArrowInvalid, match="not one that this server gave out"):
        Wire(uri(lake)).get(ticket).read_all()


# Sessions

def set_option(wire, name, value):
    options = flight_options({name: value})
    return wire.act("SetSessionOptions", options)


def flight_options(options):
    """flight.proto's SetSessionOptionsRequest: a map from names to texts (1), booleans (2), numbers (3) or doubles (4)."""
    out = b""
    for name, value in options.items():
        if isinstance(value, str):
            inner = b"\x0a" + bytes([len(value)]) + value.encode()
        else:
            inner = b"\x19" + value.to_bytes(8, "little", signed=True)
        entry = b"\x0a" + bytes([len(name)]) + name.encode() + b"\x12" + bytes([len(inner)]) + inner
        out += b"\x0a" + bytes([len(entry)]) + entry
    return out


def test_a_session_begins_with_an_option_and_ends_when_closed(wire):
    assert wire.jar.cookies == {}
    set_option(wire, "timeout_ms", 200)
    assert len(wire.jar.cookies["arrow_flight_session_id"]) == 32
    with pytest.raises(flight.FlightTimedOutError, match="time limit"):
        wire.get(wire.ticket("SELECT count(*) FROM range(100000) a(i), range(10000000) b(j) WHERE hash(i + j) = 1")).read_all()
    prepared = wire.prepare("SELECT 1")
    kept = dict(wire.jar.cookies)
    wire.act("CloseSession")
    assert wire.jar.cookies == {}
    wire.jar.cookies.update(kept)
    with pytest.raises(KeyError, match="session is closed"):
        wire.ask(pb.CommandStatementQuery(query="SELECT 1"))
    wire.jar.cookies.clear()
    with pytest.raises(KeyError, match="no such prepared statement"):
        wire.ask(pb.CommandPreparedStatementQuery(prepared_statement_handle=prepared.prepared_statement_handle))
    assert wire.ask(pb.CommandStatementQuery(query="SELECT 1 AS one")).to_pydict() == {"one": [1]}


# Statements

def test_a_prepared_statement_shows_its_schemas_and_runs_with_what_is_bound(wire):
    prepared = wire.prepare("SELECT id, fare FROM trips WHERE id = $1")
    assert schema_of(prepared.dataset_schema).types == [pa.int64(), pa.float64()]
    assert schema_of(prepared.parameter_schema).types == [pa.int64()]
    handle = prepared.prepared_statement_handle
    command = pb.CommandPreparedStatementQuery(prepared_statement_handle=handle)
    with pytest.raises(pa.ArrowInvalid, match="1 parameters and nothing is bound"):
        wire.ask(command)
    assert wire.bind(handle, pa.record_batch({"1": [5]})) == handle
    assert wire.ask(command).to_pydict() == {"id": [5], "fare": [2.5]}
    wire.bind(handle, pa.record_batch({"1": [7, 8]}))
    assert wire.ask(command)["id"].to_pylist() == [7, 8]
    wire.act("ClosePreparedStatement", packed(pb.ActionClosePreparedStatementRequest(prepared_statement_handle=handle)))
    with pytest.raises(KeyError, match="no such prepared statement"):
        wire.ask(command)


def test_schemas_and_polls_are_answered_without_a_run(wire):
    descriptor = flight.FlightDescriptor.for_command(packed(pb.CommandStatementQuery(query="SELECT 1::TINYINT AS a, 'x' AS b")))
    assert wire.client.get_schema(descriptor, wire.options).schema.types == [pa.int8(), pa.string()]


def test_keys_are_nobodys(wire):
    for command in (pb.CommandGetPrimaryKeys(table="trips"), pb.CommandGetExportedKeys(table="trips"), pb.CommandGetImportedKeys(table="trips"),
                    pb.CommandGetCrossReference(pk_table="trips", fk_table="trips")):
        table = wire.ask(command)
        assert table.num_rows == 0 and table.num_columns >= 6


def test_types_and_infos_are_those_asked_for(wire):
    types = wire.ask(pb.CommandGetXdbcTypeInfo()).to_pylist()
    assert {"BIGINT", "DOUBLE", "VARCHAR", "TIMESTAMP", "DATE", "BOOLEAN"} <= {row["type_name"] for row in types}
    assert [row["data_type"] for row in types] == sorted(row["data_type"] for row in types)
    assert {row["type_name"] for row in wire.ask(pb.CommandGetXdbcTypeInfo(data_type=pb.XDBC_VARCHAR)).to_pylist()} == {"VARCHAR"}
    infos = {row["info_name"]: row["value"] for row in wire.ask(pb.CommandGetSqlInfo()).to_pylist()}
    assert infos[pb.FLIGHT_SQL_SERVER_NAME] == "Lakehouse" and infos[pb.FLIGHT_SQL_SERVER_BULK_INGESTION] is True
    functions = infos[pb.SQL_NUMERIC_FUNCTIONS] + infos[pb.SQL_STRING_FUNCTIONS] + infos[pb.SQL_DATETIME_FUNCTIONS]
    known = wire.ask(pb.CommandStatementQuery(query="SELECT DISTINCT upper(function_name) AS name FROM duckdb_functions()"))["name"].to_pylist()
    assert not set(functions) - set(known) - {"CURRENT_DATE"}
    assert wire.ask(pb.CommandGetSqlInfo(info=[pb.FLIGHT_SQL_SERVER_SQL])).to_pylist() == [{"info_name": pb.FLIGHT_SQL_SERVER_SQL, "value": True}]


def test_tables_are_found_by_pattern_with_their_columns(wire):
    (row,) = wire.ask(pb.CommandGetTables(table_name_filter_pattern="tr_ps", db_schema_filter_pattern="ma%", include_schema=True)).to_pylist()
    assert (row["catalog_name"], row["db_schema_name"], row["table_name"], row["table_type"]) == ("lakehouse", "main", "trips", "TABLE")
    columns = schema_of(row["table_schema"])
    assert columns.names == ["id", "zip", "fare"] and columns.field("id").metadata[b"ARROW:FLIGHT:SQL:TABLE_NAME"] == b"trips"
    assert wire.ask(pb.CommandGetTables(catalog="elsewhere")).num_rows == 0
    assert wire.ask(pb.CommandGetTables(table_types=["VIEW"])).num_rows == 0


@pytest.mark.parametrize("exists,missing,there,gives", [
    ("FAIL", "CREATE", False, 1), ("FAIL", "CREATE", True, 'dataset "mode_t" already'), ("APPEND", "FAIL", False, "no dataset mode_t"),
    ("APPEND", "FAIL", True, 1), ("APPEND", "CREATE", False, 1), ("REPLACE", "FAIL", False, "no dataset mode_t"), ("REPLACE", "CREATE", True, 1),
    ("FAIL", "FAIL", True, "allow neither")])
def test_ingest_by_what_may_be_there(lake, wire, exists, missing, there, gives):
    lake.call("DELETE", "/v1/catalog/manifest/mode_t")
    if there:
        wire.ingest(pa.table({"a": [0]}), "mode_t")
    if isinstance(gives, int):
        assert wire.ingest(pa.table({"a": [1]}), "mode_t", exists, missing) == gives
    else:
        with pytest.raises((pa.ArrowException, KeyError), match=gives):
            wire.ingest(pa.table({"a": [1]}), "mode_t", exists, missing)


def test_duplicates_are_added_where_that_is_asked_for(lake, wire):
    one = pa.table({"a": [1]})
    wire.ingest(one, "twice", "REPLACE")
    assert wire.ingest(one, "twice", "APPEND") == 0
    assert wire.ingest(one, "twice", "APPEND", allow_duplicates="true") == 1
    assert wire.ask(pb.CommandStatementQuery(query="SELECT a FROM twice")).num_rows == 2
    with pytest.raises(pa.ArrowInvalid, match="allow_duplicates"):
        wire.ingest(one, "twice", "APPEND", colour="red")


# Clients that misbehave

def read_on(reader):
    """To the end; read_all would take CANCELLED for the user's Ctrl-C."""
    while True:
        reader.read_chunk()


def test_a_client_that_stops_reading_loses_its_query_not_the_servers_memory(lake, wire):
    before = resident_mib(lake)
    stalled = [wire.get(wire.ticket(ENDLESS)) for _ in range(2)]
    assert all(reader.read_chunk().data.num_rows > 0 for reader in stalled)
    wait_for("the queries' end", lambda: nothing_runs(lake))
    assert resident_mib(lake) - before < 256
    for reader in stalled:
        with pytest.raises(flight.FlightTimedOutError, match="stall_timeout"):
            read_on(reader)
    assert wire.ask(pb.CommandStatementQuery(query="SELECT 1 AS one")).to_pydict() == {"one": [1]}


def test_a_client_that_goes_away_ends_its_query(lake):
    wire = Wire(uri(lake))
    reader = wire.get(wire.ticket(ENDLESS))
    reader.read_chunk()
    reader.cancel()
    wait_for("the query's end", lambda: nothing_runs(lake))


@pytest.mark.parametrize("sql", [ENDLESS, "SELECT count(*) FROM range(100000) a(i), range(10000000) b(j) WHERE hash(i + j) = 1"])
def test_a_flight_is_cancelled_by_its_info(lake, wire, sql):
    info, engine = wire.info(pb.CommandStatementQuery(query=sql)), "gateway" if lake.shape == "serve" else "queryd"
    failure = []

    def read():
        try:
            read_on(wire.get(info.endpoints[0].ticket))
        except Exception as error:
            failure.append(error)
    reading = threading.Thread(target=read)
    reading.start()
    wait_for("the query", lambda: metric(lake, "lakehouse_queries_running", engine) == 1)
    (answer,) = wire.act("CancelFlightInfo", b"\x0a" + varint(len(info.serialize())) + info.serialize())
    assert answer == b"\x08\x01"  # CANCEL_STATUS_CANCELLED
    reading.join(30)
    assert isinstance(failure[0], flight.FlightCancelledError) and "cancelled" in str(failure[0])
    wait_for("the query's end", lambda: nothing_runs(lake))
    with pytest.raises(flight.FlightCancelledError):
        read_on(wire.get(info.endpoints[0].ticket))


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def test_an_arrow_stream_that_lies_is_refused(lake, wire):
    offsets = pa.py_buffer(b"\x00\x00\x00\x00\xff\xff\xff\x7f\x01\x00\x00\x00")
    text = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"abc")])
    not_utf8 = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"\xff\xfe")])
    index = pa.DictionaryArray.from_arrays(pa.Array.from_buffers(pa.int32(), 1, [None, pa.py_buffer(b"\x63\x00\x00\x00")]), ["a"], safe=False)
    for liar in (text, not_utf8, index):
        table = pa.Table.from_batches([pa.record_batch([liar], ["a"])])
        with pytest.raises((pa.ArrowInvalid, pa.ArrowException)):
            wire.ingest(table, "liar", "REPLACE")
        handle = wire.prepare("SELECT $1::VARCHAR").prepared_statement_handle
        with pytest.raises((pa.ArrowInvalid, pa.ArrowException)):
            wire.bind(handle, table.to_batches()[0])
    assert lake.get("/v1/catalog/manifest/liar").status == 404
    assert wire.ask(pb.CommandStatementQuery(query="SELECT 1 AS one")).to_pydict() == {"one": [1]}


def messages(schema, *batches):
    """(header, body) of the IPC messages of a stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return [(message.metadata.to_pybytes(), message.body.to_pybytes() if message.body else b"") for message in pa.ipc.MessageReader.open_stream(sink.getvalue())]


def put_raw(lake, name, parts):
    """An ingest of FlightData as they are; the status that ends it."""
    definition = pb.CommandStatementIngest.TableDefinitionOptions(if_not_exist="TABLE_NOT_EXIST_OPTION_CREATE", if_exists="TABLE_EXISTS_OPTION_REPLACE")
    command = packed(pb.CommandStatementIngest(table_definition_options=definition, table=name))

    def field(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data
    descriptor = field(1, b"\x08\x02" + field(2, command))  # type CMD
    stream = [(descriptor if i == 0 else b"") + field(2, header) + field(1000, body) for i, (header, body) in enumerate(parts)]
    with grpc.insecure_channel(lake.logged_address(LISTENING)) as channel:
        put = channel.stream_stream("/arrow.flight.protocol.FlightService/DoPut")
        try:
            list(put(iter(stream), timeout=30))
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def test_messages_that_belie_their_schema_are_refused(lake, wire):
    numbers, texts = pa.record_batch({"a": pa.array([1, 2, 3])}), pa.record_batch({"a": pa.array(["x" * 50, "y", "z"])})
    two = pa.record_batch({"a": pa.array([1, 2, 3]), "b": pa.array([1, 2, 3])})
    (schema, good), (text_schema, text) = messages(numbers.schema, numbers), messages(texts.schema, texts)
    assert put_raw(lake, "honest", [schema, good]) == grpc.StatusCode.OK
    for parts in ([schema, text], [text_schema, good], [schema, (good[0], b"")], [schema, (good[0], good[1][:5])], [schema, (good[0][:20], good[1])],
                  [schema, (b"\xff" * len(good[0]), good[1])], [good], [(b"", b"")], messages(two.schema, two)[:1] + [good], [schema, schema, good]):
        # UNKNOWN is Arrow's own for a stream that does not begin with a schema.
        assert put_raw(lake, "belied", parts) in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNKNOWN), parts
    assert lake.get("/v1/catalog/manifest/belied").status == 404
    assert wire.ask(pb.CommandStatementQuery(query="SELECT a FROM honest ORDER BY a"))["a"].to_pylist() == [1, 2, 3]


LEAVES = """
import os, sys, pyarrow as pa, pyarrow.flight as flight
table = pa.table({"a": list(range(1000))})
writer, _ = flight.connect(sys.argv[1]).do_put(flight.FlightDescriptor.for_command(bytes.fromhex(sys.argv[2])), table.schema)
for _ in range(50):
    writer.write_table(table)
os._exit(0)
"""


def test_a_client_that_leaves_halfway_makes_no_dataset(lake):
    definition = pb.CommandStatementIngest.TableDefinitionOptions(if_not_exist="TABLE_NOT_EXIST_OPTION_CREATE", if_exists="TABLE_EXISTS_OPTION_FAIL")
    command = packed(pb.CommandStatementIngest(table_definition_options=definition, table="half"))
    subprocess.run([sys.executable, "-c", LEAVES, uri(lake), command.hex()], check=True, timeout=60)
    wait_for("the call's end", lambda: metric(lake, 'lakehouse_flight_calls_total{code="CANCELLED",method="DoPut"}') > 0)
    assert lake.get("/v1/catalog/manifest/half").status == 404


@pytest.mark.parametrize("ask,words", [
    (lambda w: w.client.get_flight_info(flight.FlightDescriptor.for_path("trips")), "not a path"),
    (lambda w: w.client.get_flight_info(flight.FlightDescriptor.for_command(b"")), "google.protobuf.Any"),
    (lambda w: w.client.get_flight_info(flight.FlightDescriptor.for_command(b"\xff" * 100)), "google.protobuf.Any"),
    (lambda w: w.client.get_flight_info(flight.FlightDescriptor.for_command(b"x" * (3 << 20))), "2097152"),
    (lambda w: w.info(pb.ActionCreatePreparedStatementRequest(query="SELECT 1")), "no command of this server"),
    (lambda w: w.info(pb.CommandStatementSubstraitPlan()), "Substrait"),
    (lambda w: w.info(pb.CommandStatementIngest(table="t")), "DoPut"),
    (lambda w: w.info(pb.CommandStatementQuery(query="SELECT 1", transaction_id=b"t")), "no transactions"),
    (lambda w: w.act("BeginTransaction"), "no transactions"),
    (lambda w: w.act("Nonsense"), "ListActions"),
    (lambda w: w.act("CreatePreparedStatement", b"\x00\x01"), "google.protobuf.Any"),
    (lambda w: w.act("CancelFlightInfo", b"\xff\xff"), "CancelFlightInfo"),
    (lambda w: w.put(pb.CommandStatementUpdate(query="DELETE FROM trips"), pa.schema([]))[1].read(), "ingest"),
    (lambda w: list(w.client.list_flights()), "CommandGetTables"),
    (lambda w: w.client.do_exchange(flight.FlightDescriptor.for_command(b"x"))[1].read_chunk(), "exchange"),
])
def test_what_is_wrong_is_said(wire, ask, words):
    with pytest.raises((pa.ArrowException, NotImplementedError, KeyError), match=words) as said:
        ask(wire)
    assert "request id" in str(said.value)


def test_unknown_fields_are_passed_over(wire):
    message = pb.CommandStatementQuery(query="SELECT 1 AS one")
    message.MergeFromString(b"\xfa\x7f\x03new")
    assert wire.ask(message).to_pydict() == {"one": [1]}


def test_a_request_id_travels_and_the_call_is_written_down(lake):
    wire = Wire(uri(lake), {"x-request-id": "flight-test-1"})
    with pytest.raises(pa.ArrowInvalid, match="request id flight-test-1"):
        wire.info(pb.CommandStatementQuery(query="SELECT secret_literal"))
    log = (lake.folder / f"{'serve' if lake.shape == 'serve' else 'gateway'}.log")
    wait_for("the audit's line", lambda: any("flight-test-1" in line and "audit" in line for line in log.read_text().splitlines()))
    line = next(json.loads(line) for line in log.read_text().splitlines() if "flight-test-1" in line and "audit" in line)
    assert line["door"] == "flight" and "CommandStatementQuery" in line["call"] and "secret_literal" not in log.read_text()
    assert metric(lake, 'lakehouse_flight_calls_total{') > 0


# Start, stop and limits

@pytest.fixture
def small():
    """A lake of four calls at once that waits a second for them when it stops."""
    lake = Lake()
    lake.environment |= {"LAKEHOUSE_FLIGHT_BIND": "127.0.0.1:0", "LAKEHOUSE_SERVER_MAX_REQUESTS": "4", "LAKEHOUSE_SERVER_DRAIN_TIMEOUT": "1s",
                         "LAKEHOUSE_QUERYD_MAX_CONCURRENT": "8"}
    with lake:
        yield lake


def test_calls_at_once_are_limited(small):
    wire = Wire(uri(small))
    tickets = [wire.ticket(ENDLESS) for _ in range(5)]
    streams = [wire.get(ticket) for ticket in tickets[:4]]
    assert all(stream.read_chunk().data.num_rows > 0 for stream in streams)
    with pytest.raises(flight.FlightUnavailableError, match="4 calls are being served.*try again after 1 s"):
        wire.get(tickets[4]).read_chunk()
    for stream in streams:
        stream.cancel()
    wait_for("room for a call", lambda: metric(small, "lakehouse_flight_calls_in_flight") == 0)
    assert wire.ask(pb.CommandStatementQuery(query="SELECT 1 AS one")).to_pydict() == {"one": [1]}


def test_a_stop_ends_the_streams_that_are_open(small):
    wire = Wire(uri(small))
    stream = wire.get(wire.ticket(ENDLESS))
    stream.read_chunk()
    assert small.stop() == [0]
    with pytest.raises(pa.ArrowException):
        read_on(stream)


@pytest.mark.parametrize("bind,words", [("127.0.0.1:{taken}", "flight.* bind.*another program"), ("0.0.0.0:0", "no API keys"), ("nonsense", "host:port")])
def test_an_address_that_cannot_be_is_said_at_the_start(small, bind, words):
    lake = Lake()
    lake.environment["LAKEHOUSE_FLIGHT_BIND"] = bind.format(taken=small.logged_address(LISTENING).rsplit(":", 1)[1])
    done = subprocess.run([BINARY, "serve"], env=lake.environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and re.search(words, done.stderr), done.stderr


# Keys

def key(lake, name, scope, **headers):
    answer = lake.call("POST", "/v1/keys", json.dumps({"name": name, "scope": scope}).encode(), {"Content-Type": "application/json", **headers})
    assert answer.status == 201, answer.body
    return answer.json()["key"]


@pytest.fixture(scope="module", params=["serve", "split"])
def locked(request):
    """A lake with keys of each scope."""
    lake = Lake(request.param)
    lake.environment["LAKEHOUSE_FLIGHT_BIND"] = "127.0.0.1:0"
    with lake:
        admin = key(lake, "admin", "admin")
        bearer = {"Authorization": f"Bearer {admin}"}
        yield lake, {"admin": admin, "read": key(lake, "reader", "read", **bearer), "write": key(lake, "writer", "write", **bearer)}


def test_a_call_needs_a_key_and_an_ingest_one_that_writes(locked):
    lake, keys = locked
    wires = {scope: Wire(uri(lake), {"authorization": f"Bearer {text}"}) for scope, text in keys.items()}
    for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic !!!"}):
        with pytest.raises(flight.FlightUnauthenticatedError):
            Wire(uri(lake), headers).ask(pb.CommandGetCatalogs())
    table = pa.table({"a": [1]})
    with pytest.raises(flight.FlightUnauthorizedError, match="write"):
        wires["read"].ingest(table, "kept", "REPLACE")
    assert wires["write"].ingest(table, "kept", "REPLACE") == 1
    assert wires["read"].ask(pb.CommandStatementQuery(query="FROM kept")).to_pydict() == {"a": [1]}
    ticket, handle = wires["read"].ticket("FROM kept"), wires["read"].prepare("FROM kept").prepared_statement_handle
    with pytest.raises(flight.FlightUnauthorizedError, match="another API key"):
        wires["write"].get(ticket).read_all()
    with pytest.raises(KeyError, match="another client's"):
        wires["admin"].ask(pb.CommandPreparedStatementQuery(prepared_statement_handle=handle))


def test_a_password_is_a_key(locked):
    lake, keys = locked
    client = flight.connect(uri(lake))
    header = client.authenticate_basic_token("anyone", keys["read"])
    options = flight.FlightCallOptions(headers=[header])
    descriptor = flight.FlightDescriptor.for_command(packed(pb.CommandGetCatalogs()))
    ticket = client.get_flight_info(descriptor, options).endpoints[0].ticket
    assert client.do_get(ticket, options).read_all().to_pydict() == {"catalog_name": ["lakehouse"]}
    with pytest.raises(flight.FlightUnauthenticatedError):
        client.authenticate_basic_token("anyone", "wrong")
