// Fixtures that need something of the client in the middle of a call, as 2026-07-28 has it: the answer says what is
// needed, and the client calls again with that and with the state it was given.

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/hash.h"
#include "base/uuid.h"
#include "mcp/fixtures.h"
#include "mcp/prompts.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

json::object Elicitation(std::string_view message, std::string_view property, std::string_view type) {
  return {{"method", "elicitation/create"},
          {"params", json::object{{"message", message},
                                  {"requestedSchema",
                                   json::object{{"type", "object"},
                                                {"properties", json::object{{property, json::object{{"type", type}}}}},
                                                {"required", json::array{property}}}}}}};
}

json::object Sampling(std::string_view prompt) {
  return {{"method", "sampling/createMessage"},
          {"params", json::object{{"messages", json::array{UserMessage(TextBlock(prompt))}}, {"maxTokens", 100}}}};
}

json::object Roots() { return {{"method", "roots/list"}, {"params", json::object()}}; }

// A state that the client carries, signed so that it comes back as it went.
class StateSeal {
 public:
  std::string Close(std::string_view state) const { return fmt::format("{}.{}", state, Sign(state)); }
  // What was closed; nullopt for what was changed on its way.
  std::optional<std::string> Open(std::string_view sealed) const {
    const size_t dot = sealed.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view state = sealed.substr(0, dot);
    if (sealed.substr(dot + 1) != Sign(state)) return std::nullopt;
    return std::string(state);
  }

 private:
  std::string Sign(std::string_view state) const { return ToHex(HmacSha256(key_, state)); }
  const std::string key_ = RandomUuid();
};

ToolResult Needs(json::object requests, const std::string& state = {}) {
  ToolResult result;
  result.input_required = json::object{{"inputRequests", std::move(requests)}};
  if (!state.empty()) (*result.input_required)["requestState"] = state;
  return result;
}

// Asks `requests` until there is an answer to each, then says `done` and what the answers were.
Result<ToolResult> AskAll(const Call& call, json::object requests, std::string_view done,
                          const std::string& state = {}) {
  std::string said;
  for (const auto& request : requests) {
    const json::value* response = call.input.responses.if_contains(request.key());
    if (response == nullptr) return Needs(std::move(requests), state);
    said.append(" ").append(json::serialize(*response));
  }
  return TextResult(std::string(done) + said);
}

using Run = std::function<Result<ToolResult>(const Call&)>;

// The same over two calls, of which the second must bring the state of the first.
Run WithState(const StateSeal& seal, json::object requests) {
  return [seal, requests = std::move(requests)](const Call& call) -> Result<ToolResult> {
    if (call.input.state && !seal.Open(*call.input.state)) {
      ToolResult refused;
      refused.refused = RpcError{kInvalidParams, "\"requestState\" is not what this server gave"};
      return refused;
    }
    return AskAll(call, requests, "state-ok", seal.Close("asked"));
  };
}

Result<ToolResult> AskName(const Call& call) {
  const json::value* response = call.input.responses.if_contains("user_name");
  const json::value* content = response == nullptr ? nullptr : response->get_object().if_contains("content");
  const json::value* name =
      content == nullptr || !content->is_object() ? nullptr : content->get_object().if_contains("name");
  if (name != nullptr && name->is_string()) return TextResult(fmt::format("Hello, {}!", name->get_string().c_str()));
  return Needs({{"user_name", Elicitation("What is your name?", "name", "string")}});
}

Run AskTwice(const StateSeal& seal) {
  return [seal](const Call& call) -> Result<ToolResult> {
    const auto state = call.input.state ? seal.Open(*call.input.state) : std::nullopt;
    if (state == "step 2" && call.input.responses.contains("step2")) return TextResult("Both steps are done.");
    if (state == "step 1" && call.input.responses.contains("step1")) {
      return Needs({{"step2", Elicitation("Step 2: What is your favorite color?", "color", "string")}},
                   seal.Close("step 2"));
    }
    return Needs({{"step1", Elicitation("Step 1: What is your name?", "name", "string")}}, seal.Close("step 1"));
  };
}

// Nothing that the client could not answer.
Result<ToolResult> AskWhatItCan(const Call& call) {
  json::object requests;
  if (call.capabilities.contains("elicitation")) requests["name"] = Elicitation("Your name?", "name", "string");
  if (call.capabilities.contains("sampling")) requests["greeting"] = Sampling("Generate a greeting");
  if (call.capabilities.contains("roots")) requests["roots"] = Roots();
  return AskAll(call, std::move(requests), "Answered:");
}

}  // namespace

void AddInputFixtures(std::vector<Tool>& tools) {
  const auto add = [&tools](std::string_view name, Run run) {
    tools.push_back(
        {.name = std::string(name),
         .title = std::string(name),
         .description = "Fixture of the conformance suite",
         .input_schema = R"({"type":"object"})",
         .output_schema = {},
         .run = [run = std::move(run)](const Call& call, const json::object&, Spent&) { return run(call); }});
  };
  const auto ask = [](json::object requests) {
    return [requests = std::move(requests)](const Call& call) { return AskAll(call, requests, "Answered:"); };
  };
  const StateSeal seal;
  const json::object confirm{{"confirm", Elicitation("Please confirm", "ok", "boolean")}};
  add("test_input_required_result_elicitation", AskName);
  add("test_input_required_result_sampling", ask({{"capital_question", Sampling("What is the capital of France?")}}));
  add("test_input_required_result_list_roots", ask({{"client_roots", Roots()}}));
  add("test_input_required_result_request_state", WithState(seal, confirm));
  add("test_input_required_result_tampered_state", WithState(seal, confirm));
  add("test_input_required_result_multiple_inputs",
      WithState(seal, {{"user_name", Elicitation("What is your name?", "name", "string")},
                       {"greeting", Sampling("Generate a greeting")},
                       {"client_roots", Roots()}}));
  add("test_input_required_result_multi_round", AskTwice(seal));
  add("test_input_required_result_capabilities", AskWhatItCan);
  add("test_missing_capability", ask({{"sample", Sampling("Anything")}}));
  add("test_streaming_elicitation", ask({{"confirm", Elicitation("Please confirm", "ok", "boolean")}}));
}

json::object GetInputFixturePrompt(const Call& call) {
  const json::value* context = call.input.responses.if_contains("user_context");
  if (context == nullptr) {
    return {{"resultType", "input_required"},
            {"inputRequests",
             json::object{{"user_context", Elicitation("What context should the prompt use?", "context", "string")}}}};
  }
  return {{"messages", json::array{UserMessage(TextBlock("In this context: " + json::serialize(*context)))}}};
}

}  // namespace lakehouse::mcp
