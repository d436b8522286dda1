"""Bytes that change after they were acknowledged are found: by us, and by another reader of the files."""

import json
import os
import subprocess

import pyarrow.parquet as pq
import pytest
import requests

ROWS = 50_000
CSV = "id,zip,fare\n" + "".join(f"{i},{i % 1000:05},{i * 7919 % 10007 / 8}\n" for i in range(ROWS))


def verify(lake, *arguments):
    done = subprocess.run([os.environ["LAKEHOUSE_BIN"], "verify", "--url", lake.url(""), *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def flip(path):
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 3)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 4]))


@pytest.fixture(scope="module")
def paths(lake):
    found = {}
    for name, body in (("good", CSV), ("trips", CSV), ("trips", CSV + f"{ROWS},00000,1\n")):
        answer = requests.post(lake.url(f"/v1/ingest?name={name}"), data=body, headers={"Content-Type": "text/csv"}, timeout=30)
        assert answer.status_code in (200, 201), answer.text
        (key,) = [o["key"] for o in answer.json()["objects"]]
        found.setdefault(name, []).append(lake.folder / "data" / "store" / key)
    return found


def test_a_whole_lake_verifies(lake, paths):
    code, out, err = verify(lake)
    assert code == 0 and "2 objects of 2 datasets" in out and "all as they were written" in out, out + err
    code, out, _ = verify(lake, "--all-versions")
    assert code == 0 and "3 objects of 2 datasets" in out
    code, _, err = verify(lake, "no_such")
    assert code == 3 and "no_such" in err


def test_pages_have_checksums_that_another_reader_checks(paths):
    assert pq.read_table(paths["good"][0], page_checksum_verification=True).num_rows == ROWS


def test_a_changed_byte_is_named(lake, paths):
    old, new = paths["trips"]
    flip(new)
    with pytest.raises(OSError, match="(?i)crc|checksum"):
        pq.read_table(new, page_checksum_verification=True)
    code, out, err = verify(lake)
    assert code == 1 and new.name in out and "trips version 2" in out and "1 of 2 objects" in err, out + err
    assert verify(lake, "good")[0] == 0
    flip(old)
    code, out, _ = verify(lake, "trips", "--all-versions", "--json")
    damaged = json.loads(out)["damaged"]
    assert code == 1 and {(d["dataset"], d["version"]) for d in damaged} == {("trips", 1), ("trips", 2)}


def test_an_object_that_is_gone_is_named(lake, paths):
    paths["good"][0].unlink()
    code, out, _ = verify(lake, "good")
    assert code == 1 and paths["good"][0].name in out
