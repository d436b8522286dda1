#include "object/pending.h"

#include <utility>

namespace lakehouse::object {
namespace {

constexpr std::chrono::milliseconds kPauseInTrouble{200};

}  // namespace

// The journal takes this lock inside its own (Hurry), so nothing here calls the journal, or lets go of an entry, while
// it is held.

PendingObjects::PendingObjects(Journal& journal, std::chrono::milliseconds linger, Publish publish)
    : journal_(journal), linger_(linger), publish_(std::move(publish)), thread_([this] { Run(); }) {}

PendingObjects::~PendingObjects() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.NotifyAll();
  thread_.join();
}

void PendingObjects::Add(PendingObject object) {
  auto added = std::make_shared<const PendingObject>(std::move(object));
  Pointer replaced;
  bool was_empty = false;
  {
    MutexLock lock(mutex_);
    was_empty = by_key_.empty();
    Place& place = by_key_[added->info.key];
    replaced = std::exchange(place.object, added);
    if (replaced != nullptr) by_age_.erase(place.age);
    place.age = ++last_age_;
    by_age_.emplace_hint(by_age_.end(), place.age, std::move(added));
  }
  if (was_empty) work_.NotifyOne();
}

std::shared_ptr<const PendingObject> PendingObjects::Find(std::string_view key) const {
  MutexLock lock(mutex_);
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second.object;
}

std::vector<std::shared_ptr<const PendingObject>> PendingObjects::List(std::string_view from,
                                                                       std::string_view prefix) const {
  std::vector<Pointer> found;
  MutexLock lock(mutex_);
  for (auto at = by_key_.lower_bound(std::max(from, prefix)); at != by_key_.end(); ++at) {
    if (!std::string_view(at->first).starts_with(prefix)) break;
    found.push_back(at->second.object);
  }
  return found;
}

Status PendingObjects::Trouble() const {
  MutexLock lock(mutex_);
  return trouble_;
}

Status PendingObjects::Hurry() {
  MutexLock lock(mutex_);
  hurried_ = true;
  work_.NotifyAll();
  return trouble_;
}

PendingObjects::Pointer PendingObjects::Take(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  Pointer taken = std::move(found->second.object);
  by_age_.erase(found->second.age);
  by_key_.erase(found);
  return taken;
}

PendingObjects::Hold::Hold(PendingObjects& pending, std::string_view key) : pending_(pending), key_(key) {
  MutexLock lock(pending_.mutex_);
  while (pending_.publishing_ == key_) pending_.published_.Wait(pending_.mutex_);
  pending_.held_.insert(key_);
}

PendingObjects::Hold::~Hold() {
  MutexLock lock(pending_.mutex_);
  pending_.held_.erase(pending_.held_.find(key_));
}

void PendingObjects::Hold::Replaced() {
  Pointer taken;
  MutexLock lock(pending_.mutex_);
  taken = pending_.Take(key_);
}

Status PendingObjects::PublishAll() {
  Status first_trouble;
  const uint64_t last = last_age_;
  for (uint64_t age = 0;;) {
    const auto next = by_age_.upper_bound(age);
    if (next == by_age_.end() || next->first > last) return first_trouble;
    age = next->first;
    Pointer object = next->second;
    if (held_.contains(object->info.key)) continue;
    publishing_ = object->info.key;
    mutex_.unlock();
    const Status published = publish_(*object);
    mutex_.lock();
    publishing_.clear();
    published_.NotifyAll();
    if (!published && first_trouble) first_trouble = published;
    Pointer done;
    const auto place = by_key_.find(object->info.key);
    if (published && place != by_key_.end() && place->second.object == object) done = Take(object->info.key);
    mutex_.unlock();
    done.reset();
    object.reset();
    mutex_.lock();
  }
}

void PendingObjects::Run() {
  MutexLock lock(mutex_);
  while (true) {
    while (by_key_.empty() && !stopping_) work_.Wait(mutex_);
    if (by_key_.empty()) return;
    const auto due = std::chrono::steady_clock::now() + (trouble_ ? linger_ : kPauseInTrouble);
    // In trouble there is a pause whoever hurries, so that a full disk does not become a busy loop.
    while (!stopping_ && (!hurried_ || !trouble_) && work_.WaitUntil(mutex_, due)) {
    }
    hurried_ = false;
    trouble_ = PublishAll();
    const bool give_up = !trouble_ && stopping_;
    mutex_.unlock();
    if (give_up) journal_.LeaveForReplay();
    mutex_.lock();
    if (give_up) return;
  }
}

}  // namespace lakehouse::object
