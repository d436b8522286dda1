#!/usr/bin/env python3
"""The gRPC interface: names and comments of proto/lakehouse, and that what clients were once given stays as it was.

proto/lakehouse/v1/wire.txt keeps every field, value and method with its number and type. One that is gone or other than kept is
refused; new ones are added with: scripts/check-protos.py --write. Line by line, as the files are written: one statement a line.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "proto/lakehouse/v1"
KEPT = FOLDER / "wire.txt"
PACKAGE = "lakehouse.v1"

BLOCK = re.compile(r"(message|enum|service|oneof) (\w+) \{(\})?$")
FIELD = re.compile(r"(?:(optional|repeated) )?(map<\w+, [\w.]+>|[\w.]+) (\w+) = (\d+);$")
VALUE = re.compile(r"(\w+) = (\d+);$")
METHOD = re.compile(r"rpc (\w+)\((stream )?([\w.]+)\) returns \((stream )?([\w.]+)\);$")
ASIDE = re.compile(r'(syntax = "proto3"|package [\w.]+|import "[^"]+"|option \w+ = \w+);$')

NAMES = {"message": r"([A-Z][a-z0-9]*)+", "enum": r"([A-Z][a-z0-9]*)+", "service": r"([A-Z][a-z0-9]*)+", "oneof": r"[a-z][a-z0-9_]*"}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


class File:
    """What stands in one file: facts to be kept, and what is wrong with how it is written."""

    def __init__(self, path):
        self.where, self.facts, self.wrong = path.relative_to(ROOT), {}, []
        self.blocks = []  # (kind, name, has a first value)
        commented = False
        for self.number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            text = line.strip()
            if text.startswith("//"):
                commented = True
                continue
            if text and text != "}" and not ASIDE.match(text) and not commented:
                self.complain("nothing says what this is: put a comment above it")
            self.take(text)
            commented = False
        if f"package {PACKAGE};" not in path.read_text(encoding="utf-8").splitlines():
            self.complain(f"the package of this folder is {PACKAGE}")

    def complain(self, what):
        self.wrong.append(f"{self.where}:{self.number}: {what}")

    def path_of(self, name):
        """Full name; a oneof is no part of it."""
        return ".".join([block[1] for block in self.blocks if block[0] != "oneof"] + [name])

    def keep(self, name, value):
        if name in self.facts:
            self.complain(f"{name} stands here twice")
        self.facts[name] = value

    def take(self, text):
        kind = self.blocks[-1][0] if self.blocks else None
        if text == "}":
            self.blocks.pop()
        elif block := BLOCK.match(text):
            if not re.fullmatch(NAMES[block[1]], block[2]):
                self.complain(f"{block[1]} {block[2]}: another spelling is usual ({NAMES[block[1]]})")
            if block[1] == "message":
                self.keep("message " + self.path_of(block[2]), "")
            if not block[3]:
                self.blocks.append([block[1], block[2], False])
        elif kind == "enum" and (value := VALUE.match(text)):
            self.take_value(value[1], value[2])
        elif kind == "service" and (method := METHOD.match(text)):
            self.take_method(*method.groups())
        elif kind in ("message", "oneof") and (field := FIELD.match(text)):
            label, of_type, name, number = field.groups()
            if not re.fullmatch(NAMES["oneof"], name):
                self.complain(f"field {name}: fields are in snake_case")
            self.keep("field " + self.path_of(name), f"{number} {label + ' ' if label else ''}{of_type}{' of ' + self.blocks[-1][1] if kind == 'oneof' else ''}")
        elif text and not ASIDE.match(text):
            self.complain(f"not understood: {text}")

    def take_value(self, name, number):
        enum = self.blocks[-1]
        if not name.startswith(snake(enum[1]) + "_"):
            self.complain(f"value {name}: begins with {snake(enum[1])}_")
        if not enum[2] and (number != "0" or not name.endswith("_UNSPECIFIED")):
            self.complain(f"value {name}: the first is {snake(enum[1])}_UNSPECIFIED = 0")
        enum[2] = True
        self.keep("value " + self.path_of(name), number)

    def take_method(self, name, stream_in, request, stream_out, response):
        # A method that does for many messages what another does for one may share that one's.
        if request not in (f"{name}Request", f"{name.removesuffix('Stream')}Request"):
            self.complain(f"rpc {name}: its request is {name}Request")
        if response not in (f"{name}Response", f"{name.removesuffix('Stream')}Response"):
            self.complain(f"rpc {name}: its response is {name}Response")
        self.keep("rpc " + self.path_of(name), f"({stream_in or ''}{request}) returns ({stream_out or ''}{response})")


def written(facts):
    return "".join(f"{name} = {value}\n" if value else f"{name}\n" for name, value in sorted(facts.items()))


def read_kept():
    lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []
    return {name: value for name, _, value in (line.partition(" = ") for line in lines)}


def main():
    facts, wrong = {}, []
    for path in sorted(FOLDER.glob("*.proto")):
        file = File(path)
        facts |= file.facts
        wrong += file.wrong
    kept = read_kept()
    for name, value in kept.items():
        if facts.get(name) != value:
            now = f"is now {facts[name]}" if name in facts else "is gone"
            wrong.append(f"{name} was {value or 'there'} and {now}: clients that were built with it would break")
    new = facts.keys() - kept.keys()
    if "--write" in sys.argv[1:] and not wrong:
        KEPT.write_text(written(facts), encoding="utf-8")
        new = ()
    wrong += [f"{name} is new: keep it with scripts/check-protos.py --write" for name in sorted(new)]
    print("\n".join(wrong) or "protos keep the rules")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
