"""A disk that is really full: writes are 507 and leave nothing behind, reads go on, and so do writes once there is space."""

import os
import subprocess

import pytest
from lake import Lake, wait_for

DISK_MIB = 48
OBJECT = b"x" * (3 << 20)
ROWS = "a,b\n" + "".join(f"{i},{i * 2654435761 % 4294967296:x}\n" for i in range(200_000))


@pytest.fixture
def small_lake():
    """A lake whose data folder is a file system of its own."""
    lake = Lake()
    data = lake.folder / "data"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", data], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.decode().strip()}")
    try:
        with lake:
            yield lake
    finally:
        subprocess.run(["umount", "--lazy", data], check=True)


def free_bytes(lake):
    disk = os.statvfs(lake.folder / "data")
    return disk.f_bavail * disk.f_frsize


def fill(lake):
    """Puts objects until one does not fit; how many did."""
    for number in range(DISK_MIB):
        answer = lake.put(f"fill/{number}", OBJECT)
        if answer.status != 201:
            assert answer.status == 507, answer.body
            assert "space" in answer.json()["detail"], answer.body
            return number
    pytest.fail("the disk does not fill up")


def test_a_full_disk(small_lake):
    lake = small_lake
    assert lake.ingest("kept", "a\n1\n2\n").status == 201
    stored = fill(lake)
    assert stored > 3
    before = free_bytes(lake)

    for _ in range(3):
        assert lake.put("fill/more", OBJECT).status == 507
        assert lake.ingest("big", ROWS * 8).status == 507
    assert free_bytes(lake) > before - (1 << 20), "what failed left nothing behind"
    assert lake.get("/v1/storage/objects/fill/more").status == 404
    assert lake.get("/v1/catalog/manifest/big").status == 404

    assert lake.get("/v1/storage/objects/fill/0").body == OBJECT
    assert lake.rows("SELECT sum(a)::BIGINT FROM kept") == [[3]]
    assert lake.get("/health").status == 200

    for number in range(stored):
        assert lake.call("DELETE", f"/v1/storage/objects/fill/{number}").status == 204
    # A delete is answered once it is durable; its file may go a little later.
    wait_for("the space of what was deleted", lambda: lake.put("fill/more", OBJECT).status == 201)
    assert lake.ingest("big", ROWS).status == 201
    assert lake.ingest("kept", "a\n3\n", "&mode=append").status == 200
    lake.restart()
    assert lake.rows("SELECT count(*) FROM big") == [[200_000]]
    assert lake.rows("SELECT sum(a)::BIGINT FROM kept") == [[6]]
    assert lake.get("/v1/storage/objects/fill/more").body == OBJECT


def test_the_last_byte(small_lake):
    """Not one byte left: small writes, which share a journal, are refused as well, and an object can still be deleted."""
    lake = small_lake
    assert lake.put("old", OBJECT).status == 201
    assert lake.put("small", b"1").status == 201
    ballast = lake.folder / "data" / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        with pytest.raises(OSError):
            while True:
                file.write(b"\0" * 4096)
    statuses = {lake.put(f"tiny/{number}", b"y" * 20_000).status for number in range(200)}
    assert statuses <= {201, 507} and 507 in statuses, statuses
    refused = lake.put("tiny/other", b"y" * 20_000)
    assert refused.status == 507 and "space" in refused.json()["detail"], refused.body
    assert lake.ingest("late", "a\n1\n").status == 507
    assert lake.get("/v1/storage/objects/small").body == b"1"
    assert lake.get("/v1/storage/objects?prefix=tiny/").status == 200
    os.remove(ballast)
    wait_for("a write that fits again", lambda: lake.put("tiny/other", b"z").status == 201)
    assert lake.ingest("late", "a\n1\n").status == 201
    lake.restart()
    assert lake.get("/v1/storage/objects/tiny/other").body == b"z"
    assert lake.rows("SELECT a FROM late") == [[1]]
