#include "server/parts.h"

namespace lakehouse::server {

Result<std::unique_ptr<object::ObjectStore>> OpenS3Backend(const Process&) {
  return Fail(ErrorKind::kInvalid, "[storaged] backend: s3 is not part of this build");
}

}  // namespace lakehouse::server
