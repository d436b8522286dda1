#include "service/ingest_remote.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "service/catalog_json.h"
#include "service/ingest_wire.h"

namespace lakehouse::service {
namespace {

constexpr uint64_t kMaxReportBytes = uint64_t{64} << 20;

std::string PathOf(const IngestRequest& request) {
  std::string path = "/ingest?name=" + net::PercentEncode(request.name, false);
  path.append("&mode=").append(WriteModeName(request.mode));
  if (request.allow_duplicates) path.append("&duplicates=allow");
  if (request.delimiter != ',') {
    path.append("&delimiter=").append(net::PercentEncode({&request.delimiter, 1}, false));
  }
  if (!request.header) path.append("&header=false");
  if (request.encoding == SourceEncoding::kLatin1) path.append("&encoding=latin1");
  if (!request.types.empty()) {
    boost::json::object types;
    for (const auto& [column, type] : request.types) types[column] = type;
    path.append("&types=").append(net::PercentEncode(boost::json::serialize(types), false));
  }
  return path;
}

}  // namespace

Result<IngestResult> RemoteIngest::Run(const RequestContext& context, const IngestRequest& request,
                                       ByteSource& source) {
  net::HttpRequest upload;
  upload.method = "POST";
  upload.headers.emplace_back("Content-Type", MediaTypeOf(request.format));
  if (const auto encoding = EncodingOf(request.compression); !encoding.empty()) {
    upload.headers.emplace_back("Content-Encoding", encoding);
  }
  upload.body = &source;
  LH_ASSIGN(const auto response, role_.Send(context, std::move(upload), PathOf(request)));
  auto body = ReadAll(*response, kMaxReportBytes);
  if (!body) return Fail(std::move(body.error()).In(role_.name()));
  auto result = ParseIngestResult(*body);
  if (!result) {
    return Fail(ErrorKind::kUpstream, "{}'s answer is none: {}", role_.name(), result.error().detail);
  }
  return result;
}

}  // namespace lakehouse::service
