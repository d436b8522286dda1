// The messages of lakehouse.v1.Vectors and the service's own types, both ways. Pure; callable from any thread. Errors
// are kInvalid with the member "field".
#pragma once

#include "lakehouse/v1/vectors.pb.h"
#include "service/vector_load.h"
#include "service/vectors.h"

namespace lakehouse::rpc {

v1::Metric ToProto(vector::Metric metric);
v1::Quantization ToProto(vector::Quantization quantization);
void ToProto(const vector::IndexOptions& options, v1::IndexOptions& out);
Result<vector::IndexOptions> FromProto(const v1::IndexOptions& options);
void ToProto(const service::VectorIndexInfo& info, v1::IndexInfo& out);
Result<service::VectorIndexInfo> FromProto(const v1::IndexInfo& info);
void ToProto(const vector::RebuildOptions& options, v1::RebuildIndexRequest& out);
Result<vector::RebuildOptions> FromProto(const v1::RebuildIndexRequest& request);

void ToProto(const vector::StoredItem& item, v1::Item& out);
vector::StoredItem FromProto(const v1::Item& item);
// Items of an index with these options; where one has a text and no vector, its vector is still to be made. The rest is
// checked by service::Vectors::Add.
Result<vector::NewItems> FromProto(const vector::IndexOptions& options,
                                   const google::protobuf::RepeatedPtrField<v1::Item>& items);
void ToProto(const vector::Batch& batch, google::protobuf::RepeatedPtrField<v1::Item>& out);
void ToProto(const vector::Applied& applied, v1::AddItemsResponse& out);
vector::Applied FromProto(const v1::AddItemsResponse& response);

// One search for each vector, or one with only a text. `dimension` is the index's.
Result<vector::SearchesRequest> FromProto(const v1::SearchRequest& request, uint32_t dimension);
void ToProto(const vector::SearchRequest& request, v1::SearchRequest& out);
void ToProto(const vector::SearchAnswer& answer, const vector::SearchRequest& request, v1::SearchAnswer& out);
vector::SearchAnswer FromProto(const v1::SearchAnswer& answer);

void ToProto(const service::VectorSource& source, v1::LoadDatasetRequest& out);
Result<service::VectorSource> FromProto(const v1::LoadDatasetRequest& request);
void ToProto(const service::VectorsLoaded& loaded, v1::LoadDatasetResponse& out);
service::VectorsLoaded FromProto(const v1::LoadDatasetResponse& response);

}  // namespace lakehouse::rpc
