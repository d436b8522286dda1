// JSON, NDJSON and CSV: rows are put together in a buffer that goes out whenever it is full.
#include <string_view>
#include <vector>

#include "base/json.h"
#include "query/result_writer_internal.h"
#include "query/value_text.h"

namespace lakehouse::query {
namespace {

constexpr size_t kFlushBytes = size_t{256} << 10;

class TextWriter : public ResultWriter {
 public:
  TextWriter(ResultShape shape, ByteSink& sink) : shape_(std::move(shape)), sink_(sink) {
    for (const auto& type : shape_.types) columns_.push_back(ValueText::For(type));
  }

 protected:
  void Attach(duckdb::DataChunk& chunk) {
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i]->Attach(chunk.data[i], chunk.size());
  }
  Status FlushIfFull() { return out_.size() < kFlushBytes ? Status() : Flush(); }
  Status Flush() {
    if (out_.empty()) return {};
    LH_TRY(sink_.Write(out_));
    out_.clear();
    return {};
  }

  const ResultShape shape_;
  std::vector<std::unique_ptr<ValueText>> columns_;
  std::string out_;

 private:
  ByteSink& sink_;
};

class JsonResultWriter final : public TextWriter {
 public:
  using TextWriter::TextWriter;

  Status Begin() override {
    JsonWriter json(out_);
    json.BeginObject().Key("columns").BeginArray();
    for (size_t i = 0; i < shape_.names.size(); ++i) {
      json.BeginObject().Key("name").String(shape_.names[i]).Key("type").String(TypeName(shape_.types[i])).EndObject();
    }
    json.EndArray();
    out_.append(",\"rows\":[");
    return {};
  }

  Status Write(duckdb::DataChunk& chunk) override {
    Attach(chunk);
    for (duckdb::idx_t row = 0; row < chunk.size(); ++row) {
      if (!first_) out_.push_back(',');
      first_ = false;
      out_.push_back('[');
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) out_.push_back(',');
        columns_[i]->AppendJson(out_, row);
      }
      out_.push_back(']');
      LH_TRY(FlushIfFull());
    }
    return {};
  }

  Status End(uint64_t rows) override {
    out_.append("],\"row_count\":");
    AppendUint(out_, rows);
    out_.append(",\"seq\":");
    AppendUint(out_, shape_.seq.value);
    out_.append("}\n");
    return Flush();
  }

 private:
  bool first_ = true;
};

class NdjsonResultWriter final : public TextWriter {
 public:
  using TextWriter::TextWriter;

  Status Begin() override {
    for (const auto& name : shape_.names) {
      std::string key(keys_.empty() ? "{" : ",");
      AppendJsonString(key, name);
      keys_.push_back(key + ":");
    }
    return {};
  }

  Status Write(duckdb::DataChunk& chunk) override {
    Attach(chunk);
    for (duckdb::idx_t row = 0; row < chunk.size(); ++row) {
      for (size_t i = 0; i < columns_.size(); ++i) {
        out_.append(keys_[i]);
        columns_[i]->AppendJson(out_, row);
      }
      out_.append("}\n");
      LH_TRY(FlushIfFull());
    }
    return {};
  }

  Status End(uint64_t) override { return Flush(); }

 private:
  std::vector<std::string> keys_;
};

// RFC 4180 with LF as COPY of DuckDB writes it.
class CsvResultWriter final : public TextWriter {
 public:
  using TextWriter::TextWriter;

  Status Begin() override {
    for (size_t i = 0; i < shape_.names.size(); ++i) {
      if (i > 0) out_.push_back(',');
      const size_t start = out_.size();
      out_.append(shape_.names[i]);
      QuoteFrom(start);
    }
    out_.push_back('\n');
    return {};
  }

  Status Write(duckdb::DataChunk& chunk) override {
    Attach(chunk);
    for (duckdb::idx_t row = 0; row < chunk.size(); ++row) {
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) out_.push_back(',');
        if (columns_[i]->IsNull(row)) continue;
        const size_t start = out_.size();
        columns_[i]->AppendText(out_, row);
        QuoteFrom(start);
      }
      out_.push_back('\n');
      LH_TRY(FlushIfFull());
    }
    return {};
  }

  Status End(uint64_t) override { return Flush(); }

 private:
  // Quotes the field that begins at `start` if it needs it: an empty one would read as NULL.
  void QuoteFrom(size_t start) {
    const std::string_view field(out_.data() + start, out_.size() - start);
    if (!field.empty() && field.find_first_of(",\"\r\n") == std::string_view::npos) return;
    std::string quoted("\"");
    for (const char c : field) {
      if (c == '"') quoted.push_back('"');
      quoted.push_back(c);
    }
    quoted.push_back('"');
    out_.replace(start, std::string::npos, quoted);
  }
};

}  // namespace

std::unique_ptr<ResultWriter> MakeTextWriter(ResultFormat format, ResultShape shape, ByteSink& sink) {
  switch (format) {
    case ResultFormat::kNdjson:
      return std::make_unique<NdjsonResultWriter>(std::move(shape), sink);
    case ResultFormat::kCsv:
      return std::make_unique<CsvResultWriter>(std::move(shape), sink);
    default:
      return std::make_unique<JsonResultWriter>(std::move(shape), sink);
  }
}

}  // namespace lakehouse::query
