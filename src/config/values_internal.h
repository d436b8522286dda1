// One value, from its text to its typed place in Settings. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/machine_internal.h"
#include "config/settings_table_internal.h"
#include "config/toml_internal.h"

namespace lakehouse::config {

// The text that a toml value stands for; kInvalid ("must be …, not a string") when its type is not the setting's.
Result<std::string> TextOf(const SettingSpec& spec, const TomlValue& value);

// Stores `text` in `settings` and returns how it is shown: shares with what they come to. kInvalid ("must be …").
// REQUIRES: what a share is a share of is set in `settings` already.
Result<std::string> ApplyText(const SettingSpec& spec, std::string_view text, const Machine& machine,
                              Settings& settings);

}  // namespace lakehouse::config
