// The bytes of an upload: messages of which the first has the options, the following ones data, and one says that it is
// the last. Private to rpc/. Used by one thread.
#pragma once

#include <algorithm>
#include <cstring>

#include "rpc/reactors.h"
#include "rpc/status.h"

namespace lakehouse::rpc {

// `Message` has a oneof of options and data, and a bool last.
template <typename Message>
class UploadSource final : public ByteSource {
 public:
  explicit UploadSource(MessageSource<Message>& messages) : messages_(messages) {}

  // The first message; it stays valid until the first Read. kInvalid when it has no options.
  Result<const Message*> Open() {
    LH_ASSIGN(message_, messages_.Next());
    if (message_ == nullptr || !message_->has_options())
      return Fail(ErrorKind::kInvalid, "the first message of an upload must have the options");
    return message_;
  }

  Result<size_t> Read(std::span<char> out) override {
    while (at_ == Data().size()) {
      if (message_->last()) return 0;
      LH_ASSIGN(message_, messages_.Next());
      if (message_ == nullptr) {
        return Fail(ErrorKind::kInvalid,
                    "the stream ended before a message with last = true: nothing of it is kept, since the rest may be "
                    "missing");
      }
      if (message_->has_options()) return Fail(ErrorKind::kInvalid, "only the first message may have options");
      at_ = 0;
    }
    const size_t size = std::min(out.size(), Data().size() - at_);
    std::memcpy(out.data(), Data().data() + at_, size);
    at_ += size;
    return size;
  }

 private:
  const std::string& Data() const { return message_->data(); }

  MessageSource<Message>& messages_;
  const Message* message_ = nullptr;
  size_t at_ = 0;
};

}  // namespace lakehouse::rpc
