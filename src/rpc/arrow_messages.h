// Rows as messages of an Arrow IPC stream, each below the size that clients take by default. Private to rpc/. Used by
// one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "query/engine.h"

namespace lakehouse::rpc {

// Past this a message is cut: clients take 4 MiB by default, and something stands around it.
inline constexpr size_t kMaxArrowBytes = 2 << 20;
// What ends a stream.
inline constexpr std::string_view kArrowEnd{"\xff\xff\xff\xff\0\0\0\0", 8};

class ArrowMessages {
 public:
  // Gets bytes of the stream in their order, and how many rows end with them.
  using Send = std::function<Status(std::string bytes, uint64_t rows)>;
  // The stream's schema message goes to `schema`. REQUIRES: the stream has not ended.
  static Result<std::unique_ptr<ArrowMessages>> Open(query::BatchStream& stream, std::string& schema);
  virtual ~ArrowMessages() = default;
  // Sends the next batch, at most `max_rows` of it; false at the end. `cut`: whether rows of it were left out.
  virtual Result<bool> SendNext(uint64_t max_rows, bool& cut, const Send& send) = 0;
};

}  // namespace lakehouse::rpc
