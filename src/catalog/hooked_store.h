// For tests: a store that passes everything on, and whose hooks decide what becomes of a Put. As thread-safe as the
// hooks.
#pragma once

#include <functional>
#include <optional>

#include "object/forwarding_store.h"

namespace lakehouse::catalog {

class HookedStore final : public object::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::function<std::optional<Error>(std::string_view key)> before_put, after_put;

  Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const object::PutOptions& options) override {
    if (before_put) {
      if (auto error = before_put(key)) return Fail(*error);
    }
    auto result = inner().Put(context, key, body, options);
    if (result && after_put) {
      if (auto error = after_put(key)) return Fail(*error);
    }
    return result;
  }
};

}  // namespace lakehouse::catalog
