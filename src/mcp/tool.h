// A tool: what an agent may call, how it is described, and what it answers.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/call.h"
#include "mcp/jsonrpc.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/query.h"
#include "service/vectors.h"

namespace lakehouse::mcp {

// What tools work on. nullptr: this process has no way to it, and a tool that needs it says so.
struct Services {
  service::Catalog* catalog = nullptr;
  service::Query* query = nullptr;
  service::Ingest* ingest = nullptr;
  service::Vectors* vectors = nullptr;
};

// The most that one call may cost.
struct Budget {
  uint64_t max_rows = 200;
  uint64_t max_bytes = 256 << 10;  // of rows as JSON
  std::chrono::milliseconds timeout{30000};
};

// For the audit: names and numbers, never what a client wrote.
struct Spent {
  std::string dataset;
  uint64_t rows = 0, bytes = 0;
};

// The arguments of a call; each getter fails with kInvalid naming the argument and what was expected.
class Arguments {
 public:
  // kInvalid for an argument that the tool does not have.
  static Result<Arguments> Of(const boost::json::object& object, std::initializer_list<std::string_view> known);
  Result<std::string> Text(std::string_view name) const;
  Result<std::optional<std::string>> OptionalText(std::string_view name) const;
  // From 1 to `most`: more is cut to it.
  Result<uint64_t> Count(std::string_view name, uint64_t otherwise, uint64_t most) const;
  Result<std::optional<uint64_t>> OptionalUint(std::string_view name) const;
  Result<bool> Flag(std::string_view name, bool otherwise) const;
  const boost::json::value* Find(std::string_view name) const;

 private:
  explicit Arguments(const boost::json::object& object) : object_(&object) {}
  const boost::json::object* object_;
};

struct ToolResult {
  boost::json::array content{};                     // blocks
  std::optional<boost::json::object> structured{};  // as the output schema says
  bool is_error = false;
  // Instead of all that, where the client must give something first: {"inputRequests":…,"requestState":…}.
  std::optional<boost::json::object> input_required{};
  std::optional<RpcError> refused{};  // the request itself is wrong, for the client and not for the model
};
boost::json::object TextBlock(std::string_view text);
ToolResult TextResult(std::string_view text, std::optional<boost::json::object> structured = std::nullopt);

struct Tool {
  std::string name, title, description;
  std::string input_schema, output_schema;  // JSON; no output schema: empty
  bool read_only = true;                    // else a caller's key must have the scope write
  bool destructive = false, idempotent = true;
  // An Error becomes a result that the model reads, with `is_error`.
  std::function<Result<ToolResult>(const Call&, const boost::json::object& arguments, Spent&)> run;
};

// Kept apart so that each is one subject. REQUIRES: the services outlive the tools.
void AddDatasetTools(std::vector<Tool>& tools, const Services& services, const Budget& budget);
void AddProfileTool(std::vector<Tool>& tools, const Services& services);
void AddQueryTools(std::vector<Tool>& tools, const Services& services, const Budget& budget);
void AddVectorTools(std::vector<Tool>& tools, const Services& services, const Budget& budget);
void AddIngestTool(std::vector<Tool>& tools, const Services& services);

}  // namespace lakehouse::mcp
