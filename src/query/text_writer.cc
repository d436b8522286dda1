// JSON, NDJSON and CSV: a head, rows that are formatted chunk by chunk (ordered_formatter.h), a foot.
#include <string_view>
#include <vector>

#include "base/json.h"
#include "query/ordered_formatter.h"
#include "query/result_writer.h"
#include "query/value_text.h"

namespace lakehouse::query {
namespace {

std::vector<std::unique_ptr<ValueText>> MakeColumns(const ResultShape& shape) {
  std::vector<std::unique_ptr<ValueText>> columns;
  for (const auto& type : shape.types) columns.push_back(ValueText::For(type));
  return columns;
}

class ColumnFormatter : public RowFormatter {
 public:
  explicit ColumnFormatter(const ResultShape& shape) : columns_(MakeColumns(shape)) {}
  void Format(duckdb::DataChunk& chunk, TextBuffer& out) final {
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i]->Attach(chunk.data[i], chunk.size());
    for (duckdb::idx_t row = 0; row < chunk.size(); ++row) AppendRow(out, row);
  }

 protected:
  virtual void AppendRow(TextBuffer& out, duckdb::idx_t row) = 0;
  const std::vector<std::unique_ptr<ValueText>> columns_;
};

// Every row with a comma in front; the writer takes the first one away.
class JsonFormatter final : public ColumnFormatter {
 public:
  using ColumnFormatter::ColumnFormatter;

 private:
  void AppendRow(TextBuffer& out, duckdb::idx_t row) override {
    out.Append(",[");
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out.Push(',');
      columns_[i]->AppendJson(out, row);
    }
    out.Push(']');
  }
};

class NdjsonFormatter final : public ColumnFormatter {
 public:
  explicit NdjsonFormatter(const ResultShape& shape) : ColumnFormatter(shape) {
    for (const auto& name : shape.names) {
      std::string key(keys_.empty() ? "{" : ",");
      AppendJsonString(key, name);
      keys_.push_back(key + ":");
    }
  }

 private:
  void AppendRow(TextBuffer& out, duckdb::idx_t row) override {
    for (size_t i = 0; i < columns_.size(); ++i) {
      out.Append(keys_[i]);
      columns_[i]->AppendJson(out, row);
    }
    out.Append("}\n");
  }
  std::vector<std::string> keys_;
};

// A field of CSV (RFC 4180) from its text. An empty one is quoted: bare, it would read as NULL.
void AppendCsvField(TextBuffer& out, std::string_view field) {
  if (!field.empty() && field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.Append(field);
    return;
  }
  out.Push('"');
  for (const char c : field) {
    if (c == '"') out.Push('"');
    out.Push(c);
  }
  out.Push('"');
}

class CsvFormatter final : public ColumnFormatter {
 public:
  using ColumnFormatter::ColumnFormatter;

 private:
  void AppendRow(TextBuffer& out, duckdb::idx_t row) override {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out.Push(',');
      if (columns_[i]->IsNull(row)) continue;
      if (columns_[i]->IsPlain()) {
        columns_[i]->AppendText(out, row);
      } else {
        field_.Clear();
        columns_[i]->AppendText(field_, row);
        AppendCsvField(out, field_.view());
      }
    }
    out.Push('\n');
  }
  TextBuffer field_;
};

std::unique_ptr<RowFormatter> MakeFormatter(ResultFormat format, const ResultShape& shape) {
  switch (format) {
    case ResultFormat::kNdjson:
      return std::make_unique<NdjsonFormatter>(shape);
    case ResultFormat::kCsv:
      return std::make_unique<CsvFormatter>(shape);
    default:
      return std::make_unique<JsonFormatter>(shape);
  }
}

std::string Head(ResultFormat format, const ResultShape& shape) {
  std::string head;
  if (format == ResultFormat::kJson) {
    JsonWriter json(head);
    json.BeginObject().Key("columns").BeginArray();
    for (size_t i = 0; i < shape.names.size(); ++i) {
      json.BeginObject().Key("name").String(shape.names[i]).Key("type").String(TypeName(shape.types[i])).EndObject();
    }
    json.EndArray();
    head.append(",\"rows\":[");
  } else if (format == ResultFormat::kCsv) {
    TextBuffer names;
    for (const auto& name : shape.names) {
      if (names.size() > 0) names.Push(',');
      AppendCsvField(names, name);
    }
    names.Push('\n');
    head.assign(names.view());
  }
  return head;
}

// Gathers small writes, and drops the comma in front of the first row of JSON.
class GatheringSink final : public ByteSink {
 public:
  GatheringSink(ByteSink& sink, bool drop_first_comma) : sink_(sink), drop_first_comma_(drop_first_comma) {}
  void Hold(std::string_view text) { held_.append(text); }
  Status Write(std::string_view bytes) override {
    if (drop_first_comma_ && !bytes.empty()) {
      bytes.remove_prefix(1);
      drop_first_comma_ = false;
    }
    if (held_.size() + bytes.size() < kGatherBytes) {
      held_.append(bytes);
      return {};
    }
    LH_TRY(Flush());
    return sink_.Write(bytes);
  }
  Status Flush() {
    if (held_.empty()) return {};
    LH_TRY(sink_.Write(held_));
    held_.clear();
    return {};
  }

 private:
  static constexpr size_t kGatherBytes = size_t{64} << 10;
  ByteSink& sink_;
  bool drop_first_comma_;
  std::string held_;
};

class TextWriter final : public ResultWriter {
 public:
  TextWriter(ResultFormat format, ResultShape shape, ByteSink& sink)
      : format_(format),
        shape_(std::move(shape)),
        sink_(sink, format == ResultFormat::kJson),
        rows_([this] { return MakeFormatter(format_, shape_); }, shape_.helpers, sink_) {}

  Status Begin() override {
    sink_.Hold(Head(format_, shape_));
    return {};
  }
  Status Write(duckdb::unique_ptr<duckdb::DataChunk> chunk) override { return rows_.Add(std::move(chunk)); }
  Status End(uint64_t rows) override {
    LH_TRY(rows_.Finish());
    if (format_ == ResultFormat::kJson) {
      sink_.Hold(fmt::format("],\"row_count\":{},\"seq\":{}}}\n", rows, shape_.seq.value));
    }
    return sink_.Flush();
  }

 private:
  const ResultFormat format_;
  const ResultShape shape_;
  GatheringSink sink_;
  OrderedFormatter rows_;
};

}  // namespace

std::unique_ptr<ResultWriter> ResultWriter::Make(ResultFormat format, ResultShape shape, ByteSink& sink) {
  return std::make_unique<TextWriter>(format, std::move(shape), sink);
}

}  // namespace lakehouse::query
