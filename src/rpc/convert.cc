#include "rpc/convert.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

namespace lakehouse::rpc {
namespace {

constexpr int64_t kMicrosInSecond = 1'000'000;
constexpr int64_t kMaxSeconds = int64_t{366} * 24 * 3600 * 1000;

Result<char> DelimiterOf(const std::string& text) {
  if (text.empty()) return ',';
  const char c = text[0];
  const bool fits = text.size() == 1 && c != '"' && c != '\r' && c != '\n' && c != '\0' && (c & 0x80) == 0;
  if (fits) return c;
  return BadField("options.delimiter", "delimiter must be one ASCII character other than a quote or a line end");
}

}  // namespace

void SetTime(WallTime time, google::protobuf::Timestamp* out) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  out->set_seconds(seconds.time_since_epoch().count());
  out->set_nanos(static_cast<int32_t>((time - seconds).count() * 1000));
}

WallTime TimeOf(const google::protobuf::Timestamp& time) {
  return WallTime(std::chrono::microseconds(time.seconds() * kMicrosInSecond + time.nanos() / 1000));
}

void SetDuration(std::chrono::milliseconds duration, google::protobuf::Duration* out) {
  out->set_seconds(duration.count() / 1000);
  out->set_nanos(static_cast<int32_t>(duration.count() % 1000 * 1'000'000));
}

