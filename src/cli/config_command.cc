#include "base/json.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "config/settings.h"

namespace lakehouse::cli {

namespace {

std::string AsJson(const config::LoadedSettings& loaded) {
  std::string text;
  JsonWriter out(text);
  out.BeginArray();
  for (const config::SettingValue& value : loaded.values) {
    out.BeginObject()
        .Key("section")
        .String(value.section)
        .Key("key")
        .String(value.key)
        .Key("value")
        .String(value.value);
    out.Key("default")
        .String(value.default_text)
        .Key("origin")
        .String(value.origin)
        .Key("doc")
        .String(value.doc)
        .EndObject();
  }
  out.EndArray();
  return text + "\n";
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

std::string AsTable(const config::LoadedSettings& loaded, std::optional<size_t> width) {
  Table table({{"setting"}, {"value"}, {"origin"}, {"default"}, {"meaning"}});
  for (const config::SettingValue& value : loaded.values) {
    table.AddRow({fmt::format("[{}] {}", value.section, value.key), OrDash(value.value), value.origin,
                  OrDash(value.default_text), value.doc});
  }
  return table.Render(width);
}

}  // namespace

Status RunConfig(Console& console, const GlobalOptions& global, const ConfigOptions& options) {
  if (options.markdown) return console.Write(config::SettingsMarkdown());
  LH_ASSIGN(const auto loaded, config::Load(global.config, console.environment()));
  for (const std::string& warning : loaded.warnings) console.Note("lakehouse: warning: " + warning);
  return console.Write(global.json ? AsJson(loaded) : AsTable(loaded, console.out_width()));
}

}  // namespace lakehouse::cli
