"""lakehouse.v1 over gRPC with a client that grpcio-tools generates from proto/: every service, in each process shape."""

import json
import threading
import time
from contextlib import contextmanager

import grpc
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
import snippets
from google.protobuf import duration_pb2, struct_pb2
from google.rpc import error_details_pb2
from grpc_client import SERVICES
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from lake import SHAPES, Lake, wait_for

MIB = 1 << 20
ENDLESS = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"


@contextmanager
def opened(api, address, **options):
    """A client of every service, by its name in lower case."""
    class Client:
        pass
    with grpc.insecure_channel(address, options=[(f"grpc.{name}", value) for name, value in options.items()]) as channel:
        client = Client()
        client.channel = channel
        for name in SERVICES:
            setattr(client, name, getattr(getattr(api, name + "_services"), name.capitalize() + "Stub")(channel))
        yield client


@pytest.fixture(scope="module", params=SHAPES)
def lake(request):
    with Lake(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def client(lake, api):
    with opened(api, lake.grpc_address()) as client:
        yield client


def details_of(error):
    """The rich details of a failed call, by the name of their message."""
    status = rpc_status.from_call(error)
    assert status is not None and status.code == error.code().value[0] and status.message == error.details()
    found = {}
    for detail in status.details:
        message = getattr(error_details_pb2, detail.type_url.rsplit(".", 1)[1])()
        assert detail.Unpack(message)
        found[type(message).__name__] = message
    assert found["ErrorInfo"].domain == "lakehouse"
    return found


@contextmanager
def refused(code, reason=None, words=""):
    """The call within fails with this code, and its details name the reason of the one table."""
    with pytest.raises(grpc.RpcError) as caught:
        yield caught
    assert caught.value.code() == code, caught.value
    assert words in caught.value.details()
    if reason is not None:
        details = details_of(caught.value)
        assert details["ErrorInfo"].reason == reason
        assert details["RequestInfo"].request_id == dict(caught.value.initial_metadata())["x-request-id"]


def uploaded(api, body, key, piece=256 << 10, last=True, **options):
    yield api.storage.PutObjectRequest(options=api.storage.PutObjectOptions(key=key, **options))
    for at in range(0, len(body), piece):
        yield api.storage.PutObjectRequest(data=body[at:at + piece])
    if last:
        yield api.storage.PutObjectRequest(last=True)


def downloaded(client, api, key, **options):
    messages = list(client.storage.GetObject(api.storage.GetObjectRequest(key=key, **options)))
    assert messages[0].WhichOneof("part") == "object"
    return messages[0].object, b"".join(message.data for message in messages[1:])


def file_of(api, body, name, **options):
    yield api.ingest.UploadRequest(options=api.ingest.UploadOptions(name=name, **options))
    for at in range(0, len(body), 100_000):
        yield api.ingest.UploadRequest(data=body[at:at + 100_000])
    yield api.ingest.UploadRequest(last=True)


def rows_of(answers):
    """The table of a query's answers, and their trailer."""
    answers = list(answers)
    assert [answers[0].WhichOneof("part"), answers[-1].WhichOneof("part")] == ["schema", "trailer"]
    stream = b"".join(getattr(answer, answer.WhichOneof("part")).arrow for answer in answers)
    table = pa.ipc.open_stream(stream).read_all()
    assert table.num_rows == answers[-1].trailer.rows == sum(answer.batch.rows for answer in answers)
    return table, answers[-1].trailer


def metric(lake, role, name):
    """The sum of a figure at the process that has the role."""
    url = lake.url("/metrics", "gateway" if lake.shape == "serve" else role)
    lines = requests.get(url, timeout=10).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)


def serves(client, service):
    return health_pb2_grpc.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest(service=service)).status == health_pb2.HealthCheckResponse.SERVING


def test_health(client):
    health = health_pb2_grpc.HealthStub(client.channel)
    for service in ["", *(f"lakehouse.v1.{name.capitalize()}" for name in SERVICES)]:
        wait_for(f"{service or 'all'} to serve", lambda: serves(client, service))
        answer = next(health.Watch(health_pb2.HealthCheckRequest(service=service)))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as unknown:
        health.Check(health_pb2.HealthCheckRequest(service="lakehouse.v1.Nothing"))
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection(client, api):
    database = ProtoReflectionDescriptorDatabase(client.channel)
    assert {f"lakehouse.v1.{name.capitalize()}" for name in SERVICES} <= set(database.get_services())
    found = database.FindFileContainingSymbol("lakehouse.v1.Query")
    assert [method.name for method in found.service[0].method] == [method.name for method in api.query.DESCRIPTOR.services_by_name["Query"].methods]


