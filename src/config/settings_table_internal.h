// The table of all settings: what `Load` fills and what is printed. Private to this folder.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "config/settings.h"

namespace lakehouse::config {

enum class Kind {
  kText,
  kPath,
  kBind,         // host:port
  kBindOrOff,    // the same, or "off"
  kRoleUrl,      // http(s)://host[:port][/path], or grpc(s)://host:port
  kOptionalUrl,  // http(s)://host[:port][/path], or empty
  kChoice,       // one of `choices`
  kHosts,        // a list of host names
  kFlag,
  kCount,
  kCores,  // a count, or "cores"
  kBytes,  // a size, or a share where `share_of` says of what
  kDuration,
};

enum class ShareOf { kNothing, kMemory, kFreeDisk, kServerMemory, kServerSpool };

template <typename T>
using TargetOf = T* (*)(Settings&);
using Target = std::variant<TargetOf<std::string>, TargetOf<std::filesystem::path>, TargetOf<std::vector<std::string>>,
                            TargetOf<bool>, TargetOf<uint64_t>, TargetOf<std::chrono::milliseconds>,
                            TargetOf<std::chrono::seconds>, TargetOf<LogLevel>, TargetOf<LogFormat>>;

struct SettingSpec {
  std::string_view section, key;
  Kind kind;
  std::string_view default_text;
  Target target;
  std::string_view doc;
  uint64_t min = 0;  // count, bytes or milliseconds, by kind
  uint64_t max = UINT64_MAX;
  ShareOf share_of = ShareOf::kNothing;
  std::span<const std::string_view> choices = {};
};

// Where a setting is kept: a field of a section.
template <auto kSection, auto kField>
auto* FieldOf(Settings& settings) {
  return &(settings.*kSection.*kField);
}

inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kSecond = 1000;  // in milliseconds, as bounds of durations are

// Sections in the order of the documentation; a share's base comes before what shares it.
std::span<const SettingSpec> SettingTable();
// Its end: the roles that stand on a storaged.
std::span<const SettingSpec> RoleSettingTable();
const SettingSpec* FindSetting(std::string_view section, std::string_view key);
bool IsSection(std::string_view section);
// "LAKEHOUSE_STORAGED_PUT_SLOTS"
std::string VariableName(const SettingSpec& spec);
// What a value may be, for messages and documentation: "an integer from 1 to 1024".
std::string Expected(const SettingSpec& spec);

}  // namespace lakehouse::config
