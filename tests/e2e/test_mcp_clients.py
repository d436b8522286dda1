"""The protocol's own Python client: over HTTP, over standard input and output, with a server and without."""

import asyncio
import json
import os
import re
import subprocess
import time
from contextlib import asynccontextmanager
from pathlib import Path

import mcp
import pytest
import requests
from lake import BINARY, ROOT, Lake
from mcp.client.stdio import stdio_client

# The client's words for "begin with initialize" and "ask what there is"; the latter finds the newest.
REVISIONS = {"legacy": "2025-11-25", "auto": "2026-07-28"}
ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(1000) b"


@pytest.fixture(scope="module")
def lake():
    with Lake() as running:
        assert running.ingest("trips", "id,fare\n" + "".join(f"{i},{i / 2}\n" for i in range(1000))).status == 201
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A lake that no server holds, with the same dataset."""
    data = tmp_path_factory.mktemp("embedded")
    csv = "id,fare\n" + "".join(f"{i},{i / 2}\n" for i in range(1000))
    asyncio.run(ingest_embedded(data, csv))
    return data


async def ingest_embedded(data, csv):
    with open(data / "log", "w") as log:
        way = stdio_client(started("mcp", "--data-dir", str(data / "lake"), LAKEHOUSE_MCP_ALLOW_WRITES="true"), errlog=log)
        async with mcp.Client(way, mode="legacy") as client:
            stored = await client.call_tool("ingest_csv", {"name": "trips", "csv": csv})
            assert stored.structured_content["rows_added"] == 1000, stored


def started(*arguments, **environment):
    return mcp.StdioServerParameters(command=BINARY, args=list(arguments), env=environment)


@asynccontextmanager
async def connect(way, mode, lake, folder, log, **more):
    """A client over one of the three ways, and where the server's log is."""
    if way == "http":
        async with mcp.Client(lake.url("/mcp"), mode=mode, **more) as client:
            yield client, lake.folder / "serve.log"
        return
    arguments = ("--url", lake.url("")) if way == "bridge" else ("--data-dir", str(folder / "lake"))
    with open(log, "w") as errors:
        async with mcp.Client(stdio_client(started("mcp", *arguments), errlog=errors), mode=mode, **more) as client:
            yield client, lake.folder / "serve.log" if way == "bridge" else log


ways = pytest.mark.parametrize("way", ["http", "bridge", "embedded"])
modes = pytest.mark.parametrize("mode", REVISIONS)


async def wait_until(what, check):
    end = time.monotonic() + 30
    while not await check():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.02)


@ways
@modes
def test_the_python_client_lists_and_calls(way, mode, lake, folder, tmp_path):
    async def talk():
        async with connect(way, mode, lake, folder, tmp_path / "log") as (client, _):
            assert client.protocol_version == REVISIONS[mode] and client.server_info.name == "lakehouse"
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert {"list_datasets", "query", "search_vectors"} <= tools.keys() and tools["query"].output_schema["type"] == "object"
            answer = await client.call_tool("query", {"sql": "SELECT count(*), sum(fare) FROM trips"})
            assert not answer.is_error and answer.structured_content["rows"] == [[1000, 249750.0]]
            wrong = await client.call_tool("describe_dataset", {"name": "tripz"})
            assert wrong.is_error and "did you mean trips" in wrong.content[0].text
            assert "lakehouse://datasets/trips" in [str(r.uri) for r in (await client.list_resources()).resources]
            assert len((await client.list_resource_templates()).resource_templates) == 3
            (contents,) = (await client.read_resource("lakehouse://datasets/trips@1")).contents
            assert json.loads(contents.text)["version"] == 1
            assert [p.name for p in (await client.list_prompts()).prompts] == ["analyze_dataset", "write_sql"]
            prompt = await client.get_prompt("analyze_dataset", {"dataset": "trips"})
            assert "trips" in prompt.messages[0].content.text
            done = await client.complete(mcp.types.ResourceTemplateReference(uri="lakehouse://datasets/{name}"), {"name": "name", "value": "tr"})
            assert done.completion.values == ["trips"]
            steps = []

            async def progress(done, total, message):
                steps.append((done, total))
            await client.call_tool("profile_dataset", {"name": "trips"}, progress_callback=progress)
            assert len(steps) >= 3 and steps == sorted(steps)
    asyncio.run(asyncio.wait_for(talk(), 60))


