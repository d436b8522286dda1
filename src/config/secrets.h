// Secrets: from the environment, or from a file that only its owner can read. Never from the toml, never in logs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/settings.h"

namespace lakehouse::config {

class SecretsProvider {
 public:
  SecretsProvider(Environment environment, std::filesystem::path data_dir)
      : environment_(std::move(environment)), data_dir_(std::move(data_dir)) {}

  // The variable LAKEHOUSE_SECRET_<NAME>, else the file that LAKEHOUSE_SECRET_<NAME>_FILE names; nullopt when neither
  // is set. kForbidden when the file can be read by others.
  Result<std::optional<std::string>> Find(std::string_view name) const;
  // Client keys, one a line or separated by commas: LAKEHOUSE_SECRET_API_KEYS. Empty: none are set up.
  Result<std::vector<std::string>> ApiKeys() const;
  // LAKEHOUSE_SECRET_ROLE_TOKEN, else the file data_dir/role-token, made with mode 0600 on first use.
  Result<std::string> RoleToken() const;

 private:
  Environment environment_;
  std::filesystem::path data_dir_;
};

}  // namespace lakehouse::config
