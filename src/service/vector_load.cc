#include "service/vector_load.h"

#include <algorithm>
#include <tuple>

#include "base/file.h"
#include "base/hash.h"
#include "base/json_value.h"

namespace lakehouse::service {
namespace {

constexpr size_t kBatchRows = 5000;
constexpr size_t kBatchBytes = size_t{8} << 20;
constexpr size_t kCopyBytes = 256 << 10;

Result<FileDescriptor> Spooled(object::ObjectStore& store, const RequestContext& context, const std::string& key,
                               const std::filesystem::path& folder) {
  LH_ASSIGN(auto file, OpenTemporaryFile(folder));
  LH_ASSIGN(const auto reader, store.Get(context, key, {}));
  std::string piece(kCopyBytes, '\0');
  while (true) {
    LH_TRY(context.Check("the load"));
    LH_ASSIGN(const size_t read, reader->Read(piece));
    if (read == 0) return file;
    LH_TRY(WriteFully(file.get(), std::string_view(piece).substr(0, read)));
  }
}

Error InRow(Error error, const catalog::Manifest& manifest, uint64_t number) {
  return std::move(error).In(
      fmt::format("dataset \"{}\" version {}, row {}", manifest.name, manifest.version.value, number));
}

// Twice the same 128 bits are taken for twice the same id.
struct SeenId {
  uint64_t high, low, row;
  bool operator<(const SeenId& other) const {
    return std::tie(high, low, row) < std::tie(other.high, other.low, other.row);
  }
};

Status CheckDistinct(std::vector<SeenId>& seen, const std::string& column, const catalog::Manifest& manifest) {
  std::ranges::sort(seen, std::less<>());
  const auto same = [](const SeenId& a, const SeenId& b) { return a.high == b.high && a.low == b.low; };
  const auto twice = std::ranges::adjacent_find(seen, same);
  if (twice == seen.end()) return {};
  return Fail(InRow({ErrorKind::kInvalid,
                     fmt::format("column \"{}\" has the id of row {} once more", column, twice->row),
                     std::nullopt,
                     {}},
                    manifest, std::next(twice)->row));
}

void Append(ingest::VectorRow& row, bool text, uint32_t dimension, vector::NewItems& items) {
  if (text) {
    items.texts.push_back({items.ids.size(), std::move(row.text), false});
    items.vectors.resize(items.vectors.size() + dimension);
  } else {
    items.vectors.insert(items.vectors.end(), row.vector.begin(), row.vector.end());
  }
  items.ids.push_back(std::move(row.id));
  items.metadata.push_back(std::move(row.metadata));
}

}  // namespace

Result<VectorSource> ParseVectorSource(std::string_view json) {
  constexpr std::string_view kNames[] = {"dataset", "version", "id", "vector", "text", "metadata"};
  LH_ASSIGN(const auto value, ParseJson(json));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "field \"from\""));
  for (const auto& field : value.get_object()) {
    if (std::ranges::find(kNames, std::string_view(field.key())) == std::end(kNames)) {
      return Fail(ErrorKind::kInvalid,
                  "unknown field \"{}\"; \"from\" has dataset, version, id, vector or text, and metadata",
                  std::string_view(field.key()));
    }
  }
  VectorSource source;
  LH_ASSIGN(source.dataset, fields.String("dataset"));
  LH_ASSIGN(const auto version, fields.OptionalUint("version"));
  if (version) source.version = DatasetVersion(*version);
  LH_ASSIGN(const auto id, fields.OptionalString("id"));
  LH_ASSIGN(const auto vector, fields.OptionalString("vector"));
  LH_ASSIGN(const auto text, fields.OptionalString("text"));
  if (vector && text) return Fail(ErrorKind::kInvalid, "\"from\" has a column of vectors or one of texts, not both");
  source.columns.id = id.value_or("id");
  source.columns.vector = vector.value_or("vector");
  source.columns.text = text.value_or("");
  // No column is taken for metadata that was not named.
  if (fields.Find("metadata") == nullptr) return source;
  LH_ASSIGN(const auto* columns, fields.Array("metadata"));
  for (const auto& column : *columns) {
    if (!column.is_string()) return Fail(ErrorKind::kInvalid, "field \"metadata\" must be an array of column names");
    source.columns.fields.emplace_back(std::string_view(column.get_string()));
  }
  return source;
}

