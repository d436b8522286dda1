// gRPC's callback reactors with our calls' work in them: unary, streaming to or from the client with blocking reads and
// writes, and streams of messages that are each worked on by themselves. Private to rpc/.
//
// A reactor deletes itself once gRPC is done with it. `Work` runs on a worker thread and may block; it gets the
// context of the call and returns a Status.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <array>
#include <functional>
#include <utility>

#include "base/mutex.h"
#include "base/stream.h"
#include "rpc/call.h"

namespace lakehouse::rpc {

// Status(const RequestContext&)
template <typename Work>
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  UnaryReactor(Host& host, const Method& method, grpc::CallbackServerContext& context, Work work)
      : call_(host, method, context, Call::Place::kThread), work_(std::move(work)) {}

  void Begin() {
    if (const Status begun = call_.Begin(); !begun) return Finish(call_.End(begun));
    call_.host().Dispatch(call_.method(),
                          [this] { Finish(call_.End(Guarded([this] { return work_(call_.context()); }))); });
  }
  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  Call call_;
  Work work_;
};

template <typename Work>
grpc::ServerUnaryReactor* Unary(Host& host, const Method& method, grpc::CallbackServerContext* context, Work work) {
  auto* const reactor = new UnaryReactor<Work>(host, method, *context, std::move(work));
  reactor->Begin();
  return reactor;
}

// Messages to the client, one on its way while the next is made. Used by one thread.
template <typename Response>
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // Blocks while the client has no room. kRequestTimeout when it takes nothing for too long, kCancelled when it is
  // gone.
  virtual Status Write(Response message) = 0;
};

template <typename Response>
class SendingReactor final : public grpc::ServerWriteReactor<Response>, private MessageSink<Response> {
 public:
  using Work = std::function<Status(const RequestContext&, MessageSink<Response>&)>;
  SendingReactor(Host& host, const Method& method, grpc::CallbackServerContext& context, Work work)
      : call_(host, method, context, Call::Place::kThread), work_(std::move(work)) {}

  void Begin() {
    if (const Status begun = call_.Begin(); !begun) return this->Finish(call_.End(begun));
    const Status taken = call_.host().OnWorker([this] {
      Status done = Guarded([this] { return work_(call_.context(), *this); });
      const Status sent = AwaitWrite();
      if (done) done = sent;
      this->Finish(call_.End(done));
    });
    if (!taken) this->Finish(call_.End(taken));
  }
  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    broken_ = broken_ || !ok;
    changed_.NotifyAll();
  }
  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  Status Write(Response message) override {
    LH_TRY(AwaitWrite());
    {
      MutexLock lock(mutex_);
      writing_ = true;
    }
    sending_ = std::move(message);
    this->StartWrite(&sending_);
    return {};
  }

  // After it gRPC reads `sending_` no more, whatever it returns.
  Status AwaitWrite() {
    const Deadline patience = Deadline::After(call_.body_timeout());
    MutexLock lock(mutex_);
    while (writing_ && !timed_out_) {
      if (!changed_.WaitUntil(mutex_, patience.at()) && writing_) timed_out_ = true;
    }
    if (timed_out_) {
      call_.BreakOff();
      while (writing_) changed_.Wait(mutex_);
      return Fail(ErrorKind::kRequestTimeout, "the client took nothing for {} s",
                  std::chrono::duration_cast<std::chrono::seconds>(call_.body_timeout()).count());
    }
    if (broken_) return Fail(ErrorKind::kCancelled, "the client went away");
    return {};
  }

  Call call_;
  const Work work_;
  Response sending_;
  Mutex mutex_;
  CondVar changed_;
  bool writing_ LH_GUARDED_BY(mutex_) = false;
  bool broken_ LH_GUARDED_BY(mutex_) = false;
  bool timed_out_ LH_GUARDED_BY(mutex_) = false;
};

template <typename Response, typename Work>
grpc::ServerWriteReactor<Response>* Sending(Host& host, const Method& method, grpc::CallbackServerContext* context,
                                            Work work) {
  auto* const reactor = new SendingReactor<Response>(host, method, *context, std::move(work));
  reactor->Begin();
  return reactor;
}

// Messages from the client, the next on its way while one is worked on. Used by one thread.
template <typename Request>
class MessageSource {
 public:
  virtual ~MessageSource() = default;
  // Valid until the next call; nullptr at the end of the stream. Blocks. kRequestTimeout when nothing comes for too
  // long.
  virtual Result<Request*> Next() = 0;
};

template <typename Request>
class ReceivingReactor final : public grpc::ServerReadReactor<Request>, private MessageSource<Request> {
 public:
  using Work = std::function<Status(const RequestContext&, MessageSource<Request>&)>;
  ReceivingReactor(Host& host, const Method& method, grpc::CallbackServerContext& context, Work work)
      : call_(host, method, context, Call::Place::kThread), work_(std::move(work)) {}

