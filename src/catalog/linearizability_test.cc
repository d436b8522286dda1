// Several catalogds over one log, with answers of the store that get lost: what their callers saw is what one catalog
// could have answered, one call after the other, each at a moment between its beginning and its end.
//
// The search is J. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993), with G. Lowe's memory of the
// configurations that were tried. Histories are small, and many.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <random>
#include <set>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"
#include "catalog/hooked_store.h"
#include "catalog/lake_catalog.h"
#include "object/memory_store.h"

namespace lakehouse::catalog {
namespace {

// One call about the one dataset, and what it answered.
struct Call {
  enum class Kind { kAppend, kReplace, kRead, kDrop };
  Kind kind = Kind::kRead;
  std::string key{};                // kAppend, kReplace
  int64_t began = 0, ended = 0;     // by one counter for all threads
  bool unknown = false;             // no answer: it took effect at any time after it began, or never
  bool found = true;                // kRead, kDrop
  uint64_t version = 0;             // kAppend, kReplace, kRead
  std::vector<std::string> keys{};  // all of them after kAppend, kReplace; as seen by kRead
};
using History = std::vector<Call>;

// The dataset as a catalog of one thread would keep it.
struct Model {
  bool exists = false;
  uint64_t version = 0;
  std::vector<std::string> keys{};
  auto operator<=>(const Model&) const = default;

  // The state after the call; nullopt when the call cannot have answered so here.
  std::optional<Model> After(const Call& call) const {
    Model next = *this;
    switch (call.kind) {
      case Call::Kind::kAppend:
      case Call::Kind::kReplace:
        if (call.kind == Call::Kind::kReplace || !exists) next.keys.clear();
        next.exists = true;
        next.keys.push_back(call.key);
        ++next.version;
        if (!call.unknown && (call.version != next.version || call.keys != next.keys)) return std::nullopt;
        return next;
      case Call::Kind::kRead:
        if (call.found != exists || (exists && (call.version != version || call.keys != keys))) return std::nullopt;
        return next;
      case Call::Kind::kDrop:
        if (!call.unknown && call.found != exists) return std::nullopt;
        next.exists = false;
        next.keys.clear();
        return next;
    }
    return std::nullopt;
  }
};

class Checker {
 public:
  explicit Checker(const History& history) : history_(history) {}
  bool IsLinearizable() { return Search(0, Model{}); }

 private:
  // `done`: bits of the calls that have their place already.
  bool Search(uint64_t done, const Model& model) {
    if (AllAnsweredAreIn(done)) return true;
    if (!tried_.emplace(done, model).second) return false;
    for (size_t i = 0; i < history_.size(); ++i) {
      if ((done >> i & 1) != 0 || !MayComeNext(i, done)) continue;
      if (const auto next = model.After(history_[i]); next && Search(done | uint64_t{1} << i, *next)) return true;
    }
    return false;
  }
  bool AllAnsweredAreIn(uint64_t done) const {
    for (size_t i = 0; i < history_.size(); ++i) {
      if ((done >> i & 1) == 0 && !history_[i].unknown) return false;
    }
    return true;
  }
  // Nothing that is not in yet ended before it began.
  bool MayComeNext(size_t call, uint64_t done) const {
    for (size_t i = 0; i < history_.size(); ++i) {
      if ((done >> i & 1) == 0 && !history_[i].unknown && history_[i].ended < history_[call].began) return false;
    }
    return true;
  }

  const History& history_;
  std::set<std::pair<uint64_t, Model>> tried_;
};

bool IsLinearizable(const History& history) { return Checker(history).IsLinearizable(); }

Call Append(int64_t began, int64_t ended, std::string key, uint64_t version, std::vector<std::string> keys) {
  return {.kind = Call::Kind::kAppend,
          .key = std::move(key),
          .began = began,
          .ended = ended,
          .version = version,
          .keys = std::move(keys)};
}
Call Read(int64_t began, int64_t ended, uint64_t version, std::vector<std::string> keys) {
  return {.began = began, .ended = ended, .found = version != 0, .version = version, .keys = std::move(keys)};
}

TEST(CheckerTest, TellsGoodFromBad) {
  EXPECT_TRUE(IsLinearizable({}));
  EXPECT_TRUE(IsLinearizable({Append(1, 2, "a", 1, {"a"}), Read(3, 4, 1, {"a"})}));
  EXPECT_FALSE(IsLinearizable({Append(1, 2, "a", 1, {"a"}), Read(3, 4, 0, {})})) << "a stale read";
  EXPECT_TRUE(IsLinearizable({Append(1, 4, "a", 1, {"a"}), Read(2, 3, 0, {})}))
      << "at the same time, either may be first";
  EXPECT_TRUE(IsLinearizable({Append(1, 4, "a", 1, {"a"}), Read(2, 3, 1, {"a"})}));
  EXPECT_FALSE(IsLinearizable({Append(1, 9, "a", 1, {"a"}), Read(2, 3, 1, {"a"}), Read(4, 5, 0, {})}))
      << "what was read once is not unread";
  EXPECT_FALSE(IsLinearizable({Append(1, 2, "a", 1, {"a"}), Append(1, 2, "b", 1, {"b"})})) << "two of one version";
  EXPECT_TRUE(IsLinearizable({Append(1, 4, "a", 2, {"b", "a"}), Append(1, 4, "b", 1, {"b"})}));
  EXPECT_FALSE(IsLinearizable({Append(1, 2, "a", 2, {"b", "a"}), Append(3, 4, "b", 1, {"b"})})) << "against real time";
  EXPECT_FALSE(IsLinearizable({Append(1, 2, "a", 1, {"a"}), Append(3, 4, "b", 2, {"b"})})) << "a lost append";
  Call lost = Append(1, 0, "a", 0, {});
  lost.unknown = true;
  EXPECT_TRUE(IsLinearizable({lost, Read(2, 3, 0, {}), Read(4, 5, 1, {"a"})})) << "it took effect late";
  EXPECT_TRUE(IsLinearizable({lost, Read(2, 3, 0, {})})) << "or never";
  EXPECT_FALSE(IsLinearizable({lost, Read(2, 3, 1, {"a"}), Read(4, 5, 0, {})}));
}

// Loses some answers to writes of the log: after the object was stored, or instead of it.
class LossyStore {
 public:
  LossyStore(object::ObjectStore& inner, unsigned seed) : store(inner), random_(seed) {
    store.before_put = [this](std::string_view) { return Lose(12); };
    store.after_put = [this](std::string_view) { return Lose(6); };
  }
  HookedStore store;

