// Load with everything handed in. Private to this folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/machine_internal.h"
#include "config/settings.h"

namespace lakehouse::config {

struct ConfigText {
  std::string name;  // how messages name the file
  std::string text;
};

Result<LoadedSettings> LoadFrom(const std::optional<ConfigText>& file, const Environment& environment,
                                const std::vector<Override>& overrides, const Machine& machine);

}  // namespace lakehouse::config
