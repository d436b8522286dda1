#include "mcp/methods.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mcp/fixtures.h"
#include "mcp/names.h"
#include "mcp/prompts.h"
#include "mcp/resources.h"
#include "version.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr int64_t kCacheForMs = 60'000;
constexpr size_t kMaxCompletions = 100;

constexpr std::string_view kInstructions =
    "A lakehouse: datasets are SQL tables (DuckDB's dialect), and there may be vector indexes. Begin with "
    "list_datasets, look at one with describe_dataset, then use query. Answers name the seq of the lake that they "
    "read.";

json::object ServerInfo() {
  return {{"name", "lakehouse"}, {"title", "Lakehouse"}, {"version", std::string(kVersion)}};
}

std::unexpected<RpcError> InvalidParams(std::string message) {
  return std::unexpected(RpcError{kInvalidParams, std::move(message)});
}

Rpc<std::string> TextOf(const json::object& params, std::string_view name) {
  const json::value* value = params.if_contains(name);
  if (value == nullptr || !value->is_string()) return InvalidParams(fmt::format("\"{}\" must be a text", name));
  return std::string(value->get_string());
}

// An object that may be left out.
Rpc<json::object> ObjectOf(const json::object& params, std::string_view name) {
  const json::value* value = params.if_contains(name);
  if (value == nullptr) return json::object();
  if (!value->is_object()) return InvalidParams(fmt::format("\"{}\" must be an object", name));
  return value->get_object();
}

bool IsCacheable(std::string_view method) {
  return method == "tools/list" || method == "prompts/list" || method == "resources/list" ||
         method == "resources/read" || method == "resources/templates/list" || method == "server/discover";
}

std::string_view Outcome(ErrorKind kind) {
  return kind == ErrorKind::kCancelled ? "cancelled" : kind == ErrorKind::kDeadline ? "deadline" : ErrorKindName(kind);
}

// A client is asked only for what it said it can give.
Rpc<void> CheckAnswerable(const Call& call, const json::object& input_required) {
  if (!IsStateless(call.revision)) {
    return InvalidParams(fmt::format("this call needs the protocol version {}", RevisionName(Revision::k2026_07_28)));
  }
  json::object missing;
  for (const auto& request : input_required.at("inputRequests").get_object()) {
    const std::string_view method = request.value().at("method").get_string();
    const std::string_view capability = method.substr(0, method.find('/'));
    if (!call.capabilities.contains(capability)) missing[capability] = json::object();
  }
  if (missing.empty()) return {};
  return std::unexpected(RpcError{kMissingCapability, "the client lacks a capability that this call needs",
                                  json::object{{"requiredCapabilities", std::move(missing)}}});
}

}  // namespace

Methods::Methods(const Services& services, const Options& options, const Logger& log, observe::Metrics& metrics)
    : services_(services), options_(options), log_(log), metrics_(metrics) {
  AddDatasetTools(tools_, services_, options_.budget);
  AddQueryTools(tools_, services_, options_.budget);
  AddProfileTool(tools_, services_);
  AddVectorTools(tools_, services_, options_.budget);
  if (options_.allow_writes) AddIngestTool(tools_, services_);
  if (options_.conformance) {
    AddFixtureTools(tools_);
    log_.Warn("MCP CONFORMANCE FIXTURES ARE ON ([mcp] conformance): agents see test tools, resources and prompts");
  }
}

json::object Methods::Capabilities(Revision revision) const {
  json::object capabilities{{"tools", json::object{{"listChanged", false}}},
                            {"resources", json::object{{"subscribe", true}, {"listChanged", true}}},
                            {"prompts", json::object{{"listChanged", false}}},
                            {"completions", json::object()}};
  if (!IsStateless(revision)) capabilities["logging"] = json::object();
  return capabilities;
}

json::object Methods::Initialize(Revision revision) const {
  json::object info = ServerInfo();
  if (revision < Revision::k2025_06_18) info.erase("title");
  return {{"protocolVersion", RevisionName(revision)},
          {"capabilities", Capabilities(revision)},
          {"serverInfo", std::move(info)},
          {"instructions", kInstructions}};
}

json::object Methods::Discover() const {
  json::array versions;
  for (const Revision revision :
       {Revision::k2026_07_28, Revision::k2025_11_25, Revision::k2025_06_18, Revision::k2025_03_26}) {
    versions.push_back(json::string(RevisionName(revision)));
  }
  return {{"supportedVersions", std::move(versions)},
          {"capabilities", Capabilities(Revision::k2026_07_28)},
          {"instructions", kInstructions}};
}

