// An Arrow IPC stream taken apart as it comes: schema and batches, handed on through the C data interface. No Arrow
// type appears here. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/stream.h"

struct ArrowArray;
struct ArrowSchema;

namespace lakehouse::service {

// The columns of a stream. Value type; copies share.
class ArrowShape {
 public:
  ArrowShape();
  ~ArrowShape();
  ArrowShape(const ArrowShape&);
  ArrowShape& operator=(const ArrowShape&);

  // REQUIRES: it came from a stream that has one.
  Status Export(ArrowSchema* out) const;
  bool Equals(const ArrowShape& other) const;

 private:
  friend class ArrowRows;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

class ArrowBatch {
 public:
  struct Impl;
  explicit ArrowBatch(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  uint64_t rows() const;
  Status Export(ArrowArray* out) const;

 private:
  std::shared_ptr<const Impl> impl_;
};

class ArrowRows {
 public:
  ArrowRows();
  ~ArrowRows();
  ArrowRows(ArrowRows&&) noexcept;
  ArrowRows& operator=(ArrowRows&&) noexcept;

  // The next bytes of the stream, copied. kUpstream when they are no Arrow stream.
  Status Take(std::string_view bytes);
  // Reads what the stream needs next out of `source`, without a second copy. kUpstream when it ends too early.
  Status Pull(ByteSource& source);

  bool has_schema() const;
  bool ended() const;  // the stream's own end has come
  ArrowShape schema() const;
  // A batch that has come and has rows, cut at `most_rows`; nullopt: none right now.
  std::optional<ArrowBatch> Next(uint64_t most_rows = UINT64_MAX);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::service
