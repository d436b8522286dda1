// Messages of lakehouse.v1 and the services' own types, both ways: the server reads what a client of ours writes. Pure;
// callable from any thread. Errors are kInvalid with the member "field".
#pragma once

#include <google/protobuf/repeated_field.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "lakehouse/v1/catalog.pb.h"
#include "lakehouse/v1/ingest.pb.h"
#include "lakehouse/v1/storage.pb.h"
#include "rpc/status.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/storage.h"

namespace google::protobuf {
class Duration;
class Timestamp;
}  // namespace google::protobuf

namespace lakehouse::rpc {

// kInvalid for a field of the request; `detail` names it too, for people.
template <typename... Args>
std::unexpected<Error> BadField(std::string_view field, fmt::format_string<Args...> format, Args&&... args) {
  Error error{ErrorKind::kInvalid, fmt::format(format, std::forward<Args>(args)...), std::nullopt, {}};
  return std::unexpected(std::move(error).With(kFieldMember, field));
}

void SetTime(WallTime time, google::protobuf::Timestamp* out);
WallTime TimeOf(const google::protobuf::Timestamp& time);
void SetDuration(std::chrono::milliseconds duration, google::protobuf::Duration* out);
// Rounded up to milliseconds; negative or absurdly long ones are kInvalid.
Result<std::chrono::milliseconds> DurationOf(const google::protobuf::Duration& duration, std::string_view field);

v1::WriteMode ToProto(catalog::WriteMode mode);
Result<catalog::WriteMode> FromProto(v1::WriteMode mode);
void ToProto(const std::vector<catalog::Column>& columns, google::protobuf::RepeatedPtrField<v1::Column>& out);
std::vector<catalog::Column> FromProto(const google::protobuf::RepeatedPtrField<v1::Column>& columns);
void ToProto(const std::vector<catalog::DataObject>& objects, google::protobuf::RepeatedPtrField<v1::DataObject>& out);
std::vector<catalog::DataObject> FromProto(const google::protobuf::RepeatedPtrField<v1::DataObject>& objects);
void ToProto(const catalog::Manifest& manifest, v1::Manifest& out);
catalog::Manifest FromProto(const v1::Manifest& manifest);
void ToProto(const catalog::Snapshot& snapshot, v1::Snapshot& out);
Result<catalog::Snapshot> FromProto(const v1::Snapshot& snapshot);
void ToProto(const catalog::RegisterRequest& request, v1::RegisterRequest& out);
Result<catalog::RegisterRequest> FromProto(const v1::RegisterRequest& request);

void ToProto(const object::ObjectInfo& info, v1::ObjectInfo& out);
object::ObjectInfo FromProto(const v1::ObjectInfo& info);

Result<service::IngestRequest> FromProto(const v1::UploadOptions& options);
void ToProto(const service::IngestRequest& request, v1::UploadOptions& out);
void ToProto(const service::IngestResult& result, v1::UploadResponse& out);
service::IngestResult FromProto(const v1::UploadResponse& response);

}  // namespace lakehouse::rpc
