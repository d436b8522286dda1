// Turns sorted keys into one page of a listing: prefix, delimiter, start_after, token and limit the same for every
// backend.
#pragma once

#include <functional>

#include "object/object_store.h"

namespace lakehouse::object {

// Collects objects handed over in byte order of their keys. Not for sharing.
class PageBuilder {
 public:
  explicit PageBuilder(const ListOptions& options);

  // The first key that can matter: seek there.
  const std::string& first_key() const { return first_key_; }
  // False once the page is full: what follows belongs to the next one. Keys outside the prefix are passed over.
  bool Add(const ObjectInfo& info);
  ListPage Finish() { return std::move(page_); }

 private:
  bool IsFull() const { return page_.objects.size() + page_.prefixes.size() >= options_.limit; }

  const ListOptions options_;
  std::string after_;  // only keys above this
  std::string first_key_;
  std::string last_;  // the last key or prefix on the page
  ListPage page_;
};

}  // namespace lakehouse::object
