// gRPC's library as this process wants it. Private to rpc/. Callable from any thread, as often as one likes.
#pragma once

namespace lakehouse::rpc {

// gRPC's own lines are text; standard error has ours. What matters of them is an error of a call. Debian's Abseil looks
// for deadlocks at every lock of gRPC's, as debug builds do: a tenth of a call's cost.
void TuneGrpc();

}  // namespace lakehouse::rpc
