"""What the pages for users say in Python, run as it stands there."""

import snippets
from lake import Lake


def test_using(api):
    lake = Lake()
    lake.environment |= {"LAKEHOUSE_FLIGHT_BIND": "127.0.0.1:0", "LAKEHOUSE_GRPC_BIND": "127.0.0.1:0"}
    with lake:
        assert lake.ingest("trips", "id,fare\n1,2.5\n2,3.5\n").status == 201
        found = snippets.run("docs/using.md", http=lake.url(""), flight=f"grpc://{lake.logged_address('listening for Arrow Flight SQL')}",
                             grpc=lake.grpc_address())
        assert found["table"].to_pydict() == {"id": [1, 2], "fare": [2.5, 3.5]}
        assert found["count"].to_pydict() == {"n": [2]}
        assert found["dear"].to_pydict() == {"id": [2]}
