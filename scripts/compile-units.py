#!/usr/bin/env python3
"""compile-units.py BUILD_FOLDER: of the sources named on standard input, what the compiler is given for them, one a line:
the source itself, or the file that CMake wrote to include it beside its neighbours. A source that this build has not is its own."""

import json
import pathlib
import re
import sys


def sources_of(unit):
    if "/Unity/" not in unit:
        return [unit]
    return re.findall(r'^#include "(.*)"$', pathlib.Path(unit).read_text(encoding="utf-8"), re.MULTILINE)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    wanted = {(root / line.strip()).as_posix() for line in sys.stdin if line.strip()}
    commands = json.loads((root / sys.argv[1] / "compile_commands.json").read_text(encoding="utf-8"))
    units = set()
    for unit in {command["file"] for command in commands}:
        held = {(root / source).as_posix() for source in sources_of(unit)} & wanted
        wanted -= held
        units |= {unit} if held else set()
    for unit in sorted(units | wanted):
        print(pathlib.Path(unit).relative_to(root))


if __name__ == "__main__":
    main()
