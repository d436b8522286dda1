"""Peers that serve: versitygw and nginx in folders of their own, and wrk that asks all servers alike."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from data import ROOT
from lake import free_port, wait_for
from measure import server_cpu

KEYS = {"access": "bench", "secret": "bench-secret"}
SCRIPT = Path(__file__).with_name("requests.lua")


def listens(port):
    import socket
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(command, port, **more):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        wait_for(command[0], lambda: listens(port) or process.poll() is not None)
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}")
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def versitygw():
    """An S3 server with the bucket `lake`, on the disk that the checkout is on (so is the lake it is measured against)."""
    folder, port = Path(tempfile.mkdtemp(prefix="bench-s3-")), free_port()
    (folder / "lake").mkdir()
    environment = dict(os.environ, ROOT_ACCESS_KEY=KEYS["access"], ROOT_SECRET_KEY=KEYS["secret"])
    try:
        command = [str(ROOT / ".deps/bin/versitygw"), "--quiet", "--port", f"127.0.0.1:{port}", "posix", str(folder)]
        with running(command, port, env=environment) as process:
            yield port, process.pid, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def presigned(port, method, keys):
    """Paths with a signature for each key: one client makes them all."""
    import boto3
    import botocore.config
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id=KEYS["access"],
                          aws_secret_access_key=KEYS["secret"],
                          config=botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    made = (client.generate_presigned_url(method, Params={"Bucket": "lake", "Key": key}) for key in keys)
    return [url.split(f":{port}", 1)[1] for url in made]


@contextmanager
def nginx(server):
    """nginx with one worker and the given server block; PORT in it is replaced. Yields its port and process ids."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise RuntimeError("nginx is not installed (apt-get install nginx-light)")
    folder, port = Path(tempfile.mkdtemp(prefix="bench-nginx-")), free_port()
    folder.chmod(0o755)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"user root;\ndaemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{ worker_connections 512; }}\n"
        f"http {{\naccess_log off;\nsendfile on;\ntcp_nodelay on;\nkeepalive_requests 100000000;\n{temporary}{server.replace('PORT', str(port))}\n}}\n")
    try:
        with running([program, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"], port) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield port, [process.pid, *map(int, children)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settled_cpu(pids):
    """CPU seconds once the servers rest: what they put off until after their answers counts, and disturbs no other contender."""
    end, used = time.monotonic() + 10, server_cpu(pids)
    while time.monotonic() < end:
        time.sleep(0.3)
        before, used = used, server_cpu(pids)
        if used - before < 0.02:
            break
    return used


def wrk(port, paths, pids, clients, seconds, method="GET", body_bytes=0, body="", headers=()):
    """Keep-alive requests from so many connections for so long; rate, latencies (µs), and the servers' CPU µs a request."""
    with tempfile.NamedTemporaryFile("w", suffix=".paths") as listed:
        listed.write("\n".join(paths) + "\n")
        listed.flush()
        environment = dict(os.environ, PATHS=listed.name, METHOD=method, BODY_BYTES=str(body_bytes))
        if body:
            environment["BODY"] = body
        before = server_cpu(pids)
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
        for header in headers:
            command += ["-H", header]
        done = subprocess.run([*command, f"http://127.0.0.1:{port}"], env=environment, capture_output=True, text=True, check=True)
        cpu = settled_cpu(pids) - before
    found = json.loads(done.stdout.splitlines()[-1])
    if found["refused"] or found["broken"] or not found["requests"]:
        raise RuntimeError(f"of {found['requests']} requests {found['refused']} were refused and {found['broken']} broke")
    return {"per_s": found["requests"] / (found["us"] / 1e6), "p50_us": found["p50"], "p99_us": found["p99"],
            "cpu_us_per_request": cpu / found["requests"] * 1e6}
