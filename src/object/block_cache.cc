#include "object/block_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/mutex.h"

namespace lakehouse::object {
namespace {

constexpr size_t kShards = 16;
constexpr size_t kMaxOpenFiles = 256;
constexpr size_t kMaxKnownInfos = 100'000;

using Bytes = std::shared_ptr<const std::string>;

// A block that is being fetched: others wait for it instead of fetching it again.
struct Flight {
  bool done = false;
  Result<Bytes> outcome = Bytes();
};

// Least recently used blocks of one shard of the names.
struct Shard {
  struct Slot {
    std::string name;
    Bytes bytes;
  };
  Mutex mutex;
  CondVar landed;
  std::list<Slot> slots LH_GUARDED_BY(mutex);  // most recently used first
  std::unordered_map<std::string, std::list<Slot>::iterator> index LH_GUARDED_BY(mutex);
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights LH_GUARDED_BY(mutex);
  uint64_t bytes LH_GUARDED_BY(mutex) = 0;
};

// Blocks as files of one folder, named by a hash; the oldest go when the budget is spent. Emptied at start.
class DiskTier {
 public:
  DiskTier(std::filesystem::path folder, uint64_t budget) : folder_(std::move(folder)), budget_(budget) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    std::filesystem::create_directories(folder_, ignored);
  }

  Bytes Find(const std::string& name) {
    uint64_t size = 0;
    {
      MutexLock lock(mutex_);
      const auto found = sizes_.find(name);
      if (found == sizes_.end()) return nullptr;
      size = found->second;
    }
    const FileDescriptor file(::open(PathOf(name).c_str(), O_RDONLY | O_CLOEXEC));
    std::string bytes(size + sizeof(uint64_t), '\0');
    if (!file.valid() || !ReadFullyAt(file.get(), bytes.data(), bytes.size(), 0)) return nullptr;
    uint64_t checksum = 0;
    std::memcpy(&checksum, bytes.data() + size, sizeof(checksum));
    bytes.resize(size);
    // The disk tier is a convenience: a damaged block is fetched again.
    return Xxh3(bytes) == checksum ? std::make_shared<const std::string>(std::move(bytes)) : nullptr;
  }