def test_objects(client, api):
    body = np.random.default_rng(1).bytes(3 * MIB + 7)
    put = client.storage.PutObject(uploaded(api, body, "grpc/a", size=len(body), content_type="image/png"))
    assert (put.created, put.object.size) == (True, len(body))
    info, read = downloaded(client, api, "grpc/a")
    assert (read == body, info.etag, info.content_type) == (True, put.object.etag, "image/png")
    assert info.last_modified.seconds <= client.storage.GetTime(api.storage.GetTimeRequest()).now.seconds
    assert downloaded(client, api, "grpc/a", offset=MIB, length=5)[1] == body[MIB:MIB + 5]
    info, tail = downloaded(client, api, "grpc/a", offset=3 * MIB)
    assert (info.size, tail) == (len(body), body[3 * MIB:])
    assert client.storage.HeadObject(api.storage.HeadObjectRequest(key="grpc/a")).object.etag == info.etag
    again = client.storage.PutObject(uploaded(api, b"", "grpc/a"))
    assert (again.created, again.object.size, downloaded(client, api, "grpc/a")[1]) == (False, 0, b"")
    with refused(grpc.StatusCode.OUT_OF_RANGE, "range-not-satisfiable"):
        downloaded(client, api, "grpc/a", offset=1)
    for _ in range(2):
        client.storage.DeleteObject(api.storage.DeleteObjectRequest(key="grpc/a"))
    with refused(grpc.StatusCode.NOT_FOUND, "not-found"):
        downloaded(client, api, "grpc/a")


def test_objects_on_a_condition(client, api):
    first = client.storage.PutObject(uploaded(api, b"1", "grpc/c", if_none_match=True)).object
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "precondition-failed"):
        client.storage.PutObject(uploaded(api, b"2", "grpc/c", if_none_match=True))
    second = client.storage.PutObject(uploaded(api, b"2", "grpc/c", if_match=first.etag)).object
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "precondition-failed"):
        client.storage.PutObject(uploaded(api, b"3", "grpc/c", if_match=first.etag))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "precondition-failed"):
        downloaded(client, api, "grpc/c", if_match=first.etag)
    assert downloaded(client, api, "grpc/c", if_match=second.etag)[1] == b"2"
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid") as both:
        client.storage.PutObject(uploaded(api, b"3", "grpc/c", if_match=first.etag, if_none_match=True))
    assert details_of(both.value)["BadRequest"].field_violations[0].field == "options.if_match"


def test_objects_are_listed_a_page_at_a_time(client, api):
    for name in ("l/a", "l/b/1", "l/b/2", "l/c"):
        client.storage.PutObject(uploaded(api, b"x", name))
    keys, token = [], ""
    while True:
        page = client.storage.ListObjects(api.storage.ListObjectsRequest(prefix="l/", page_size=3, page_token=token))
        keys += [info.key for info in page.objects]
        token = page.next_page_token
        if not token:
            break
    assert keys == ["l/a", "l/b/1", "l/b/2", "l/c"]
    folders = client.storage.ListObjects(api.storage.ListObjectsRequest(prefix="l/", delimiter="/", start_after="l/a"))
    assert ([info.key for info in folders.objects], list(folders.prefixes)) == (["l/c"], ["l/b/"])


def test_what_is_not_the_clients_to_write(client, api):
    with refused(grpc.StatusCode.PERMISSION_DENIED, "forbidden", "belong to the lakehouse"):
        client.storage.PutObject(uploaded(api, b"x", "catalog/log/x"))
    with refused(grpc.StatusCode.PERMISSION_DENIED, "forbidden"):
        client.storage.DeleteObject(api.storage.DeleteObjectRequest(key="datasets/x"))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
        client.storage.PutObject(uploaded(api, b"x", "a/../b"))


