#!/usr/bin/env python3
"""What is generated, and what promises something about settings and commands, against the program itself.

    scripts/check-docs.py [PROGRAM]      PROGRAM: build/check/lakehouse unless given
    scripts/check-docs.py --write [PROGRAM]   writes the generated pages instead
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GENERATED = {"docs/settings.md": ["config", "--markdown"], "docs/cli.md": ["help-markdown"]}


def ask(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, cwd="/").stdout.decode()


def stale_pages(program):
    for page, arguments in GENERATED.items():
        path = ROOT / page
        if not path.is_file() or path.read_text(encoding="utf-8") != ask(program, *arguments):
            yield f"{page}: not what `lakehouse {' '.join(arguments)}` prints; run scripts/check-docs.py --write"


def contract_settings():
    """(section, key) of every setting in the contract's table; `<role>` stands for each role."""
    text = (ROOT / "docs/contract.md").read_text(encoding="utf-8")
    table = text.split("## Settings that others rely on")[1].split("\n## ")[0]
    section = None
    for row in table.splitlines():
        if not row.startswith("| `["):
            continue
        cell = row.split("|")[1]
        for part in cell.split(";"):
            if match := re.search(r"\[([\w<>]+)\]", part):
                section = match[1]
            keys = re.findall(r"`(?:\[[\w<>]+\] )?(\w+)`", part)
            for key in keys:
                for name in ["gateway", "storaged", "catalogd", "ingestd", "queryd", "vectord"] if section == "<role>" else [section]:
                    yield name, key


def broken_promises(program):
    settings = {(value["section"], value["key"]): value for value in json.loads(ask(program, "--json", "config"))}
    promised = list(contract_settings())
    if len(promised) < 20:
        yield "docs/contract.md: the table of settings was not understood"
    for section, key in promised:
        if (section, key) not in settings:
            yield f"docs/contract.md: there is no setting [{section}] {key}"


def unknown_commands(program):
    commands = set(re.findall(r"^## lakehouse (\S+)$", ask(program, "help-markdown"), re.MULTILINE))
    using = (ROOT / "docs/using-cli.md").read_text(encoding="utf-8")
    for command in sorted(commands):
        if f"lakehouse {command}" not in using:
            yield f"docs/using-cli.md: says nothing of `lakehouse {command}`"
    for page in sorted(ROOT.glob("docs/**/*.md")) + [ROOT / "README.md"]:
        if not page.is_file():
            continue
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for command in re.findall(r"(?:^ {4}|`|\| )lakehouse ([a-z][a-z-]*)", line):
                if command not in commands and command != "help-markdown":
                    yield f"{page.relative_to(ROOT)}:{number}: there is no command `lakehouse {command}`"


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    programs = [argument for argument in arguments if argument != "--write"]
    program = pathlib.Path(programs[0] if programs else ROOT / "build/check/lakehouse").resolve()
    if write:
        for page, command in GENERATED.items():
            (ROOT / page).write_text(ask(program, *command), encoding="utf-8")
        return 0
    found = [*stale_pages(program), *broken_promises(program), *unknown_commands(program)]
    print("\n".join(found) or "the documents say what the program does")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
