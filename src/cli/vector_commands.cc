#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/text.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

std::string IndexPath(std::string_view name) { return "/v1/vectors/index/" + net::PercentEncode(name, false); }

std::vector<std::optional<std::string>> InfoRow(const JsonFields& info) {
  const auto number = [&info](std::string_view name) { return info.Uint(name).value_or(0); };
  return {info.String("name").value_or(""),         Grouped(number("length")),
          std::to_string(number("dimension")),      info.String("metric").value_or(""),
          info.String("quantization").value_or(""), HumanBytes(number("bytes")),
          std::to_string(number("version"))};
}

Table InfoTable() {
  return Table({{"name"},
                {"items", Align::kRight},
                {"dimension", Align::kRight},
                {"metric"},
                {"quantization"},
                {"memory", Align::kRight},
                {"version", Align::kRight}});
}

Status PrintInfo(Console& console, const GlobalOptions& global, const std::string& text) {
  if (global.json) return console.Write(text + "\n");
  LH_ASSIGN(const json::value answer, ParseJson(text));
  LH_ASSIGN(const auto info, JsonFields::Of(answer, "the server's answer"));
  Table table = InfoTable();
  table.AddRow(InfoRow(info));
  return console.Write(table.Render(console.out_width()));
}

// JSON as people write it: 0.5, not 5E-1.
void AppendPlain(JsonWriter& out, const json::value& value) {
  if (const auto* object = value.if_object()) {
    out.BeginObject();
    for (const auto& [key, member] : *object) {
      out.Key(std::string_view(key));
      AppendPlain(out, member);
    }
    out.EndObject();
  } else if (const auto* array = value.if_array()) {
    out.BeginArray();
    for (const json::value& element : *array) AppendPlain(out, element);
    out.EndArray();
  } else if (value.is_double()) {
    out.Number(value.get_double());
  } else {
    out.Raw(json::serialize(value));
  }
}

// The JSON of what to be near to.
Result<std::string> QueryVector(Client& client, const VectorSearchOptions& options) {
  if (options.vector.empty() == options.id.empty())
    return Fail(UsageError("say what to be near to: a text, --vector '[0.1, …]' or --id ID"));
  if (options.vector.empty()) {
    LH_ASSIGN(const json::value item,
              client.Json("GET", IndexPath(options.name) + "/items/" + net::PercentEncode(options.id, false)));
    LH_ASSIGN(const auto fields, JsonFields::Of(item, "the server's answer"));
    const json::value* vector = fields.Find("vector");
    if (vector == nullptr) return Fail(ErrorKind::kUpstream, "the server's answer has no vector");
    std::string text;
    JsonWriter out(text);
    AppendPlain(out, *vector);
    return text;
  }
  const auto vector = ParseJson(options.vector);
  if (!vector || !vector->is_array()) return Fail(UsageError("--vector wants a JSON array of numbers, as [0.1, 0.2]"));
  return options.vector;
}

Result<std::string> SearchBody(Client& client, const VectorSearchOptions& options) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject();
  if (options.text.empty()) {
    LH_ASSIGN(const std::string vector, QueryVector(client, options));
    out.Key("vector").Raw(vector);
  } else {
    out.Key("text").String(options.text);
  }
  out.Key("k").Number(options.k);
  if (options.ef) out.Key("ef").Number(*options.ef);
  if (!options.filter.empty()) {
    const auto filter = ParseJson(options.filter);
    if (!filter) return Fail(UsageError("--filter wants JSON: " + filter.error().detail));
    out.Key("filter").Raw(options.filter);
  }
  if (options.exact) out.Key("exact").Bool(true);
  if (!options.include.empty()) {
    out.Key("include").BeginArray();
    for (const std::string& part : options.include) out.String(part);
    out.EndArray();
  }
  out.EndObject();
  return body;
}

