#include "service/vectors_remote.h"

#include <charconv>

#include "base/json_value.h"
#include "base/mutex.h"
#include "service/vector_json.h"
#include "vector/item_stream.h"

namespace lakehouse::service {
namespace {

constexpr std::string_view kArrowStream = "application/vnd.apache.arrow.stream";

std::string IndexPath(std::string_view name) { return "/vectors/index/" + net::PercentEncode(name, false); }
std::string ItemPath(std::string_view name, std::string_view id) {
  return IndexPath(name) + "/items/" + net::PercentEncode(id, false);
}

Result<uint64_t> NumberIn(const net::Headers& headers, std::string_view name) {
  const std::string* text = net::FindHeader(headers, name);
  uint64_t number = 0;
  if (text == nullptr || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc()) {
    return Fail(ErrorKind::kUpstream, "vectord's answer has no header {}", name);
  }
  return number;
}

class RemoteScan final : public VectorScan {
 public:
  static Result<std::unique_ptr<VectorScan>> Open(std::unique_ptr<net::HttpResponse> response) {
    std::unique_ptr<RemoteScan> scan(new RemoteScan(std::move(response)));
    LH_ASSIGN(scan->length_, NumberIn(scan->response_->headers(), "X-Lakehouse-Index-Length"));
    LH_ASSIGN(scan->version_.value, NumberIn(scan->response_->headers(), "X-Lakehouse-Index-Version"));
    const MutexLock lock(scan->mutex_);
    LH_ASSIGN(scan->reader_, vector::ItemStreamReader::Open(*scan->response_));
    return scan;
  }

  uint64_t length() const override { return length_; }
  vector::IndexVersion version() const override { return version_; }
  Result<std::vector<vector::StoredItem>> Next() override LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    auto items = reader_->Next();
    if (!items) return Fail(std::move(items.error()).In("vectord"));
    return items;
  }

 private:
  explicit RemoteScan(std::unique_ptr<net::HttpResponse> response) : response_(std::move(response)) {}

  const std::unique_ptr<net::HttpResponse> response_;
  uint64_t length_ = 0;
  vector::IndexVersion version_;
  Mutex mutex_;
  std::unique_ptr<vector::ItemStreamReader> reader_ LH_GUARDED_BY(mutex_);
};

std::vector<vector::StoredItem> ItemsOf(const vector::Batch& batch, uint32_t dimension) {
  std::vector<vector::StoredItem> items;
  items.reserve(batch.ids.size());
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    const float* vector = batch.vectors.data() + i * dimension;
    items.push_back({batch.ids[i], {vector, vector + dimension}, batch.metadata[i]});
  }
  return items;
}

}  // namespace

Result<VectorIndexInfo> RemoteVectors::Create(const RequestContext& context, std::string_view name,
                                              const vector::IndexOptions& options) {
  LH_ASSIGN(const auto answer,
            role_.Call(context, "POST", "/vectors/index", WriteDefinition({std::string(name), options})));
  LH_ASSIGN(const auto value, ParseJson(answer.body));
  return ParseInfo(value);
}

Result<std::vector<VectorIndexInfo>> RemoteVectors::List(const RequestContext& context) {
  LH_ASSIGN(const auto answer, role_.Call(context, "GET", "/vectors/index"));
  return ParseInfos(answer.body);
}

Result<VectorIndexInfo> RemoteVectors::Info(const RequestContext& context, std::string_view name) {
  LH_ASSIGN(const auto answer, role_.Call(context, "GET", IndexPath(name)));
  LH_ASSIGN(const auto value, ParseJson(answer.body));
  return ParseInfo(value);
}

Result<vector::IndexOptions> RemoteVectors::Options(const RequestContext& context, std::string_view name) {
  LH_ASSIGN(auto info, Info(context, name));
  return std::move(info.options);
}

Status RemoteVectors::Drop(const RequestContext& context, std::string_view name) {
  LH_TRY(role_.Call(context, "DELETE", IndexPath(name)));
  return {};
}

Result<VectorIndexInfo> RemoteVectors::Rebuild(const RequestContext& context, std::string_view name,
                                               const vector::RebuildOptions& options) {
  LH_ASSIGN(const auto answer, role_.Call(context, "POST", IndexPath(name) + "/rebuild", WriteRebuild(options)));
  LH_ASSIGN(const auto value, ParseJson(answer.body));
  return ParseInfo(value);
}

Result<vector::Applied> RemoteVectors::Add(const RequestContext& context, std::string_view name,
                                           const vector::Batch& batch) {
  if (batch.ids.empty()) return Fail(ErrorKind::kInvalid, "the batch has no items");
  const auto dimension = static_cast<uint32_t>(batch.vectors.size() / batch.ids.size());
  std::string body;
  StringSink sink(body);
  LH_ASSIGN(const auto writer, vector::ItemStreamWriter::Open(dimension, {}, sink));
  LH_TRY(writer->Write(ItemsOf(batch, dimension)));
  LH_TRY(writer->Finish());
  LH_ASSIGN(const auto answer, role_.Call(context, "POST", IndexPath(name) + "/add", body, kArrowStream));
  return ParseApplied(answer.body);
}

Result<vector::SearchAnswer> RemoteVectors::Search(const RequestContext& context, std::string_view name,
                                                   const vector::SearchRequest& request) {
  LH_ASSIGN(const auto answer, role_.Call(context, "POST", IndexPath(name) + "/search", WriteSearch(request)));
  return ParseAnswer(answer.body);
}

Result<vector::StoredItem> RemoteVectors::Get(const RequestContext& context, std::string_view name,
                                              std::string_view id) {
  LH_ASSIGN(const auto answer, role_.Call(context, "GET", ItemPath(name, id)));
  return ParseItem(answer.body);
}

Status RemoteVectors::Remove(const RequestContext& context, std::string_view name, std::string_view id) {
  LH_TRY(role_.Call(context, "DELETE", ItemPath(name, id)));
  return {};
}

Result<std::unique_ptr<VectorScan>> RemoteVectors::Scan(const RequestContext& context, std::string_view name,
                                                        vector::ItemColumns columns) {
  const std::string path =
      fmt::format("{}/items?vector={}&metadata={}", IndexPath(name), columns.vector, columns.metadata);
  LH_ASSIGN(auto response, role_.Open(context, path, kArrowStream));
  return RemoteScan::Open(std::move(response));
}

}  // namespace lakehouse::service
