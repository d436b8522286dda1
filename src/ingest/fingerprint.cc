#include "ingest/fingerprint.h"

#include "base/hash.h"

namespace lakehouse::ingest {

std::string SchemaFingerprint(const std::vector<catalog::Column>& columns) {
  Sha256 hash;
  for (const catalog::Column& column : columns) {
    hash.Update(column.name);
    hash.Update("\x1f");
    hash.Update(column.type);
    hash.Update("\x1e");
  }
  return ToHex(hash.Finish());
}

}  // namespace lakehouse::ingest
