// For tests: a store that passes everything on, and whose hooks decide what becomes of a Put. As thread-safe as the
// hooks.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "object/object_store.h"

namespace lakehouse::catalog {

class HookedStore final : public object::ObjectStore {
 public:
  explicit HookedStore(object::ObjectStore& inner) : inner_(inner) {}
  std::function<std::optional<Error>(std::string_view key)> before_put, after_put;

  Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const object::PutOptions& options) override {
    if (before_put) {
      if (auto error = before_put(key)) return Fail(*error);
    }
    auto result = inner_.Put(context, key, body, options);
    if (result && after_put) {
      if (auto error = after_put(key)) return Fail(*error);
    }
    return result;
  }
  Result<std::unique_ptr<object::ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                                    const object::GetOptions& options) override {
    return inner_.Get(context, key, options);
  }
  Result<object::ObjectInfo> Head(const RequestContext& context, std::string_view key) override {
    return inner_.Head(context, key);
  }
  Result<object::ListPage> List(const RequestContext& context, const object::ListOptions& options) override {
    return inner_.List(context, options);
  }
  Status Delete(const RequestContext& context, std::string_view key) override { return inner_.Delete(context, key); }
  Status Check(const RequestContext& context) override { return inner_.Check(context); }
  bool HonoursConditionalPut() const override { return inner_.HonoursConditionalPut(); }
  Result<WallTime> Now(const RequestContext& context) override { return inner_.Now(context); }

 private:
  object::ObjectStore& inner_;
};

}  // namespace lakehouse::catalog
