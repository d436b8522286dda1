// Objects as files below one folder. An ordinary key is an ordinary path that other tools can open; object/local_path.h
// says what happens to the others, docs/formats.md the rest.
//
// Durability: small bodies and deletes go through the journal (object/journal.h), where concurrent writers share syncs,
// and come into the folder a moment later (object/pending.h); a large body is synced in a temporary file first. Either
// shows under its key only once it is durable. ETag, type and a checksum stand in the file's extended attributes; whole
// reads are checked against them once. Thread-safe. One process at a time owns the folder: a lock file says so.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "object/object_store.h"

namespace lakehouse::object {

struct LocalStoreOptions {
  std::filesystem::path root;
  // Bodies up to this go through the journal.
  uint64_t journal_body_bytes = 64 << 10;
  // How long they may stay in the journal before they come into the folder: of a key that changes often, only what it
  // is then does.
  std::chrono::milliseconds linger{1000};
  // For tests: smaller segments of the journal (0: its own size), and what makes them durable in place of fdatasync.
  uint64_t journal_segment_bytes = 0;
  std::function<int(int)> sync_journal = {};
};

// kForbidden for a folder that cannot be written, kConflict naming the process that owns it already, kInternal naming
// what is damaged. REQUIRES: the clock outlives the store.
Result<std::unique_ptr<ObjectStore>> OpenLocalStore(const LocalStoreOptions& options,
                                                    const Clock& clock = SystemClock());

}  // namespace lakehouse::object
