#include "object/memory_store.h"

#include "base/hash.h"
#include "object/listing.h"
#include "object/memory_reader.h"

namespace lakehouse::object {
Result<PutResult> MemoryStore::Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                   const PutOptions& options) {
  LH_TRY(context.Check("storing an object"));
  LH_ASSIGN(std::string bytes, ReadAll(body, options.max_size.value_or(UINT64_MAX)));
  if (options.size && *options.size != bytes.size()) {
    return Fail(ErrorKind::kInvalid, "the body has {} bytes where {} were announced", bytes.size(), *options.size);
  }
  Xxh3_128 hash;
  hash.Update(bytes);
  PutResult result;
  result.info = ObjectInfo{std::string(key), bytes.size(), hash.FinishHex(), clock_.Now(), options.content_type};
  WriterLock lock(mutex_);
  const auto found = objects_.find(key);
  result.created = found == objects_.end();
  if (options.if_none_match && !result.created) {
    return Fail(ErrorKind::kPreconditionFailed, "an object with this key exists already");
  }
  if (options.if_match && (result.created || found->second.info.etag != *options.if_match)) {
    return Fail(ErrorKind::kPreconditionFailed, "the object's ETag is not the one in If-Match");
  }
  objects_[std::string(key)] = Stored{result.info, std::make_shared<const std::string>(std::move(bytes))};
  return result;
}

Result<MemoryStore::Stored> MemoryStore::Find(const RequestContext& context, std::string_view key) const {
  LH_TRY(context.Check("reading an object"));
  ReaderLock lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Fail(ErrorKind::kNotFound, "no object has the key \"{}\"", key);
  return found->second;
}

Result<std::unique_ptr<ObjectReader>> MemoryStore::Get(const RequestContext& context, std::string_view key,
                                                       const GetOptions& options) {
  LH_ASSIGN(Stored stored, Find(context, key));
  if (options.if_match && *options.if_match != stored.info.etag) {
    return Fail(ErrorKind::kPreconditionFailed, "the object's ETag is not the one in If-Match");
  }
  const uint64_t size = stored.info.size;
  uint64_t offset = 0, length = size;
  if (options.range) {
    offset = options.range->offset;
    if (offset >= size)
      return Fail(ErrorKind::kRangeNotSatisfiable, "the range lies outside the object's {} bytes", size);
    length = std::min(options.range->length.value_or(size), size - offset);
  }
  return std::make_unique<MemoryReader>(std::move(stored.info), std::move(stored.bytes), offset, length);
}

Result<ObjectInfo> MemoryStore::Head(const RequestContext& context, std::string_view key) {
  LH_ASSIGN(Stored stored, Find(context, key));
  return std::move(stored.info);
}

Result<ListPage> MemoryStore::List(const RequestContext& context, const ListOptions& options) {
  LH_TRY(context.Check("listing objects"));
  PageBuilder page(options);
  ReaderLock lock(mutex_);
  for (auto at = objects_.lower_bound(page.first_key()); at != objects_.end(); ++at) {
    if (!std::string_view(at->first).starts_with(options.prefix) && at->first > options.prefix) break;
    if (!page.Add(at->second.info)) break;
  }
  return page.Finish();
}

Status MemoryStore::Delete(const RequestContext& context, std::string_view key) {
  LH_TRY(context.Check("removing an object"));
  WriterLock lock(mutex_);
  if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
  return {};
}

Status MemoryStore::Check(const RequestContext& context) { return context.Check("checking the store"); }

Result<WallTime> MemoryStore::Now(const RequestContext&) { return clock_.Now(); }

}  // namespace lakehouse::object
