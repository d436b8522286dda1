// A whole lake in this process for a command that serves agents by itself: the parts of serve over the store that the
// settings name, listening nowhere. Callable from any thread.
#pragma once

#include <memory>

#include "base/request_context.h"
#include "config/settings.h"
#include "http/direct.h"

namespace lakehouse::server {

class EmbeddedLake {
 public:
  // Returns once the lake serves. kConflict when a server holds the store, and the errors of serve's start.
  static Result<std::unique_ptr<EmbeddedLake>> Open(config::LoadedSettings loaded,
                                                    const config::Environment& environment);
  virtual ~EmbeddedLake() = default;
  // As http::Serve.
  virtual Status Serve(const RequestContext& context, const http::DirectRequest& request,
                       http::DirectAnswer& answer) = 0;
  // Ends event streams and sessions.
  virtual void Stop() = 0;
};

}  // namespace lakehouse::server
