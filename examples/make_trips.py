#!/usr/bin/env python3
"""Makes examples/trips.csv: 120,000 taxi trips that never happened, the same bytes on every machine.

The rows hold what makes CSV hard: quoted text with commas, line ends and doubled quotes, nulls beside empty strings,
codes with leading zeros, decimals, timestamps, dates and booleans.
"""

import argparse
import datetime
import os
import random

ROWS = 120_000
ZONES = ["00501", "01060", "02139", "07030", "10001", "10016", "10128", "11201", "11373", "94110"]
VENDORS = ['"Green, Yellow & Co"', "Nachtflug", '"The ""Fast"" One"', "Zürich Süd", "O'Hara"]
NOTES = [
    '"left an umbrella, a red one"',
    '"said: ""keep the change"""',
    '"two stops:\nthe station\nthe hotel"',
    "airport",
    "quiet ride",
    '""',
]
HEADER = "trip_id,vendor,pickup_zip,dropoff_zip,picked_up_at,dropped_off_at,service_day,passengers,distance_km,fare,tip,shared,note\n"


def pick(rng, choices):
    # random() alone is promised to give the same numbers in every version of Python.
    return choices[int(rng.random() * len(choices))]


def trip(rng, number, start):
    minutes = 3 + int(rng.random() ** 2 * 70)
    distance = round(0.4 + minutes * (0.2 + rng.random() * 0.5), 2)
    fare = round(2.5 + 1.8 * distance + 0.35 * minutes, 2)
    tip = "" if rng.random() < 0.3 else f"{fare * rng.random() * 0.3:.2f}"
    passengers = "" if rng.random() < 0.02 else str(1 + int(rng.random() ** 3 * 6))
    note = pick(rng, NOTES) if rng.random() < 0.08 else ""
    end = start + datetime.timedelta(minutes=minutes)
    shared = "true" if rng.random() < 0.15 else "false"
    return (
        f"{number},{pick(rng, VENDORS)},{pick(rng, ZONES)},{pick(rng, ZONES)},{start:%Y-%m-%d %H:%M:%S},{end:%Y-%m-%d %H:%M:%S},"
        f"{start:%Y-%m-%d},{passengers},{distance},{fare:.2f},{tip},{shared},{note}\n"
    )


def main():
    parser = argparse.ArgumentParser(description="Write examples/trips.csv.")
    parser.add_argument("output", nargs="?", default=os.path.join(os.path.dirname(__file__), "trips.csv"))
    parser.add_argument("--rows", type=int, default=ROWS)
    arguments = parser.parse_args()
    rng = random.Random(3110)
    start = datetime.datetime(2026, 1, 1)
    partial = f"{arguments.output}.partial"
    with open(partial, "w", encoding="utf-8", newline="") as out:
        out.write(HEADER)
        for number in range(1, arguments.rows + 1):
            out.write(trip(rng, number, start))
            start += datetime.timedelta(seconds=int(rng.random() * 130))
    os.replace(partial, arguments.output)  # whole or not at all


if __name__ == "__main__":
    main()
