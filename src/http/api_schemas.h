// The JSON that routes take and give, as members of openapi.json's components/schemas: one text for each role's routes,
// worded as docs/contract.md does. What is not required may be absent.
#pragma once

#include <string_view>

namespace lakehouse::http {

inline constexpr std::string_view kStorageSchemas = R"json(
"Stored": {"type": "object", "required": ["key", "size", "etag"], "properties": {
  "key": {"type": "string"}, "size": {"type": "integer"}, "etag": {"type": "string"}}},
"ObjectPage": {"type": "object", "required": ["objects", "prefixes", "next_token", "truncated"], "properties": {
  "objects": {"type": "array", "items": {"type": "object", "required": ["key", "size", "etag", "last_modified"],
    "properties": {"key": {"type": "string"}, "size": {"type": "integer"}, "etag": {"type": "string"},
                   "last_modified": {"type": "string", "format": "date-time"}}}},
  "prefixes": {"type": "array", "items": {"type": "string"}},
  "next_token": {"type": ["string", "null"]}, "truncated": {"type": "boolean"}}}
)json";

inline constexpr std::string_view kCatalogSchemas = R"json(
"Column": {"type": "object", "required": ["name", "type"], "properties": {
  "name": {"type": "string"}, "type": {"type": "string", "description": "DuckDB's name of the type"},
  "nullable": {"type": ["boolean", "null"]}, "field_id": {"type": ["integer", "null"]}}},
"DataObject": {"type": "object", "required": ["key", "size", "rows"], "properties": {
  "key": {"type": "string"}, "size": {"type": "integer"}, "rows": {"type": "integer"},
  "stats": {"type": ["array", "null"], "items": {"type": "object", "properties": {
    "field_id": {"type": "integer"}, "null_count": {"type": "integer"},
    "min": {"type": ["string", "null"]}, "max": {"type": ["string", "null"]}}}}}},
"Register": {"type": "object", "required": ["name", "schema_fingerprint"], "properties": {
  "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,127}$"},
  "schema_fingerprint": {"type": "string", "minLength": 1},
  "schema": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/Column"}},
  "objects": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/DataObject"}},
  "row_count": {"type": ["integer", "null"], "minimum": 0}, "mode": {"enum": ["replace", "append", "create", null]},
  "commit_id": {"type": ["string", "null"]}, "source_sha256": {"type": ["string", "null"]},
  "allow_duplicate_source": {"type": ["boolean", "null"]},
  "brief": {"type": ["boolean", "null"], "description": "The answer to a commit that was made leaves the objects out"}}},
"Manifest": {"type": "object",
  "required": ["dataset_id", "name", "schema_fingerprint", "schema", "version", "seq", "row_count", "objects",
               "created_at", "updated_at"],
  "properties": {
    "dataset_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"},
    "schema_fingerprint": {"type": "string"},
    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Column"}},
    "version": {"type": "integer"}, "seq": {"type": "integer"}, "row_count": {"type": "integer"},
    "objects": {"type": "array", "items": {"$ref": "#/components/schemas/DataObject"}},
    "created_at": {"type": "string", "format": "date-time"},
    "updated_at": {"type": "string", "format": "date-time"}}},
"Registered": {"allOf": [{"$ref": "#/components/schemas/Manifest"}, {"type": "object",
  "required": ["existing", "replayed"],
  "properties": {"existing": {"type": "boolean"}, "replayed": {"type": "boolean"}}}]},
"ManifestPage": {"type": "object", "required": ["datasets", "next_token"], "properties": {
  "datasets": {"type": "array", "items": {"$ref": "#/components/schemas/Manifest"}},
  "next_token": {"type": ["string", "null"]}}},
"Snapshots": {"type": "object", "required": ["snapshots"], "properties": {"snapshots": {"type": "array", "items": {
  "type": "object", "required": ["version", "seq", "row_count", "committed_at", "mode", "source_sha256", "pinned"],
  "properties": {
    "version": {"type": "integer"}, "seq": {"type": "integer"}, "row_count": {"type": "integer"},
    "committed_at": {"type": "string", "format": "date-time"},
    "mode": {"type": "string", "enum": ["replace", "append"]},
    "source_sha256": {"type": ["string", "null"]}, "pinned": {"type": "boolean"}}}}}},
"Epoch": {"type": "object", "required": ["seq"], "properties": {"seq": {"type": "integer"}}},
"Collect": {"type": "object", "properties": {
  "dry_run": {"type": ["boolean", "null"], "default": true},
  "min_age": {"type": ["string", "null"], "pattern": "^[0-9]{1,4}(ms|s|m|h|d)$", "default": "24h"}}},
