// A local store's folder, used beside the process that owns it, or without one: for the few small objects that a
// command-line tool writes while a server runs (API keys). The owner sees them at once; what it has written itself
// shows here once it has come into the folder, a moment later (object/pending.h).
//
// Thread-safe. Put makes new objects only: kPreconditionFailed for a key that is there, kInvalid for a Put without
// if_none_match. Delete is kNotImplemented.
#pragma once

#include <filesystem>
#include <memory>

#include "object/object_store.h"

namespace lakehouse::object {

// Makes the folder when there is none. REQUIRES: the clock outlives the store.
Result<std::unique_ptr<ObjectStore>> OpenLocalGuest(const std::filesystem::path& root,
                                                    const Clock& clock = SystemClock());

}  // namespace lakehouse::object
