"""Arrow Flight SQL by hand: pyarrow's plain Flight client with messages made from our own proto files."""

import importlib
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.flight as flight
from google.protobuf import any_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]


def generated():
    """The module of the protocol's messages."""
    folder = tempfile.mkdtemp(prefix="lakehouse-flight-")
    assert protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"--python_out={folder}", "flight_sql/flight_sql.proto"]) == 0
    sys.path.insert(0, folder)
    return importlib.import_module("flight_sql.flight_sql_pb2")


pb = generated()


def packed(message):
    box = any_pb2.Any()
    box.Pack(message)
    return box.SerializeToString()


def unpacked(body, message):
    box = any_pb2.Any.FromString(bytes(body))
    assert box.Unpack(message), box.type_url
    return message


class Cookies(flight.ClientMiddlewareFactory):
    """Keeps what the server sets, as browsers and drivers do."""

    def __init__(self):
        self.cookies = {}

    def start_call(self, info):
        return _Cookie(self.cookies)


class _Cookie(flight.ClientMiddleware):
    def __init__(self, cookies):
        self.cookies = cookies

    def sending_headers(self):
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def received_headers(self, headers):
        for cookie in headers.get("set-cookie", []):
            name, _, value = cookie.split(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)


class Wire:
    """One client. Headers are sent with every call."""

    def __init__(self, uri, headers=None, **more):
        self.jar = Cookies()
        self.client = flight.connect(uri, middleware=[self.jar], **more)
        self.options = flight.FlightCallOptions(timeout=60, headers=[(k.encode(), v.encode()) for k, v in (headers or {}).items()])

    def info(self, message):
        return self.client.get_flight_info(flight.FlightDescriptor.for_command(packed(message)), self.options)

    def ticket(self, sql):
        return self.info(pb.CommandStatementQuery(query=sql)).endpoints[0].ticket

    def get(self, ticket):
        return self.client.do_get(ticket, self.options)

    def ask(self, message):
        """The rows that a command gives."""
        return self.get(self.info(message).endpoints[0].ticket).read_all()

    def act(self, name, body=b""):
        return [result.body.to_pybytes() for result in self.client.do_action(flight.Action(name, body), self.options)]

    def put(self, message, schema):
        """A writer of batches, and the reader of what answers them."""
        return self.client.do_put(flight.FlightDescriptor.for_command(packed(message)), schema, self.options)

    def prepare(self, sql):
        (answer,) = self.act("CreatePreparedStatement", packed(pb.ActionCreatePreparedStatementRequest(query=sql)))
        return unpacked(answer, pb.ActionCreatePreparedStatementResult())

    def ingest(self, table, name, exists="FAIL", missing="CREATE", **options):
        definition = pb.CommandStatementIngest.TableDefinitionOptions(
            if_not_exist=f"TABLE_NOT_EXIST_OPTION_{missing}", if_exists=f"TABLE_EXISTS_OPTION_{exists}")
        writer, reader = self.put(pb.CommandStatementIngest(table_definition_options=definition, table=name, options=options), table.schema)
        try:
            writer.write_table(table)
            writer.done_writing()
            return pb.DoPutUpdateResult.FromString(reader.read().to_pybytes()).record_count
        finally:
            writer.close()

    def bind(self, handle, batch):
        writer, reader = self.put(pb.CommandPreparedStatementQuery(prepared_statement_handle=handle), batch.schema)
        try:
            writer.write_batch(batch)
            writer.done_writing()
            return pb.DoPutPreparedStatementResult.FromString(reader.read().to_pybytes()).prepared_statement_handle
        finally:
            writer.close()


def schema_of(message):
    return pa.ipc.read_schema(pa.py_buffer(message))
