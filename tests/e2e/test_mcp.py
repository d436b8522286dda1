"""Agents' way in: the wire itself, and what a model gets to read."""

import json
import os
import subprocess
import threading
import time

import pytest
import requests
from lake import BINARY, Lake, wait_for

ACCEPT = "application/json, text/event-stream"
STATELESS = "2026-07-28"


class Agent:
    """A client with a session, of one revision."""

    def __init__(self, lake, revision="2025-11-25", key=None):
        self.url, self.headers, self.next_id = lake.url("/mcp"), {"Accept": ACCEPT}, 0
        if key:
            self.headers["Authorization"] = f"Bearer {key}"
        answer = self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize",
                            "params": {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
        assert answer.status_code == 200, answer.text
        self.hello = answer.json()["result"]
        self.headers |= {"Mcp-Session-Id": answer.headers["Mcp-Session-Id"], "MCP-Protocol-Version": self.hello["protocolVersion"]}
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202

    def post(self, message, **headers):
        return requests.post(self.url, json=message, headers=self.headers | headers, timeout=30)

    def ask(self, method, **params):
        self.next_id += 1
        answer = self.post({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params})
        message = json.loads(answer.text) if answer.headers["Content-Type"] == "application/json" else events(answer.text)[-1]
        assert message["id"] == self.next_id
        return message

    def call(self, tool, **arguments):
        return self.ask("tools/call", name=tool, arguments=arguments)["result"]


def events(text):
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ") and line[6:]]


@pytest.fixture(scope="module", params=["serve", "split"])
def lake(request):
    with Lake(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def agent(lake):
    assert lake.ingest("trips", "id,zip,fare\n" + "".join(f"{i},{i % 7:05},{i / 2}\n" for i in range(1000))).status == 201
    return Agent(lake)


@pytest.mark.parametrize("revision", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_each_revision_is_answered_in_its_own(lake, revision):
    agent = Agent(lake, revision)
    assert agent.hello["protocolVersion"] == revision and agent.hello["serverInfo"]["name"] == "lakehouse"
    assert agent.ask("ping")["result"] == {}


def test_an_unknown_revision_gets_ours(lake):
    assert Agent(lake, "1999-01-01").hello["protocolVersion"] == "2025-11-25"


def test_tools_are_described(agent):
    tools = {tool["name"]: tool for tool in agent.ask("tools/list")["result"]["tools"]}
    assert set(tools) == {"list_datasets", "describe_dataset", "query", "explain_query", "profile_dataset", "list_indexes", "search_vectors"}
    assert all(tool["annotations"]["readOnlyHint"] and tool["outputSchema"]["type"] == "object" for tool in tools.values())


def test_datasets_are_listed_described_and_profiled(agent):
    (trips,) = [d for d in agent.call("list_datasets")["structuredContent"]["datasets"] if d["name"] == "trips"]
    assert trips["row_count"] == 1000
    described = agent.call("describe_dataset", name="trips")
    assert [(c["name"], c["type"]) for c in described["structuredContent"]["columns"]] == [("id", "BIGINT"), ("zip", "VARCHAR"), ("fare", "DOUBLE")]
    assert described["structuredContent"]["columns"][0]["max"] == "999" and len(described["structuredContent"]["sample"]) == 5
    profile = agent.call("profile_dataset", name="trips")["structuredContent"]["columns"]
    assert profile[1]["top"][0] == {"value": "00000", "count": 143} and profile[2]["quantiles"][4] == 499.5


def test_a_cut_answer_goes_on(agent):
    sql = "SELECT id FROM trips ORDER BY id"
    seen, more = [], {}
    for _ in range(10):
        answer = agent.call("query", sql=sql, max_rows=150, **more)["structuredContent"]
        seen += [row[0] for row in answer["rows"]]
        if not answer["truncated"]:
            break
        more = {"next": answer["next"]}
    assert seen == list(range(1000))
    other = agent.call("query", sql="SELECT 1", next=more["next"])
    assert other["isError"] and "another statement" in other["content"][0]["text"]


def test_the_row_budget_holds_whatever_is_asked(agent):
    answer = agent.call("query", sql="SELECT * FROM range(1000000)", max_rows=100000)
    assert answer["structuredContent"]["row_count"] == 200 and answer["structuredContent"]["truncated"]
    assert "next=" in answer["content"][0]["text"]


def test_parameters_and_plans(agent):
    assert agent.call("query", sql="SELECT ?::INT + 1 AS n", params=[41])["structuredContent"]["rows"] == [[42]]
    assert "trips" in agent.call("explain_query", sql="SELECT * FROM trips WHERE fare > 1")["structuredContent"]["plan"].lower()


@pytest.mark.parametrize("tool,arguments,words", [
    ("describe_dataset", {"name": "tripz"}, "did you mean trips"),
    ("query", {"sql": "SELECT * FROM tripz"}, "The datasets are: trips"),
    ("query", {"sql": "SELECT fair FROM trips"}, "fare"),
    ("query", {"sql": "DROP TABLE trips"}, "only SELECT"),
    ("query", {"sql": "SELECT 1", "limit": 5}, "there are: sql, params"),
    ("query", {}, "\"sql\" is missing"),
    ("search_vectors", {"index": "nope", "vector": [1]}, "indexes are: none"),
    ("search_vectors", {"index": "nope"}, "\"vector\", \"text\" or both"),
])
def test_errors_help(agent, tool, arguments, words):
    result = agent.call(tool, **arguments)
    assert result["isError"] and words.lower() in result["content"][0]["text"].lower(), result


def test_vectors_are_found(agent, lake):
    assert requests.post(lake.url("/v1/vectors/index"), json={"name": "pets", "dimension": 2, "metric": "l2"}, timeout=30).status_code == 201
    items = [{"id": "cat", "vector": [0, 1], "metadata": {"legs": 4}}, {"id": "bird", "vector": [1, 0], "metadata": {"legs": 2}}]
    assert requests.post(lake.url("/v1/vectors/index/pets/add"), json={"items": items}, timeout=30).status_code == 200
    assert [i["name"] for i in agent.call("list_indexes")["structuredContent"]["indexes"]] == ["pets"]
    found = agent.call("search_vectors", index="pets", vector=[0, 0.9], filter={"legs": {"$lt": 3}})["structuredContent"]
    assert [hit["id"] for hit in found["results"]] == ["bird"] and found["results"][0]["metadata"] == {"legs": 2}
    wrong = agent.call("search_vectors", index="pets", vector=[1, 2, 3])
    assert wrong["isError"] and "dimension 2" in wrong["content"][0]["text"]


def test_resources_templates_prompts_and_completion(agent):
    uris = {r["uri"] for r in agent.ask("resources/list")["result"]["resources"]}
    assert "lakehouse://datasets/trips" in uris
    contents = agent.ask("resources/read", uri="lakehouse://datasets/trips@1")["result"]["contents"]
    assert json.loads(contents[0]["text"])["version"] == 1
    assert agent.ask("resources/read", uri="lakehouse://datasets/tripz")["error"]["code"] == -32002
    assert len(agent.ask("resources/templates/list")["result"]["resourceTemplates"]) == 3
    assert [p["name"] for p in agent.ask("prompts/list")["result"]["prompts"]] == ["analyze_dataset", "write_sql"]
    prompt = agent.ask("prompts/get", name="analyze_dataset", arguments={"dataset": "trips"})["result"]
    assert "trips" in prompt["messages"][0]["content"]["text"]
    assert agent.ask("prompts/get", name="analyze_dataset")["error"]["code"] == -32602
    done = agent.ask("completion/complete", ref={"type": "ref/resource", "uri": "lakehouse://datasets/{name}"}, argument={"name": "name", "value": "tr"})
    assert done["result"]["completion"]["values"] == ["trips"]


def test_progress_comes_before_the_answer(agent):
    answer = agent.post({"jsonrpc": "2.0", "id": "p", "method": "tools/call",
                         "params": {"name": "profile_dataset", "arguments": {"name": "trips"}, "_meta": {"progressToken": "tok"}}})
    assert answer.headers["Content-Type"] == "text/event-stream"
    messages = events(answer.text)
    progress = [m["params"]["progress"] for m in messages[:-1]]
    assert progress == sorted(progress) and len(progress) >= 3 and messages[-1]["id"] == "p"


def test_a_long_query_says_how_long_it_runs(agent):
    for rows in (30_000, 100_000, 300_000):  # more than a second on this machine
        began = time.monotonic()
        answer = agent.post({"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": {
            "name": "query", "arguments": {"sql": f"SELECT sum(a.range * b.range % 7) FROM range({rows}) a, range(20000) b"}, "_meta": {"progressToken": 5}}})
        took = time.monotonic() - began
        if took > 1.5:
            break
    messages = events(answer.text)
    told = [m["params"] for m in messages[:-1]]
    assert [t["progress"] for t in told] == list(range(1, len(told) + 1)) and 1 <= len(told) <= took, (told, took)
    assert all(t["progressToken"] == 5 and "total" not in t for t in told)
    assert messages[-1]["id"] == "q" and not messages[-1]["result"].get("isError")
    quick = agent.post({"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": {
        "name": "query", "arguments": {"sql": "SELECT 1"}, "_meta": {"progressToken": 6}}})
    assert "notifications/progress" not in quick.text


def test_a_subscriber_hears_of_a_new_version(agent, lake):
    agent.ask("resources/subscribe", uri="lakehouse://datasets/watched")
    assert lake.ingest("watched", "a\n1\n").status == 201
    heard = threading.Event()

    def change():
        # Whoever listens hears of what changes from then on.
        count = 1
        while not heard.wait(0.02):
            count += 1
            lake.ingest("watched", f"a\n{count}\n")

    changing = threading.Thread(target=change, daemon=True)
    end = time.monotonic() + 30
    with requests.get(agent.url, headers=agent.headers | {"Accept": "text/event-stream"}, stream=True, timeout=30) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        changing.start()
        for line in stream.iter_lines(1):
            assert time.monotonic() < end, "no notice"
            if b"watched" in line:
                break
    heard.set()
    changing.join()
    assert b"notifications/resources/updated" in line


def stateless(lake, method, params=None, name=None, version=STATELESS, **headers):
    meta = {"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {}}
    sent = {"Accept": ACCEPT, "MCP-Protocol-Version": version, "Mcp-Method": method} | ({"Mcp-Name": name} if name else {}) | headers
    return requests.post(lake.url("/mcp"), json={"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta} | (params or {})},
                         headers=sent, timeout=30)


def test_without_a_session(lake, agent):
    found = stateless(lake, "server/discover").json()["result"]
    assert STATELESS in found["supportedVersions"] and found["resultType"] == "complete"
    tools = stateless(lake, "tools/list").json()["result"]
    assert tools["ttlMs"] > 0 and tools["cacheScope"] == "private"
    called = stateless(lake, "tools/call", {"name": "query", "arguments": {"sql": "SELECT 1 AS one"}}, "query")
    assert called.json()["result"]["structuredContent"]["rows"] == [[1]]
    mismatch = stateless(lake, "tools/call", {"name": "query", "arguments": {}}, "other")
    assert (mismatch.status_code, mismatch.json()["error"]["code"]) == (400, -32020)
    unknown = stateless(lake, "tools/list", version="1900-01-01")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, -32022)
    assert stateless(lake, "ping").status_code == 404
    missing = stateless(lake, "resources/read", {"uri": "lakehouse://datasets/nope"}, "lakehouse://datasets/nope")
    assert missing.json()["error"]["code"] == -32602


@pytest.mark.parametrize("body,code", [(b"{", -32700), (b"[]", -32600), (b"3", -32600), (b'{"jsonrpc":"2.0","id":1}', -32600),
                                       (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600)])
def test_what_is_no_message_is_400(agent, body, code):
    answer = requests.post(agent.url, data=body, headers=agent.headers | {"Content-Type": "application/json"}, timeout=30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_bad_input(agent, lake):
    assert agent.ask("no/such/method")["error"]["code"] == -32601
    assert agent.ask("tools/call", name="nope")["error"]["code"] == -32602
    assert "allow_writes" in agent.ask("tools/call", name="ingest_csv")["error"]["message"]
    assert requests.post(agent.url, data=b"x" * (17 << 20), headers=agent.headers | {"Content-Type": "application/json"}, timeout=30).status_code == 413
    assert requests.post(agent.url, data=b"<x/>", headers={"Content-Type": "text/xml"}, timeout=30).status_code == 415
    assert requests.post(agent.url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, timeout=30).status_code == 400
    assert requests.get(agent.url, timeout=30).status_code == 405


def test_batches_are_for_the_first_revision(lake):
    agent = Agent(lake, "2025-03-26")
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/x"}, {"jsonrpc": "2.0", "id": 2, "method": "nope"}]
    first, second = agent.post(batch).json()
    assert first == {"jsonrpc": "2.0", "id": 1, "result": {}} and second["error"]["code"] == -32601


def test_pages_of_elsewhere_are_refused(agent):
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert agent.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}, **headers).status_code == 403


def test_a_session_ends(lake):
    agent = Agent(lake)
    assert requests.delete(agent.url, headers=agent.headers, timeout=30).status_code == 204
    assert agent.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}).status_code == 404


def test_calls_are_audited_without_literals(agent, lake):
    agent.call("query", sql="SELECT 'secret-literal-77' AS x")
    log = (lake.folder / ("serve.log" if lake.shape == "serve" else "gateway.log")).read_text()
    lines = [json.loads(line) for line in log.splitlines() if '"mcp call"' in line]
    assert lines[-1]["tool"] == "query" and lines[-1]["rows"] == "1" and lines[-1]["outcome"] == "ok"
    assert "secret-literal-77" not in log


def test_stdio(lake, agent):
    messages = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
                {"jsonrpc": "2.0", "method": "notifications/initialized"},
                {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "query", "arguments": {"sql": "SELECT count(*) FROM trips"}}},
                {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "profile_dataset", "arguments": {"name": "trips"}, "_meta": {"progressToken": 9}}}]
    done = subprocess.run([BINARY, "mcp", "--url", lake.url("")], input="".join(json.dumps(m) + "\n" for m in messages), capture_output=True,
                          text=True, timeout=30, env=dict(os.environ))
    said = [json.loads(line) for line in done.stdout.splitlines()]
    answers = {m["id"]: m for m in said if "id" in m}
    assert done.returncode == 0 and set(answers) == {1, 2, 3}, done
    assert answers[2]["result"]["structuredContent"]["rows"] == [[1000]]
    assert any(m.get("method") == "notifications/progress" for m in said)


