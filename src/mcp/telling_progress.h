// Long work that says nothing of itself, and a client that asked to hear of it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <string_view>
#include <system_error>
#include <thread>

#include "mcp/call.h"

namespace lakehouse::mcp {

// What `work` gives. Tells the client once a second how many seconds it has taken, if it asked for progress: `work`
// runs on a thread of its own then, and the call's thread, which alone may use the channel, waits for it.
template <typename Work>
auto TellingProgress(const Call& call, std::string_view what, Work work) -> decltype(work()) {
  if (call.progress_token.is_null()) return work();
  std::packaged_task<decltype(work())()> task(std::move(work));
  auto result = task.get_future();
  std::jthread thread;
  try {
    thread = std::jthread(std::ref(task));
  } catch (const std::system_error&) {
    task();  // without a word, where the machine gives no thread
  }
  for (int seconds = 1; result.wait_for(std::chrono::seconds(1)) != std::future_status::ready; ++seconds)
    call.Progress(seconds, std::nullopt, what);
  return result.get();
}

}  // namespace lakehouse::mcp
