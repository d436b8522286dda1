// Blocking socket calls under deadlines, for client and upstream connections alike. Private to http/.
//
// The descriptors are in blocking mode with SO_RCVTIMEO and SO_SNDTIMEO as the tick in which a blocked call looks at
// its deadline; calls that must not wait pass MSG_DONTWAIT. shutdown() from another thread ends every wait.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace lakehouse::http {

class TlsSession;

// What bytes to and from a client go through: a socket, with a session on it where TLS is spoken. Copies freely; used
// by the connection's owner.
struct Wire {
  int socket = -1;
  TlsSession* tls = nullptr;
};

// Options every TCP connection here has: no Nagle, keep-alive probes, the ticks. Errors do not matter.
void SetUpSocket(int socket, std::chrono::milliseconds receive_tick, std::chrono::milliseconds send_tick);

// Some bytes; 0 at the peer's end. kDeadline when `stall` passes without a byte or `deadline` passes; kCancelled when
// the connection is broken.
Result<size_t> ReceiveSome(Wire wire, std::span<char> out, std::chrono::milliseconds stall, Deadline deadline);
// The same without a wait but for `linger`; nullopt when nothing came.
Result<std::optional<size_t>> ReceiveNow(Wire wire, std::span<char> out, bool linger);

// Sends all. A peer that takes less than 16 KiB in a time of `stall` is given up: kDeadline; kCancelled when broken.
// The iovecs are used up.
Status SendAll(Wire wire, std::span<iovec> pieces, int flags, std::chrono::milliseconds stall);
// As much as fits now; the number of bytes. kCancelled when broken.
Result<size_t> SendNow(Wire wire, std::string_view bytes);
// A range of a file, by sendfile(2) where no TLS is in between. kInternal when the file ends before the range does.
Status SendFile(Wire wire, int file, uint64_t offset, uint64_t length, std::chrono::milliseconds stall);

// Says that nothing more comes, while the peer may still send.
void EndSending(Wire wire);

// The IP addresses of both ends, as text; empty when the socket has none.
std::string LocalAddress(int socket);
std::string PeerAddress(int socket);

// Drops the connection so that the peer sees a reset, never a clean end. The descriptor stays open.
void ResetConnection(int socket);

}  // namespace lakehouse::http
