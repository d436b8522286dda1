// What one running query knows of the lake, hung on its DuckDB connection: the view that it is bound to, its deadline
// and cancellation, and the first error that the store gave it.
//
// Thread-safety: Begin and End by the session between queries; the rest from any DuckDB thread while a query runs.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/request_context.h"
#include "catalog/lake_view.h"
#include "query/duckdb_internal.h"
#include "query/vector_source.h"

namespace lakehouse::query {

class LakeState final : public duckdb::ClientContextState {
 public:
  // The state of this connection; made on first use.
  static duckdb::shared_ptr<LakeState> Of(duckdb::ClientContext& context) {
    return context.registered_state->GetOrCreate<LakeState>("lakehouse");
  }

  void Begin(std::shared_ptr<const catalog::LakeView> view, VectorSource* vectors, RequestContext context)
      LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    vectors_ = vectors;
    view_ = std::move(view);
    context_ = std::move(context);
    error_.reset();
  }
  void End() LH_EXCLUDES(mutex_) { Begin(nullptr, nullptr, {}); }

  // nullptr between queries: the lake then looks empty.
  std::shared_ptr<const catalog::LakeView> view() const LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return view_;
  }
  // nullptr between queries, and where SQL has no vectors.
  VectorSource* vectors() const LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return vectors_;
  }
  RequestContext request() const LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return context_;
  }
  // The first error is the one that ended the query: DuckDB's own text of it loses its kind.
  void NoteError(const Error& error) LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!error_) error_ = error;
  }
  std::optional<Error> TakeError() LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return std::exchange(error_, std::nullopt);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const catalog::LakeView> view_ LH_GUARDED_BY(mutex_);
  VectorSource* vectors_ LH_GUARDED_BY(mutex_) = nullptr;
  RequestContext context_ LH_GUARDED_BY(mutex_);
  std::optional<Error> error_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::query
