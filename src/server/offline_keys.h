// The API keys of a lake without its server: straight over the store that the settings name, whether a server runs on
// it or not. Used by one thread.
#pragma once

#include <memory>

#include "auth/key_store.h"
#include "config/settings.h"

namespace lakehouse::server {

class OfflineKeys {
 public:
  // kInvalid for a store that only its server can reach (memory).
  static Result<std::unique_ptr<OfflineKeys>> Open(const config::Settings& settings,
                                                   const config::Environment& environment);
  virtual ~OfflineKeys() = default;
  virtual auth::KeyStore& keys() = 0;
};

}  // namespace lakehouse::server
