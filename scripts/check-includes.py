#!/usr/bin/env python3
"""Which folder may include which: the line of arrows in docs/architecture.md, held against the sources and CMake.

"base ← config, observe ← net": what stands further right may include what stands further left; siblings (between two
arrows, with or without braces) never include each other. CMakeLists.txt must link what is included, and nothing else.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
MODULE = re.compile(r"^lakehouse_module\((\w+)\s+([^)]*)\)", re.MULTILINE)
# What a test may use besides its own side of the arrows.
TEST_FOLDERS = {"testing"}


def levels():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    line = next((line for line in text.splitlines() if line.startswith("`base ←")), None)
    if line is None:
        sys.exit("docs/architecture.md: the line of arrows (`base ← …`) is gone")
    found = {}
    for level, group in enumerate(line.split("`")[1].split("←")):
        for name in re.findall(r"\w+", group):
            found[name] = level
    return found


def linked():
    """Folder to the folders it links, directly or through others."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    direct = {name: set(re.findall(r"\blakehouse_(\w+)", rest)) for name, rest in MODULE.findall(text)}

    def reach(name):
        found = set()
        for other in direct.get(name, ()):
            found |= {other} | reach(other)
        return found

    return {name: reach(name) for name in direct}


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1]


def problems():
    level, links = levels(), linked()
    for name, others in links.items():
        if name not in level:
            yield f"CMakeLists.txt: module {name} is not in docs/architecture.md"
            continue
        for other in sorted(others):
            if level.get(other, 0) >= level[name]:
                yield f"CMakeLists.txt: {name} links {other}, against the arrows of docs/architecture.md"
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        parts = path.relative_to(ROOT / "src").parts
        folder = "main" if len(parts) == 1 else parts[0]
        is_test = path.stem.endswith(("_test", "_bench", "_fuzz")) or path.stem.startswith("test_")
        if folder not in level:
            yield f"{path.relative_to(ROOT)}: folder {folder} is not in docs/architecture.md"
            continue
        for number, target in includes(path):
            where = f"{path.relative_to(ROOT)}:{number}"
            other = target.split("/")[0] if "/" in target else None
            if other in TEST_FOLDERS:
                if not is_test:
                    yield f"{where}: only tests include {other}/"
            elif other in level and other != folder:
                if level[other] >= level[folder]:
                    yield f"{where}: {folder} must not include {other}"
                elif folder in links and other not in links[folder]:
                    yield f"{where}: {folder} includes {other} but CMakeLists.txt does not link it"
                if target.endswith("_internal.h"):
                    yield f"{where}: {target} is private to {other}"
            if other is None and (path.parent / target).is_file():
                yield f'{where}: write "{folder}/{target}", from src/'


def main():
    found = list(problems())
    print("\n".join(found) or "includes follow the arrows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
