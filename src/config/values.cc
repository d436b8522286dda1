#include <algorithm>
#include <charconv>
#include <optional>

#include "base/utf8.h"
#include "config/units.h"
#include "config/values_internal.h"

namespace lakehouse::config {

namespace {

std::unexpected<Error> Wrong(const SettingSpec& spec) {
  return Fail(ErrorKind::kInvalid, "must be {}", Expected(spec));
}

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ",") + text;
  return joined;
}

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

bool IsHostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}
bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), IsHostChar);
}
bool IsHost(std::string_view host) {
  if (host.size() > 4 && host.front() == '[' && host.back() == ']') {
    const std::string_view inner = host.substr(1, host.size() - 2);
    return inner.find(':') != std::string_view::npos &&
           inner.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return IsHostName(host);
}

bool IsPort(std::string_view text, unsigned min) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= min && port <= 65535;
}

bool IsBind(std::string_view text) {
  const size_t colon = text.rfind(':');
  return colon != std::string_view::npos && IsHost(text.substr(0, colon)) && IsPort(text.substr(colon + 1), 0);
}

bool IsUrl(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  if (text.substr(0, scheme) != "http" && text.substr(0, scheme) != "https") return false;
  const std::string_view rest = text.substr(scheme + 3);
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view host = rest.substr(0, slash);
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.back() != ']') {
    if (!IsPort(host.substr(colon + 1), 1)) return false;
    host = host.substr(0, colon);
  }
  return IsHost(host) && std::all_of(rest.begin() + static_cast<std::ptrdiff_t>(slash), rest.end(),
                                     [](char c) { return c > ' ' && c < 127 && c != '?' && c != '#' && c != '\\'; });
}

// grpc(s)://host:port: gRPC has no paths.
bool IsGrpcUrl(std::string_view text) {
  if (!text.starts_with("grpc://") && !text.starts_with("grpcs://")) return false;
  const std::string_view address = text.substr(text.find("://") + 3);
  const size_t colon = address.rfind(':');
  return colon != std::string_view::npos && IsHost(address.substr(0, colon)) && IsPort(address.substr(colon + 1), 1);
}

bool IsPlainText(std::string_view text) {
  return !FindInvalidUtf8(text) &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; });
}

template <typename T>
void Store(const SettingSpec& spec, Settings& settings, T value) {
  *std::get<TargetOf<T>>(spec.target)(settings) = std::move(value);
}

Result<std::string> ApplyString(const SettingSpec& spec, std::string_view text, Settings& settings) {
  const bool form = spec.kind == Kind::kBind          ? IsBind(text)
                    : spec.kind == Kind::kBindOrOff   ? text == "off" || IsBind(text)
                    : spec.kind == Kind::kRoleUrl     ? IsUrl(text) || IsGrpcUrl(text)
                    : spec.kind == Kind::kOptionalUrl ? text.empty() || IsUrl(text)
                                                      : text.size() >= spec.min;
  if (!form || !IsPlainText(text)) return Wrong(spec);
  Store(spec, settings, std::string(text));
  return std::string(text);
}

Result<std::string> ApplyChoice(const SettingSpec& spec, std::string_view text, Settings& settings) {
  const auto found = std::find(spec.choices.begin(), spec.choices.end(), text);
  if (found == spec.choices.end()) return Wrong(spec);
  // Log levels and formats stand in the table in the order of their enums.
  const auto index = static_cast<int>(found - spec.choices.begin());
  if (std::holds_alternative<TargetOf<LogLevel>>(spec.target)) {
    Store(spec, settings, static_cast<LogLevel>(index));
  } else if (std::holds_alternative<TargetOf<LogFormat>>(spec.target)) {
    Store(spec, settings, static_cast<LogFormat>(index));
  } else {
    Store(spec, settings, std::string(text));
  }
  return std::string(text);
}

Result<std::string> ApplyHosts(const SettingSpec& spec, std::string_view text, Settings& settings) {
  std::vector<std::string> hosts = Split(text);
  if (!std::all_of(hosts.begin(), hosts.end(), IsHost)) return Wrong(spec);
  Store(spec, settings, std::move(hosts));
  return std::string(text);
}

Result<std::string> ApplyFlag(const SettingSpec& spec, std::string_view text, Settings& settings) {
  if (text == "auto" && !spec.choices.empty()) {
    Store(spec, settings, !settings.s3.endpoint.empty());
    return fmt::format("{} (auto)", settings.s3.endpoint.empty() ? "false" : "true");
  }
  if (text != "true" && text != "false") return Wrong(spec);
  Store(spec, settings, text == "true");
  return std::string(text);
}

Result<std::string> ApplyCount(const SettingSpec& spec, std::string_view text, const Machine& machine,
                               Settings& settings) {
  if (spec.kind == Kind::kCores && text == "cores") {
    Store(spec, settings, std::clamp(machine.cores, spec.min, spec.max));
    return fmt::format("{} (cores)", std::clamp(machine.cores, spec.min, spec.max));
  }
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < spec.min || count > spec.max)
    return Wrong(spec);
  Store(spec, settings, count);
  return std::string(text);
}

