// From bytes to messages: whatever comes, each message parses or is refused with an error, and what is written as an
// answer to it is JSON again.
#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "base/json_value.h"
#include "mcp/jsonrpc.h"

using lakehouse::ParseJson;
using namespace lakehouse::mcp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto body = ParseBody({reinterpret_cast<const char*>(data), size});
  if (!body) return body.error().message.empty() ? (std::abort(), 0) : 0;
  for (const auto& value : body->messages) {
    boost::json::value id;
    const auto message = ParseMessage(value, id);
    if (!message && !ParseJson(ErrorMessage(id, message.error()))) std::abort();
    if (message && !ParseJson(ResultMessage(message->id, message->params))) std::abort();
    if (message && message->kind == MessageKind::kRequest && message->id.is_null()) std::abort();
  }
  return 0;
}
