"""Clocks and counters: what a process or a server costs, and rounds in which every contender runs once.

Wall time is CLOCK_MONOTONIC seconds; CPU time and peak memory of a child are the kernel's own (wait4); those of a running
server are differences of /proc/PID/stat and VmHWM after a reset.
"""

import os
import statistics
import subprocess
import threading
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def spend(command, limit_s=120):
    """Wall and CPU seconds and peak MiB of a process; raises with its last words when it fails or runs past the limit."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    alarm = threading.Timer(limit_s, process.kill)
    alarm.start()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    alarm.cancel()
    process.stderr.close()
    process.returncode = status
    wall = time.monotonic() - began
    if status != 0:
        raise RuntimeError(f"over the limit of {limit_s} s" if wall >= limit_s else errors.decode(errors="replace")[-300:])
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "rss_mib": usage.ru_maxrss / 1024}


def server_cpu(pids):
    """CPU seconds that running processes have used so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory_mib(pid, field):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(field + ":")[1].split()[0]) / 1024


def on_server(pid, work):
    """Wall seconds of the work, and what it cost the server that it was asked of."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM starts anew
    before, began = server_cpu([pid]), time.monotonic()
    work()
    wall = time.monotonic() - began
    return {"wall_s": wall, "cpu_s": server_cpu([pid]) - before, "rss_mib": memory_mib(pid, "VmHWM")}


def interleaved(contenders, runs):
    """Every contender once a round; (medians, every round's figures, what failed and why)."""
    rounds, failed = {name: [] for name in contenders}, {}
    for _ in range(runs):
        for name, work in contenders.items():
            if name in failed:
                continue
            try:
                rounds[name].append(work())
            except Exception as error:  # a peer's failure is a result, and said in the table
                failed[name] = f"{type(error).__name__}: {error}"[:400]
    kept = {name: found for name, found in rounds.items() if found and name not in failed}
    medians = {name: {key: statistics.median(f[key] for f in found) for key in found[0]} for name, found in kept.items()}
    return medians, rounds, failed
