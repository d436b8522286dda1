#include <boost/json/serialize.hpp>

#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/text.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr size_t kShownSnapshots = 10;

uint64_t BytesOf(const JsonFields& manifest) {
  uint64_t bytes = 0;
  const auto objects = manifest.Array("objects");
  if (!objects) return 0;
  for (const json::value& object : **objects) {
    if (const auto fields = JsonFields::Of(object, "an object")) bytes += fields->Uint("size").value_or(0);
  }
  return bytes;
}

// 2026-01-31T12:00:00.123456Z as 2026-01-31 12:00:00
std::string ShortTime(std::string text) {
  if (text.size() > 19) text.resize(19);
  if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
  return text;
}

Status AddDatasets(const json::array& datasets, Table& table) {
  for (const json::value& dataset : datasets) {
    LH_ASSIGN(const auto manifest, JsonFields::Of(dataset, "a dataset"));
    const auto columns = manifest.Array("schema");
    table.AddRow({manifest.String("name").value_or(""), Grouped(manifest.Uint("row_count").value_or(0)),
                  HumanBytes(BytesOf(manifest)), std::to_string(columns ? (*columns)->size() : 0),
                  std::to_string(manifest.Uint("version").value_or(0)),
                  ShortTime(manifest.String("updated_at").value_or(""))});
  }
  return {};
}

Status PrintColumns(Console& console, const JsonFields& manifest) {
  LH_ASSIGN(const json::array* columns, manifest.Array("schema"));
  Table table({{"column"}, {"type"}, {"nullable"}});
  for (const json::value& item : *columns) {
    LH_ASSIGN(const auto column, JsonFields::Of(item, "a column"));
    const bool nullable = column.OptionalBool("nullable").value_or(true).value_or(true);
    table.AddRow({column.String("name").value_or(""), column.String("type").value_or(""), nullable ? "yes" : "no"});
  }
  return console.Write(table.Render(console.out_width()));
}

Status PrintSnapshots(Console& console, const json::value& answer) {
  LH_ASSIGN(const auto fields, JsonFields::Of(answer, "the server's answer"));
  LH_ASSIGN(const json::array* snapshots, fields.Array("snapshots"));
  Table table({{"version", Align::kRight}, {"seq", Align::kRight}, {"rows", Align::kRight}, {"mode"}, {"committed"}});
  for (const json::value& item : *snapshots) {
    if (table.rows() == kShownSnapshots) break;
    LH_ASSIGN(const auto snapshot, JsonFields::Of(item, "a snapshot"));
    table.AddRow({std::to_string(snapshot.Uint("version").value_or(0)),
                  std::to_string(snapshot.Uint("seq").value_or(0)), Grouped(snapshot.Uint("row_count").value_or(0)),
                  snapshot.String("mode").value_or(""), ShortTime(snapshot.String("committed_at").value_or(""))});
  }
  LH_TRY(console.Write("\n" + table.Render(console.out_width())));
  if (snapshots->size() <= kShownSnapshots) return {};
  return console.Write(fmt::format("… {} older versions\n", snapshots->size() - kShownSnapshots));
}

}  // namespace

Status RunList(Client& client, Console& console, const GlobalOptions& global) {
  Table table({{"name"},
               {"rows", Align::kRight},
               {"size", Align::kRight},
               {"columns", Align::kRight},
               {"version", Align::kRight},
               {"updated"}});
  LH_ASSIGN(json::array all, AllDatasets(client));
  LH_TRY(AddDatasets(all, table));
  if (global.json) return console.Write(json::serialize(json::object{{"datasets", std::move(all)}}) + "\n");
  if (table.rows() == 0) return console.Write("no datasets yet; add one: lakehouse ingest FILE --name NAME\n");
  return console.Write(table.Render(console.out_width()));
}

Status RunShow(Client& client, Console& console, const GlobalOptions& global, const ShowOptions& options) {
  const std::string path = ManifestPath(options.name);
  LH_ASSIGN(const json::value manifest,
            client.Json("GET", path + (options.version ? fmt::format("?version={}", *options.version) : "")));
  if (global.json) return console.Write(json::serialize(manifest) + "\n");
  LH_ASSIGN(const auto fields, JsonFields::Of(manifest, "the server's answer"));
  LH_ASSIGN(const json::array* objects, fields.Array("objects"));
  LH_TRY(console.Write(fmt::format("{}: {} rows, {} in {} {}; version {}, seq {}, updated {}\nid {}\n\n",
                                   Printable(fields.String("name").value_or("")),
                                   Grouped(fields.Uint("row_count").value_or(0)), HumanBytes(BytesOf(fields)),
                                   objects->size(), objects->size() == 1 ? "object" : "objects",
                                   fields.Uint("version").value_or(0), fields.Uint("seq").value_or(0),
                                   Printable(ShortTime(fields.String("updated_at").value_or(""))),
                                   Printable(fields.String("dataset_id").value_or("")))));
  LH_TRY(PrintColumns(console, fields));
  LH_ASSIGN(const json::value snapshots, client.Json("GET", path + "/snapshots"));
  return PrintSnapshots(console, snapshots);
}

Status RunDrop(Client& client, Console& console, const GlobalOptions& global, const DropOptions& options) {
  LH_TRY(client.Text("DELETE", ManifestPath(options.name)));
  if (global.json) return console.Write(json::serialize(json::object{{"dropped", options.name}}) + "\n");
  return console.Write(fmt::format("dropped {}\n", Printable(options.name)));
}

}  // namespace lakehouse::cli