def test_a_body_past_the_limit(client, api):
    """256 MiB, said beforehand or found out on the way; nothing is kept."""
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "too-large", str(256 * MIB)):
        client.storage.PutObject(uploaded(api, b"x", "grpc/large", size=256 * MIB + 1))
    piece = api.storage.PutObjectRequest(data=bytes(2 * MIB))

    def too_long():
        yield api.storage.PutObjectRequest(options=api.storage.PutObjectOptions(key="grpc/large"))
        for _ in range(129):
            yield piece
        yield api.storage.PutObjectRequest(last=True)
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "too-large", str(256 * MIB)):
        client.storage.PutObject(too_long())
    with refused(grpc.StatusCode.NOT_FOUND):
        client.storage.HeadObject(api.storage.HeadObjectRequest(key="grpc/large"))


def test_an_upload_that_breaks_off_leaves_nothing(client, api):
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid", "last = true"):
        client.storage.PutObject(uploaded(api, b"x" * MIB, "grpc/half", last=False))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid", "must have the options"):
        client.storage.PutObject(iter([api.storage.PutObjectRequest(data=b"x")]))
    hold = threading.Event()

    def stuck():
        yield from uploaded(api, b"x" * MIB, "grpc/half", last=False)
        hold.wait(30)
    call = client.storage.PutObject.future(stuck())
    assert call.cancel()
    hold.set()
    with refused(grpc.StatusCode.NOT_FOUND):
        client.storage.HeadObject(api.storage.HeadObjectRequest(key="grpc/half"))


def test_ingest(client, api):
    csv = b"id,zip,fare\n" + b"".join(b"%d,%05d,%d.5\n" % (i, i % 100, i) for i in range(20_000))
    made = client.ingest.Upload(file_of(api, csv, "trips"))
    assert (made.name, made.version, made.row_count, made.rows_added, made.existing, made.replayed) == ("trips", 1, 20_000, 20_000, False, False)
    assert [(column.name, column.type) for column in made.columns] == [("id", "BIGINT"), ("zip", "VARCHAR"), ("fare", "DOUBLE")]
    again = client.ingest.Upload(file_of(api, csv, "trips"))
    assert (again.replayed, again.existing, again.version, again.rows_added) == (True, True, 1, 0)
    with refused(grpc.StatusCode.ALREADY_EXISTS, "conflict") as drift:
        client.ingest.Upload(file_of(api, b"id,zip,fare\n1,00001,cheap\n", "trips"))
    assert details_of(drift.value)["ErrorInfo"].metadata["line"] == "2"
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid") as malformed:
        client.ingest.Upload(file_of(api, b"a,b\n1,2\n3\n", "broken"))
    assert details_of(malformed.value)["ErrorInfo"].metadata["line"] == "3"
    more = client.ingest.Upload(file_of(api, b"id;zip;fare\n7;00008;9.5\n", "trips", mode=api.catalog.WRITE_MODE_APPEND, delimiter=";"))
    assert (more.version, more.row_count, more.rows_added) == (2, 20_001, 1)
    lines = client.ingest.Upload(file_of(api, b'{"a":1}\n{"a":2,"b":"x"}\n', "lines", format=api.ingest.SOURCE_FORMAT_NDJSON))
    assert lines.row_count == 2
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid") as nameless:
        client.ingest.Upload(file_of(api, b"a\n1\n", ""))
    assert details_of(nameless.value)["BadRequest"].field_violations[0].field == "options.name"


