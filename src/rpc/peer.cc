#include "rpc/peer.h"

#include <grpcpp/create_channel.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>

#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "rpc/call.h"
#include "rpc/status.h"
#include "rpc/tune.h"

namespace lakehouse::rpc {
namespace {

constexpr std::string_view kScheme = "grpc://", kTlsScheme = "grpcs://";
// Bounds a call whose context has no end; the role ends it sooner.
constexpr std::chrono::hours kLongestCall{2};

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

// host:port of a URL.
Result<std::string> AddressOf(const RemoteOptions& options) {
  const auto bad = [&](std::string_view why) {
    return Fail(ErrorKind::kInvalid, "{}: {} in '{}'", options.field, why, options.url);
  };
  const std::string_view url = options.url;
  if (!IsGrpcUrl(url)) return bad("the scheme is neither grpc nor grpcs");
  std::string_view address = url.substr(url.find("://") + 3);
  if (address.find('@') != std::string_view::npos) {
    // Not shown: what stands in front of the @ may be a password.
    return Fail(ErrorKind::kInvalid, "{}: user information is not allowed in the URL", options.field);
  }
  if (address.ends_with('/')) address.remove_suffix(1);
  if (address.find_first_of("/?#") != std::string_view::npos) return bad("gRPC has no paths: more than host:port");
  const size_t colon = address.rfind(':');
  if (address.empty() || colon == 0) return bad("no host");
  if (colon == std::string_view::npos || !IsPort(address.substr(colon + 1)))
    return bad("the port is not a number from 1 to 65535");
  const bool plain = std::ranges::all_of(address, [](char c) { return c > ' ' && c < 0x7f; });
  if (!plain) return bad("the host is not a name or an address");
  return std::string(address);
}

// Without TLS, or with it by the authorities of the file.
Result<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const RemoteOptions& options) {
  if (!options.url.starts_with(kTlsScheme)) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  if (!options.ca_file.empty()) {
    std::ifstream file(options.ca_file, std::ios::binary);
    tls.pem_root_certs.assign(std::istreambuf_iterator<char>(file), {});
    if (tls.pem_root_certs.empty())
      return Fail(ErrorKind::kInvalid, "[tls] ca_file: {} cannot be read, or has nothing in it", options.ca_file);
  }
  return grpc::SslCredentials(tls);
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address,
                                       const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  TuneGrpc();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  // A role that is started again is found again at once, not after minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);  // the longest that connecting takes
  // One that is gone without a word is found out.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // Roles are where the settings say, whatever the environment says of proxies.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

bool HasDetails(const grpc::Status& status) {
  google::rpc::Status details;
  return details.ParseFromString(status.error_details()) && details.details_size() > 0;
}

// Words of gRPC's own for a call that never left.
bool NeverLeft(std::string_view message) {
  return message.find("failed to connect") != std::string_view::npos ||
         message.find("DNS resolution failed") != std::string_view::npos;
}

}  // namespace

bool IsGrpcUrl(std::string_view url) { return url.starts_with(kScheme) || url.starts_with(kTlsScheme); }

Peer::Peer(std::string name, std::string address, std::string role_token, std::shared_ptr<grpc::Channel> channel)
    : name_(std::move(name)),
      address_(std::move(address)),
      role_token_(std::move(role_token)),
      channel_(std::move(channel)) {}

Result<Peer> Peer::Open(const RemoteOptions& options) {
  LH_ASSIGN(auto address, AddressOf(options));
  LH_ASSIGN(const auto credentials, CredentialsOf(options));
  auto channel = Connect(address, credentials);
  return Peer(options.name, std::move(address), options.role_token, std::move(channel));
}

Error Peer::ErrorOf(const RequestContext& context, const grpc::Status& status) const {
  if (HasDetails(status)) {
    Error error = ToError(status);
    // It names a field of the message between the two of us, which nobody above knows.
    std::erase_if(error.members, [](const auto& member) { return member.first == kFieldMember; });
    return error;
  }
  const auto own = [](ErrorKind kind, std::string words) { return Error{kind, std::move(words), std::nullopt, {}}; };
  const std::string& message = status.error_message();
  switch (status.error_code()) {
    case grpc::DEADLINE_EXCEEDED:
      return own(ErrorKind::kDeadline, "no answer in time");
    case grpc::CANCELLED:
      if (context.cancelled.stop_requested()) return own(ErrorKind::kCancelled, "the client went away");
      return own(ErrorKind::kAmbiguous, "the call was broken off");
    case grpc::UNAVAILABLE:
      if (NeverLeft(message)) return own(ErrorKind::kUnavailable, fmt::format("cannot connect to {}", address_));
      return own(ErrorKind::kAmbiguous, fmt::format("the connection broke: {}", message));
    case grpc::UNKNOWN:
    case grpc::INTERNAL:
      return own(ErrorKind::kAmbiguous, message);
    case grpc::UNIMPLEMENTED:
      return own(ErrorKind::kUpstream, fmt::format("what answers at {} is none: {}", address_, message));
    default:
      return ToError(status);
  }
}

Status Peer::Ready(const RequestContext& context, const std::string& service) const {
  namespace health = ::grpc::health::v1;
  const auto stub = health::Health::NewStub(channel_);
  health::HealthCheckRequest request;
  request.set_service(service);
  const auto answer = Ask(*this, context, *stub, &health::Health::Stub::Check, request);
  if (answer && answer->status() == health::HealthCheckResponse::SERVING) return {};
  if (answer) return Fail(ErrorKind::kUnavailable, "{} is not ready", name_);
  if (answer.error().kind == ErrorKind::kCancelled) return Fail(answer.error());
  return Fail(ErrorKind::kUnavailable, "{} is not ready: {}", name_, answer.error().detail);
}

PeerCall::PeerCall(const Peer& peer, const RequestContext& context, std::chrono::milliseconds grace)
    : peer_(peer), context_(context) {
  const auto left = context.deadline.Sooner(Deadline::After(kLongestCall)).Remaining();
  grpc_.set_deadline(std::chrono::system_clock::now() + left + grace);
  grpc_.AddMetadata(kRoleTokenKey, peer.role_token());
  if (!context.request_id.empty()) grpc_.AddMetadata(kRequestIdKey, context.request_id);
  if (!context.traceparent.empty()) grpc_.AddMetadata(kTraceKey, context.traceparent);
  if (context.cancelled.stop_possible()) on_cancel_.emplace(context.cancelled, [this] { grpc_.TryCancel(); });
}

Status PeerCall::End(const grpc::Status& status) const {
  if (status.ok()) return {};
  Error error = peer_.ErrorOf(context_, status);
  return Fail(HasDetails(status) ? std::move(error) : std::move(error).In(peer_.name()));
}

Status PeerCall::EndOfBody(const grpc::Status& status) const {
  if (status.ok()) return {};
  Error error = peer_.ErrorOf(context_, status);
  if (error.kind == ErrorKind::kAmbiguous) error.kind = ErrorKind::kUpstream;
  return Fail(std::move(error));
}

}  // namespace lakehouse::rpc