 private:
  std::optional<Error> Lose(unsigned one_in) {
    MutexLock lock(mutex_);
    if (random_() % one_in != 0) return std::nullopt;
    return Error{ErrorKind::kAmbiguous, "the connection broke", std::nullopt, {}};
  }
  Mutex mutex_;
  std::minstd_rand random_ LH_GUARDED_BY(mutex_);
};

class LinearizabilityTest : public ::testing::Test {
 protected:
  static constexpr size_t kCatalogs = 3, kCalls = 5;

  void Fill(Call& call, const Result<Manifest>& manifest) {
    call.unknown = !manifest && manifest.error().kind != ErrorKind::kNotFound;
    call.found = manifest.has_value();
    if (!manifest) return;
    call.version = manifest->version.value;
    for (const DataObject& object : manifest->objects) call.keys.push_back(object.key);
  }

  Call Do(LakeCatalog& catalog, Call::Kind kind, std::string key) {
    Call call;
    call.kind = kind;
    call.key = std::move(key);
    RegisterRequest request;
    request.name = "t";
    request.schema_fingerprint = "f";
    request.objects = {{call.key, 1, 1, {}}};
    request.row_count = 1;
    request.mode = kind == Call::Kind::kAppend ? WriteMode::kAppend : WriteMode::kReplace;
    call.began = ++moment_;
    if (kind == Call::Kind::kRead) {
      Fill(call, catalog.Get({}, "t", std::nullopt));
    } else if (kind == Call::Kind::kDrop) {
      const Status dropped = catalog.Drop({}, "t");
      call.found = dropped.has_value();
      call.unknown = !dropped && dropped.error().kind != ErrorKind::kNotFound;
    } else {
      const auto made = catalog.Register({}, request);
      Fill(call, made ? Result<Manifest>(made->manifest) : Result<Manifest>(Fail(made.error())));
    }
    call.ended = ++moment_;
    return call;
  }

  // What several catalogds were asked at the same time, and answered.
  History Record(unsigned seed) {
    object::MemoryStore memory{SystemClock()};
    LossyStore lossy(memory, seed);
    Mutex mutex;
    History history;
    std::latch start(kCatalogs);
    std::vector<std::jthread> threads;
    threads.reserve(kCatalogs);
    for (size_t c = 0; c < kCatalogs; ++c) {
      threads.emplace_back([&, c] {
        LakeCatalogOptions options;
        options.shared_log = true;
        options.checkpoint_every = 4;
        auto catalog = LakeCatalog::Open({}, lossy.store, SystemClock(), Logger::Silent(), metrics_, options);
        std::minstd_rand random(seed * 31 + static_cast<unsigned>(c) + 1);
        start.arrive_and_wait();
        ASSERT_TRUE(catalog);
        for (size_t i = 0; i < kCalls; ++i) {
          constexpr Call::Kind kKinds[] = {Call::Kind::kAppend, Call::Kind::kAppend, Call::Kind::kAppend,
                                           Call::Kind::kRead,   Call::Kind::kRead,   Call::Kind::kReplace,
                                           Call::Kind::kDrop};
          const Call call = Do(**catalog, kKinds[random() / 7 % std::size(kKinds)], fmt::format("{}-{}", c, i));
          MutexLock lock(mutex);
          history.push_back(call);
        }
      });
    }
    threads.clear();
    return history;
  }

  static std::string Show(const History& history) {
    std::string text;
    for (const Call& call : history) {
      text += fmt::format("{:3}-{:3} {} {} -> {} version {} [{}]\n", call.began, call.ended,
                          std::array{"append", "replace", "read", "drop"}[static_cast<size_t>(call.kind)], call.key,
                          call.unknown ? "unknown"
                          : call.found ? "found"
                                       : "absent",
                          call.version, fmt::join(call.keys, " "));
    }
    return text;
  }

  std::atomic<int64_t> moment_{0};
  observe::Metrics metrics_;
};

TEST_F(LinearizabilityTest, WhatCallersSawIsPossible) {
  size_t calls = 0, unknown = 0, reads = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    const History history = Record(seed);
    ASSERT_EQ(history.size(), kCatalogs * kCalls);
    for (const Call& call : history) {
      ++calls;
      unknown += call.unknown ? 1 : 0;
      reads += call.kind == Call::Kind::kRead ? 1 : 0;
    }
    ASSERT_TRUE(IsLinearizable(history)) << "seed " << seed << "\n" << Show(history);
    // The same calls with one read bent must be told from it.
    History bent = history;
    for (Call& call : bent) {
      if (call.kind == Call::Kind::kRead && call.found) {
        call.keys.push_back("never written");
        EXPECT_FALSE(IsLinearizable(bent));
        break;
      }
    }
  }
  EXPECT_GT(reads, 50U);
  EXPECT_GT(unknown, 0U) << "answers did get lost";
  EXPECT_LT(unknown, calls / 2);
}

}  // namespace
}  // namespace lakehouse::catalog