uint64_t ShareBase(ShareOf share_of, const Machine& machine, const Settings& settings) {
  switch (share_of) {
    case ShareOf::kNothing:
      return 0;
    case ShareOf::kMemory:
      return machine.memory_bytes;
    case ShareOf::kFreeDisk:
      return machine.free_disk_bytes(settings.server.data_dir);
    case ShareOf::kServerMemory:
      return settings.server.memory_limit;
    case ShareOf::kServerSpool:
      return settings.server.spool_limit;
  }
  return 0;
}

Result<std::string> ApplyBytes(const SettingSpec& spec, std::string_view text, const Machine& machine,
                               Settings& settings) {
  if (spec.share_of != ShareOf::kNothing && text.ends_with('%')) {
    const auto percent = ParsePercent(text);
    if (!percent) return Wrong(spec);
    // A share of little is still enough to start with: the least that the setting may be.
    const uint64_t bytes = std::max(ShareBase(spec.share_of, machine, settings) / 100 * *percent, spec.min);
    Store(spec, settings, bytes);
    return fmt::format("{} ({})", FormatBytes(bytes), text);
  }
  const auto bytes = ParseBytes(text);
  if (!bytes || *bytes < spec.min || *bytes > spec.max) return Wrong(spec);
  Store(spec, settings, *bytes);
  return std::string(text);
}

Result<std::string> ApplyDuration(const SettingSpec& spec, std::string_view text, Settings& settings) {
  const auto duration = ParseDuration(text);
  if (!duration || static_cast<uint64_t>(duration->count()) < spec.min ||
      static_cast<uint64_t>(duration->count()) > spec.max) {
    return Wrong(spec);
  }
  if (std::holds_alternative<TargetOf<std::chrono::seconds>>(spec.target)) {
    if (duration->count() % 1000 != 0) return Fail(ErrorKind::kInvalid, "must be a duration of whole seconds");
    Store(spec, settings, std::chrono::duration_cast<std::chrono::seconds>(*duration));
  } else {
    Store(spec, settings, *duration);
  }
  return std::string(text);
}

bool TakesNumber(const SettingSpec& spec) {
  return spec.kind == Kind::kCount || spec.kind == Kind::kCores || spec.kind == Kind::kBytes;
}

}  // namespace

Result<std::string> TextOf(const SettingSpec& spec, const TomlValue& value) {
  const auto wrong_type = [&spec](std::string_view type) -> std::unexpected<Error> {
    return Fail(ErrorKind::kInvalid, "must be {}, not {}", Expected(spec), type);
  };
  if (const auto* text = std::get_if<std::string>(&value)) {
    const bool flag_word = spec.kind == Kind::kFlag && !spec.choices.empty() && *text == "auto";
    const bool cores_word = spec.kind == Kind::kCores && *text == "cores";
    const bool refused =
        spec.kind == Kind::kFlag || spec.kind == Kind::kCount || spec.kind == Kind::kCores || spec.kind == Kind::kHosts;
    if (refused && !flag_word && !cores_word) return wrong_type("a string");
    return *text;
  }
  if (const auto* number = std::get_if<int64_t>(&value)) {
    if (!TakesNumber(spec)) return wrong_type("an integer");
    return std::to_string(*number);
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    if (spec.kind != Kind::kFlag) return wrong_type("a boolean");
    return *flag ? "true" : "false";
  }
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    if (spec.kind != Kind::kHosts) return wrong_type("an array");
    return Join(*list);
  }
  return wrong_type(std::get<OtherToml>(value).type);
}

Result<std::string> ApplyText(const SettingSpec& spec, std::string_view text, const Machine& machine,
                              Settings& settings) {
  switch (spec.kind) {
    case Kind::kText:
    case Kind::kBind:
    case Kind::kBindOrOff:
    case Kind::kRoleUrl:
    case Kind::kOptionalUrl:
      return ApplyString(spec, text, settings);
    case Kind::kPath:
      if (text.empty() || !IsPlainText(text)) return Wrong(spec);
      Store(spec, settings, std::filesystem::path(text));
      return std::string(text);
    case Kind::kChoice:
      return ApplyChoice(spec, text, settings);
    case Kind::kHosts:
      return ApplyHosts(spec, text, settings);
    case Kind::kFlag:
      return ApplyFlag(spec, text, settings);
    case Kind::kCount:
    case Kind::kCores:
      return ApplyCount(spec, text, machine, settings);
    case Kind::kBytes:
      return ApplyBytes(spec, text, machine, settings);
    case Kind::kDuration:
      return ApplyDuration(spec, text, settings);
  }
  return Wrong(spec);
}

}  // namespace lakehouse::config
