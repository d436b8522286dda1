#!/usr/bin/env python3
"""Rules about every tracked file: banned words, READMEs, header openings, file length, dead headers, whitespace."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Unfinished work, and paths of one machine. Written in pieces so that this file passes.
BANNED = [re.compile(rf"\b{word}\b") for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")]
BANNED += [re.compile("/work" + "/"), re.compile("/tmp/lh" + "build")]
TEXT = {".cc", ".h", ".py", ".sh", ".md", ".cmake", ".toml", ".test", ".txt", ".json", ".html", ".js", ".css", ""}
MAX_LINES = 600  # of a C++ file: one job each
MAX_TEST_LINES = 900
NEED_README = ["src/*/", "bench", "examples", "scripts", "testing", "tests"]


def tracked():
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], check=True, capture_output=True)
    return [ROOT / name for name in out.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def lines_of(path, text):
    is_corpus = "corpus" in path.parts
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path.relative_to(ROOT)}:{number}"
        if not is_corpus:
            for word in BANNED:
                if match := word.search(line):
                    yield f"{where}: banned: {match[0]}"
        if path.suffix in (".cc", ".h", ".py", ".sh", ".cmake") and line != line.rstrip():
            yield f"{where}: space at the end of the line"


def header_rules(path, text):
    where = path.relative_to(ROOT)
    if not text.startswith("//"):
        yield f"{where}:1: a header opens with what it is for"
    if "#pragma once" not in text:
        yield f"{where}:1: no #pragma once"


def dead_headers(sources):
    named = set()
    for text in sources.values():
        named.update(re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE))
    for path in sources:
        if path.suffix == ".h" and path.is_relative_to(ROOT / "src"):
            if path.relative_to(ROOT / "src").as_posix() not in named:
                yield f"{path.relative_to(ROOT)}:1: nobody includes this header"


def missing_readmes():
    for pattern in NEED_README:
        for folder in sorted(ROOT.glob(pattern)):
            if folder.is_dir() and any(folder.iterdir()) and not (folder / "README.md").is_file():
                yield f"{folder.relative_to(ROOT)}: no README.md that says why the folder exists"


def problems():
    sources = {}
    for path in tracked():
        if path.suffix not in TEXT:
            continue
        text = read(path)
        if text is None:
            if "corpus" not in path.parts:
                yield f"{path.relative_to(ROOT)}:1: not UTF-8"
            continue
        yield from lines_of(path, text)
        if path.suffix in (".cc", ".h"):
            sources[path] = text
            limit = MAX_TEST_LINES if path.stem.endswith(("_test", "_bench")) else MAX_LINES
            if text.count("\n") > limit:
                yield f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines; split it (at most {limit})"
        if path.suffix == ".h":
            yield from header_rules(path, text)
    yield from dead_headers(sources)
    yield from missing_readmes()


def main():
    found = list(problems())
    print("\n".join(found) or "sources keep the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
