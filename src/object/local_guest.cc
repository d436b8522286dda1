#include "object/local_guest.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "object/listing.h"
#include "object/local_object.h"
#include "object/local_path.h"
#include "object/local_tree.h"
#include "object/memory_reader.h"

namespace lakehouse::object {

namespace {

constexpr uint64_t kMaxBytes = 1 << 20;

class LocalGuest final : public ObjectStore {
 public:
  LocalGuest(const std::filesystem::path& root, const Clock& clock)
      : tree_(root), private_folder_(root / kPrivateFolder), clock_(clock) {}

  Result<PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                        const PutOptions& options) override;
  Result<std::unique_ptr<ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                            const GetOptions& options) override;
  Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) override;
  Result<ListPage> List(const RequestContext& context, const ListOptions& options) override;
  Status Delete(const RequestContext&, std::string_view) override {
    return Fail(ErrorKind::kNotImplemented, "a guest of a store removes nothing");
  }
  Status Check(const RequestContext& context) override { return context.Check("checking the store"); }
  bool HonoursConditionalPut() const override { return true; }
  Result<WallTime> Now(const RequestContext&) override { return clock_.Now(); }

 private:
  Result<FileDescriptor> Open(std::string_view key) const;

  LocalTree tree_;
  const std::filesystem::path private_folder_;
  const Clock& clock_;
};

Result<FileDescriptor> LocalGuest::Open(std::string_view key) const {
  LH_ASSIGN(FileDescriptor file, tree_.Open(key));
  if (!file.valid()) return Fail(ErrorKind::kNotFound, "no object has the key \"{}\"", key);
  return file;
}

Result<PutResult> LocalGuest::Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                  const PutOptions& options) {
  LH_TRY(context.Check("storing an object"));
  if (!options.if_none_match) return Fail(ErrorKind::kInvalid, "a guest of a store replaces nothing");
  LH_TRY(tree_.CheckLength(key));
  LH_ASSIGN(const std::string bytes, ReadAll(body, kMaxBytes));
  if (tree_.Has(key)) return Fail(ErrorKind::kPreconditionFailed, "an object with this key exists already");
  PutResult result;
  result.info.key = key;
  result.info.size = bytes.size();
  result.info.content_type = options.content_type;
  result.info.last_modified = clock_.Now();
  Xxh3_128 hash;
  hash.Update(bytes);
  result.info.etag = hash.FinishHex();
  const std::filesystem::path scratch = private_folder_ / ("guest-" + RandomUuid());
  const FileDescriptor file(::open(scratch.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return Fail(ErrnoError(errno, "cannot make a file in the store"));
  Status done = WriteFully(file.get(), bytes);
  if (done) done = WriteAttributes(file.get(), result.info);
  if (done && ::fsync(file.get()) != 0) done = Fail(ErrnoError(errno, "cannot sync an object"));
  if (done) done = tree_.Publish(scratch, key, true);
  if (!done) {
    ::unlink(scratch.c_str());
    return Fail(done.error());
  }
  return result;
}

Result<std::unique_ptr<ObjectReader>> LocalGuest::Get(const RequestContext& context, std::string_view key,
                                                      const GetOptions& options) {
  LH_TRY(context.Check("reading an object"));
  if (options.range || options.if_match) return Fail(ErrorKind::kInvalid, "a guest of a store reads whole objects");
  LH_ASSIGN(const FileDescriptor file, Open(key));
  bool has_checksum = false;
  ObjectInfo info = InfoOf(key, file.get(), has_checksum);
  FileSource source(file.get(), 0, info.size);
  LH_ASSIGN(std::string bytes, ReadAll(source, kMaxBytes));
  const uint64_t size = bytes.size();
  return std::make_unique<MemoryReader>(std::move(info), std::make_shared<const std::string>(std::move(bytes)), 0,
                                        size);
}

Result<ObjectInfo> LocalGuest::Head(const RequestContext& context, std::string_view key) {
  LH_TRY(context.Check("looking up an object"));
  LH_ASSIGN(const FileDescriptor file, Open(key));
  bool has_checksum = false;
  return InfoOf(key, file.get(), has_checksum);
}

Result<ListPage> LocalGuest::List(const RequestContext& context, const ListOptions& options) {
  LH_TRY(context.Check("listing objects"));
  PageBuilder page(options);
  LH_TRY(tree_.Walk(page.first_key(), options.prefix, [&page](const std::string& key, int descriptor) {
    bool has_checksum = false;
    return page.Add(InfoOf(key, descriptor, has_checksum));
  }));
  return page.Finish();
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenLocalGuest(const std::filesystem::path& root, const Clock& clock) {
  std::error_code error;
  std::filesystem::create_directories(root / kPrivateFolder, error);
  if (error) return Fail(ErrnoError(error.value(), fmt::format("cannot make the store's folder {}", root.string())));
  return std::make_unique<LocalGuest>(root, clock);
}

}  // namespace lakehouse::object
