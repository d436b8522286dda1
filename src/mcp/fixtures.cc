#include "mcp/fixtures.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <thread>

#include "mcp/prompts.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

// One red pixel, and a sound of no length.
constexpr std::string_view kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
constexpr std::string_view kWav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
constexpr std::string_view kNoArguments = R"({"type":"object"})";
constexpr std::chrono::milliseconds kStep{50};

// The suite wants to see that messages come one by one.
void Pause() { std::this_thread::sleep_for(kStep); }

json::object Image() { return {{"type", "image"}, {"data", kPng}, {"mimeType", "image/png"}}; }

json::object Embedded(std::string_view uri, std::string_view type, std::string_view text) {
  return {{"type", "resource"}, {"resource", json::object{{"uri", uri}, {"mimeType", type}, {"text", text}}}};
}

Tool Fixture(std::string_view name, std::string_view schema,
             std::function<Result<ToolResult>(const Call&, const json::object&)> run) {
  return {.name = std::string(name),
          .title = std::string(name),
          .description = "Fixture of the conformance suite",
          .input_schema = std::string(schema),
          .output_schema = {},
          .run = [run = std::move(run)](const Call& call, const json::object& arguments, Spent&) {
            return run(call, arguments);
          }};
}

Tool Fixed(std::string_view name, json::array content) {
  return Fixture(name, kNoArguments, [content = std::move(content)](const Call&, const json::object&) {
    ToolResult result;
    result.content = content;
    return Result<ToolResult>(std::move(result));
  });
}

Result<ToolResult> Log(const Call& call, const json::object&) {
  call.Log(LogSeverity::kInfo, "Tool execution started");
  Pause();
  call.Log(LogSeverity::kInfo, "Tool processing data");
  Pause();
  call.Log(LogSeverity::kInfo, "Tool execution completed");
  return TextResult("Logged three messages.");
}

Result<ToolResult> Progress(const Call& call, const json::object&) {
  for (const double done : {0.0, 50.0, 100.0}) {
    call.Progress(done, 100);
    Pause();
  }
  return TextResult("Reported progress.");
}

Result<ToolResult> Sample(const Call& call, const json::object& arguments) {
  LH_ASSIGN(const auto given, Arguments::Of(arguments, {"prompt"}));
  LH_ASSIGN(const std::string prompt, given.Text("prompt"));
  json::object params{{"messages", json::array{UserMessage(TextBlock(prompt))}}, {"maxTokens", 100}};
  LH_ASSIGN(const json::object answer, call.channel.Ask(call.context, "sampling/createMessage", std::move(params)));
  const json::value* content = answer.if_contains("content");
  return TextResult("LLM response: " + (content == nullptr ? std::string("none") : json::serialize(*content)));
}

Result<ToolResult> Elicit(const Call& call, std::string_view message, std::string_view schema, std::string_view lead) {
  json::object params{{"message", message}, {"requestedSchema", json::parse(schema)}};
  LH_ASSIGN(const json::object answer, call.channel.Ask(call.context, "elicitation/create", std::move(params)));
  const json::value* action = answer.if_contains("action");
  const json::value* content = answer.if_contains("content");
  return TextResult(fmt::format("{}: action={}, content={}", lead,
                                action != nullptr && action->is_string() ? action->get_string().c_str() : "none",
                                content == nullptr ? "{}" : json::serialize(*content)));
}

// Ends the connection in the middle of the call; the client comes back for the rest.
Result<ToolResult> Reconnect(const Call& call, const json::object&) {
  call.Log(LogSeverity::kInfo, "The connection is about to end");
  call.channel.Detach();
  Pause();
  return TextResult("The answer came after the reconnection.");
}

constexpr std::string_view kUserSchema = R"({"type":"object","properties":{
  "username":{"type":"string","description":"User's response"},
  "email":{"type":"string","description":"User's email address"}},"required":["username","email"]})";
constexpr std::string_view kDefaultsSchema = R"({"type":"object","properties":{
  "name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},
  "score":{"type":"number","default":95.5},
  "status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},
  "verified":{"type":"boolean","default":true}}})";
constexpr std::string_view kEnumsSchema = R"({"type":"object","properties":{
  "untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
  "titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},
    {"const":"value2","title":"Second Option"},{"const":"value3","title":"Third Option"}]},
  "legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],
    "enumNames":["Option One","Option Two","Option Three"]},
  "untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
  "titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},
    {"const":"value2","title":"Second Choice"},{"const":"value3","title":"Third Choice"}]}}}})";
constexpr std::string_view kSchema2020 = R"({"$schema":"https://json-schema.org/draft/2020-12/schema",
  "type":"object","$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{
  "street":{"type":"string"},"city":{"type":"string"}}}},
  "properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},
  "contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
  "allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
  "if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},
  "then":{"required":["phone"]},"else":{"required":["email"]},"additionalProperties":false})";

void AddAskingTools(std::vector<Tool>& tools) {
  tools.push_back(Fixture(
      "test_sampling", R"({"type":"object","properties":{"prompt":{"type":"string"}},"required":["prompt"]})", Sample));
  tools.push_back(Fixture("test_elicitation",
                          R"({"type":"object","properties":{"message":{"type":"string"}},"required":["message"]})",
                          [](const Call& call, const json::object& arguments) -> Result<ToolResult> {
                            LH_ASSIGN(const auto given, Arguments::Of(arguments, {"message"}));
                            LH_ASSIGN(const std::string message, given.Text("message"));
                            return Elicit(call, message, kUserSchema, "User response");
                          }));
  tools.push_back(Fixture("test_elicitation_sep1034_defaults", kNoArguments, [](const Call& call, const json::object&) {
    return Elicit(call, "Please check the defaults", kDefaultsSchema, "Elicitation completed");
  }));
  tools.push_back(Fixture("test_elicitation_sep1330_enums", kNoArguments, [](const Call& call, const json::object&) {
    return Elicit(call, "Please choose", kEnumsSchema, "Elicitation completed");
  }));
}

}  // namespace

