#include "ingest/table_import.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/mutex.h"
#include "ingest/block_parser.h"
#include "ingest/type_inference.h"

namespace lakehouse::ingest {
namespace {

Error ValueError(ErrorKind kind, const CsvFile& file, size_t column, size_t offset, std::string_view kind_of_value,
                 ColumnType type) {
  const uint64_t line = file.LineOf(offset);
  Error error{kind,
              fmt::format("line {}, column {} (\"{}\"): {} does not fit the type {}", line, column + 1,
                          file.columns()[column], kind_of_value, TypeName(type)),
              std::nullopt,
              {}};
  return std::move(error)
      .With("line", std::to_string(line))
      .With("column", file.columns()[column])
      .With("type", TypeName(type));
}

// Ordered hand-over: blocks are worked on by any thread and given on in their order.
class Turnstile {
 public:
  // Waits until all blocks before `block` have been given on; false once somebody has stopped.
  bool Await(size_t block) {
    MutexLock lock(mutex_);
    while (next_ != block && !stopped_) changed_.Wait(mutex_);
    return !stopped_;
  }
  void Pass() {
    MutexLock lock(mutex_);
    ++next_;
    changed_.NotifyAll();
  }
  void Stop() {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t next_ LH_GUARDED_BY(mutex_) = 0;
  bool stopped_ LH_GUARDED_BY(mutex_) = false;
};

class CsvImport {
 public:
  CsvImport(const RequestContext& context, const CsvFile& file, const ImportOptions& options, ImportTarget& target,
            const std::function<void(size_t, size_t)>& release)
      : context_(context), file_(file), options_(options), target_(target), release_(release) {}

  Status Run() {
    LH_TRY(FixTypes());
    // The first block guesses what the file decides: if every value fits the guess, the guess is the inference.
    const size_t sample = std::min<size_t>(1, file_.blocks());
    LH_ASSIGN(auto inferred, InferBlocks(file_, 0, sample, 1, [this] { return context_.Check("reading the file"); }));
    const bool guessed = std::ranges::all_of(inferred, [](const ColumnInference& column) { return column.seen(); });
    if (!guessed && file_.blocks() > 1) {
      LH_ASSIGN(inferred, InferAll());
    } else {
      LH_ASSIGN(const bool fitted, TryEncode(inferred));
      if (fitted) return {};
      LH_ASSIGN(inferred, InferAll());
    }
    LH_ASSIGN(const bool fitted, TryEncode(inferred));
    if (!fitted) return Fail(ErrorKind::kInternal, "the types found over the whole file do not fit the file");
    return {};
  }

 private:
  // Types that do not come from the file.
  Status FixTypes() {
    fixed_.resize(file_.columns().size());
    for (const auto& [name, type_name] : options_.types) {
      const auto column = std::ranges::find(file_.columns(), name);
      if (column == file_.columns().end())
        return Fail(ErrorKind::kInvalid, "types names the column \"{}\", which the file does not have", name);
      const auto type = ParseTypeName(type_name);
      if (!type) {
        return Fail(ErrorKind::kInvalid,
                    "types: \"{}\" is no type of a file's column; there are BOOLEAN, BIGINT, DOUBLE, DATE, TIMESTAMP, "
                    "TIMESTAMPTZ and VARCHAR",
                    type_name);
      }
      fixed_[static_cast<size_t>(column - file_.columns().begin())] = type;
    }
    if (options_.existing) LH_TRY(FixToExisting(*options_.existing));
    return {};
  }

  Status FixToExisting(const std::vector<FileColumn>& existing) {
    const auto differ = [](const std::string& why) {
      return Fail(Error{ErrorKind::kConflict, why, std::nullopt, {{"line", "1"}}});
    };
    for (size_t i = 0; i < std::max(existing.size(), file_.columns().size()); ++i) {
      if (i >= file_.columns().size())
        return differ(fmt::format("line 1: the dataset's column \"{}\" is missing", existing[i].name));
      if (i >= existing.size())
        return differ(fmt::format("line 1: the dataset has no column \"{}\"", file_.columns()[i]));
      if (existing[i].name != file_.columns()[i]) {
        return differ(fmt::format("line 1: column {} is \"{}\" where the dataset has \"{}\"", i + 1, file_.columns()[i],
                                  existing[i].name));
      }
      if (!existing[i].exact.empty()) {
        return differ(fmt::format("the dataset's column \"{}\" has the type {}, which only Parquet uploads can give",
                                  existing[i].name, existing[i].exact));
      }
      if (fixed_[i] && *fixed_[i] != existing[i].type) {
        return differ(fmt::format("types asks for {} in column \"{}\" where the dataset has {}", TypeName(*fixed_[i]),
                                  existing[i].name, TypeName(existing[i].type)));
      }
      fixed_[i] = existing[i].type;
    }
    return {};
  }

  Result<std::vector<ColumnInference>> InferAll() {
    return InferBlocks(file_, 0, file_.blocks(), options_.threads,
                       [this] { return context_.Check("reading the file"); });
  }