  void Begin() {
    if (const Status begun = call_.Begin(); !begun) return this->Finish(call_.End(begun));
    this->StartRead(&messages_[0]);
    const Status taken = call_.host().OnWorker(
        [this] { this->Finish(call_.End(Guarded([this] { return work_(call_.context(), *this); }))); });
    if (!taken) this->Finish(call_.End(taken));
  }
  void OnReadDone(bool ok) override {
    MutexLock lock(mutex_);
    reading_ = false;
    ended_ = !ok;
    changed_.NotifyAll();
  }
  void OnCancel() override {
    call_.Cancel();
    MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.NotifyAll();
  }
  void OnDone() override { delete this; }

 private:
  Result<Request*> Next() override {
    Request* const arrived = &messages_[at_];
    LH_ASSIGN(const bool more, AwaitRead());
    if (!more) return nullptr;
    at_ ^= 1;
    this->StartRead(&messages_[at_]);
    return arrived;
  }

  Result<bool> AwaitRead() {
    const Deadline patience = Deadline::After(call_.body_timeout()).Sooner(call_.context().deadline);
    MutexLock lock(mutex_);
    while (reading_ && !cancelled_) {
      if (!changed_.WaitUntil(mutex_, patience.at()) && reading_) {
        LH_TRY(call_.context().Check("reading the upload"));
        return Fail(ErrorKind::kRequestTimeout, "the client sent nothing for {} s",
                    std::chrono::duration_cast<std::chrono::seconds>(call_.body_timeout()).count());
      }
    }
    if (cancelled_) return Fail(ErrorKind::kCancelled, "the client went away");
    if (ended_) return false;
    reading_ = true;
    return true;
  }

  Call call_;
  const Work work_;
  std::array<Request, 2> messages_;
  size_t at_ = 0;  // where the read that was started last goes to
  Mutex mutex_;
  CondVar changed_;
  bool reading_ LH_GUARDED_BY(mutex_) = true;
  bool ended_ LH_GUARDED_BY(mutex_) = false;
  bool cancelled_ LH_GUARDED_BY(mutex_) = false;
};

template <typename Request, typename Work>
grpc::ServerReadReactor<Request>* Receiving(Host& host, const Method& method, grpc::CallbackServerContext* context,
                                            Work work) {
  auto* const reactor = new ReceivingReactor<Request>(host, method, *context, std::move(work));
  reactor->Begin();
  return reactor;
}

// A stream of messages, each answered by one, in their order. While one is worked on and answered, the next is read.
template <typename Request, typename Response>
class ExchangeReactor final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  // An error ends the stream.
  using Work = std::function<Status(const RequestContext&, Request&, Response&)>;
  ExchangeReactor(Host& host, const Method& method, grpc::CallbackServerContext& context, Work work)
      : call_(host, method, context, Call::Place::kStream), work_(std::move(work)) {}

  void Begin() {
    if (const Status begun = call_.Begin(); !begun) {
      {
        MutexLock lock(mutex_);
        finished_ = true;
      }
      return this->Finish(call_.End(begun));
    }
    this->StartSendInitialMetadata();
    this->StartRead(&requests_[0]);
  }

  void OnReadDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      reading_ = false;
      ended_ = !ok;
    }
    GoOn();
  }
  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      busy_ = false;
      ended_ = ended_ || !ok;
    }
    GoOn();
  }
  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  // Starts what can be started: the work on a message that has come, or the end.
  void GoOn() {
    Request* arrived = nullptr;
    Request* next = nullptr;
    {
      MutexLock lock(mutex_);
      if (busy_ || finished_) return;
      if (ended_) {
        finished_ = true;
      } else {
        if (reading_) return;
        arrived = &requests_[at_];
        at_ ^= 1;
        next = &requests_[at_];
        busy_ = reading_ = true;
      }
    }
    if (arrived == nullptr) return this->Finish(call_.End(call_.context().Check("the stream")));
    this->StartRead(next);
    call_.host().Dispatch(call_.method(), [this, arrived] { WorkOn(*arrived); });
  }

  void WorkOn(Request& request) {
    response_.Clear();
    const Status done = Guarded([&] { return work_(call_.context(), request, response_); });
    if (done) return this->StartWrite(&response_);
    {
      MutexLock lock(mutex_);
      finished_ = true;
    }
    this->Finish(call_.End(done));
  }

  Call call_;
  Work work_;
  std::array<Request, 2> requests_;
  Response response_;
  Mutex mutex_;
  size_t at_ LH_GUARDED_BY(mutex_) = 0;  // where the read that was started last goes to
  bool reading_ LH_GUARDED_BY(mutex_) = true;
  bool busy_ LH_GUARDED_BY(mutex_) = false;   // a message is worked on or its answer written
  bool ended_ LH_GUARDED_BY(mutex_) = false;  // the client says no more
  bool finished_ LH_GUARDED_BY(mutex_) = false;
};

template <typename Request, typename Response, typename Work>
grpc::ServerBidiReactor<Request, Response>* Exchanging(Host& host, const Method& method,
                                                       grpc::CallbackServerContext* context, Work work) {
  auto* const reactor = new ExchangeReactor<Request, Response>(host, method, *context, std::move(work));
  reactor->Begin();
  return reactor;
}

}  // namespace lakehouse::rpc
