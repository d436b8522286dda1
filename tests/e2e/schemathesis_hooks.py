"""What schemathesis has to know of this API besides its document; SCHEMATHESIS_HOOKS names this module."""

import csv
import io
import json

import pyarrow as pa
import schemathesis


@schemathesis.hook
def map_query(context, query):
    """A long poll does what it says for as long as it says: a moment is enough here."""
    if query and isinstance(query.get("wait"), str) and query["wait"][:1].isdigit():
        query["wait"] = "10ms"
    return query


@schemathesis.deserializer("application/x-ndjson")
def first_line(context, response):
    """Of rows the document says what one is."""
    lines = response.content.splitlines()
    return json.loads(lines[0]) if lines else {"id": "", "vector": []}


@schemathesis.deserializer("application/json")
def document(context, response):
    """A range of a stored JSON text is no JSON."""
    return response.content.decode() if response.status_code == 206 else json.loads(response.content)


@schemathesis.deserializer("text/csv")
def records(context, response):
    return list(csv.reader(io.StringIO(response.content.decode())))


@schemathesis.deserializer("application/vnd.apache.arrow.stream")
def table(context, response):
    return str(pa.ipc.open_stream(response.content).schema)