Rpc<json::object> Methods::Handle(const Call& call, std::string_view method, const json::object& params) const {
  auto result = Dispatch(call, method, params);
  if (!result || !IsStateless(call.revision)) return result;
  if (!result->contains("resultType")) (*result)["resultType"] = "complete";
  (*result)["_meta"] = json::object{{kMetaServerInfo, ServerInfo()}};
  if (IsCacheable(method)) {
    (*result)["ttlMs"] = method == "resources/read" || method == "resources/list" ? 0 : kCacheForMs;
    (*result)["cacheScope"] = "private";
  }
  return result;
}

Rpc<json::object> Methods::Dispatch(const Call& call, std::string_view method, const json::object& params) const {
  if (method == "tools/list") return ListTools();
  if (method == "tools/call") return CallTool(call, params);
  if (method == "resources/list") {
    auto result = ListResources(services_, call, params);
    if (result && options_.conformance) AddFixtureResources((*result)["resources"].get_array());
    return result;
  }
  if (method == "resources/templates/list") {
    json::array templates = ResourceTemplates();
    if (options_.conformance) AddFixtureTemplates(templates);
    return json::object{{"resourceTemplates", std::move(templates)}};
  }
  if (method == "resources/read") return ReadOne(call, params);
  if (method == "prompts/list") {
    json::array prompts = Prompts();
    if (options_.conformance) AddFixturePrompts(prompts);
    return json::object{{"prompts", std::move(prompts)}};
  }
  if (method == "prompts/get") return PromptOf(call, params);
  if (method == "completion/complete") return Complete(call, params);
  if (IsStateless(call.revision)) {
    if (method == "server/discover") return Discover();
  } else {
    if (method == "ping") return json::object();
    if (method == "logging/setLevel") return SetLevel(call, params);
    if (method == "resources/subscribe") return Subscribe(call, params, true);
    if (method == "resources/unsubscribe") return Subscribe(call, params, false);
  }
  return std::unexpected(RpcError{kMethodNotFound, fmt::format("there is no method \"{}\"", method.substr(0, 100))});
}

json::object Methods::ListTools() const {
  json::array tools;
  for (const Tool& tool : tools_) {
    json::object described{{"name", tool.name},
                           {"title", tool.title},
                           {"description", tool.description},
                           {"inputSchema", json::parse(tool.input_schema)}};
    if (!tool.output_schema.empty()) described["outputSchema"] = json::parse(tool.output_schema);
    described["annotations"] = json::object{{"title", tool.title},
                                            {"readOnlyHint", tool.read_only},
                                            {"destructiveHint", tool.destructive},
                                            {"idempotentHint", tool.idempotent},
                                            {"openWorldHint", false}};
    tools.push_back(std::move(described));
  }
  return {{"tools", std::move(tools)}};
}

void Methods::Audit(const Call& call, const Tool& tool, const Spent& spent, std::chrono::duration<double> took,
                    std::string_view outcome) const {
  metrics_
      .CounterOf("lakehouse_mcp_calls_total", "Tool calls of agents, by tool and outcome",
                 {{"tool", tool.name}, {"outcome", std::string(outcome)}})
      .Add();
  log_.Info("mcp call", {{"tool", tool.name},
                         {"key", call.caller.key_id},
                         {"client", std::string(call.client)},
                         {"dataset", spent.dataset},
                         {"rows", std::to_string(spent.rows)},
                         {"bytes", std::to_string(spent.bytes)},
                         {"ms", fmt::format("{:.3f}", took.count() * 1e3)},
                         {"outcome", std::string(outcome)},
                         {"request_id", call.context.request_id}});
}

Result<ToolResult> Methods::RunTool(const Call& call, const Tool& tool, const json::object& arguments) const {
  Spent spent;
  const auto began = std::chrono::steady_clock::now();
  const Status allowed = auth::CheckScope(call.caller, tool.read_only ? auth::Scope::kRead : auth::Scope::kWrite);
  auto result = allowed ? tool.run(call, arguments, spent) : Fail(allowed.error());
  if (result && result->structured && spent.bytes == 0) spent.bytes = json::serialize(*result->structured).size();
  const auto took = std::chrono::steady_clock::now() - began;
  Audit(call, tool, spent, took, result ? "ok" : Outcome(result.error().kind));
  return result;
}