  void Insert(const std::string& name, const std::string& bytes) {
    if (bytes.size() > budget_) return;
    const FileDescriptor file(::open(PathOf(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const uint64_t checksum = Xxh3(bytes);
    const std::string_view tail(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
    if (!file.valid() || !WriteFully(file.get(), bytes) || !WriteFully(file.get(), tail)) {
      ::unlink(PathOf(name).c_str());
      return;
    }
    MutexLock lock(mutex_);
    if (!sizes_.emplace(name, bytes.size()).second) return;
    order_.push_back(name);
    total_ += bytes.size();
    while (total_ > budget_) {
      total_ -= sizes_[order_.front()];
      sizes_.erase(order_.front());
      ::unlink(PathOf(order_.front()).c_str());
      order_.pop_front();
    }
  }

  uint64_t bytes() {
    MutexLock lock(mutex_);
    return total_;
  }

 private:
  std::filesystem::path PathOf(const std::string& name) const { return folder_ / ToHex(Sha256Of(name)); }

  const std::filesystem::path folder_;
  const uint64_t budget_;
  Mutex mutex_;
  std::list<std::string> order_ LH_GUARDED_BY(mutex_);
  std::unordered_map<std::string, uint64_t> sizes_ LH_GUARDED_BY(mutex_);
  uint64_t total_ LH_GUARDED_BY(mutex_) = 0;
};

// Readers over regular files, kept open: the operating system's own page cache holds their bytes already.
class OpenFiles {
 public:
  struct File {
    std::unique_ptr<ObjectReader> reader;
    ByteSource::FileRange range;
  };

  std::shared_ptr<const File> Find(const std::string& name) {
    MutexLock lock(mutex_);
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : found->second;
  }
  void Insert(const std::string& name, std::shared_ptr<const File> file) {
    MutexLock lock(mutex_);
    if (files_.size() >= kMaxOpenFiles) files_.erase(files_.begin());
    files_[name] = std::move(file);
  }

 private:
  Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const File>> files_ LH_GUARDED_BY(mutex_);
};

std::string BlockName(const ObjectInfo& info, uint64_t index) {
  return fmt::format("{}\n{}\n{}", info.key, info.etag, index);
}

}  // namespace

struct BlockCache::Impl {
  Impl(ObjectStore& object_store, BlockCacheOptions cache_options)
      : store(object_store), options(std::move(cache_options)) {
    if (options.disk_folder && options.disk_bytes > 0) disk.emplace(*options.disk_folder, options.disk_bytes);
  }

  Shard& ShardOf(const std::string& name) { return shards[Xxh3(name) % kShards]; }

  void Keep(Shard& shard, const std::string& name, const Bytes& bytes) LH_REQUIRES(shard.mutex) {
    if (shard.index.contains(name)) return;
    shard.slots.push_front({name, bytes});
    shard.index[name] = shard.slots.begin();
    shard.bytes += bytes->size();
    const uint64_t budget = options.memory_bytes / kShards;
    while (shard.bytes > budget && !shard.slots.empty()) {
      shard.bytes -= shard.slots.back().bytes->size();
      shard.index.erase(shard.slots.back().name);
      shard.slots.pop_back();
      evictions.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // Several blocks that lie side by side, with one request of the store.
  Result<std::vector<Bytes>> Fetch(const RequestContext& context, const ObjectInfo& info, uint64_t first,
                                   uint64_t count) {
    const uint64_t offset = first * options.block_bytes;
    const uint64_t length = std::min(count * options.block_bytes, info.size - offset);
    store_reads.fetch_add(1, std::memory_order_relaxed);
    GetOptions get;
    get.range = ByteRange{offset, length};
    LH_ASSIGN(const auto reader, store.Get(context, info.key, get));
    std::vector<Bytes> blocks;
    for (uint64_t done = 0; done < length;) {
      std::string block(std::min(options.block_bytes, length - done), '\0');
      for (size_t filled = 0; filled < block.size();) {
        LH_ASSIGN(const size_t taken, reader->Read(std::span(block).subspan(filled)));
        if (taken == 0)
          return Fail(ErrorKind::kInternal, "the object \"{}\" is shorter than its manifest says", info.key);
        filled += taken;
      }
      done += block.size();
      blocks.push_back(std::make_shared<const std::string>(std::move(block)));
    }
    return blocks;
  }

  Result<Bytes> Block(const RequestContext& context, const ObjectInfo& info, uint64_t index, uint64_t wanted) {
    const std::string name = BlockName(info, index);
    Shard& shard = ShardOf(name);
    std::shared_ptr<Flight> flight;
    {
      MutexLock lock(shard.mutex);
      if (const auto found = shard.index.find(name); found != shard.index.end()) {
        hits.fetch_add(1, std::memory_order_relaxed);
        shard.slots.splice(shard.slots.begin(), shard.slots, found->second);
        return found->second->bytes;
      }
      if (const auto flying = shard.flights.find(name); flying != shard.flights.end()) {
        const std::shared_ptr<Flight> other = flying->second;
        while (!other->done) {
          LH_TRY(context.Check("reading an object"));
          shard.landed.WaitUntil(shard.mutex, context.deadline.Sooner(Deadline::After(std::chrono::seconds(1))).at());
        }
        // The other reader's own end (cancelled, timed out) must not be ours.
        if (other->outcome) return other->outcome;
      }
      flight = std::make_shared<Flight>();
      shard.flights[name] = flight;
    }
    misses.fetch_add(1, std::memory_order_relaxed);
    Result<Bytes> outcome = Load(context, info, index, name, wanted);
    MutexLock lock(shard.mutex);
    if (outcome) Keep(shard, name, *outcome);
    flight->outcome = outcome;
    flight->done = true;
    if (const auto mine = shard.flights.find(name); mine != shard.flights.end() && mine->second == flight)
      shard.flights.erase(mine);
    shard.landed.NotifyAll();
    return outcome;
  }

  Result<Bytes> Load(const RequestContext& context, const ObjectInfo& info, uint64_t index, const std::string& name,
                     uint64_t wanted) {
    if (disk) {
      if (Bytes bytes = disk->Find(name)) return bytes;
    }
    const uint64_t left = (info.size - index * options.block_bytes + options.block_bytes - 1) / options.block_bytes;
    const uint64_t count = std::min(left, wanted);
    LH_ASSIGN(const auto blocks, Fetch(context, info, index, count));
    if (disk) disk->Insert(name, *blocks.front());
    for (size_t i = 1; i < blocks.size(); ++i) {
      const std::string next = BlockName(info, index + i);
      Shard& shard = ShardOf(next);
      MutexLock lock(shard.mutex);
      Keep(shard, next, blocks[i]);
    }
    return blocks.front();
  }

  // The open file behind an object, where the store has one.
  Result<std::shared_ptr<const OpenFiles::File>> FileOf(const RequestContext& context, const ObjectInfo& info) {
    const std::string name = info.key + "\n" + info.etag;
    if (auto file = files.Find(name)) return file;
    GetOptions get;
    if (info.size > 0) get.range = ByteRange{0, info.size};
    LH_ASSIGN(auto reader, store.Get(context, info.key, get));
    const auto range = reader->AsFile();
    if (!range) {
      reads_are_files.store(false, std::memory_order_relaxed);
      return nullptr;
    }
    if (range->length < info.size) {
      return Fail(ErrorKind::kInternal, "the object \"{}\" is shorter than its manifest says", info.key);
    }
    auto file = std::make_shared<const OpenFiles::File>(OpenFiles::File{std::move(reader), *range});
    files.Insert(name, file);
    return file;
  }

  ObjectStore& store;
  const BlockCacheOptions options;
  std::optional<DiskTier> disk;
  OpenFiles files;
  // Until the first object shows otherwise.
  std::atomic<bool> reads_are_files{true};
  Shard shards[kShards];
  Mutex infos_mutex;
  std::unordered_map<std::string, ObjectInfo> infos LH_GUARDED_BY(infos_mutex);
  std::atomic<uint64_t> hits{0}, misses{0}, evictions{0}, store_reads{0};
};

BlockCache::BlockCache(ObjectStore& store, BlockCacheOptions options)
    : impl_(std::make_unique<Impl>(store, std::move(options))) {}
BlockCache::~BlockCache() = default;

Result<size_t> BlockCache::ReadAt(const RequestContext& context, const ObjectInfo& info, uint64_t offset,
                                  std::span<char> out) {
  if (offset >= info.size || out.empty()) return size_t{0};
  const size_t length = std::min<uint64_t>(out.size(), info.size - offset);
  if (impl_->reads_are_files.load(std::memory_order_relaxed)) {
    LH_ASSIGN(const auto file, impl_->FileOf(context, info));
    if (file != nullptr) {
      impl_->hits.fetch_add(1, std::memory_order_relaxed);
      LH_TRY(ReadFullyAt(file->range.descriptor, out.data(), length, file->range.offset + offset));
      return length;
    }
  }
  const uint64_t block_bytes = impl_->options.block_bytes;
  const uint64_t last = (offset + length - 1) / block_bytes;
  size_t done = 0;
  while (done < length) {
    const uint64_t at = offset + done;
    const uint64_t index = at / block_bytes;
    // What this read still needs, and more of what follows: a scan reads on.
    const uint64_t wanted = std::max<uint64_t>(last - index + 1, index == 0 ? 1 : impl_->options.read_ahead_blocks);
    LH_ASSIGN(const Bytes block, impl_->Block(context, info, index, wanted));
    const size_t start = at % block_bytes;
    const size_t taken = std::min(length - done, block->size() - start);
    std::memcpy(out.data() + done, block->data() + start, taken);
    done += taken;
  }
  return length;
}

Result<ObjectInfo> BlockCache::Info(const RequestContext& context, std::string_view key) {
  {
    MutexLock lock(impl_->infos_mutex);
    if (const auto found = impl_->infos.find(std::string(key)); found != impl_->infos.end()) return found->second;
  }
  LH_ASSIGN(ObjectInfo info, impl_->store.Head(context, key));
  MutexLock lock(impl_->infos_mutex);
  if (impl_->infos.size() >= kMaxKnownInfos) impl_->infos.clear();
  impl_->infos[std::string(key)] = info;
  return info;
}

void BlockCache::Forget(std::string_view key) {
  MutexLock lock(impl_->infos_mutex);
  impl_->infos.erase(std::string(key));
}

BlockCacheStats BlockCache::stats() const {
  BlockCacheStats stats;
  stats.hits = impl_->hits.load();
  stats.misses = impl_->misses.load();
  stats.evictions = impl_->evictions.load();
  stats.store_reads = impl_->store_reads.load();
  for (Shard& shard : impl_->shards) {
    MutexLock lock(shard.mutex);
    stats.bytes_in_memory += shard.bytes;
  }
  if (impl_->disk) stats.bytes_on_disk = impl_->disk->bytes();
  return stats;
}

}  // namespace lakehouse::object