def test_catalog(client, api):
    catalog = api.catalog
    client.ingest.Upload(file_of(api, b"a\n1\n", "first"))
    client.ingest.Upload(file_of(api, b"a\n2\n", "first"))
    manifest = client.catalog.GetManifest(catalog.GetManifestRequest(name="first")).manifest
    assert (manifest.name, manifest.version, manifest.row_count, len(manifest.objects)) == ("first", 2, 1, 1)
    assert client.catalog.GetManifest(catalog.GetManifestRequest(name="first", version=1)).manifest.version == 1
    with refused(grpc.StatusCode.NOT_FOUND, "not-found"):
        client.catalog.GetManifest(catalog.GetManifestRequest(name="first", version=9))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid") as zero:
        client.catalog.GetManifest(catalog.GetManifestRequest(name="first", version=0))
    assert details_of(zero.value)["BadRequest"].field_violations[0].field == "version"
    client.catalog.SetPin(catalog.SetPinRequest(name="first", version=1, pinned=True))
    snapshots = client.catalog.ListSnapshots(catalog.ListSnapshotsRequest(name="first")).snapshots
    assert [(one.version, one.pinned, one.row_count) for one in snapshots] == [(2, False, 1), (1, True, 1)]
    names, token = [], ""
    while True:
        page = client.catalog.ListDatasets(catalog.ListDatasetsRequest(page_size=1, page_token=token))
        names += [one.name for one in page.datasets]
        token = page.next_page_token
        if not token:
            break
    assert "first" in names and names == sorted(names)
    copy = catalog.RegisterRequest(name="registered", schema_fingerprint=manifest.schema_fingerprint, schema=manifest.schema, objects=manifest.objects, row_count=1)
    registered = client.catalog.Register(copy)
    assert (registered.existing, registered.manifest.version) == (False, 1)
    assert rows_of(client.query.Run(api.query.RunRequest(sql="FROM registered")))[0].column("a").to_pylist() == [2]
    copy.schema_fingerprint = "another"
    with refused(grpc.StatusCode.ALREADY_EXISTS, "conflict") as other:
        client.catalog.Register(copy)
    assert details_of(other.value)["ErrorInfo"].metadata["fingerprint"] == "another"
    client.catalog.DropDataset(catalog.DropDatasetRequest(name="registered"))
    with refused(grpc.StatusCode.NOT_FOUND, "not-found"):
        client.catalog.DropDataset(catalog.DropDatasetRequest(name="registered"))
    assert client.catalog.CollectGarbage(catalog.CollectGarbageRequest()).bytes == 0


def test_the_epoch_is_waited_for(client, api):
    seq = client.catalog.GetEpoch(api.catalog.GetEpochRequest()).seq
    waiting = client.catalog.GetEpoch.future(api.catalog.GetEpochRequest(since=seq, wait=duration_pb2.Duration(seconds=20)))
    made = client.ingest.Upload(file_of(api, b"a\n3\n", "woken"))
    assert waiting.result(timeout=15).seq >= made.seq > seq
    assert client.catalog.GetEpoch(api.catalog.GetEpochRequest(since=made.seq, wait=duration_pb2.Duration(nanos=1))).seq == made.seq


def test_query(client, api):
    table, trailer = rows_of(client.query.Run(api.query.RunRequest(sql="SELECT range AS n, 'row ' || range AS t FROM range(300000)")))
    assert (trailer.truncated, table.schema.names) == (False, ["n", "t"])
    assert table.column("n").to_numpy().sum() == 299_999 * 150_000 and table.column("t")[7].as_py() == "row 7"
    empty, _ = rows_of(client.query.Run(api.query.RunRequest(sql="SELECT 1 AS a WHERE false")))
    assert (empty.num_rows, empty.schema.names) == (0, ["a"])
    cut, trailer = rows_of(client.query.Run(api.query.RunRequest(sql="FROM range(1000000)", max_rows=5000)))
    assert (cut.num_rows, trailer.truncated) == (5000, True)
    wide, _ = rows_of(client.query.Run(api.query.RunRequest(sql="SELECT repeat('x', 9000000) AS t")))
    assert len(wide.column("t")[0].as_py()) == 9_000_000


def test_query_parameters(client, api):
    value = api.query.Parameter
    parameters = [value(null_value=struct_pb2.NULL_VALUE), value(bool_value=True), value(int_value=1 << 60), value(double_value=0.25),
                  value(string_value="ä"), value(json_value='{"a":[1]}'), value(typed_value=api.query.TypedValue(type="DATE", text="2026-01-31")),
                  value(bytes_value=b"\0\xff")]
    names = "abcdefgh"
    sql = "SELECT " + ", ".join(f"${i + 1} AS {name}" for i, name in enumerate(names))
    table, _ = rows_of(client.query.Run(api.query.RunRequest(sql=sql, parameters=parameters)))
    row = [table.column(name)[0].as_py() for name in names]
    assert row[:5] == [None, True, 1 << 60, 0.25, "ä"] and str(row[6]) == "2026-01-31" and row[7] == b"\0\xff"
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid") as empty:
        rows_of(client.query.Run(api.query.RunRequest(sql="SELECT $1", parameters=[value()])))
    assert details_of(empty.value)["BadRequest"].field_violations[0].field == "parameters[0]"