Status VectorLoader::ForEachRow(const RequestContext& context, const catalog::Manifest& manifest,
                                const ingest::VectorColumns& columns, const Visit& visit) {
  uint64_t number = 0;
  for (const auto& object : manifest.objects) {
    LH_ASSIGN(const auto file, Spooled(store_, context, object.key, folder_));
    auto rows = ingest::VectorRows::Open(file.get(), columns);
    if (!rows) return Fail(std::move(rows.error()).In(fmt::format("dataset \"{}\"", manifest.name)));
    ingest::VectorRow row;
    while (true) {
      auto more = (*rows)->Next(row);
      if (more && !*more) break;
      ++number;
      if (!more) return Fail(InRow(std::move(more.error()), manifest, number));
      if (number % 1024 == 0) LH_TRY(context.Check("the load"));
      LH_TRY(visit(number, row));
    }
  }
  return {};
}

Status VectorLoader::CheckRows(const RequestContext& context, const vector::IndexOptions& options,
                               const catalog::Manifest& manifest, const ingest::VectorColumns& columns) {
  std::vector<SeenId> seen;
  LH_TRY(ForEachRow(context, manifest, columns, [&](uint64_t number, const ingest::VectorRow& row) -> Status {
    const auto wrong = [&](Error error, const std::string& column) {
      return Fail(InRow(std::move(error).In("column \"" + column + "\""), manifest, number));
    };
    if (auto checked = vector::CheckId(row.id); !checked) return wrong(std::move(checked).error(), columns.id);
    auto checked = columns.text.empty() ? vector::CheckVector(options, row.vector) : vector::CheckText(row.text);
    if (!checked) {
      return wrong(std::move(checked).error(), columns.text.empty() ? columns.vector : columns.text);
    }
    seen.push_back({Xxh3(row.id), Xxh3(row.id + "+"), number});
    return {};
  }));
  return CheckDistinct(seen, columns.id, manifest);
}

Result<VectorsLoaded> VectorLoader::Load(const RequestContext& context, std::string_view index,
                                         const VectorSource& source, const Progress& progress) {
  LH_ASSIGN(const auto options, vectors_.Options(context, index));
  LH_ASSIGN(const auto manifest, catalog_.Get(context, source.dataset, source.version));
  RequestContext reading = context;
  reading.internal = true;
  LH_TRY(CheckRows(reading, options, manifest, source.columns));

  VectorsLoaded loaded;
  loaded.version = manifest.version;
  vector::NewItems items;
  size_t bytes = 0;
  uint64_t done = 0;
  const auto send = [&]() -> Status {
    if (items.ids.empty()) return {};
    LH_TRY(vectors_.Fill(context, options, items));
    LH_ASSIGN(const auto applied, vectors_.Add(context, index, items));
    const uint64_t added = loaded.applied.added + applied.added, updated = loaded.applied.updated + applied.updated;
    loaded.applied = applied;
    loaded.applied.added = added;
    loaded.applied.updated = updated;
    done += items.ids.size();
    items = {};
    bytes = 0;
    return progress(done, manifest.row_count);
  };
  auto sent = ForEachRow(reading, manifest, source.columns, [&](uint64_t, ingest::VectorRow& row) -> Status {
    bytes += row.id.size() + row.text.size() + options.dimension * sizeof(float) + row.metadata.value_or("").size();
    Append(row, !source.columns.text.empty(), options.dimension, items);
    return items.ids.size() >= kBatchRows || bytes >= kBatchBytes ? send() : Status();
  });
  if (sent) sent = send();
  if (!sent) {
    Error error = std::move(sent).error();
    error.detail += fmt::format("; {} of {} rows are in the index, and the same load again replaces them", done,
                                manifest.row_count);
    return Fail(std::move(error));
  }
  return loaded;
}

}  // namespace lakehouse::service
