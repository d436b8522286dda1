#include <algorithm>
#include <map>

#include "config/load_internal.h"
#include "config/settings_table_internal.h"
#include "config/toml_internal.h"
#include "config/units.h"
#include "config/values_internal.h"

namespace lakehouse::config {

namespace {

// A value on its way in: its text and where it stands ("lakehouse.toml:12", "LAKEHOUSE_S3_REGION", "--bind").
struct Given {
  std::string text, origin;
};
using GivenValues = std::map<const SettingSpec*, Given>;

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

// "; did you mean put_slots?" when one name is near enough.
template <typename Names>
std::string Suggestion(std::string_view given, const Names& names) {
  if (given.size() > 64) return "";
  size_t best = 3;
  std::string_view nearest;
  for (const std::string_view name : names) {
    const size_t distance = EditDistance(given, name);
    if (distance < best && distance < name.size()) {
      best = distance;
      nearest = name;
    }
  }
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

std::vector<std::string_view> KeysOf(std::string_view section) {
  std::vector<std::string_view> keys;
  for (const SettingSpec& spec : SettingTable()) {
    if (spec.section == section) keys.push_back(spec.key);
  }
  return keys;
}

std::vector<std::string_view> Sections() {
  std::vector<std::string_view> sections;
  for (const SettingSpec& spec : SettingTable()) {
    if (sections.empty() || sections.back() != spec.section) sections.push_back(spec.section);
  }
  return sections;
}

// Somebody who writes a secret here has to hear where it belongs; its value is never repeated.
std::string SecretHint(std::string_view key) {
  for (const std::string_view word : {"secret", "password", "token", "api_key", "access_key", "api_keys"}) {
    if (key.find(word) != std::string_view::npos) {
      return "; secrets never stand in this file, see LAKEHOUSE_SECRET_* and AWS_* in docs/operating.md";
    }
  }
  return "";
}

std::unexpected<Error> UnknownKey(const std::string& origin, const TomlEntry& entry) {
  if (entry.section.empty()) {
    if (IsSection(entry.key)) return Fail(ErrorKind::kInvalid, "{}: [{}] must be a section", origin, entry.key);
    return Fail(ErrorKind::kInvalid, "{}: key {} stands outside any section{}", origin, entry.key,
                SecretHint(entry.key));
  }
  if (!IsSection(entry.section)) {
    return Fail(ErrorKind::kInvalid, "{}: unknown section [{}]{}", origin, entry.section,
                Suggestion(entry.section, Sections()));
  }
  const std::string hint = SecretHint(entry.key);
  return Fail(ErrorKind::kInvalid, "{}: unknown key {} in section [{}]{}", origin, entry.key, entry.section,
              hint.empty() ? Suggestion(entry.key, KeysOf(entry.section)) : hint);
}

Status AddFile(const ConfigText& file, GivenValues& given) {
  LH_ASSIGN(const auto entries, ParseToml(file.text, file.name));
  for (const TomlEntry& entry : entries) {
    const std::string origin = fmt::format("{}:{}", file.name, entry.line);
    if (entry.is_empty_section && IsSection(entry.section)) continue;
    const SettingSpec* spec = FindSetting(entry.section, entry.key);
    if (spec == nullptr) return UnknownKey(origin, entry);
    auto text = TextOf(*spec, entry.value);
    if (!text)
      return Fail(ErrorKind::kInvalid, "{}: [{}] {} {}", origin, spec->section, spec->key, text.error().detail);
    given[spec] = {std::move(*text), origin};
  }
  return {};
}

// A Kubernetes cluster sets LAKEHOUSE_GATEWAY_PORT and the like for a service named lakehouse-gateway.
bool IsServiceLink(std::string_view key) {
  return key == "PORT" || key.starts_with("PORT_") || key == "SERVICE_HOST" || key == "SERVICE_PORT" ||
         key.starts_with("SERVICE_PORT_");
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

Status RefuseUnknownVariables(const Environment& environment) {
  std::vector<std::string> known;
  for (const SettingSpec& spec : SettingTable()) known.push_back(VariableName(spec));
  for (const std::string& name : environment.names()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    for (const std::string_view section : Sections()) {
      const std::string prefix = fmt::format("LAKEHOUSE_{}_", UpperCase(section));
      if (!name.starts_with(prefix) || IsServiceLink(std::string_view(name).substr(prefix.size()))) continue;
      return Fail(ErrorKind::kInvalid, "environment variable {} names no setting of section [{}]{}", name, section,
                  Suggestion(name, known));
    }
  }
  return {};
}

Status AddEnvironment(const Environment& environment, GivenValues& given) {
  LH_TRY(RefuseUnknownVariables(environment));
  for (const SettingSpec& spec : SettingTable()) {
    std::string name = VariableName(spec);
    if (auto text = environment(name)) given[&spec] = {std::move(*text), std::move(name)};
  }
  return {};
}

Status AddOverrides(const std::vector<Override>& overrides, GivenValues& given) {
  for (const Override& override : overrides) {
    const SettingSpec* spec = FindSetting(override.section, override.key);
    if (spec == nullptr) {
      return Fail(ErrorKind::kInvalid, "{}: there is no setting [{}] {}", override.origin, override.section,
                  override.key);
    }
    given[spec] = {override.value, override.origin};
  }
  return {};
}

// "lakehouse.toml:12: ", of the first of these that is not left at its default.
std::string OriginOf(const GivenValues& given,
                     std::initializer_list<std::pair<std::string_view, std::string_view>> settings) {
  for (const auto& [section, key] : settings) {
    const auto found = given.find(FindSetting(section, key));
    if (found != given.end()) return found->second.origin + ": ";
  }
  return "";
}

Status CheckShare(const GivenValues& given, std::string_view section, std::string_view key, uint64_t bytes,
                  uint64_t whole, std::string_view whole_name) {
  if (bytes <= whole) return {};
  return Fail(ErrorKind::kInvalid, "{}[{}] {} ({}) must not exceed [server] {} ({})",
              OriginOf(given, {{section, key}, {"server", whole_name}}), section, key, FormatBytes(bytes), whole_name,
              FormatBytes(whole));
}

// What one setting says about another.
Status CheckTogether(const Settings& settings, const GivenValues& given) {
  const uint64_t memory = settings.server.memory_limit;
  LH_TRY(CheckShare(given, "queryd", "memory_limit", settings.queryd.memory_limit, memory, "memory_limit"));
  LH_TRY(CheckShare(given, "queryd", "cache_memory", settings.queryd.cache_memory, memory, "memory_limit"));
  LH_TRY(CheckShare(given, "vectord", "memory_limit", settings.vectord.memory_limit, memory, "memory_limit"));
  LH_TRY(CheckShare(given, "queryd", "spill_limit", settings.queryd.spill_limit, settings.server.spool_limit,
                    "spool_limit"));
  const auto longest = std::max(settings.ingestd.timeout, settings.queryd.timeout);
  if (settings.catalogd.gc_min_age <= longest) {
    return Fail(ErrorKind::kInvalid,
                "{}[catalogd] gc_min_age ({}) must be longer than [ingestd] timeout and [queryd] timeout ({}): what an "
                "ingest or "
                "a query in flight still needs must not be removed",
                OriginOf(given, {{"catalogd", "gc_min_age"}, {"ingestd", "timeout"}, {"queryd", "timeout"}}),
                FormatDuration(settings.catalogd.gc_min_age), FormatDuration(longest));
  }
  if (settings.s3.prefix.starts_with('/') || settings.s3.prefix.find("//") != std::string::npos) {
    return Fail(ErrorKind::kInvalid, "{}[s3] prefix must not start with / or hold an empty component",
                OriginOf(given, {{"s3", "prefix"}}));
  }
  return {};
}

void WarnTogether(const Settings& settings, std::vector<std::string>& warnings) {
  const uint64_t shared = settings.queryd.memory_limit + settings.queryd.cache_memory + settings.vectord.memory_limit;
  if (shared > settings.server.memory_limit) {
    warnings.push_back(
        fmt::format("[queryd] memory_limit and cache_memory and [vectord] memory_limit come to {}, more than [server] "
                    "memory_limit ({}): a busy server may need more memory than it was given",
                    FormatBytes(shared), FormatBytes(settings.server.memory_limit)));
  }
}

std::string UnitOf(const SettingSpec& spec) {
  if (spec.kind == Kind::kBytes) return "bytes";
  if (spec.kind == Kind::kDuration) return "duration";
  return "";
}

}  // namespace

Result<LoadedSettings> LoadFrom(const std::optional<ConfigText>& file, const Environment& environment,
                                const std::vector<Override>& overrides, const Machine& machine) {
  GivenValues given;
  if (file) LH_TRY(AddFile(*file, given));
  LH_TRY(AddEnvironment(environment, given));
  LH_TRY(AddOverrides(overrides, given));

  LoadedSettings loaded{};
  for (const SettingSpec& spec : SettingTable()) {
    const auto found = given.find(&spec);
    const bool is_default = found == given.end();
    const std::string_view text = is_default ? spec.default_text : std::string_view(found->second.text);
    auto shown = ApplyText(spec, text, machine, loaded.settings);
    if (!shown) {
      return Fail(ErrorKind::kInvalid, "{}: [{}] {} {}", is_default ? "default" : found->second.origin, spec.section,
                  spec.key, shown.error().detail);
    }
    loaded.values.push_back({std::string(spec.section), std::string(spec.key), std::move(*shown),
                             std::string(spec.default_text), UnitOf(spec), std::string(spec.doc),
                             is_default ? "default" : found->second.origin});
  }
  LH_TRY(CheckTogether(loaded.settings, given));
  WarnTogether(loaded.settings, loaded.warnings);
  return loaded;
}

std::string SettingsMarkdown() {
  std::string text =
      "# Settings\n\n"
      "Made by `lakehouse config --markdown`; change `src/config/settings_table.cc`, not this page.\n\n"
      "Each key stands in `lakehouse.toml` (or the file of `--config`) and can be overridden by the environment "
      "variable\n"
      "`LAKEHOUSE_<SECTION>_<KEY>`, e.g. `LAKEHOUSE_STORAGED_PUT_SLOTS`. Durations are written `500ms`, `10s`, `5m`, "
      "`24h`, `30d`;\n"
      "sizes `64KiB`, `256MiB`, `4GB`; shares `70%`. `lakehouse config --print` shows every value in force and where "
      "it came from.\n";
  std::string_view section;
  for (const SettingSpec& spec : SettingTable()) {
    if (spec.section != section) {
      section = spec.section;
      text += fmt::format("\n## [{}]\n\n| key | default | meaning | value |\n|---|---|---|---|\n", section);
    }
    std::string expected = Expected(spec);
    for (size_t at = 0; (at = expected.find('|', at)) != std::string::npos; at += 2) expected.insert(at, "\\");
    text += fmt::format("| `{}` | {} | {} | {} |\n", spec.key,
                        spec.default_text.empty() ? "–" : fmt::format("`{}`", spec.default_text), spec.doc, expected);
  }
  return text;
}

}  // namespace lakehouse::config
