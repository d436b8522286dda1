// A flat store of immutable-looking objects by key: the one thing everything durable rests on.
//
// Thread-safety: every method may be called from any thread. Blocking; each call keeps to the context's deadline and
// cancellation. Keys have passed CheckKey (object/key.h) before they get here.
// Durability: a Put that returned success survives a crash of this machine (local: fsync of data and directory entry,
// s3: the server's own answer; memory: nothing). Visibility: a Get, Head or List that starts after a Put returned sees
// it. Errors: kNotFound; kPreconditionFailed when a condition did not hold (nothing changed); kAmbiguous when a
// conditional Put may or may not have happened (read it back); kDeadline, kUpstream, kUnavailable for a store
// that does not answer; kExhausted for a full disk (nothing half written stays); kInvalid, kForbidden.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/request_context.h"
#include "base/result.h"
#include "base/stream.h"

namespace lakehouse::object {

struct ObjectInfo {
  std::string key;
  uint64_t size = 0;  // bytes
  std::string etag;   // without the quotes; opaque; differs when the bytes differ
  WallTime last_modified{};
  std::string content_type;
};

struct PutOptions {
  // Bytes that the body will have, when known. A body of another length fails and leaves nothing.
  std::optional<uint64_t> size;
  // Fails with kTooLarge, leaving nothing, once the body passes this.
  std::optional<uint64_t> max_size;
  std::string content_type = "application/octet-stream";
  bool if_none_match = false;           // only when no object has the key
  std::optional<std::string> if_match;  // only over the object with this etag
  // The body is a whole file without a name (ByteSource::AsFile) that nobody writes to any more: a store on the same
  // disk may keep it instead of a copy.
  bool may_keep_file = false;
};

struct PutResult {
  ObjectInfo info;
  bool created = true;  // false: an object was replaced
};

// REQUIRES: length > 0 when given.
struct ByteRange {
  uint64_t offset = 0;
  std::optional<uint64_t> length;  // to the end when absent
};

struct GetOptions {
  std::optional<ByteRange> range;  // past the end: kRangeNotSatisfiable; a length past the end is cut
  std::optional<std::string> if_match;
};

// An open object: its bytes (only those of the range asked for) and what is known of it. One reader at a time.
class ObjectReader : public ByteSource {
 public:
  virtual const ObjectInfo& info() const = 0;  // size is the whole object's
  virtual uint64_t offset() const = 0;         // where in the object the bytes begin
  virtual uint64_t length() const = 0;         // how many bytes Read gives in all
};

struct ListOptions {
  std::string prefix = {};
  std::string delimiter = {};    // groups keys up to its first occurrence after the prefix; empty: none
  std::string start_after = {};  // only keys above this
  std::string token = {};        // next_token of the page before; wins over start_after
  uint32_t limit = 1000;
};

struct ListPage {
  std::vector<ObjectInfo> objects;    // in byte order of their keys; content_type may be empty
  std::vector<std::string> prefixes;  // in byte order; each counts towards the limit
  std::optional<std::string> next_token;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual Result<PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const PutOptions& options) = 0;
  virtual Result<std::unique_ptr<ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                                    const GetOptions& options) = 0;
  virtual Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) = 0;
  virtual Result<ListPage> List(const RequestContext& context, const ListOptions& options) = 0;
  // Also succeeds when there is no such object.
  virtual Status Delete(const RequestContext& context, std::string_view key) = 0;

  // What a start-up or readiness check needs: the store is there, ours to write, and honours conditional puts.
  // The error names what is wrong (the bucket that is missing, the credentials that were refused).
  virtual Status Check(const RequestContext& context) = 0;
  // False when Check found that conditional puts are ignored: commits must be refused then.
  virtual bool HonoursConditionalPut() const = 0;
  // The store's own clock, for ages of objects.
  virtual Result<WallTime> Now(const RequestContext& context) = 0;
};

// Whole small objects: the log, tests. kTooLarge past `limit_bytes`.
Result<std::string> GetWhole(ObjectStore& store, const RequestContext& context, std::string_view key,
                             uint64_t limit_bytes = uint64_t{256} << 20);
Result<PutResult> PutWhole(ObjectStore& store, const RequestContext& context, std::string_view key,
                           std::string_view bytes, PutOptions options = {});

enum class Listing { kGoOn, kEnough };
// Every object that the options ask for, page after page, until one is enough or an error ends it.
Status ForEachObject(ObjectStore& store, const RequestContext& context, ListOptions options,
                     const std::function<Result<Listing>(const ObjectInfo&)>& visit);

}  // namespace lakehouse::object
