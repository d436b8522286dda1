// Private to http/.
#pragma once

#include <cerrno>

namespace lakehouse::http {

// A call on a socket that did nothing for now: it would block, its tick passed, or a signal came.
inline bool MayTryAgain(int error_number) {
  return error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == EINTR;
}

}  // namespace lakehouse::http
