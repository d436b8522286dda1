"""The made data: the same bytes on every machine for the same number of rows."""

from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DATA, OUT = ROOT / "bench/data", ROOT / "bench/out"
HEADER = "trip_id,vendor,pickup_at,dropoff_at,passengers,distance,zone,payment,fare,tip,note\n"


def make_trips(rows):
    """A trip-like CSV of about 87 bytes a row; made once, seed 7."""
    path = DATA / f"trips-{rows}.csv"
    if path.exists():
        return path
    DATA.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    part = path.with_suffix(".part")
    with open(part, "w") as out:
        out.write(HEADER)
        for start in range(0, rows, 200_000):
            out.write(trips(rng, start, min(200_000, rows - start)))
    part.rename(path)
    return path


def trips(rng, start, count):
    at = np.datetime64("2025-01-01T00:00:00") + (np.arange(start, start + count) * 7).astype("timedelta64[s]")
    end = at + rng.integers(60, 5000, count).astype("timedelta64[s]")
    distance, fare, tip = (rng.gamma(*shape, count).round(2).tolist() for shape in ((2, 2), (3, 6), (1, 2)))
    vendor, zone = rng.integers(1, 4, count).tolist(), rng.integers(0, 265, count).tolist()
    pay = np.array(["card", "cash", "", "dispute"])[rng.integers(0, 4, count)].tolist()
    at, end = at.astype(str).tolist(), end.astype(str).tolist()
    return "".join(
        f'{start + i},{vendor[i]},{at[i]},{end[i]},{1 + i % 6},{distance[i]},Z{zone[i]:03},{pay[i]},{fare[i]},{tip[i]},"trip, {i % 50}"\n'
        for i in range(count))
