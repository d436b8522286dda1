#include <algorithm>

#include "base/ascii.h"
#include "base/json_value.h"
#include "http/api_schemas.h"
#include "http/multipart.h"
#include "http/routes.h"
#include "service/catalog_json.h"
#include "service/ingest_wire.h"

namespace lakehouse::http {
namespace {

using service::IngestRequest;
using service::SourceCompression;
using service::SourceFormat;

// "text/csv; charset=utf-8" as "text/csv".
std::string MediaType(std::string_view content_type) {
  std::string type = AsciiLower(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  return type;
}

std::optional<SourceFormat> FormatOfMediaType(std::string_view type) {
  if (type == "text/csv" || type == "application/csv" || type == "text/tab-separated-values") return SourceFormat::kCsv;
  if (type == "application/x-ndjson" || type == "application/ndjson" || type == "application/jsonl")
    return SourceFormat::kNdjson;
  if (type == "application/vnd.apache.parquet") return SourceFormat::kParquet;
  return std::nullopt;
}

Result<bool> ParseFlag(std::string_view name, std::string_view value) {
  const std::string lower = AsciiLower(value);
  if (lower == "true" || lower == "1" || lower == "allow") return true;
  if (lower == "false" || lower == "0") return false;
  return Fail(ErrorKind::kInvalid, "{} must be true or false, not \"{}\"", name, value);
}

Result<char> ParseDelimiter(std::string_view value) {
  if (value == "\\t" || value == "tab") return '\t';
  if (value.size() == 1 && value[0] != '"' && value[0] != '\r' && value[0] != '\n' &&
      static_cast<unsigned char>(value[0]) < 0x80 && value[0] != '\0') {
    return value[0];
  }
  return Fail(ErrorKind::kInvalid,
              "delimiter must be one ASCII character other than a quote or a line end (\\t for a tab)");
}

Status ParseTypes(std::string_view text, std::map<std::string, std::string>& types) {
  auto parsed = ParseJson(text);
  if (!parsed) return Fail(std::move(parsed.error()).In("types"));
  if (!parsed->is_object())
    return Fail(ErrorKind::kInvalid,
                "types must be a JSON object of column names and types, as in {{\"zip\":\"VARCHAR\"}}");
  for (const auto& [column, type] : parsed->get_object()) {
    if (!type.is_string())
      return Fail(ErrorKind::kInvalid, "types: the type of \"{}\" must be a string", std::string_view(column));
    types.emplace(std::string(column), std::string(type.get_string()));
  }
  return {};
}

Result<SourceCompression> ParseContentEncoding(const Request& request) {
  const std::string* header = request.header("Content-Encoding");
  if (header == nullptr) return SourceCompression::kNone;
  const std::string encoding = AsciiLower(*header);
  if (encoding == "identity") return SourceCompression::kNone;
  if (encoding == "gzip" || encoding == "x-gzip") return SourceCompression::kGzip;
  if (encoding == "zstd") return SourceCompression::kZstd;
  return Fail(ErrorKind::kUnsupportedMedia, "Content-Encoding \"{}\" is not supported: use gzip, zstd or none",
              *header);
}

Result<IngestRequest> ParseQuery(const Request& request) {
  LH_TRY(request.OnlyQuery({"name", "mode", "duplicates", "delimiter", "header", "encoding", "types"}));
  IngestRequest ingest;
  const std::string* name = request.query("name");
  if (name == nullptr || name->empty())
    return Fail(ErrorKind::kInvalid, "name is missing: say which dataset, as in ?name=trips");
  ingest.name = *name;
  if (const std::string* mode = request.query("mode")) {
    LH_ASSIGN(ingest.mode, service::ParseWriteMode(*mode));
  }
  if (const std::string* duplicates = request.query("duplicates")) {
    LH_ASSIGN(ingest.allow_duplicates, ParseFlag("duplicates", *duplicates));
  }
  if (const std::string* delimiter = request.query("delimiter")) {
    LH_ASSIGN(ingest.delimiter, ParseDelimiter(*delimiter));
  }
  if (const std::string* header = request.query("header")) {
    LH_ASSIGN(ingest.header, ParseFlag("header", *header));
  }
  if (const std::string* encoding = request.query("encoding")) {
    const std::string lower = AsciiLower(*encoding);
    if (lower == "latin1" || lower == "latin-1" || lower == "iso-8859-1") {
      ingest.encoding = service::SourceEncoding::kLatin1;
    } else if (lower != "utf-8" && lower != "utf8") {
      return Fail(ErrorKind::kInvalid, "encoding must be utf-8 or latin1, not \"{}\"", *encoding);
    }
  }
  if (const std::string* types = request.query("types")) LH_TRY(ParseTypes(*types, ingest.types));
  LH_ASSIGN(ingest.compression, ParseContentEncoding(request));
  return ingest;
}

// What a file part of a form is: its own Content-Type, else its name's extension, else CSV.
void DescribePart(std::string_view content_type, std::string_view filename, IngestRequest& ingest) {
  std::string name = AsciiLower(filename);
  const auto cut = [&name](std::string_view extension) {
    if (!name.ends_with(extension)) return false;
    name.resize(name.size() - extension.size());
    return true;
  };
  if (ingest.compression == SourceCompression::kNone) {
    if (cut(".gz")) ingest.compression = SourceCompression::kGzip;
    if (cut(".zst")) ingest.compression = SourceCompression::kZstd;
  }
  ingest.format = SourceFormat::kCsv;
  if (cut(".ndjson") || cut(".jsonl")) ingest.format = SourceFormat::kNdjson;
  if (cut(".parquet")) ingest.format = SourceFormat::kParquet;
  if (const auto format = FormatOfMediaType(MediaType(content_type))) ingest.format = *format;
}

Result<service::IngestResult> RunRaw(service::Ingest& service, const RequestContext& context, Request& request,
                                     IngestRequest ingest, std::string_view content_type) {
  const std::string type = MediaType(content_type);
  const auto format = FormatOfMediaType(type);
  if (!format) {
    return Fail(
        ErrorKind::kUnsupportedMedia,
        "Content-Type \"{}\" is not supported: send text/csv, application/x-ndjson, application/vnd.apache.parquet, "
        "or a multipart/form-data with one file",
        type);
  }
  ingest.format = *format;
  if (type == "text/tab-separated-values" && request.query("delimiter") == nullptr) ingest.delimiter = '\t';
  return service.Run(context, ingest, request.body());
}

Result<service::IngestResult> RunForm(service::Ingest& service, const RequestContext& context, Request& request,
                                      IngestRequest ingest, std::string_view content_type) {
  LH_ASSIGN(const auto form, MultipartReader::Open(content_type, request.body()));
  LH_ASSIGN(const auto file, form->NextFile());
  DescribePart(file->content_type(), file->filename(), ingest);
  return service.Run(context, ingest, *file);
}

Status RunIngest(service::Ingest& service, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(IngestRequest ingest, ParseQuery(request));
  const std::string* header = request.header("Content-Type");
  const std::string content_type = header == nullptr ? "text/csv" : *header;
  const bool is_form = MediaType(content_type) == "multipart/form-data";
  LH_ASSIGN(const auto result, is_form ? RunForm(service, context, request, std::move(ingest), content_type)
                                       : RunRaw(service, context, request, std::move(ingest), content_type));
  return response.SendJson(result.existing ? 200 : 201, service::WriteIngestResult(result));
}

// The service may be nullptr as long as the route is not called.
void AddRoute(Router& router, service::Ingest* ingest, IngestRouteOptions options) {
  router.Add(
      {.method = "POST",
       .pattern = "/ingest",
       .handler = [ingest](const RequestContext& context, Request& request,
                           Response& response) { return RunIngest(*ingest, context, request, response); },
       .summary = "Turn a file into a dataset, or add it to one",
       .deadline = options.deadline,
       .doc = {.query = "name! mode:replace|append|create duplicates:allow|true|false delimiter header:true|false "
                        "encoding:utf-8|latin1 types",
               .headers = "Content-Encoding",
               .body = "text/csv bytes, multipart/form-data Upload, application/x-ndjson bytes, "
                       "application/vnd.apache.parquet bytes",
               .answers = "200 application/json Ingested, 201 application/json Ingested",
               .schemas = kIngestSchemas},
       .scope = auth::Scope::kWrite});
}

}  // namespace

void AddIngestRoutes(Router& router, service::Ingest& ingest, IngestRouteOptions options) {
  AddRoute(router, &ingest, options);
}
void DescribeIngestRoutes(Router& router) { AddRoute(router, nullptr, {}); }

}  // namespace lakehouse::http
