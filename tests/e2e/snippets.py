"""The Python blocks of a documentation page, run as a reader would run them, so that pages cannot promise what is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page):
    """(line of the page, code) of each block, from the top. The page is named as in the repository: "docs/using.md"."""
    text = (ROOT / page).read_text()
    found = [(text.count("\n", 0, match.start(1)), match.group(1)) for match in BLOCK.finditer(text)]
    assert found, f"{page} has no block of Python"
    return found


def run(page, **addresses):
    """Runs the page's blocks one after the other in one namespace, which is returned for a test to look at.

    The default ports that a page names stand for a test's own: run("docs/using.md", http=lake.url("")) has the blocks use
    that server in place of http://127.0.0.1:3110; flight="grpc://127.0.0.1:5000" and grpc="127.0.0.1:5001" likewise.
    """
    defaults = {"http": "http://127.0.0.1:3110", "flight": "grpc://127.0.0.1:3216", "grpc": "127.0.0.1:3217"}
    namespace = {"__name__": "snippet"}
    for line, code in blocks(page):
        for protocol, address in addresses.items():
            code = code.replace(defaults[protocol], address)
        # A traceback names the page and its line.
        exec(compile("\n" * line + code, str(ROOT / page), "exec"), namespace)
    return namespace