@ways
@modes
def test_a_cancelled_call_ends_at_the_server(way, mode, lake, folder, tmp_path):
    def cancelled(log):
        return log.read_text().count('"outcome":"cancelled"')

    async def talk():
        async with connect(way, mode, lake, folder, tmp_path / "log") as (client, log):
            before = cancelled(log)
            call = asyncio.create_task(client.call_tool("query", {"sql": ENDLESS}))
            # It has begun once the engine works on it; a request that is taken back before is never begun.
            done, _ = await asyncio.wait([call], timeout=1)
            assert not done, call.result()
            call.cancel()

            async def ended():
                return cancelled(log) > before
            await wait_until("the audit of a cancelled call", ended)
            answer = await client.call_tool("query", {"sql": "SELECT 1"})
            assert answer.structured_content["rows"] == [[1]]
    asyncio.run(asyncio.wait_for(talk(), 60))


def add_to_index(lake, name, count):
    items = [{"id": f"i{count}", "vector": [0, count]}]
    assert requests.post(lake.url(f"/v1/vectors/index/{name}/add"), json={"items": items}, timeout=30).status_code == 200


# The older way to subscribe is what clients of 2025 have.
@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
@pytest.mark.parametrize("way", ["http", "bridge"])
@modes
def test_changes_of_datasets_and_indexes_are_told(way, mode, lake, folder, tmp_path):
    name = f"heard_{way}_{mode}".replace("-", "_")
    uris = {f"lakehouse://datasets/{name}", f"lakehouse://indexes/{name}"}
    heard = set()

    async def note(message):
        if isinstance(message, mcp.ResourceUpdatedNotification):
            heard.add(str(message.params.uri))
        elif type(message).__name__ == "ResourceListChangedNotification":
            heard.add("list")

    async def follow(client):
        async with client.listen(resources_list_changed=True, resource_subscriptions=sorted(uris)) as events:
            async for event in events:
                heard.add(str(getattr(event, "uri", "list")))

    async def talk():
        async with connect(way, mode, lake, folder, tmp_path / "log", message_handler=note) as (client, _):
            if mode == "legacy":
                for uri in sorted(uris):
                    await client.subscribe_resource(uri)
            listening = asyncio.create_task(follow(client)) if mode != "legacy" else None
            assert lake.ingest(name, "a\n0\n").status == 201
            made = requests.post(lake.url("/v1/vectors/index"), json={"name": name, "dimension": 2, "metric": "l2"}, timeout=30)
            assert made.status_code == 201
            count = 0

            async def told():
                # Whoever listens hears of what changes from then on, so things change until it has.
                nonlocal count
                count += 1
                await asyncio.to_thread(lake.ingest, name, f"a\n{count}\n")
                await asyncio.to_thread(add_to_index, lake, name, count)
                return uris <= heard
            await wait_until("notices of a dataset and an index", told)
            requests.delete(lake.url(f"/v1/vectors/index/{name}"), timeout=30)

            async def list_told():
                return "list" in heard
            await wait_until("a notice of the list", list_told)
            if listening is not None:
                listening.cancel()
    asyncio.run(asyncio.wait_for(talk(), 90))


def test_a_store_that_a_server_holds_is_refused(lake):
    done = subprocess.run([BINARY, "mcp", "--data-dir", str(lake.folder / "data")], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "in use by process" in done.stderr and "--url" in done.stderr, done


def snippets():
    """The configurations that docs/mcp.md shows, by what they hold."""
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", (ROOT / "docs/mcp.md").read_text(), re.DOTALL)]
    servers = [block["mcpServers"]["lakehouse"] for block in blocks]
    assert len(servers) == 3
    return {"embedded" if "--data-dir" in s.get("args", []) else "bridge" if "command" in s else "http": s for s in servers}


@ways
def test_the_configurations_in_the_docs_work(way, lake, folder, monkeypatch):
    # As they stand there, but for where this test's server and lake are.
    text = json.dumps(snippets()[way]).replace("http://127.0.0.1:3110", lake.url("")).replace("/home/me/lake", str(folder / "lake"))
    server = json.loads(text)
    monkeypatch.setenv("PATH", f"{Path(BINARY).resolve().parent}{os.pathsep}{os.environ['PATH']}")

    async def talk():
        target = server["url"] if way == "http" else mcp.StdioServerParameters(command=server["command"], args=server["args"])
        async with mcp.Client(target) as client:
            answer = await client.call_tool("list_datasets", {})
            assert "trips" in [dataset["name"] for dataset in answer.structured_content["datasets"]]
    asyncio.run(asyncio.wait_for(talk(), 60))