def test_query_of_the_past_and_bad_queries(client, api):
    before = client.ingest.Upload(file_of(api, b"a\n1\n", "past"))
    client.ingest.Upload(file_of(api, b"a\n2\n", "past"))
    now, _ = rows_of(client.query.Run(api.query.RunRequest(sql="FROM past")))
    then, trailer = rows_of(client.query.Run(api.query.RunRequest(sql="FROM past", at_seq=before.seq)))
    assert (now.column("a").to_pylist(), then.column("a").to_pylist(), trailer.seq) == ([2], [1], before.seq)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid", "syntax error"):
        list(client.query.Run(api.query.RunRequest(sql="SELEC 1")))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
        list(client.query.Run(api.query.RunRequest(sql="CREATE TABLE x (a INT)")))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
        list(client.query.Run(api.query.RunRequest(sql="SELECT CAST(range AS DATE) FROM range(3)")))


def test_export_and_describe(client, api):
    query = api.query
    for form, media, read in ((query.RESULT_FORMAT_CSV, "text/csv", lambda body: body.decode().splitlines()[1:3] == ["0,0", "1,2"]),
                              (query.RESULT_FORMAT_PARQUET, "application/vnd.apache.parquet", lambda body: pq.read_table(pa.BufferReader(body)).num_rows == 50_000),
                              (query.RESULT_FORMAT_UNSPECIFIED, "application/json", lambda body: json.loads(body)["row_count"] == 50_000)):
        answers = list(client.query.Export(query.ExportRequest(query=query.RunRequest(sql="SELECT range AS n, 2 * range AS m FROM range(50000)"), format=form)))
        body = b"".join(answer.data for answer in answers[1:-1])
        assert answers[0].head.content_type.split(";")[0] == media and answers[-1].tail.bytes == len(body) and read(body)
    shape = client.query.Describe(query.DescribeRequest(sql="SELECT 1 AS a, CAST($1 AS DATE) AS b"))
    reader = pa.BufferReader(shape.arrow)
    assert [(field.name, str(field.type)) for field in pa.ipc.read_schema(reader)] == [("a", "int32"), ("b", "date32[day]")]
    assert len(pa.ipc.read_schema(reader)) == 1
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
        client.query.Describe(query.DescribeRequest(sql="SELEC"))


def test_a_query_ends_with_its_time(lake, client, api):
    began = time.monotonic()
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED, "deadline"):
        list(client.query.Run(api.query.RunRequest(sql=ENDLESS, timeout=duration_pb2.Duration(nanos=300_000_000))))
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED):
        list(client.query.Run(api.query.RunRequest(sql=ENDLESS), timeout=0.3))
    assert time.monotonic() - began < 10
    wait_for("no query to run", lambda: metric(lake, "queryd", "lakehouse_queries_running") == 0)


def test_a_query_ends_with_its_client(lake, client, api):
    call = client.query.Run(api.query.RunRequest(sql=ENDLESS))
    wait_for("the query to run", lambda: metric(lake, "queryd", "lakehouse_queries_running") == 1)
    call.cancel()
    wait_for("the query to end", lambda: metric(lake, "queryd", "lakehouse_queries_running") == 0)
    with pytest.raises(grpc.RpcError) as cancelled:
        list(call)
    assert cancelled.value.code() == grpc.StatusCode.CANCELLED
    wait_for("the call to be counted", lambda: metric(lake, "gateway", "lakehouse_grpc_calls_in_flight") == 0)


def index_of(client, api, name, **options):
    return client.vectors.CreateIndex(api.vectors.CreateIndexRequest(name=name, options=api.vectors.IndexOptions(**options))).index


