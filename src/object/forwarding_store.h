// For tests: a store that passes everything on to another; what is to go wrong overrides its method. As thread-safe as
// the other store.
#pragma once

#include <memory>

#include "object/object_store.h"

namespace lakehouse::object {

class ForwardingStore : public ObjectStore {
 public:
  // REQUIRES: `inner` outlives this.
  explicit ForwardingStore(ObjectStore& inner) : inner_(inner) {}

  Result<PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                        const PutOptions& options) override {
    return inner_.Put(context, key, body, options);
  }
  Result<std::unique_ptr<ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                            const GetOptions& options) override {
    return inner_.Get(context, key, options);
  }
  Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) override {
    return inner_.Head(context, key);
  }
  Result<ListPage> List(const RequestContext& context, const ListOptions& options) override {
    return inner_.List(context, options);
  }
  Status Delete(const RequestContext& context, std::string_view key) override { return inner_.Delete(context, key); }
  Status Check(const RequestContext& context) override { return inner_.Check(context); }
  bool HonoursConditionalPut() const override { return inner_.HonoursConditionalPut(); }
  Result<WallTime> Now(const RequestContext& context) override { return inner_.Now(context); }

 protected:
  ObjectStore& inner() { return inner_; }

 private:
  ObjectStore& inner_;
};

}  // namespace lakehouse::object