def test_stdio_without_a_server_says_so():
    done = subprocess.run([BINARY, "mcp", "--url", "http://127.0.0.1:1"], input='{"jsonrpc":"2.0","id":5,"method":"initialize"}\n',
                          capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout)["id"] == 5 and "error" in json.loads(done.stdout), done


@pytest.mark.parametrize("shape", ["serve", "split"])
def test_writes_are_allowed_when_they_are(shape):
    with Lake(shape) as lake:
        lake.stop()
        lake.environment["LAKEHOUSE_MCP_ALLOW_WRITES"] = "true"
        lake.start()
        agent = Agent(lake)
        stored = agent.call("ingest_csv", name="made", csv="a,b\n1,x\n2,y\n")["structuredContent"]
        assert stored["rows_added"] == 2 and lake.rows("SELECT b FROM made WHERE a = 2") == [["y"]]
        assert agent.call("ingest_csv", name="made", csv="a,b\n1,x\n2,y\n")["structuredContent"]["replayed"]
        bad = agent.call("ingest_csv", name="made", csv='a,b\n1,"x\n')
        assert bad["isError"] and "line" in bad["content"][0]["text"]


def test_a_key_does_what_its_scope_says_in_its_own_sessions():
    with Lake() as lake:
        lake.stop()
        lake.environment["LAKEHOUSE_MCP_ALLOW_WRITES"] = "true"
        lake.start()

        def make(scope, **headers):
            made = requests.post(lake.url("/v1/keys"), json={"name": f"of-{scope}", "scope": scope}, headers=headers, timeout=30)
            assert made.status_code == 201, made.text
            return made.json()["key"]
        admin = make("admin")
        wait_for("the door to close", lambda: requests.get(lake.url("/v1/catalog/epoch"), timeout=30).status_code == 401)
        reading, writing = (make(scope, Authorization=f"Bearer {admin}") for scope in ("read", "write"))
        for key in (reading, writing):
            wait_for("the key", lambda key=key: requests.get(lake.url("/v1/catalog/epoch"), headers={"Authorization": f"Bearer {key}"},
                                                             timeout=30).status_code == 200)
        reader, writer = Agent(lake, key=reading), Agent(lake, key=writing)
        refused = reader.call("ingest_csv", name="t", csv="a\n1\n")
        assert refused["isError"] and "write" in refused["content"][0]["text"]
        assert not writer.call("ingest_csv", name="t", csv="a\n1\n")["isError"]
        assert reader.call("query", sql="FROM t")["structuredContent"]["rows"] == [[1]]
        reader.headers["Mcp-Session-Id"] = writer.headers["Mcp-Session-Id"]
        assert reader.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}).status_code == 404


def test_open_streams_do_not_hold_up_the_end():
    with Lake() as lake:
        agent = Agent(lake)
        with requests.get(agent.url, headers=agent.headers | {"Accept": "text/event-stream"}, stream=True, timeout=30) as stream:
            assert stream.status_code == 200
            assert requests.get(agent.url, headers=agent.headers | {"Accept": "text/event-stream"}, timeout=30).status_code == 409
            assert lake.stop() == [0]
