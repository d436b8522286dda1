"""The client of lakehouse.v1 that grpcio-tools generates from proto/."""

import importlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("storage", "catalog", "ingest", "query", "vectors")


class Api:
    """api.query.RunRequest is a message, api.query_services.QueryStub a client."""

    def __init__(self, folder):
        protos = [f"lakehouse/v1/{name}.proto" for name in SERVICES]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", f"--python_out={folder}", f"--grpc_python_out={folder}", *protos],
                       check=True)
        sys.path.insert(0, str(folder))
        for name in SERVICES:
            setattr(self, name, importlib.import_module(f"lakehouse.v1.{name}_pb2"))
            setattr(self, name + "_services", importlib.import_module(f"lakehouse.v1.{name}_pb2_grpc"))