"Collected": {"type": "object", "required": ["removed", "bytes"], "properties": {
  "removed": {"type": "array", "items": {"type": "object", "required": ["key", "size", "why"], "properties": {
    "key": {"type": "string"}, "size": {"type": "integer"}, "why": {"type": "string"}}}},
  "bytes": {"type": "integer"}}}
)json";

// Stands for itself: a process that only ingests has no schemas of the catalog's.
inline constexpr std::string_view kIngestSchemas = R"json(
"Ingested": {"type": "object",
  "required": ["dataset_id", "name", "fingerprint", "version", "seq", "row_count", "rows_added", "columns", "objects",
               "existing", "replayed", "widened"],
  "properties": {
    "dataset_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}, "fingerprint": {"type": "string"},
    "version": {"type": "integer"}, "seq": {"type": "integer"}, "row_count": {"type": "integer"},
    "rows_added": {"type": "integer"},
    "columns": {"type": "array", "items": {"type": "object", "required": ["name", "type", "nullable"], "properties": {
      "name": {"type": "string"}, "type": {"type": "string"}, "nullable": {"type": "boolean"}}}},
    "objects": {"type": "array", "items": {"type": "object", "required": ["key", "size", "rows"], "properties": {
      "key": {"type": "string"}, "size": {"type": "integer"}, "rows": {"type": "integer"}}}},
    "existing": {"type": "boolean"}, "replayed": {"type": "boolean"},
    "widened": {"type": "array", "items": {"type": "object", "required": ["column", "from", "to", "line"],
      "properties": {"column": {"type": "string"}, "from": {"type": "string"}, "to": {"type": "string"},
                     "line": {"type": "integer"}}}},
    "source_bytes": {"type": "integer"}, "seconds": {"type": "number"}}},
"Upload": {"type": "object", "minProperties": 1, "maxProperties": 1,
  "additionalProperties": {"type": "string", "contentMediaType": "application/octet-stream"},
  "description": "One file field, of any name"}
)json";

inline constexpr std::string_view kQuerySchemas = R"json(
"Query": {"type": "object", "required": ["sql"], "properties": {
  "sql": {"type": "string"}, "params": {"type": "array", "items": {}},
  "param_types": {"type": "array", "items": {"type": ["string", "null"]},
    "description": "Of which type the text of a parameter is, as CAST reads it: DECIMAL(18,2), DATE, ..."},
  "timeout_ms": {"type": "integer", "minimum": 1}, "at_seq": {"type": "integer", "minimum": 0}}},
"Rows": {"type": "object", "required": ["columns", "rows", "row_count", "seq"], "properties": {
  "columns": {"type": "array", "items": {"type": "object", "required": ["name", "type"], "properties": {
    "name": {"type": "string"}, "type": {"type": "string"}}}},
  "rows": {"type": "array", "items": {"type": "array", "items": {}}},
  "row_count": {"type": "integer"}, "seq": {"type": "integer"}}}
)json";

inline constexpr std::string_view kHealthSchemas = R"json(
"Health": {"type": "object", "required": ["service", "status"], "properties": {
  "service": {"type": "string"}, "status": {"type": "string"}, "version": {"type": "string"}}}
)json";

inline constexpr std::string_view kVectorSchemas = R"json(
"CreateIndex": {"type": "object", "required": ["name", "dimension"], "additionalProperties": false, "properties": {
  "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,127}$"},
  "dimension": {"type": "integer", "minimum": 1, "maximum": 4096},
  "metric": {"enum": ["cosine", "l2", "dot", null]},
  "quantization": {"enum": ["sq8", "none", "bf16", "rabitq4", "rabitq1", null]},
  "m": {"type": ["integer", "null"], "minimum": 4, "maximum": 64},
  "ef_construction": {"type": ["integer", "null"], "minimum": 8, "maximum": 2000},
  "text_field": {"type": ["string", "null"], "maxLength": 256}}},
"RebuildIndex": {"type": "object", "additionalProperties": false, "properties": {
  "quantization": {"enum": ["sq8", "none", "bf16", "rabitq4", "rabitq1", null]},
  "m": {"type": "integer", "minimum": 4, "maximum": 64},
  "ef_construction": {"type": "integer", "minimum": 8, "maximum": 2000}}},
"Index": {"type": "object",
  "required": ["name", "dimension", "metric", "quantization", "m", "ef_construction", "length", "version", "bytes"],
  "properties": {
    "name": {"type": "string"}, "dimension": {"type": "integer"}, "metric": {"type": "string"},
    "quantization": {"type": "string"}, "m": {"type": "integer"}, "ef_construction": {"type": "integer"},
    "text_field": {"type": "string"}, "length": {"type": "integer"}, "version": {"type": "integer"}, "bytes": {"type": "integer"}}},