  ImportSchema SchemaOf(const std::vector<ColumnInference>& inferred) const {
    ImportSchema schema;
    for (size_t i = 0; i < file_.columns().size(); ++i) {
      FileColumn column{file_.columns()[i], fixed_[i].value_or(inferred[i].type()), static_cast<int32_t>(i + 1)};
      if (options_.existing) column.field_id = (*options_.existing)[i].field_id;
      schema.columns.push_back(std::move(column));
      if (!fixed_[i]) AddWidening(inferred[i], file_.columns()[i], schema.widened);
    }
    OffsetsToLines(schema.widened);
    return schema;
  }

  void AddWidening(const ColumnInference& column, const std::string& name, std::vector<Widening>& widened) const {
    TypeSet types = kAllTypes;
    std::optional<ColumnType> first;
    std::optional<size_t> last_change;
    for (const auto& narrowing : column.narrowings()) {
      const ColumnType before = Narrowest(types);
      types &= narrowing.fits;
      if (!first) {
        first = Narrowest(types);
      } else if (Narrowest(types) != before) {
        last_change = narrowing.offset;
      }
    }
    // The place of the value stands where its line belongs until all lines are counted.
    if (last_change) widened.push_back({name, *first, column.type(), *last_change});
  }

  // Lines are counted once, from one widened column's value to the next.
  void OffsetsToLines(std::vector<Widening>& widened) const {
    std::vector<Widening*> by_offset;
    by_offset.reserve(widened.size());
    for (Widening& widening : widened) by_offset.push_back(&widening);
    std::ranges::sort(by_offset, {}, &Widening::line);
    size_t counted = 0;
    uint64_t line = 1;
    for (Widening* widening : by_offset) {
      const size_t offset = widening->line;
      line += file_.LinesBetween(counted, offset);
      counted = offset;
      widening->line = line;
    }
  }

  // False when a value did not fit a type that was only guessed.
  Result<bool> TryEncode(const std::vector<ColumnInference>& inferred) {
    const ImportSchema schema = SchemaOf(inferred);
    LH_TRY(target_.Begin(schema));
    std::vector<ColumnType> types;
    types.reserve(schema.columns.size());
    for (const FileColumn& column : schema.columns) types.push_back(column.type);
    Turnstile turnstile;
    std::atomic<size_t> next{0};
    std::vector<Status> statuses(file_.blocks());
    std::atomic<size_t> first_misfit{file_.blocks()};
    std::vector<BlockParser::Misfit> misfits(file_.blocks());
    const auto encode_blocks = [&] {
      BlockParser parser(file_, types);
      ParquetEncoder encoder;
      for (size_t block = next++; block < file_.blocks(); block = next++) {
        auto encoded = EncodeBlock(parser, encoder, block, misfits[block]);
        if (encoded && !*encoded) first_misfit = std::min(first_misfit.load(), block);
        if (!turnstile.Await(block)) return;
        Status status = encoded ? Status() : Fail(encoded.error());
        if (encoded && *encoded) status = target_.Add(**encoded);
        statuses[block] = status;
        if (!status || !*encoded) return turnstile.Stop();
        release_(file_.block_offset(block), file_.block_offset(block) + file_.block(block).size());
        turnstile.Pass();
      }
    };
    ParallelFor(options_.threads, options_.threads, [&](size_t) {
      try {
        encode_blocks();
      } catch (...) {
        // Nobody may wait for a turn that never ends.
        turnstile.Stop();
        throw;
      }
    });
    for (size_t block = 0; block < statuses.size(); ++block) {
      if (!statuses[block]) return Fail(statuses[block].error());
      if (first_misfit.load() == block) return JudgeMisfit(misfits[block], schema);
    }
    return true;
  }

  Result<std::optional<EncodedRowGroup>> EncodeBlock(BlockParser& parser, ParquetEncoder& encoder, size_t block,
                                                     BlockParser::Misfit& misfit) {
    LH_TRY(context_.Check("reading the file"));
    LH_ASSIGN(const auto found, parser.Parse(block));
    if (found) {
      misfit = *found;
      return std::nullopt;
    }
    LH_ASSIGN(auto group, encoder.Encode(parser.columns()));
    return group;
  }

  // A misfit in a column whose type is given is the sender's; in a guessed one it asks for another look.
  Result<bool> JudgeMisfit(const BlockParser::Misfit& misfit, const ImportSchema& schema) const {
    if (!fixed_[misfit.column]) return false;
    const ErrorKind kind = options_.existing ? ErrorKind::kConflict : ErrorKind::kInvalid;
    return Fail(ValueError(kind, file_, misfit.column, misfit.offset, misfit.kind, schema.columns[misfit.column].type));
  }

  const RequestContext& context_;
  const CsvFile& file_;
  const ImportOptions& options_;
  ImportTarget& target_;
  const std::function<void(size_t, size_t)>& release_;
  std::vector<std::optional<ColumnType>> fixed_;
};

}  // namespace

Status ImportCsv(const RequestContext& context, std::string_view bytes, const ImportOptions& options,
                 ImportTarget& target, const std::function<void(size_t from, size_t to)>& release) {
  LH_ASSIGN(const CsvFile file, CsvFile::Open(bytes, options.csv, options.block_bytes, options.threads, release));
  return CsvImport(context, file, options, target, release).Run();
}

}  // namespace lakehouse::ingest