def test_vectors(client, api):
    vectors = api.vectors
    made = index_of(client, api, "v", dimension=8, metric=vectors.METRIC_L2, quantization=vectors.QUANTIZATION_NONE)
    assert (made.name, made.length, made.options.m) == ("v", 0, 16)
    with refused(grpc.StatusCode.ALREADY_EXISTS, "conflict"):
        index_of(client, api, "v", dimension=8)
    base = np.random.default_rng(2).random((500, 8), np.float32)
    items = [vectors.Item(id=str(i), vector=row, metadata=json.dumps({"even": i % 2 == 0})) for i, row in enumerate(base)]
    added = client.vectors.AddItems(vectors.AddItemsRequest(index="v", items=items))
    assert (added.added, added.updated, added.length) == (500, 0, 500)
    answers = client.vectors.Search(vectors.SearchRequest(index="v", vectors=base[:3].ravel(), options=vectors.SearchOptions(k=2, with_vectors=True))).answers
    assert [answer.hits[0].id for answer in answers] == ["0", "1", "2"]
    assert list(answers[1].hits[0].vector) == base[1].tolist() and json.loads(answers[1].hits[0].metadata) == {"even": False}
    filtered = client.vectors.Search(vectors.SearchRequest(index="v", vectors=base[1], options=vectors.SearchOptions(filter='{"even":true}', without_metadata=True)))
    assert len(filtered.answers[0].hits) == 10 and all(int(hit.id) % 2 == 0 and not hit.HasField("metadata") for hit in filtered.answers[0].hits)
    item = client.vectors.GetItem(vectors.GetItemRequest(index="v", id="7")).item
    assert list(item.vector) == base[7].tolist()
    client.vectors.RemoveItem(vectors.RemoveItemRequest(index="v", id="7"))
    with refused(grpc.StatusCode.NOT_FOUND, "not-found"):
        client.vectors.GetItem(vectors.GetItemRequest(index="v", id="7"))
    pieces = list(client.vectors.ScanItems(vectors.ScanItemsRequest(index="v")))
    assert pieces[0].length == 499 and sum(len(piece.items) for piece in pieces) == 499
    assert [index.name for index in client.vectors.ListIndexes(vectors.ListIndexesRequest()).indexes] == ["v"]
    rebuilt = client.vectors.RebuildIndex(vectors.RebuildIndexRequest(name="v", quantization=vectors.QUANTIZATION_SQ8)).index
    assert (rebuilt.length, rebuilt.options.quantization) == (499, vectors.QUANTIZATION_SQ8)
    client.vectors.DropIndex(vectors.DropIndexRequest(name="v"))
    with refused(grpc.StatusCode.NOT_FOUND, "not-found"):
        client.vectors.GetIndex(vectors.GetIndexRequest(name="v"))


def test_a_dataset_becomes_items(lake, client, api):
    """Where the gateway reaches vectord over HTTP, that is vectord's own to do."""
    vectors = api.vectors
    index_of(client, api, "rides", dimension=2, metric=vectors.METRIC_L2)
    table = pa.table({"id": [f"r{i}" for i in range(100)], "v": pa.array([[float(i), 1.0] for i in range(100)], pa.list_(pa.float32())), "fare": list(range(100))})
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    client.ingest.Upload(file_of(api, buffer.getvalue().to_pybytes(), "rides_v", format=api.ingest.SOURCE_FORMAT_PARQUET))
    load = vectors.LoadDatasetRequest(index="rides", dataset="rides_v", vector_column="v", metadata_columns=["fare"])
    if lake.shape == "split":
        with refused(grpc.StatusCode.UNIMPLEMENTED, "not-implemented", "ask vectord"):
            list(client.vectors.LoadDataset(load))
    else:
        messages = list(client.vectors.LoadDataset(load))
        assert (messages[-1].applied.added, messages[-1].dataset_version) == (100, 1)
        assert [message.done for message in messages[:-1]][-1:] == [100]
        found = client.vectors.Search(vectors.SearchRequest(index="rides", vectors=[7, 1], options=vectors.SearchOptions(k=1))).answers[0].hits[0]
        assert (found.id, json.loads(found.metadata)) == ("r7", {"fare": 7})
        load.text_column = "id"
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
            list(client.vectors.LoadDataset(load))
    client.vectors.DropIndex(vectors.DropIndexRequest(name="rides"))


