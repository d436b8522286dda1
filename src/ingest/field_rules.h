// Which types a field's text fits, and its value as one of them (docs/using.md, "Types"). Pure; callable from any
// thread.
//
// A type fits only when the text comes back from the typed value as the same value: anything ambiguous is VARCHAR.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::ingest {

enum class ColumnType : uint8_t { kBoolean, kBigint, kDouble, kDate, kTimestamp, kTimestampTz, kVarchar };
inline constexpr int kColumnTypes = 7;

// DuckDB's names: BOOLEAN, BIGINT, DOUBLE, DATE, TIMESTAMP, "TIMESTAMP WITH TIME ZONE", VARCHAR.
std::string_view TypeName(ColumnType type);
// Takes TIMESTAMPTZ as well, in any case.
std::optional<ColumnType> ParseTypeName(std::string_view name);

// A set of types, one bit each. Every text fits VARCHAR.
using TypeSet = uint8_t;
constexpr TypeSet Bit(ColumnType type) { return static_cast<TypeSet>(1U << static_cast<unsigned>(type)); }
inline constexpr TypeSet kAllTypes = (1U << kColumnTypes) - 1;

// The types that `text` fits. REQUIRES: not NULL; the empty string fits VARCHAR alone.
TypeSet TypesOf(std::string_view text);
// Whether `text` fits `type`; cheaper than TypesOf where the answer is yes.
bool Fits(std::string_view text, ColumnType type);
// The narrowest type of a column whose values all fit `types`.
ColumnType Narrowest(TypeSet types);
// What a text looks like, for messages that must not repeat it: "an integer", "text".
std::string_view KindOf(std::string_view text);

// Values. REQUIRES: the text fits the type.
bool ParseBoolean(std::string_view text);
int64_t ParseBigint(std::string_view text);
double ParseDouble(std::string_view text);
int32_t ParseDate(std::string_view text);       // days since 1970-01-01
int64_t ParseTimestamp(std::string_view text);  // microseconds since 1970-01-01T00:00:00, in UTC for one with an offset

}  // namespace lakehouse::ingest
