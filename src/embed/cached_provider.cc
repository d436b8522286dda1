#include <list>
#include <unordered_map>

#include "base/hash.h"
#include "base/mutex.h"
#include "embed/provider.h"

namespace lakehouse::embed {
namespace {

class CachedProvider final : public Provider {
 public:
  CachedProvider(std::unique_ptr<Provider> provider, uint64_t bytes) : provider_(std::move(provider)), limit_(bytes) {}

  Result<Vectors> Embed(const RequestContext& context, std::span<const std::string> texts, uint32_t dimension) override
      LH_EXCLUDES(mutex_) {
    Vectors vectors(texts.size());
    std::vector<std::string> keys, missing;
    // Where each missing text is wanted; one that stands there twice is asked for once.
    std::unordered_map<std::string, size_t> place;
    std::vector<std::pair<size_t, size_t>> wanted;
    for (size_t i = 0; i < texts.size(); ++i) {
      std::string key = KeyOf(texts[i], dimension);
      if (Find(key, vectors[i])) continue;
      const auto [at, first] = place.try_emplace(key, missing.size());
      wanted.emplace_back(i, at->second);
      if (!first) continue;
      missing.push_back(texts[i]);
      keys.push_back(std::move(key));
    }
    if (missing.empty()) return vectors;
    LH_ASSIGN(const Vectors made, provider_->Embed(context, missing, dimension));
    for (const auto& [to, from] : wanted) vectors[to] = made[from];
    for (size_t i = 0; i < made.size(); ++i) Keep(keys[i], made[i]);
    return vectors;
  }
  uint32_t dimension() const override { return provider_->dimension(); }
  const std::string& name() const override { return provider_->name(); }

 private:
  struct Entry {
    std::string key;
    std::vector<float> vector;
  };

  static uint64_t BytesOf(const Entry& entry) {
    constexpr uint64_t kOverhead = 200;
    return entry.vector.size() * sizeof(float) + 2 * entry.key.size() + kOverhead;
  }

  static std::string KeyOf(std::string_view text, uint32_t dimension) {
    return fmt::format("{}:{}", dimension, ToHex(Sha256Of(text)));
  }

  bool Find(const std::string& key, std::vector<float>& vector) LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    order_.splice(order_.begin(), order_, found->second);
    vector = found->second->vector;
    return true;
  }

  void Keep(const std::string& key, const std::vector<float>& vector) LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (entries_.contains(key)) return;
    order_.push_front({key, vector});
    entries_.emplace(key, order_.begin());
    bytes_ += BytesOf(order_.front());
    while (bytes_ > limit_) {
      bytes_ -= BytesOf(order_.back());
      entries_.erase(order_.back().key);
      order_.pop_back();
    }
  }

  const std::unique_ptr<Provider> provider_;
  const uint64_t limit_;
  Mutex mutex_;
  std::list<Entry> order_ LH_GUARDED_BY(mutex_);  // used last comes first
  std::unordered_map<std::string, std::list<Entry>::iterator> entries_ LH_GUARDED_BY(mutex_);
  uint64_t bytes_ LH_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::unique_ptr<Provider> MakeCachedProvider(std::unique_ptr<Provider> provider, uint64_t bytes) {
  return std::make_unique<CachedProvider>(std::move(provider), bytes);
}

}  // namespace lakehouse::embed
