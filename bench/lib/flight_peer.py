"""A plain pyarrow Flight server that streams a Parquet file's table from memory: flight_peer.py PORT FILE. Says "ready"."""

import sys

import pyarrow.flight as flight
import pyarrow.parquet as parquet


class Server(flight.FlightServerBase):
    def __init__(self, port, table):
        super().__init__(f"grpc://127.0.0.1:{port}")
        self.table = table

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.table)


server = Server(sys.argv[1], parquet.read_table(sys.argv[2]))
print("ready", flush=True)
server.serve()
