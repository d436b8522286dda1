// The schema fingerprint of docs/contract.md: SHA-256 over (name 0x1f type 0x1e) of each column in order, lower-case
// hex.
#pragma once

#include <string>
#include <vector>

#include "catalog/types.h"

namespace lakehouse::ingest {

std::string SchemaFingerprint(const std::vector<catalog::Column>& columns);

}  // namespace lakehouse::ingest