std::optional<std::string> MemberJson(const JsonFields& fields, std::string_view name) {
  const json::value* value = fields.Find(name);
  if (value == nullptr) return std::nullopt;
  std::string text;
  JsonWriter out(text);
  AppendPlain(out, *value);
  return text;
}

}  // namespace

Status RunVectorCreate(Client& client, Console& console, const GlobalOptions& global,
                       const VectorCreateOptions& options) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject().Key("name").String(options.name).Key("dimension").Number(options.dimension);
  if (!options.metric.empty()) out.Key("metric").String(options.metric);
  if (!options.quantization.empty()) out.Key("quantization").String(options.quantization);
  if (options.m) out.Key("m").Number(*options.m);
  if (options.ef_construction) out.Key("ef_construction").Number(*options.ef_construction);
  out.EndObject();
  LH_ASSIGN(const std::string text, client.Text("POST", "/v1/vectors/index", body));
  return PrintInfo(console, global, text);
}

Status RunVectorList(Client& client, Console& console, const GlobalOptions& global) {
  LH_ASSIGN(const std::string text, client.Text("GET", "/v1/vectors/index"));
  if (global.json) return console.Write(text + "\n");
  LH_ASSIGN(const json::value answer, ParseJson(text));
  LH_ASSIGN(const auto fields, JsonFields::Of(answer, "the server's answer"));
  LH_ASSIGN(const json::array* indexes, fields.Array("indexes"));
  if (indexes->empty())
    return console.Write("no vector indexes yet; create one: lakehouse vectors create NAME --dimension N\n");
  Table table = InfoTable();
  for (const json::value& index : *indexes) {
    LH_ASSIGN(const auto info, JsonFields::Of(index, "an index"));
    table.AddRow(InfoRow(info));
  }
  return console.Write(table.Render(console.out_width()));
}

Status RunVectorShow(Client& client, Console& console, const GlobalOptions& global, const VectorShowOptions& options) {
  LH_ASSIGN(const std::string text, client.Text("GET", IndexPath(options.name)));
  return PrintInfo(console, global, text);
}

Status RunVectorDrop(Client& client, Console& console, const GlobalOptions& global, const VectorDropOptions& options) {
  LH_TRY(client.Text("DELETE", IndexPath(options.name)));
  if (global.json) return console.Write(json::serialize(json::object{{"dropped", options.name}}) + "\n");
  return console.Write(fmt::format("dropped {}\n", Printable(options.name)));
}

Status RunVectorSearch(Client& client, Console& console, const GlobalOptions& global,
                       const VectorSearchOptions& options) {
  LH_ASSIGN(const std::string body, SearchBody(client, options));
  LH_ASSIGN(const std::string text, client.Text("POST", IndexPath(options.name) + "/search", body));
  if (global.json) return console.Write(text + "\n");
  LH_ASSIGN(const json::value answer, ParseJson(text));
  LH_ASSIGN(const auto fields, JsonFields::Of(answer, "the server's answer"));
  LH_ASSIGN(const json::array* results, fields.Array("results"));
  std::vector<std::string> shown = options.include;
  if (shown.empty()) shown.emplace_back("metadata");
  std::vector<TableColumn> columns{{"id"}, {"distance", Align::kRight}};
  for (const std::string& part : shown) columns.push_back({part});
  Table table(std::move(columns));
  for (const json::value& result : *results) {
    LH_ASSIGN(const auto hit, JsonFields::Of(result, "a result"));
    std::vector<std::optional<std::string>> cells{hit.String("id").value_or(""), MemberJson(hit, "distance")};
    for (const std::string& part : shown) cells.push_back(MemberJson(hit, part));
    table.AddRow(cells);
  }
  LH_TRY(console.Write(table.Render(console.out_width())));
  return console.Write(fmt::format("({} {}; version {})\n", Grouped(results->size()),
                                   results->size() == 1 ? "item" : "items", fields.Uint("version").value_or(0)));
}

}  // namespace lakehouse::cli
