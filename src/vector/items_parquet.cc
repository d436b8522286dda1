#include "vector/items_parquet.h"

#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include "vector/items_arrow_internal.h"

namespace lakehouse::vector {
namespace {

constexpr int64_t kRowGroupRows = 65'536;

class ItemBuilders {
 public:
  explicit ItemBuilders(uint32_t dimension) : dimension_(dimension) {}

  Status Add(const ItemTable& items, Slot slot) {
    const std::string_view id = items.Id(slot);
    LH_TRY(FromArrow(ids_.Append(id.data(), static_cast<int32_t>(id.size()))));
    LH_TRY(FromArrow(vectors_.Append()));
    LH_TRY(FromArrow(values_->AppendValues(items.Vector(slot), dimension_)));
    const auto metadata = items.Metadata(slot);
    return FromArrow(metadata ? metadata_.Append(metadata->data(), static_cast<int32_t>(metadata->size()))
                              : metadata_.AppendNull());
  }

  Result<std::shared_ptr<arrow::Table>> Finish() {
    LH_ASSIGN(auto ids, FromArrow(ids_.Finish()));
    LH_ASSIGN(auto vectors, FromArrow(vectors_.Finish()));
    LH_ASSIGN(auto metadata, FromArrow(metadata_.Finish()));
    const auto schema = arrow::schema({arrow::field("id", arrow::utf8(), false),
                                       arrow::field("vector", arrow::list(arrow::float32()), false),
                                       arrow::field("metadata", arrow::utf8())});
    return arrow::Table::Make(schema, {ids, vectors, metadata});
  }

 private:
  const uint32_t dimension_;
  arrow::StringBuilder ids_, metadata_;
  std::shared_ptr<arrow::FloatBuilder> values_ = std::make_shared<arrow::FloatBuilder>();
  arrow::ListBuilder vectors_{arrow::default_memory_pool(), values_};
};

Result<std::string> WriteTable(const arrow::Table& table) {
  LH_ASSIGN(auto sink, FromArrow(arrow::io::BufferOutputStream::Create()));
  // Floats of embeddings hardly compress; ids and metadata do.
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(parquet::Compression::SNAPPY)
                              ->compression("vector.list.element", parquet::Compression::UNCOMPRESSED)
                              ->disable_dictionary("vector.list.element")
                              ->build();
  LH_TRY(FromArrow(parquet::arrow::WriteTable(table, arrow::default_memory_pool(), sink, kRowGroupRows, properties)));
  LH_ASSIGN(const auto buffer, FromArrow(sink->Finish()));
  return buffer->ToString();
}

}  // namespace

Result<std::string> EncodeItems(const IndexCapture& capture, Slot& from, size_t max_bytes) {
  constexpr size_t kPerItem = 16;
  ItemBuilders builders(capture.options.dimension);
  size_t bytes = 0;
  for (; from < capture.slots && bytes < max_bytes; ++from) {
    if (!capture.live.Test(from)) continue;
    LH_TRY(builders.Add(*capture.items, from));
    bytes += capture.options.dimension * sizeof(float) + capture.items->Record(from).size() + kPerItem;
  }
  if (bytes == 0) return std::string();
  LH_ASSIGN(const auto table, builders.Finish());
  return WriteTable(*table);
}

Result<Batch> DecodeItems(const IndexOptions& options, std::string_view bytes) {
  auto source = std::make_shared<arrow::io::BufferReader>(
      std::make_shared<arrow::Buffer>(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  LH_ASSIGN(auto reader, FromArrow(parquet::arrow::OpenFile(source, arrow::default_memory_pool())));
  LH_ASSIGN(const std::shared_ptr<arrow::Table> table, FromArrow(reader->ReadTable()));
  return BatchOf(options, *table);
}

}  // namespace lakehouse::vector