Result<std::chrono::milliseconds> DurationOf(const google::protobuf::Duration& duration, std::string_view field) {
  if (duration.seconds() < 0 || duration.nanos() < 0 || duration.nanos() >= 1'000'000'000)
    return BadField(field, "{} must be a duration that is not negative", field);
  if (duration.seconds() > kMaxSeconds) return BadField(field, "{} is too long", field);
  return std::chrono::milliseconds(duration.seconds() * 1000 + (duration.nanos() + 999'999) / 1'000'000);
}

v1::WriteMode ToProto(catalog::WriteMode mode) {
  switch (mode) {
    case catalog::WriteMode::kReplace:
      return v1::WRITE_MODE_REPLACE;
    case catalog::WriteMode::kAppend:
      return v1::WRITE_MODE_APPEND;
    case catalog::WriteMode::kCreate:
      return v1::WRITE_MODE_CREATE;
  }
  return v1::WRITE_MODE_REPLACE;
}

Result<catalog::WriteMode> FromProto(v1::WriteMode mode) {
  switch (mode) {
    case v1::WRITE_MODE_UNSPECIFIED:
    case v1::WRITE_MODE_REPLACE:
      return catalog::WriteMode::kReplace;
    case v1::WRITE_MODE_APPEND:
      return catalog::WriteMode::kAppend;
    case v1::WRITE_MODE_CREATE:
      return catalog::WriteMode::kCreate;
    default:
      return BadField("mode", "mode {} is not one of WriteMode", static_cast<int>(mode));
  }
}

void ToProto(const std::vector<catalog::Column>& columns, google::protobuf::RepeatedPtrField<v1::Column>& out) {
  for (const catalog::Column& column : columns) {
    v1::Column& to = *out.Add();
    to.set_name(column.name);
    to.set_type(column.type);
    to.set_nullable(column.nullable);
    to.set_field_id(column.field_id);
  }
}

std::vector<catalog::Column> FromProto(const google::protobuf::RepeatedPtrField<v1::Column>& columns) {
  std::vector<catalog::Column> out;
  for (const v1::Column& column : columns)
    out.push_back({column.name(), column.type(), column.nullable(), column.field_id()});
  return out;
}

void ToProto(const std::vector<catalog::DataObject>& objects, google::protobuf::RepeatedPtrField<v1::DataObject>& out) {
  for (const catalog::DataObject& object : objects) {
    v1::DataObject& to = *out.Add();
    to.set_key(object.key);
    to.set_size(object.size);
    to.set_rows(object.rows);
    for (const catalog::ColumnStats& stats : object.stats) {
      v1::ColumnStats& one = *to.add_stats();
      one.set_field_id(stats.field_id);
      if (stats.null_count) one.set_null_count(*stats.null_count);
      if (stats.min) one.set_min(*stats.min);
      if (stats.max) one.set_max(*stats.max);
    }
  }
}

std::vector<catalog::DataObject> FromProto(const google::protobuf::RepeatedPtrField<v1::DataObject>& objects) {
  std::vector<catalog::DataObject> out;
  for (const v1::DataObject& object : objects) {
    catalog::DataObject& to = out.emplace_back();
    to.key = object.key();
    to.size = object.size();
    to.rows = object.rows();
    for (const v1::ColumnStats& stats : object.stats()) {
      catalog::ColumnStats& one = to.stats.emplace_back();
      one.field_id = stats.field_id();
      if (stats.has_null_count()) one.null_count = stats.null_count();
      if (stats.has_min()) one.min = stats.min();
      if (stats.has_max()) one.max = stats.max();
    }
  }
  return out;
}

void ToProto(const catalog::Manifest& manifest, v1::Manifest& out) {
  out.set_dataset_id(manifest.dataset_id);
  out.set_name(manifest.name);
  out.set_schema_fingerprint(manifest.schema_fingerprint);
  ToProto(manifest.schema, *out.mutable_schema());
  out.set_version(manifest.version.value);
  out.set_seq(manifest.seq.value);
  out.set_row_count(manifest.row_count);
  ToProto(manifest.objects, *out.mutable_objects());
  SetTime(manifest.created_at, out.mutable_created_at());
  SetTime(manifest.updated_at, out.mutable_updated_at());
}

catalog::Manifest FromProto(const v1::Manifest& manifest) {
  catalog::Manifest out;
  out.dataset_id = manifest.dataset_id();
  out.name = manifest.name();
  out.schema_fingerprint = manifest.schema_fingerprint();
  out.schema = FromProto(manifest.schema());
  out.version = DatasetVersion(manifest.version());
  out.seq = Seq(manifest.seq());
  out.row_count = manifest.row_count();
  out.objects = FromProto(manifest.objects());
  out.created_at = TimeOf(manifest.created_at());
  out.updated_at = TimeOf(manifest.updated_at());
  return out;
}

void ToProto(const catalog::Snapshot& snapshot, v1::Snapshot& out) {
  out.set_version(snapshot.version.value);
  out.set_seq(snapshot.seq.value);
  out.set_row_count(snapshot.row_count);
  SetTime(snapshot.committed_at, out.mutable_committed_at());
  out.set_mode(ToProto(snapshot.mode));
  out.set_source_sha256(snapshot.source_sha256);
  out.set_pinned(snapshot.pinned);
}

Result<catalog::Snapshot> FromProto(const v1::Snapshot& snapshot) {
  catalog::Snapshot out;
  out.version = DatasetVersion(snapshot.version());
  out.seq = Seq(snapshot.seq());
  out.row_count = snapshot.row_count();
  out.committed_at = TimeOf(snapshot.committed_at());
  LH_ASSIGN(out.mode, FromProto(snapshot.mode()));
  out.source_sha256 = snapshot.source_sha256();
  out.pinned = snapshot.pinned();
  return out;
}

void ToProto(const catalog::RegisterRequest& request, v1::RegisterRequest& out) {
  out.set_name(request.name);
  out.set_schema_fingerprint(request.schema_fingerprint);
  ToProto(request.schema, *out.mutable_schema());
  ToProto(request.objects, *out.mutable_objects());
  out.set_row_count(request.row_count);
  out.set_mode(ToProto(request.mode));
  out.set_commit_id(request.commit_id);
  out.set_source_sha256(request.source_sha256);
  out.set_refuse_duplicate_source(!request.allow_duplicate_source);
  out.set_brief(request.brief);
}

Result<catalog::RegisterRequest> FromProto(const v1::RegisterRequest& request) {
  catalog::RegisterRequest out;
  out.name = request.name();
  out.schema_fingerprint = request.schema_fingerprint();
  out.schema = FromProto(request.schema());
  out.objects = FromProto(request.objects());
  out.row_count = request.row_count();
  LH_ASSIGN(out.mode, FromProto(request.mode()));
  out.commit_id = request.commit_id();
  out.source_sha256 = request.source_sha256();
  out.allow_duplicate_source = !request.refuse_duplicate_source();
  out.brief = request.brief();
  return out;
}

void ToProto(const object::ObjectInfo& info, v1::ObjectInfo& out) {
  out.set_key(info.key);
  out.set_size(info.size);
  out.set_etag(info.etag);
  SetTime(info.last_modified, out.mutable_last_modified());
  out.set_content_type(info.content_type);
}

object::ObjectInfo FromProto(const v1::ObjectInfo& info) {
  return {info.key(), info.size(), info.etag(), TimeOf(info.last_modified()), info.content_type()};
}

namespace {

Result<service::SourceFormat> FormatOf(v1::SourceFormat format) {
  switch (format) {
    case v1::SOURCE_FORMAT_UNSPECIFIED:
    case v1::SOURCE_FORMAT_CSV:
      return service::SourceFormat::kCsv;
    case v1::SOURCE_FORMAT_NDJSON:
      return service::SourceFormat::kNdjson;
    case v1::SOURCE_FORMAT_PARQUET:
      return service::SourceFormat::kParquet;
    default:
      return BadField("options.format", "format {} is not one of SourceFormat", static_cast<int>(format));
  }
}

Result<service::SourceCompression> CompressionOf(v1::SourceCompression compression) {
  switch (compression) {
    case v1::SOURCE_COMPRESSION_UNSPECIFIED:
      return service::SourceCompression::kNone;
    case v1::SOURCE_COMPRESSION_GZIP:
      return service::SourceCompression::kGzip;
    case v1::SOURCE_COMPRESSION_ZSTD:
      return service::SourceCompression::kZstd;
    default:
      return BadField("options.compression", "compression {} is not one of SourceCompression",
                      static_cast<int>(compression));
  }
}

Result<service::SourceEncoding> EncodingOf(v1::SourceEncoding encoding) {
  switch (encoding) {
    case v1::SOURCE_ENCODING_UNSPECIFIED:
      return service::SourceEncoding::kUtf8;
    case v1::SOURCE_ENCODING_LATIN1:
      return service::SourceEncoding::kLatin1;
    default:
      return BadField("options.encoding", "encoding {} is not one of SourceEncoding", static_cast<int>(encoding));
  }
}

}  // namespace

Result<service::IngestRequest> FromProto(const v1::UploadOptions& options) {
  if (options.name().empty()) return BadField("options.name", "name is missing: say which dataset");
  service::IngestRequest out;
  out.name = options.name();
  LH_ASSIGN(out.mode, FromProto(options.mode()));
  out.allow_duplicates = options.allow_duplicates();
  LH_ASSIGN(out.format, FormatOf(options.format()));
  LH_ASSIGN(out.compression, CompressionOf(options.compression()));
  LH_ASSIGN(out.encoding, EncodingOf(options.encoding()));
  LH_ASSIGN(out.delimiter, DelimiterOf(options.delimiter()));
  out.header = !options.no_header();
  for (const auto& [column, type] : options.types()) out.types.emplace(column, type);
  return out;
}

namespace {

v1::SourceFormat FormatToProto(service::SourceFormat format) {
  switch (format) {
    case service::SourceFormat::kCsv:
      return v1::SOURCE_FORMAT_CSV;
    case service::SourceFormat::kNdjson:
      return v1::SOURCE_FORMAT_NDJSON;
    case service::SourceFormat::kParquet:
      return v1::SOURCE_FORMAT_PARQUET;
  }
  return v1::SOURCE_FORMAT_UNSPECIFIED;
}

v1::SourceCompression CompressionToProto(service::SourceCompression compression) {
  switch (compression) {
    case service::SourceCompression::kNone:
      break;
    case service::SourceCompression::kGzip:
      return v1::SOURCE_COMPRESSION_GZIP;
    case service::SourceCompression::kZstd:
      return v1::SOURCE_COMPRESSION_ZSTD;
  }
  return v1::SOURCE_COMPRESSION_UNSPECIFIED;
}

}  // namespace

void ToProto(const service::IngestRequest& request, v1::UploadOptions& out) {
  out.set_name(request.name);
  out.set_mode(ToProto(request.mode));
  out.set_allow_duplicates(request.allow_duplicates);
  out.set_format(FormatToProto(request.format));
  out.set_compression(CompressionToProto(request.compression));
  if (request.encoding == service::SourceEncoding::kLatin1) out.set_encoding(v1::SOURCE_ENCODING_LATIN1);
  out.set_delimiter(std::string(1, request.delimiter));
  out.set_no_header(!request.header);
  for (const auto& [column, type] : request.types) (*out.mutable_types())[column] = type;
}

void ToProto(const service::IngestResult& result, v1::UploadResponse& out) {
  out.set_dataset_id(result.dataset_id);
  out.set_name(result.name);
  out.set_fingerprint(result.fingerprint);
  out.set_version(result.version.value);
  out.set_seq(result.seq.value);
  out.set_row_count(result.row_count);
  out.set_rows_added(result.rows_added);
  ToProto(result.columns, *out.mutable_columns());
  ToProto(result.objects, *out.mutable_objects());
  out.set_existing(result.existing);
  out.set_replayed(result.replayed);
  for (const service::WidenedColumn& widened : result.widened) {
    v1::WidenedColumn& to = *out.add_widened();
    to.set_column(widened.column);
    to.set_from(widened.from);
    to.set_to(widened.to);
    to.set_line(widened.line);
  }
  out.set_source_bytes(result.source_bytes);
  out.set_seconds(static_cast<double>(result.took.count()) / 1e6);
}

service::IngestResult FromProto(const v1::UploadResponse& response) {
  service::IngestResult out;
  out.dataset_id = response.dataset_id();
  out.name = response.name();
  out.fingerprint = response.fingerprint();
  out.version = DatasetVersion(response.version());
  out.seq = Seq(response.seq());
  out.row_count = response.row_count();
  out.rows_added = response.rows_added();
  out.columns = FromProto(response.columns());
  out.objects = FromProto(response.objects());
  out.existing = response.existing();
  out.replayed = response.replayed();
  for (const v1::WidenedColumn& widened : response.widened())
    out.widened.push_back({widened.column(), widened.from(), widened.to(), widened.line()});
  out.source_bytes = response.source_bytes();
  out.took = std::chrono::microseconds(static_cast<int64_t>(response.seconds() * 1e6));
  return out;
}

}  // namespace lakehouse::rpc
