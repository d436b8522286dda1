#include "ingest/table_import.h"

#include <gmock/gmock.h>

#include "ingest/import_test_target.h"

namespace lakehouse::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

Result<Imported> ImportText(std::string_view csv, const ImportOptions& options = {}) {
  return ImportedBy(
      [&](MemoryTarget& target) { return ImportCsv(RequestContext{}, csv, options, target, [](size_t, size_t) {}); });
}

ImportOptions SmallBlocks(size_t bytes, unsigned threads = 2) {
  ImportOptions options;
  options.block_bytes = bytes;
  options.threads = threads;
  return options;
}

using Row = std::vector<std::optional<std::string>>;

// RFC 4180 byte by byte, for files that are well formed: what the block reader is held against.
std::vector<Row> OracleRows(std::string_view csv) {
  std::vector<Row> rows;
  Row row;
  std::string text;
  bool quoted = false, was_quoted = false, any = false;
  const auto end_field = [&] {
    row.push_back(text.empty() && !was_quoted ? std::nullopt : std::optional(text));
    text.clear();
    was_quoted = false;
  };
  for (size_t i = 0; i < csv.size(); ++i) {
    const char c = csv[i];
    any = true;
    if (quoted) {
      if (c != '"') {
        text.push_back(c);
      } else if (i + 1 < csv.size() && csv[i + 1] == '"') {
        text.push_back('"');
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = was_quoted = true;
    } else if (c == ',') {
      end_field();
    } else if (c == '\n' || (c == '\r' && i + 1 < csv.size() && csv[i + 1] == '\n')) {
      if (c == '\r') ++i;
      end_field();
      rows.push_back(std::move(row));
      row.clear();
      any = false;
    } else {
      text.push_back(c);
    }
  }
  if (any) {
    end_field();
    rows.push_back(std::move(row));
  }
  return rows;
}

// A cell of the read-back table against the text that it came from.
bool SameValue(const arrow::Scalar& value, const std::optional<std::string>& text, ColumnType type) {
  if (!text || !value.is_valid) return !text && !value.is_valid;
  switch (type) {
    case ColumnType::kBoolean:
      return static_cast<const arrow::BooleanScalar&>(value).value == ParseBoolean(*text);
    case ColumnType::kBigint:
      return std::to_string(static_cast<const arrow::Int64Scalar&>(value).value) == *text;
    case ColumnType::kDouble:
      return static_cast<const arrow::DoubleScalar&>(value).value == std::strtod(text->c_str(), nullptr);
    case ColumnType::kDate:
      return value.ToString() == *text;
    case ColumnType::kTimestamp:
    case ColumnType::kTimestampTz:
      return static_cast<const arrow::TimestampScalar&>(value).value == ParseTimestamp(*text);
    case ColumnType::kVarchar:
      return static_cast<const arrow::BaseBinaryScalar&>(value).view() == *text;
  }
  return false;
}

void ExpectSameValues(std::string_view csv, const Imported& imported) {
  const auto rows = OracleRows(csv);
  const auto table = ReadParquet(imported.bytes);
  ASSERT_NE(table, nullptr);
  ASSERT_EQ(static_cast<size_t>(table->num_rows()), rows.size() - 1);
  for (int c = 0; c < table->num_columns(); ++c) {
    EXPECT_EQ(table->field(c)->name(), rows[0][static_cast<size_t>(c)]);
    for (int64_t r = 0; r < table->num_rows(); ++r) {
      const auto& text = rows[static_cast<size_t>(r) + 1][static_cast<size_t>(c)];
      const auto scalar = table->column(c)->GetScalar(r).ValueOrDie();
      ASSERT_TRUE(SameValue(*scalar, text, imported.schema.columns[static_cast<size_t>(c)].type))
          << "row " << r << " column " << c << ": " << scalar->ToString() << " from " << text.value_or("NULL");
    }
  }
}

TEST(TableImport, EveryTypeComesBack) {
  const std::string csv =
      "b,i,d,day,at,atz,t\n"
      "true,-1,1.50,2026-01-31,2026-01-31 10:00:00.25,2026-01-31T10:00:00+02:00,00123\n"
      ",,,,,,\n"
      "FALSE,9223372036854775807,2,1969-12-31,1969-12-31T23:59:59,2026-01-31T10:00:00Z,\"\"\n";
  const auto imported = ImportText(csv);
  ASSERT_TRUE(imported.has_value()) << imported.error().detail;
  EXPECT_THAT(imported->types(),
              ElementsAre("BOOLEAN", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR"));
  ExpectSameValues(csv, *imported);
}

TEST(TableImport, QuotesLinesAndTheByteOrderMark) {
  const std::string csv = "\xEF\xBB\xBF\"a,x\",b\r\n\"one\ntwo\",\" kept \"\r\n\"say \"\"hi\"\"\", kept \r\n";
  const auto imported = ImportText(csv);
  ASSERT_TRUE(imported.has_value()) << imported.error().detail;
  ExpectSameValues(csv.substr(3), *imported);
}

TEST(TableImport, HeaderAloneHasNoRows) {
  for (const auto* csv : {"a,b", "a,b\n", "a,b\r\n"}) {
    const auto imported = ImportText(csv);
    ASSERT_TRUE(imported.has_value()) << imported.error().detail;
    EXPECT_THAT(imported->types(), ElementsAre("VARCHAR", "VARCHAR"));
    EXPECT_EQ(ReadParquet(imported->bytes)->num_rows(), 0);
  }
}

TEST(TableImport, WithoutAHeaderColumnsAreNumbered) {
  ImportOptions options;
  options.csv.header = false;
  const auto imported = ImportText("1,x\n2,y\n", options);
  ASSERT_TRUE(imported.has_value()) << imported.error().detail;
  EXPECT_EQ(imported->schema.columns[1].name, "column1");
  EXPECT_EQ(ReadParquet(imported->bytes)->num_rows(), 2);
}

TEST(TableImport, AValueFarIntoTheFileWidensItsColumn) {
  std::string csv = "n,m,t\n";
  for (int i = 0; i < 2000; ++i) csv += fmt::format("{},{},2026-01-31\n", i, i);
  csv += "1.5,9007199254740993,x\n";
  const auto imported = ImportText(csv, SmallBlocks(1024));
  ASSERT_TRUE(imported.has_value()) << imported.error().detail;
  EXPECT_THAT(imported->types(), ElementsAre("DOUBLE", "BIGINT", "VARCHAR"));
  ASSERT_EQ(imported->schema.widened.size(), 2U);
  EXPECT_EQ(imported->schema.widened[0].column, "n");
  EXPECT_EQ(imported->schema.widened[0].from, ColumnType::kBigint);
  EXPECT_EQ(imported->schema.widened[0].to, ColumnType::kDouble);
  EXPECT_EQ(imported->schema.widened[0].line, 2002U);
  ExpectSameValues(csv, *imported);
}

TEST(TableImport, AnIntegerPastDoubleAndADecimalMakeText) {
  const std::string csv = "n\n9007199254740993\n1.5\n";
  const auto imported = ImportText(csv);
  ASSERT_TRUE(imported.has_value()) << imported.error().detail;
  EXPECT_THAT(imported->types(), ElementsAre("VARCHAR"));
  ExpectSameValues(csv, *imported);
}

TEST(TableImport, TypesGivenByTheSender) {
  ImportOptions options;
  options.types = {{"zip", "VARCHAR"}, {"n", "double"}};
  const auto imported = ImportText("zip,n\n123,1\n", options);
  ASSERT_TRUE(imported.has_value()) << imported.error().detail;
  EXPECT_THAT(imported->types(), ElementsAre("VARCHAR", "DOUBLE"));

  options.types = {{"n", "BIGINT"}};
  const auto misfit = ImportText("zip,n\n1,1\n2,secret\n", options);
  ASSERT_FALSE(misfit.has_value());
  EXPECT_EQ(misfit.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(misfit.error().members, testing::IsSupersetOf({Pair("line", "3"), Pair("column", "n")}));
  EXPECT_THAT(misfit.error().detail, testing::Not(HasSubstr("secret")));

  options.types = {{"other", "BIGINT"}};
  EXPECT_THAT(ImportText("zip,n\n1,1\n", options).error().detail, HasSubstr("\"other\""));
  options.types = {{"n", "INTEGER"}};
  EXPECT_THAT(ImportText("zip,n\n1,1\n", options).error().detail, HasSubstr("INTEGER"));
}

TEST(TableImport, IntoAnExistingDataset) {
  ImportOptions options;
  options.existing = {{"a", ColumnType::kDouble, 3}, {"b", ColumnType::kVarchar, 7}};
  const auto imported = ImportText("a,b\n1,2\n,\n", options);
  ASSERT_TRUE(imported.has_value()) << imported.error().detail;
  EXPECT_THAT(imported->types(), ElementsAre("DOUBLE", "VARCHAR"));
  EXPECT_EQ(imported->schema.columns[1].field_id, 7);

  for (const auto* csv : {"a,b\n1,2\nx,3\n", "b,a\n1,2\n", "a\n1\n", "a,b,c\n1,2,3\n"}) {
    const auto drift = ImportText(csv, options);
    ASSERT_FALSE(drift.has_value()) << csv;
    EXPECT_EQ(drift.error().kind, ErrorKind::kConflict) << csv;
  }
  EXPECT_THAT(ImportText("a,b\n1,2\nx,3\n", options).error().members,
              testing::IsSupersetOf({Pair("line", "3"), Pair("column", "a")}));
}

struct Bad {
  std::string csv;
  std::string says;
};

TEST(TableImport, MalformedFilesAreRefused) {
  const std::vector<Bad> all = {
      {"", "empty"},
      {"\xEF\xBB\xBF", "empty"},
      {"a,a\n1,2\n", "twice"},
      {"a,A\n1,2\n", "twice"},
      {"a,\n1,2\n", "empty"},
      {"a,b\n1\n", "line 2"},
      {"a,b\n1,2,3\n", "line 2"},
      {"a,b\n1,2\n\n3,4\n", "line 3"},
      {"a,b\n1,x\"y\n", "line 2, column 2"},
      {"a,b\n\"x\"y,2\n", "line 2, column 1"},
      {"a,b\n\"x\" ,2\n", "line 2, column 1"},
      {"a,b\n1,\"open\n", "line 2"},
      {"a\n\xFF\n", "byte 2"},
      {"a\n1\xC3", "byte 3"},
  };
  for (const Bad& bad : all) {
    const auto imported = ImportText(bad.csv);
    ASSERT_FALSE(imported.has_value()) << bad.csv;
    EXPECT_EQ(imported.error().kind, ErrorKind::kInvalid) << bad.csv;
    EXPECT_THAT(imported.error().detail, HasSubstr(bad.says)) << bad.csv;
  }
}

TEST(TableImport, LimitsAreNamed) {
  std::string wide = "c0";
  for (int i = 1; i <= 10'000; ++i) wide += fmt::format(",c{}", i);
  EXPECT_THAT(ImportText(wide + "\n").error().detail, HasSubstr("10000"));
  const std::string huge = "a\n" + std::string(kMaxFieldBytes + 1, 'x') + "\n";
  EXPECT_THAT(ImportText(huge).error().detail, HasSubstr(std::to_string(kMaxFieldBytes)));
  EXPECT_TRUE(ImportText("a\n" + std::string(kMaxFieldBytes, 'x') + "\n").has_value());
}

// A file that is one open quote must cost one look at it, not one a block.
TEST(TableImport, AQuoteThatNeverEndsIsFoundInTime) {
  const std::string csv = "a\n\"" + std::string(size_t{32} << 20, '\n');
  const auto imported = ImportText(csv, SmallBlocks(1024));
  ASSERT_FALSE(imported.has_value());
  EXPECT_EQ(imported.error().kind, ErrorKind::kInvalid);
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  size_t Below(size_t limit) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(state_ >> 33) % limit;
  }

 private:
  uint64_t state_;
};

std::string RandomValue(Random& random, size_t kind) {
  switch (kind) {
    case 0:
      return std::to_string(static_cast<int64_t>(random.Below(2000)) - 1000);
    case 1:
      return fmt::format("{}.{}", random.Below(1000), random.Below(100));
    case 2:
      return random.Below(2) == 0 ? "true" : "False";
    case 3:
      return fmt::format("2025-{:02}-{:02}", 1 + random.Below(13), 1 + random.Below(31));
    case 4:
      return fmt::format("2025-{:02}-{:02} {:02}:00:00", 1 + random.Below(12), 1 + random.Below(28), random.Below(25));
    case 5:
      return fmt::format("2025-01-{:02}T00:00:00+0{}:00", 1 + random.Below(28), random.Below(9));
    case 6:
      return fmt::format("{:05}", random.Below(100000));
    case 7:
      return fmt::format("{}e{}", random.Below(1000), static_cast<int>(random.Below(40)) - 20);
    case 8:
      return std::to_string(9'007'199'254'740'000 + random.Below(2000));
    default:
      break;
  }
  constexpr std::string_view kAlphabet = "ab,\"\n\r \xC3\xA9;";
  std::string text;
  for (size_t i = random.Below(12); i > 0; --i) {
    const char c = kAlphabet[random.Below(kAlphabet.size())];
    text += static_cast<unsigned char>(c) >= 0x80 ? std::string("\xC3\xA9") : std::string(1, c);
  }
  return text;
}

std::string RandomCsv(Random& random) {
  const size_t columns = 1 + random.Below(6), rows = random.Below(120);
  const std::string line_end = random.Below(2) == 0 ? "\n" : "\r\n";
  std::vector<size_t> kinds;
  std::string csv;
  for (size_t c = 0; c < columns; ++c) {
    kinds.push_back(random.Below(11));
    csv += (c == 0 ? "" : ",") + fmt::format("c{}", c);
  }
  for (size_t r = 0; r < rows; ++r) {
    csv += line_end;
    for (size_t c = 0; c < columns; ++c) {
      if (c > 0) csv += ',';
      const size_t odd = random.Below(60);
      if (odd < 5) {
        // A single column's last NULL would be no line at all.
        if (columns == 1 && r + 1 == rows) csv += "\"\"";
        continue;
      }
      std::string text = RandomValue(random, odd == 5 ? random.Below(11) : kinds[c]);
      if (text.empty() || text.find_first_of(",\"\n\r") != std::string::npos || random.Below(10) == 0) {
        std::string doubled;
        for (const char ch : text) doubled += ch == '"' ? std::string("\"\"") : std::string(1, ch);
        text = "\"" + doubled + "\"";
      }
      csv += text;
    }
  }
  if (random.Below(2) == 0) csv += line_end;
  return csv;
}

// Any CSV comes back value for value, and neither threads nor the way it is cut change its types.
TEST(TableImport, AnyFileComesBack) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const std::string csv = RandomCsv(random);
    const auto imported = ImportText(csv, SmallBlocks(64 + random.Below(400)));
    ASSERT_TRUE(imported.has_value()) << "seed " << seed << ": " << imported.error().detail << "\n" << csv;
    ExpectSameValues(csv, *imported);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed << "\n" << csv;
    const auto whole = ImportText(csv);
    ASSERT_TRUE(whole.has_value()) << "seed " << seed;
    EXPECT_EQ(imported->types(), whole->types()) << "seed " << seed << "\n" << csv;
    EXPECT_EQ(imported->schema.widened.size(), whole->schema.widened.size()) << "seed " << seed << "\n" << csv;
  }
}

TEST(TableImport, BytesDoNotDependOnThreads) {
  std::string csv = "id,zone,fare,at\n";
  for (int i = 0; i < 20'000; ++i)
    csv += fmt::format("{},\"Zone {}, N\",{}.5,2026-01-31 10:00:{:02}\n", i, i % 50, i % 90, i % 60);
  csv += "x,,,\n";
  const auto one = ImportText(csv, SmallBlocks(10'000, 1));
  ASSERT_TRUE(one.has_value()) << one.error().detail;
  for (const unsigned threads : {2U, 5U}) {
    const auto more = ImportText(csv, SmallBlocks(10'000, threads));
    ASSERT_TRUE(more.has_value());
    EXPECT_TRUE(one->bytes == more->bytes) << threads;
  }
  EXPECT_EQ(one->types()[0], "VARCHAR");
}

TEST(TableImport, StopsWhenTheClientIsGone) {
  std::stop_source stop;
  stop.request_stop();
  RequestContext context;
  context.cancelled = stop.get_token();
  MemoryTarget target;
  const Status status = ImportCsv(context, "a\n1\n", {}, target, [](size_t, size_t) {});
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace lakehouse::ingest