Rpc<json::object> Methods::CallTool(const Call& call, const json::object& params) const {
  const auto name = TextOf(params, "name");
  if (!name) return std::unexpected(name.error());
  const auto arguments = ObjectOf(params, "arguments");
  if (!arguments) return std::unexpected(arguments.error());
  const auto tool = std::ranges::find(tools_, *name, &Tool::name);
  if (tool == tools_.end()) {
    std::vector<std::string> names;
    names.reserve(tools_.size());
    for (const Tool& each : tools_) names.push_back(each.name);
    const bool is_locked = *name == "ingest_csv";
    return InvalidParams(
        is_locked ? std::string("ingest_csv is off; [mcp] allow_writes turns it on")
                  : fmt::format("there is no tool \"{}\"; there are: {}", name->substr(0, 100), ListNames(names)));
  }
  auto result = RunTool(call, *tool, *arguments);
  if (!result) {
    ToolResult failed = TextResult(result.error().detail);
    failed.is_error = true;
    result = std::move(failed);
  }
  if (result->refused) return std::unexpected(std::move(*result->refused));
  if (result->input_required) {
    const auto can = CheckAnswerable(call, *result->input_required);
    if (!can) return std::unexpected(can.error());
    json::object needs = std::move(*result->input_required);
    needs["resultType"] = "input_required";
    return needs;
  }
  json::object answer{{"content", std::move(result->content)}, {"isError", result->is_error}};
  if (result->structured && call.revision >= Revision::k2025_06_18) {
    answer["structuredContent"] = std::move(*result->structured);
  }
  return answer;
}

Rpc<json::object> Methods::ReadOne(const Call& call, const json::object& params) const {
  const auto uri = TextOf(params, "uri");
  if (!uri) return std::unexpected(uri.error());
  if (options_.conformance) {
    if (auto fixture = ReadFixture(*uri)) return std::move(*fixture);
  }
  auto contents = ReadResource(services_, call, *uri);
  if (contents) return std::move(*contents);
  RpcError error = ToRpcError(contents.error(), IsStateless(call.revision) ? kInvalidParams : kResourceNotFound);
  error.data = json::object{{"uri", *uri}};
  return std::unexpected(std::move(error));
}

Rpc<json::object> Methods::Subscribe(const Call& call, const json::object& params, bool wanted) const {
  const auto uri = TextOf(params, "uri");
  if (!uri) return std::unexpected(uri.error());
  if (call.session == nullptr) return json::object();
  if (!wanted) {
    call.session->Unsubscribe(*uri);
  } else if (uri->size() > 1024 || !call.session->Subscribe(*uri)) {
    return InvalidParams("too many subscriptions, or an address that is too long");
  }
  return json::object();
}

Rpc<json::object> Methods::PromptOf(const Call& call, const json::object& params) const {
  const auto name = TextOf(params, "name");
  if (!name) return std::unexpected(name.error());
  const auto arguments = ObjectOf(params, "arguments");
  if (!arguments) return std::unexpected(arguments.error());
  if (options_.conformance) {
    if (auto fixture = GetFixturePrompt(call, *name, *arguments)) return std::move(*fixture);
  }
  return GetPrompt(*name, *arguments);
}

Rpc<json::object> Methods::Complete(const Call& call, const json::object& params) const {
  const auto reference = ObjectOf(params, "ref");
  if (!reference) return std::unexpected(reference.error());
  const auto argument = ObjectOf(params, "argument");
  if (!argument) return std::unexpected(argument.error());
  const auto name = TextOf(*argument, "name");
  if (!name) return std::unexpected(name.error());
  const auto typed = TextOf(*argument, "value");
  if (!typed) return std::unexpected(typed.error());
  const auto uri = TextOf(*reference, "uri");
  auto names = CompleteName(services_, call, *name, uri ? *uri : std::string(), *typed);
  const size_t total = names.size();
  if (names.size() > kMaxCompletions) names.resize(kMaxCompletions);
  json::array values;
  for (std::string& each : names) values.push_back(json::string(each));
  return json::object{
      {"completion",
       json::object{{"values", std::move(values)}, {"total", total}, {"hasMore", total > kMaxCompletions}}}};
}

Rpc<json::object> Methods::SetLevel(const Call& call, const json::object& params) const {
  const auto name = TextOf(params, "level");
  if (!name) return std::unexpected(name.error());
  const auto level = LogSeverityOf(*name);
  if (!level)
    return InvalidParams("\"level\" must be debug, info, notice, warning, error, critical, alert or emergency");
  if (call.session != nullptr) call.session->SetLogLevel(*level);
  return json::object();
}

}  // namespace lakehouse::mcp
