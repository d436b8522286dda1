#include "flight/command.h"

#include <google/protobuf/any.pb.h>

#include <utility>

namespace lakehouse::flight {
namespace {

Result<google::protobuf::Any> ParseAny(std::string_view bytes, std::string_view expected) {
  if (bytes.size() > kMaxCommandBytes) {
    return Fail(ErrorKind::kTooLarge, "the message is {} bytes long; at most {} are allowed", bytes.size(),
                kMaxCommandBytes);
  }
  google::protobuf::Any any;
  if (!any.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || any.type_url().empty()) {
    return Fail(ErrorKind::kInvalid, "this is no {} of Arrow Flight SQL: a google.protobuf.Any was expected", expected);
  }
  return any;
}

Error NotWellFormed(std::string_view name) {
  return Error{ErrorKind::kInvalid, fmt::format("the {} is not well formed", name), std::nullopt, {}};
}

// Tries the alternatives one after the other; false: none is meant.
template <size_t kIndex = 0>
Result<bool> UnpackAny(const google::protobuf::Any& any, Command& out) {
  if constexpr (kIndex < std::variant_size_v<Command>) {
    using Message = std::variant_alternative_t<kIndex, Command>;
    if (!any.Is<Message>()) return UnpackAny<kIndex + 1>(any, out);
    if (!any.UnpackTo(&out.emplace<Message>())) return Fail(NotWellFormed(Message::descriptor()->name()));
    return true;
  }
  return false;
}

}  // namespace

Result<Command> ParseCommand(std::string_view bytes) {
  LH_ASSIGN(const auto any, ParseAny(bytes, "command"));
  Command command;
  LH_ASSIGN(const bool known, UnpackAny(any, command));
  if (!known) {
    return Fail(ErrorKind::kNotImplemented, "no command of this server has the type {}; it speaks Arrow Flight SQL",
                any.type_url().substr(0, 200));
  }
  return command;
}

std::string_view NameOf(const Command& command) {
  return std::visit([](const auto& message) -> std::string_view { return message.descriptor()->name(); }, command);
}

template <typename Message>
Result<Message> Unpack(std::string_view bytes) {
  const std::string& name = Message::descriptor()->name();
  LH_ASSIGN(const auto any, ParseAny(bytes, name));
  if (!any.Is<Message>()) {
    return Fail(ErrorKind::kInvalid, "a {} was expected, not a {}", name, any.type_url().substr(0, 200));
  }
  Message message;
  if (!any.UnpackTo(&message)) return Fail(NotWellFormed(name));
  return message;
}

template <typename Message>
std::string Pack(const Message& message) {
  google::protobuf::Any any;
  any.PackFrom(message);
  return any.SerializeAsString();
}

template Result<pb::TicketStatementQuery> Unpack(std::string_view);
template Result<pb::ActionCreatePreparedStatementRequest> Unpack(std::string_view);
template Result<pb::ActionClosePreparedStatementRequest> Unpack(std::string_view);
template Result<pb::ActionCancelQueryRequest> Unpack(std::string_view);
template std::string Pack(const pb::TicketStatementQuery&);
template std::string Pack(const pb::ActionCreatePreparedStatementResult&);
template std::string Pack(const pb::ActionCancelQueryResult&);

}  // namespace lakehouse::flight