def test_texts_become_vectors(api):
    with Lake("split over gRPC") as lake, opened(api, lake.grpc_address()) as client:
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid", "embedding_provider"):
            client.vectors.EmbedTexts(api.vectors.EmbedTextsRequest(dimension=8, texts=["a"]))
        lake.stop()
        lake.environment["LAKEHOUSE_VECTORD_EMBEDDING_PROVIDER"] = "hash"
        lake.start()
        # Its port may be another after a restart.
        with opened(api, lake.grpc_address()) as again:
            made = again.vectors.EmbedTexts(api.vectors.EmbedTextsRequest(dimension=8, texts=["a ride", "a bicycle"]))
            assert len(made.vectors) == 16
            index_of(again, api, "texts", dimension=8)
            again.vectors.AddItems(api.vectors.AddItemsRequest(index="texts", items=[api.vectors.Item(id="r", text="a ride"), api.vectors.Item(id="b", text="a bicycle")]))
            found = again.vectors.Search(api.vectors.SearchRequest(index="texts", options=api.vectors.SearchOptions(k=1, text="a bicycle")))
            assert found.answers[0].hits[0].id == "b"


def test_what_is_wrong_with_vectors(client, api):
    vectors = api.vectors
    index_of(client, api, "wrong", dimension=4)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid", 'items[1] (id "b")') as item:
        client.vectors.AddItems(vectors.AddItemsRequest(index="wrong", items=[vectors.Item(id="a", vector=[1] * 4), vectors.Item(id="b", vector=[1] * 3)]))
    assert details_of(item.value)["BadRequest"].field_violations[0].field == "items[1]"
    assert client.vectors.GetIndex(vectors.GetIndexRequest(name="wrong")).index.length == 0
    for floats in ([1] * 5, []):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
            client.vectors.Search(vectors.SearchRequest(index="wrong", vectors=floats))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid") as filter_:
        client.vectors.Search(vectors.SearchRequest(index="wrong", vectors=[1] * 4, options=vectors.SearchOptions(filter="{")))
    assert details_of(filter_.value)["BadRequest"].field_violations[0].field == "options.filter"
    client.vectors.DropIndex(vectors.DropIndexRequest(name="wrong"))


def test_streams_of_vectors(client, api):
    vectors = api.vectors
    index_of(client, api, "s", dimension=4, metric=vectors.METRIC_L2)
    rows = np.random.default_rng(3).random((100, 4), np.float32)

    def batches():
        for at in range(0, 100, 20):
            yield vectors.AddItemsRequest(index="" if at else "s", items=[vectors.Item(id=str(at + i), vector=row) for i, row in enumerate(rows[at:at + 20])])
    assert [answer.length for answer in client.vectors.AddItemsStream(batches())] == [20, 40, 60, 80, 100]

    def searches():
        for i in range(50):
            wanted = rows[i] if i != 30 else rows[i][:3]
            yield vectors.SearchStreamRequest(tag=1000 + i, search=vectors.SearchRequest(index="" if i else "s", vectors=wanted, options=vectors.SearchOptions(k=1)))
    answers = list(client.vectors.SearchStream(searches()))
    assert [answer.tag for answer in answers] == [1000 + i for i in range(50)]
    assert [answer.WhichOneof("result") for answer in answers].count("error") == 1
    assert answers[30].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert all(answer.found.answers[0].hits[0].id == str(i) for i, answer in enumerate(answers) if i != 30)
    bad = [vectors.AddItemsRequest(index="s", items=[vectors.Item(id="new", vector=[1] * 4)]), vectors.AddItemsRequest(items=[vectors.Item(id="x", vector=[1])]),
           vectors.AddItemsRequest(items=[vectors.Item(id="late", vector=[1] * 4)])]
    answered = client.vectors.AddItemsStream(iter(bad))
    assert next(answered).length == 101
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
        next(answered)
    assert client.vectors.GetIndex(vectors.GetIndexRequest(name="s")).index.length == 101
    client.vectors.DropIndex(vectors.DropIndexRequest(name="s"))


def test_request_ids(client, api):
    answer, call = client.catalog.GetEpoch.with_call(api.catalog.GetEpochRequest(), metadata=[("x-request-id", "mine-17")])
    assert dict(call.initial_metadata())["x-request-id"] == "mine-17"
    with refused(grpc.StatusCode.NOT_FOUND, "not-found") as missing:
        client.catalog.GetManifest(api.catalog.GetManifestRequest(name="nothing"), metadata=[("x-request-id", "mine-18")])
    assert details_of(missing.value)["RequestInfo"].request_id == "mine-18"
    _, made = client.catalog.GetEpoch.with_call(api.catalog.GetEpochRequest(), metadata=[("x-request-id", "no id at all")])
    assert dict(made.initial_metadata())["x-request-id"] not in ("", "no id at all")


