// Storage as clients see it: key rules, reserved prefixes, the body limit and admission in front of an ObjectStore.
// Callable from any thread; blocking.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "object/object_store.h"

namespace lakehouse::service {

class Storage {
 public:
  virtual ~Storage() = default;
  // kForbidden under a role's prefix unless the context is internal; kUnavailable with Retry-After when all put slots
  // are taken (client calls only: internal ones queue with their deadline).
  virtual Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                        const object::PutOptions& options) = 0;
  virtual Result<std::unique_ptr<object::ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                                            const object::GetOptions& options) = 0;
  virtual Result<object::ObjectInfo> Head(const RequestContext& context, std::string_view key) = 0;
  virtual Result<object::ListPage> List(const RequestContext& context, const object::ListOptions& options) = 0;
  virtual Status Delete(const RequestContext& context, std::string_view key) = 0;
  virtual Status Ready(const RequestContext& context) = 0;
};

}  // namespace lakehouse::service
