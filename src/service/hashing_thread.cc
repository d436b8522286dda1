#include "service/hashing_thread.h"

namespace lakehouse::service {

void HashingThread::Update(std::string_view bytes) {
  MutexLock lock(mutex_);
  while (!bytes_.empty()) changed_.Wait(mutex_);
  bytes_ = bytes;
  changed_.NotifyAll();
}

void HashingThread::Run() {
  MutexLock lock(mutex_);
  while (true) {
    while (bytes_.empty() && !stopping_) changed_.Wait(mutex_);
    if (bytes_.empty()) return;
    const std::string_view bytes = bytes_;
    mutex_.unlock();
    hash_.Update(bytes);
    mutex_.lock();
    bytes_ = {};
    changed_.NotifyAll();
  }
}

void HashingThread::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

Sha256Digest HashingThread::Finish() {
  Stop();
  return hash_.Finish();
}

}  // namespace lakehouse::service
