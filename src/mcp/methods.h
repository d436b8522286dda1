// What each method of the protocol does, whatever transport brought it. Callable from any thread.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "mcp/call.h"
#include "mcp/jsonrpc.h"
#include "mcp/tool.h"
#include "observe/metrics.h"

namespace lakehouse::mcp {

struct Options {
  bool allow_writes = false;
  bool conformance = false;
  Budget budget{};
};

class Methods {
 public:
  // REQUIRES: services, log and metrics outlive this.
  Methods(const Services& services, const Options& options, const Logger& log, observe::Metrics& metrics);

  // The result of initialize, and with which revision.
  boost::json::object Initialize(Revision revision) const;
  // Any other request. kMethodNotFound for what this revision does not have.
  Rpc<boost::json::object> Handle(const Call& call, std::string_view method, const boost::json::object& params) const;

  std::chrono::milliseconds timeout() const { return options_.budget.timeout; }
  const Services& services() const { return services_; }

 private:
  boost::json::object Capabilities(Revision revision) const;
  Rpc<boost::json::object> Dispatch(const Call& call, std::string_view method, const boost::json::object& params) const;
  boost::json::object Discover() const;
  boost::json::object ListTools() const;
  Rpc<boost::json::object> CallTool(const Call& call, const boost::json::object& params) const;
  Result<ToolResult> RunTool(const Call& call, const Tool& tool, const boost::json::object& arguments) const;
  void Audit(const Call& call, const Tool& tool, const Spent& spent, std::chrono::duration<double> took,
             std::string_view outcome) const;
  Rpc<boost::json::object> ReadOne(const Call& call, const boost::json::object& params) const;
  Rpc<boost::json::object> Subscribe(const Call& call, const boost::json::object& params, bool wanted) const;
  Rpc<boost::json::object> PromptOf(const Call& call, const boost::json::object& params) const;
  Rpc<boost::json::object> Complete(const Call& call, const boost::json::object& params) const;
  Rpc<boost::json::object> SetLevel(const Call& call, const boost::json::object& params) const;

  const Services services_;
  const Options options_;
  const Logger& log_;
  observe::Metrics& metrics_;
  std::vector<Tool> tools_;
};

}  // namespace lakehouse::mcp
