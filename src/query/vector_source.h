// Where SQL finds vector indexes: vector_search() and the views of schema `vectors` ask this. Vectors are no part of
// the lake's log: a query sees an index as it is when the query reads it, whatever its seq.
//
// Callable from any thread; blocking; keeps to the context's deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/request_context.h"
#include "base/result.h"

namespace lakehouse::query {

struct VectorIndex {
  std::string name;
  uint32_t dimension = 0;
  uint64_t length = 0;
};

struct VectorRow {
  std::string id;
  std::optional<std::string> metadata;  // JSON
  std::vector<float> vector;
  float distance = 0;  // of a search
  float score = 0;     // of a search with text
};

struct VectorQuery {
  std::vector<float> vector;  // empty: by text alone
  uint64_t k = 10;
  std::optional<uint64_t> ef;
  std::optional<double> recall_target, max_distance;
  std::optional<std::string> filter;  // JSON
  std::optional<std::string> text;
  bool exact = false;
};

// What of each row is wanted beside its id.
struct VectorColumns {
  bool vector = true, metadata = true;
};

class VectorRows {
 public:
  virtual ~VectorRows() = default;
  // Some rows; none: the end. Several threads may ask at once.
  virtual Result<std::vector<VectorRow>> Next() = 0;
};

class VectorSource {
 public:
  virtual ~VectorSource() = default;
  virtual Result<std::vector<VectorIndex>> List(const RequestContext& context) = 0;
  // kNotFound when there is none of that name.
  virtual Result<VectorIndex> Find(const RequestContext& context, std::string_view name) = 0;
  // Nearest first. kInvalid for a query that the index cannot answer.
  virtual Result<std::vector<VectorRow>> Search(const RequestContext& context, std::string_view name,
                                                const VectorQuery& query, VectorColumns columns) = 0;
  virtual Result<std::unique_ptr<VectorRows>> Scan(const RequestContext& context, std::string_view name,
                                                   VectorColumns columns) = 0;
};

}  // namespace lakehouse::query
