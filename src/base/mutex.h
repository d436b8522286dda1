// Mutex, SharedMutex, their guards and a condition variable that Clang's thread-safety analysis understands.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define LH_ATTRIBUTE(x) __attribute__((x))
#else
#define LH_ATTRIBUTE(x)
#endif
#define LH_CAPABILITY(x) LH_ATTRIBUTE(capability(x))
#define LH_SCOPED_CAPABILITY LH_ATTRIBUTE(scoped_lockable)
#define LH_GUARDED_BY(x) LH_ATTRIBUTE(guarded_by(x))
#define LH_PT_GUARDED_BY(x) LH_ATTRIBUTE(pt_guarded_by(x))
#define LH_REQUIRES(...) LH_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define LH_REQUIRES_SHARED(...) LH_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define LH_ACQUIRE(...) LH_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define LH_ACQUIRE_SHARED(...) LH_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define LH_RELEASE(...) LH_ATTRIBUTE(release_capability(__VA_ARGS__))
#define LH_RELEASE_SHARED(...) LH_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define LH_RELEASE_GENERIC(...) LH_ATTRIBUTE(release_generic_capability(__VA_ARGS__))
#define LH_EXCLUDES(...) LH_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define LH_NO_ANALYSIS LH_ATTRIBUTE(no_thread_safety_analysis)

namespace lakehouse {

class LH_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock() LH_ACQUIRE() { mutex_.lock(); }
  void unlock() LH_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class LH_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) LH_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() LH_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class LH_CAPABILITY("shared mutex") SharedMutex {
 public:
  SharedMutex() = default;
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;
  void lock() LH_ACQUIRE() { mutex_.lock(); }
  void unlock() LH_RELEASE() { mutex_.unlock(); }
  void lock_shared() LH_ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() LH_RELEASE_SHARED() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class LH_SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) LH_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriterLock() LH_RELEASE() { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class LH_SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) LH_ACQUIRE_SHARED(mutex) : mutex_(mutex) { mutex_.lock_shared(); }
  ~ReaderLock() LH_RELEASE_GENERIC() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// REQUIRES: the mutex handed to a wait is held by the caller. Waits may wake for no reason: loop on the condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) LH_REQUIRES(mutex) LH_NO_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when the time was up first.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point until) LH_REQUIRES(mutex) LH_NO_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, until) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace lakehouse
