// Another role over gRPC: the channel to it, what each of its calls carries, and how its failures read. Private to
// rpc/.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/request_context.h"
#include "net/retry.h"
#include "rpc/remote.h"

namespace lakehouse::rpc {

// Copies share the channel; callable from any thread.
class Peer {
 public:
  // kInvalid naming the field for a URL that is no grpc(s)://host:port, and for authorities that cannot be read.
  static Result<Peer> Open(const RemoteOptions& options);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& name() const { return name_; }
  const std::string& role_token() const { return role_token_; }

  // The role says of the service "lakehouse.v1.…" that it serves.
  Status Ready(const RequestContext& context, const std::string& service) const;
  // In the role's own words where it sent some, else in ours, which do not name it. REQUIRES: not OK.
  Error ErrorOf(const RequestContext& context, const grpc::Status& status) const;

 private:
  Peer(std::string name, std::string address, std::string role_token, std::shared_ptr<grpc::Channel> channel);

  std::string name_, address_, role_token_;
  std::shared_ptr<grpc::Channel> channel_;
};

// One call of a peer: it ends when its context does. Used by one thread. REQUIRES: the peer outlives it.
class PeerCall {
 public:
  // `grace`: how much longer than the context's deadline the call may take, for a role that answers a passed deadline
  // itself and says more of it than we could.
  PeerCall(const Peer& peer, const RequestContext& context, std::chrono::milliseconds grace = {});
  PeerCall(const PeerCall&) = delete;
  PeerCall& operator=(const PeerCall&) = delete;

  grpc::ClientContext* grpc() { return &grpc_; }
  const Peer& peer() const { return peer_; }
  void BreakOff() { grpc_.TryCancel(); }
  // What the end of the call says; where the role has no word in it, it is named.
  Status End(const grpc::Status& status) const;
  // The same for a body that has begun: one that breaks off is kUpstream, and who reads it names the role.
  Status EndOfBody(const grpc::Status& status) const;

 private:
  const Peer& peer_;
  const RequestContext context_;
  grpc::ClientContext grpc_;
  std::optional<std::stop_callback<std::function<void()>>> on_cancel_;  // gone before what it cancels
};

// The answer of a unary call.
template <typename Stub, typename Request, typename Response>
Result<Response> Ask(const Peer& peer, const RequestContext& context, Stub& stub,
                     grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                     const Request& request) {
  LH_TRY(context.Check(peer.name()));
  PeerCall call(peer, context);
  Response response;
  LH_TRY(call.End((stub.*method)(call.grpc(), request, &response)));
  return response;
}

// As Ask, again while that may help. REQUIRES: a call that changes nothing, or the same when it is made twice.
template <typename Stub, typename Request, typename Response>
Result<Response> AskAgain(const Peer& peer, const RequestContext& context, Stub& stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                          const Request& request) {
  return net::WithRetries(context, net::RetryPolicy{}, [&] { return Ask(peer, context, stub, method, request); });
}

}  // namespace lakehouse::rpc
