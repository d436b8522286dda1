#include "mcp/prompts.h"

#include <fmt/format.h>

#include "mcp/protocol.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr size_t kMaxArgument = 4096;

Rpc<std::string> Argument(const json::object& arguments, std::string_view name) {
  const json::value* value = arguments.if_contains(name);
  if (value == nullptr || !value->is_string() || value->get_string().empty()) {
    return std::unexpected(RpcError{kInvalidParams, fmt::format("argument \"{}\" is missing", name)});
  }
  if (value->get_string().size() > kMaxArgument) {
    return std::unexpected(
        RpcError{kInvalidParams, fmt::format("argument \"{}\" is longer than {} bytes", name, kMaxArgument)});
  }
  return std::string(value->get_string());
}

json::object Declared(std::string_view name, std::string_view description, bool required) {
  return {{"name", name}, {"description", description}, {"required", required}};
}

}  // namespace

json::object UserMessage(json::object content) { return {{"role", "user"}, {"content", std::move(content)}}; }

json::array Prompts() {
  return {json::object{{"name", "analyze_dataset"},
                       {"title", "Analyze a dataset"},
                       {"description", "Look at a dataset from all sides and say what stands out"},
                       {"arguments", json::array{Declared("dataset", "Name of a dataset", true),
                                                 Declared("question", "What is wanted to know", false)}}},
          json::object{{"name", "write_sql"},
                       {"title", "Write SQL"},
                       {"description", "Turn a question into one SQL statement, check it and run it"},
                       {"arguments", json::array{Declared("question", "The question in plain words", true),
                                                 Declared("dataset", "A dataset to look at first", false)}}}};
}

Rpc<json::object> GetPrompt(std::string_view name, const json::object& arguments) {
  std::string text;
  std::string description;
  if (name == "analyze_dataset") {
    const auto dataset = Argument(arguments, "dataset");
    if (!dataset) return std::unexpected(dataset.error());
    const auto question = Argument(arguments, "question");
    description = "Analysis of " + *dataset;
    text = fmt::format(
        "Analyze the dataset {} of this lakehouse.{}\n1. Call describe_dataset for its columns and profile_dataset for "
        "their values.\n2. Write down what each row stands for, and what is odd: nulls, duplicates, outliers.\n3. Ask "
        "a few questions of it with the query tool; aggregate in SQL instead of reading rows.\n4. Report what you "
        "found, each statement with the SQL that shows it, and the seq that the answers name.",
        *dataset, question ? " In particular: " + *question : std::string());
  } else if (name == "write_sql") {
    const auto question = Argument(arguments, "question");
    if (!question) return std::unexpected(question.error());
    const auto dataset = Argument(arguments, "dataset");
    description = "SQL for a question";
    text = fmt::format(
        "Answer this with one SQL statement in DuckDB's dialect: {}\n{} Use only columns that describe_dataset shows. "
        "Check the statement with explain_query, run it with query, and give both the statement and the answer.",
        *question,
        dataset ? "Begin with describe_dataset of " + *dataset + "."
                : "Find the datasets with list_datasets and look at them with describe_dataset.");
  } else {
    return std::unexpected(RpcError{
        kInvalidParams, fmt::format("there is no prompt \"{}\"; there are analyze_dataset and write_sql", name)});
  }
  return json::object{{"description", description}, {"messages", json::array{UserMessage(TextBlock(text))}}};
}

}  // namespace lakehouse::mcp