void AddFixtureTools(std::vector<Tool>& tools) {
  tools.push_back(Fixed("test_simple_text", {TextBlock("This is a simple text response for testing.")}));
  tools.push_back(Fixed("test_image_content", {Image()}));
  tools.push_back(
      Fixed("test_audio_content", {json::object{{"type", "audio"}, {"data", kWav}, {"mimeType", "audio/wav"}}}));
  tools.push_back(Fixed("test_embedded_resource",
                        {Embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")}));
  tools.push_back(Fixed("test_multiple_content_types", {TextBlock("Multiple content types test:"), Image(),
                                                        Embedded("test://mixed-content-resource", "application/json",
                                                                 R"({"test":"data","value":123})")}));
  tools.push_back(Fixture("test_tool_with_logging", kNoArguments, Log));
  tools.push_back(Fixture("test_logging_tool", kNoArguments, Log));
  tools.push_back(Fixture("test_tool_with_progress", kNoArguments, Progress));
  tools.push_back(Fixture("test_error_handling", kNoArguments, [](const Call&, const json::object&) {
    return Result<ToolResult>(Fail(ErrorKind::kInvalid, "This tool intentionally returns an error for testing"));
  }));
  tools.push_back(Fixture("test_reconnection", kNoArguments, Reconnect));
  AddAskingTools(tools);
  AddInputFixtures(tools);
  tools.push_back(Fixture("json_schema_2020_12_tool", kSchema2020,
                          [](const Call&, const json::object&) { return Result<ToolResult>(TextResult("Taken.")); }));
}

void AddFixtureResources(json::array& resources) {
  const auto add = [&resources](std::string_view uri, std::string_view name, std::string_view type) {
    resources.push_back(json::object{
        {"uri", uri}, {"name", name}, {"description", "Fixture of the conformance suite"}, {"mimeType", type}});
  };
  add("test://static-text", "Static text", "text/plain");
  add("test://static-binary", "Static binary", "image/png");
  add("test://watched-resource", "Watched resource", "text/plain");
}

void AddFixtureTemplates(json::array& templates) {
  templates.push_back(json::object{{"uriTemplate", "test://template/{id}/data"},
                                   {"name", "Template"},
                                   {"description", "Fixture of the conformance suite"},
                                   {"mimeType", "application/json"}});
}

std::optional<json::object> ReadFixture(std::string_view uri) {
  const auto contents = [uri](std::string_view type, std::string_view member, std::string_view text) {
    return json::object{{"contents", json::array{json::object{{"uri", uri}, {"mimeType", type}, {member, text}}}}};
  };
  if (uri == "test://static-text")
    return contents("text/plain", "text", "This is the content of the static text resource.");
  if (uri == "test://static-binary") return contents("image/png", "blob", kPng);
  if (uri == "test://watched-resource") return contents("text/plain", "text", "Watched resource content");
  constexpr std::string_view kPrefix = "test://template/";
  constexpr std::string_view kSuffix = "/data";
  if (uri.starts_with(kPrefix) && uri.ends_with(kSuffix) && uri.size() > kPrefix.size() + kSuffix.size()) {
    const std::string_view id = uri.substr(kPrefix.size(), uri.size() - kPrefix.size() - kSuffix.size());
    return contents("application/json", "text",
                    json::serialize(json::object{
                        {"id", id}, {"templateTest", true}, {"data", fmt::format("Data for ID: {}", id)}}));
  }
  return std::nullopt;
}

void AddFixturePrompts(json::array& prompts) {
  const auto add = [&prompts](std::string_view name, std::initializer_list<std::string_view> arguments) {
    json::array declared;
    for (const std::string_view argument : arguments) {
      declared.push_back(json::object{{"name", argument}, {"description", "An argument"}, {"required", true}});
    }
    prompts.push_back(json::object{
        {"name", name}, {"description", "Fixture of the conformance suite"}, {"arguments", std::move(declared)}});
  };
  add("test_simple_prompt", {});
  add("test_prompt_with_arguments", {"arg1", "arg2"});
  add("test_prompt_with_embedded_resource", {"resourceUri"});
  add("test_prompt_with_image", {});
  add("test_input_required_result_prompt", {});
}

std::optional<json::object> GetFixturePrompt(const Call& call, std::string_view name, const json::object& arguments) {
  const auto argument = [&arguments](std::string_view key) -> std::string {
    const json::value* value = arguments.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const auto messages = [](json::array list) { return json::object{{"messages", std::move(list)}}; };
  if (name == "test_input_required_result_prompt") return GetInputFixturePrompt(call);
  if (name == "test_simple_prompt") return messages({UserMessage(TextBlock("This is a simple prompt for testing."))});
  if (name == "test_prompt_with_arguments") {
    return messages({UserMessage(
        TextBlock(fmt::format("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1"), argument("arg2"))))});
  }
  if (name == "test_prompt_with_embedded_resource") {
    return messages(
        {UserMessage(Embedded(argument("resourceUri"), "text/plain", "Embedded resource content for testing.")),
         UserMessage(TextBlock("Please process the embedded resource above."))});
  }
  if (name == "test_prompt_with_image") {
    return messages({UserMessage(Image()), UserMessage(TextBlock("Please analyze the image above."))});
  }
  return std::nullopt;
}

}  // namespace lakehouse::mcp
