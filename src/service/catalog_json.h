// The catalog's types as JSON, exactly as docs/contract.md words them. Used by the routes and by the remote client, so
// both ends of the wire are one piece of code.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/json_value.h"
#include "base/result.h"
#include "catalog/types.h"

namespace lakehouse::service {

void AppendManifest(JsonWriter& json, const catalog::Manifest& manifest);
void AppendColumns(JsonWriter& json, const std::vector<catalog::Column>& columns);
void AppendObjects(JsonWriter& json, const std::vector<catalog::DataObject>& objects);
// Of the field `name`, and of "objects".
Result<std::vector<catalog::Column>> ParseColumns(const JsonFields& parent, std::string_view name);
Result<std::vector<catalog::DataObject>> ParseObjects(const JsonFields& parent);
Result<catalog::Manifest> ParseManifest(const boost::json::value& value);

std::string RegisterRequestJson(const catalog::RegisterRequest& request);
Result<catalog::RegisterRequest> ParseRegisterRequest(std::string_view body);
// The manifest's members plus "existing" (and "replayed").
std::string RegisterResultJson(const catalog::RegisterResult& result);
Result<catalog::RegisterResult> ParseRegisterResult(std::string_view body);

std::string ManifestPageJson(const catalog::ManifestPage& page);
Result<catalog::ManifestPage> ParseManifestPage(std::string_view body);
std::string SnapshotsJson(const std::vector<catalog::Snapshot>& snapshots);
Result<std::vector<catalog::Snapshot>> ParseSnapshots(std::string_view body);
std::string GcReportJson(const catalog::GcReport& report);
Result<catalog::GcReport> ParseGcReport(std::string_view body);
Result<catalog::GcRequest> ParseGcRequest(std::string_view body);

std::string_view WriteModeName(catalog::WriteMode mode);
Result<catalog::WriteMode> ParseWriteMode(std::string_view name);

}  // namespace lakehouse::service