def test_a_message_that_is_too_large(client, api):
    """[grpc] max_message is 64 MiB."""
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, words=str(64 * MIB)):
        client.storage.PutObject(uploaded(api, bytes(64 * MIB), "grpc/one-message", piece=64 * MIB))
    assert client.catalog.GetEpoch(api.catalog.GetEpochRequest()).seq >= 0


def test_unknown_fields_and_no_protobuf(client, api):
    raw = client.channel.unary_unary("/lakehouse.v1.Catalog/GetEpoch", request_serializer=bytes, response_deserializer=api.catalog.GetEpochResponse.FromString)
    unknown = bytes([0xfa, 0x7f, 5]) + b"later"  # field 2047, of a client newer than this server
    assert raw(unknown).seq == raw(b"").seq
    with pytest.raises(grpc.RpcError) as garbage:
        raw(b"\xff\xff\xff")
    # What the library says to bytes that are no protobuf, before the service hears of them.
    assert garbage.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert raw(b"").seq >= 0


@pytest.mark.parametrize("shape", SHAPES)
def test_api_keys(api, shape):
    with Lake(shape) as lake, opened(api, lake.grpc_address()) as client:
        made = {}
        for scope in ("admin", "write", "read"):
            headers = {"Authorization": f"Bearer {made['admin']}"} if made else {}
            answer = requests.post(lake.url("/v1/keys"), json={"name": scope, "scope": scope}, headers=headers, timeout=10)
            assert answer.status_code == 201, answer.text
            made[scope] = answer.json()["key"]

        def bearer(scope):
            return [("authorization", f"Bearer {made[scope]}")]
        with refused(grpc.StatusCode.UNAUTHENTICATED, "unauthenticated"):
            client.catalog.GetEpoch(api.catalog.GetEpochRequest())
        with refused(grpc.StatusCode.UNAUTHENTICATED, "unauthenticated"):
            client.catalog.GetEpoch(api.catalog.GetEpochRequest(), metadata=[("authorization", "Bearer " + made["read"][:-1] + "x")])
        assert client.catalog.GetEpoch(api.catalog.GetEpochRequest(), metadata=bearer("read")).seq == 0
        with refused(grpc.StatusCode.PERMISSION_DENIED, "forbidden", "write"):
            client.ingest.Upload(file_of(api, b"a\n1\n", "t"), metadata=bearer("read"))
        assert client.ingest.Upload(file_of(api, b"a\n1\n", "t"), metadata=bearer("write")).row_count == 1
        assert rows_of(client.query.Run(api.query.RunRequest(sql="FROM t"), metadata=bearer("read")))[0].num_rows == 1
        with refused(grpc.StatusCode.PERMISSION_DENIED, "forbidden", "admin"):
            client.catalog.CollectGarbage(api.catalog.CollectGarbageRequest(), metadata=bearer("write"))
        client.catalog.CollectGarbage(api.catalog.CollectGarbageRequest(), metadata=bearer("admin"))
        # Health is everyone's to ask; a client cannot make itself a role.
        wait_for("health", lambda: serves(client, ""))
        token = next((lake.folder / "data").rglob("role*token*")).read_text().strip()
        with refused(grpc.StatusCode.UNAUTHENTICATED, "unauthenticated"):
            client.catalog.GetEpoch(api.catalog.GetEpochRequest(), metadata=[("x-lakehouse-role-token", token)])


def test_the_page_does_what_it_says(api):
    with Lake() as lake:
        seen = snippets.run("docs/grpc.md", grpc=lake.grpc_address())
        assert (seen["made"].row_count, seen["table"].to_pydict()) == (2, {"id": [2], "fare": [9.0]})
        assert seen["nearest"] == ["a", "b"]
        assert (seen["code"], seen["info"].reason, seen["info"].metadata["line"]) == (grpc.StatusCode.ALREADY_EXISTS, "conflict", "2")