"Indexes": {"type": "object", "required": ["indexes"], "properties": {
  "indexes": {"type": "array", "items": {"$ref": "#/components/schemas/Index"}}}},
"Floats": {"type": "array", "items": {"type": "number"}},
"Item": {"type": "object", "required": ["id", "vector"], "properties": {
  "id": {"type": "string"}, "vector": {"$ref": "#/components/schemas/Floats"}, "metadata": {"type": ["object", "null"]}}},
"ListedItem": {"type": "object", "required": ["id"], "properties": {
  "id": {"type": "string"}, "vector": {"$ref": "#/components/schemas/Floats"}, "metadata": {"type": ["object", "null"]}}},
"AddItems": {"type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "properties": {
  "from": {"type": "object", "required": ["dataset"], "additionalProperties": false, "properties": {
    "dataset": {"type": "string"}, "version": {"type": "integer"}, "id": {"type": "string", "default": "id"},
    "vector": {"type": "string", "default": "vector"}, "text": {"type": "string"},
    "metadata": {"type": "array", "items": {"type": "string"}}}},
  "items": {"type": "array", "items": {"$ref": "#/components/schemas/NewItem"}}}},
"NewItem": {"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
  "id": {"type": "string"}, "vector": {"$ref": "#/components/schemas/Floats"}, "text": {"type": "string"},
  "metadata": {"type": ["object", "null"]}}},
"Added": {"type": "object", "required": ["added", "updated", "length", "version"], "properties": {
  "added": {"type": "integer"}, "updated": {"type": "integer"}, "length": {"type": "integer"},
  "version": {"type": "integer"}}},
"OneSearch": {"type": "object", "additionalProperties": false, "properties": {
  "text": {"type": "string"}, "fusion": {"type": "string", "enum": ["rrf"]},
  "vector": {"$ref": "#/components/schemas/Floats"}, "k": {"type": "integer", "minimum": 1, "maximum": 10000},
  "ef": {"type": "integer", "minimum": 1, "maximum": 100000}, "recall_target": {"type": "number"},
  "filter": {"type": ["object", "null"]}, "max_distance": {"type": "number"},
  "min_version": {"type": "integer", "minimum": 0}, "exact": {"type": "boolean"},
  "include": {"type": "array", "items": {"type": "string", "enum": ["metadata", "vector"]}}}},
"VectorSearch": {"anyOf": [{"$ref": "#/components/schemas/OneSearch"},
  {"type": "object", "required": ["searches"], "properties": {
    "searches": {"type": "array", "items": {"$ref": "#/components/schemas/OneSearch"}}}}]},
"Hits": {"type": "object", "required": ["results", "version"], "properties": {
  "results": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {
    "id": {"type": "string"}, "distance": {"type": "number"}, "score": {"type": "number"}, "metadata": {"type": ["object", "null"]},
    "vector": {"$ref": "#/components/schemas/Floats"}}}},
  "version": {"type": "integer"}}},
"SearchAnswer": {"anyOf": [{"$ref": "#/components/schemas/Hits"},
  {"type": "object", "required": ["answers"], "properties": {
    "answers": {"type": "array", "items": {"$ref": "#/components/schemas/Hits"}}}}]}
)json";

inline constexpr std::string_view kKeySchemas = R"json(
"CreateKey": {"type": "object", "required": ["name", "scope"], "additionalProperties": false, "properties": {
  "name": {"type": "string", "minLength": 1, "maxLength": 128},
  "scope": {"type": "string", "enum": ["read", "write", "admin"]},
  "rate": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000000,
    "description": "Calls a second; 0: the server's default"},
  "concurrency": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000000,
    "description": "Calls at once; 0: the server's default"},
  "expires": {"type": ["string", "null"], "pattern": "^[0-9]{1,4}(ms|s|m|h|d)$",
    "description": "After how long, as 30d; never when absent"}}},
"Key": {"type": "object", "required": ["id", "name", "scope", "rate", "concurrency", "created_at", "expires_at",
                                       "revoked_at"], "properties": {
  "id": {"type": "string"}, "name": {"type": "string"},
  "scope": {"type": "string", "enum": ["read", "write", "admin"]},
  "rate": {"type": "integer"}, "concurrency": {"type": "integer"},
  "created_at": {"type": "string", "format": "date-time"},
  "expires_at": {"type": ["string", "null"], "format": "date-time"},
  "revoked_at": {"type": ["string", "null"], "format": "date-time"}}},
"CreatedKey": {"allOf": [{"$ref": "#/components/schemas/Key"}, {"type": "object", "required": ["key"],
  "properties": {"key": {"type": "string", "description": "Shown this once"}}}]},
"Keys": {"type": "object", "required": ["keys"], "properties": {
  "keys": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}}}
)json";

}  // namespace lakehouse::http
