#include <algorithm>
#include <charconv>
#include <future>
#include <unordered_set>

#include "base/json.h"
#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/text.h"
#include "cli/vector_items.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr size_t kMaxBatchItems = 500;
constexpr size_t kMaxBatchBytes = 4 << 20;
constexpr std::string_view kOpening = "{\"items\":[";

struct Sum {
  uint64_t added = 0, updated = 0, length = 0, version = 0;
  uint64_t items() const { return added + updated; }
};

// Items of one request.
struct Batch {
  std::string body{kOpening};
  std::vector<std::string> where;
  std::unordered_set<std::string> ids;
  bool empty() const { return where.empty(); }
  bool full() const { return where.size() >= kMaxBatchItems || body.size() >= kMaxBatchBytes; }
};

// "items[3] (id …): wrong" as "line 12 (id …): wrong".
Error InTheFile(Error error, const std::vector<std::string>& where) {
  constexpr std::string_view kItems = "items[";
  if (!error.detail.starts_with(kItems)) return error;
  size_t index = 0;
  const char* begin = error.detail.data() + kItems.size();
  const auto [end, parsed] = std::from_chars(begin, error.detail.data() + error.detail.size(), index);
  if (parsed != std::errc() || *end != ']' || index >= where.size()) return error;
  error.detail.replace(0, static_cast<size_t>(end - error.detail.data()) + 1, where[index]);
  return error;
}

// Sends batches in order, one at a time, each while the next is read. Used by one thread.
class Sender {
 public:
  Sender(Client& client, std::string path) : client_(client), path_(std::move(path)) {}
  ~Sender() {
    if (pending_.valid()) pending_.wait();
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Fails with what was wrong in the batch before.
  Status Send(Batch batch) {
    LH_TRY(Wait());
    batch.body += "]}";
    pending_ = std::async(std::launch::async, [this, sent = std::move(batch)] { return Post(sent); });
    return {};
  }
  Status Wait() {
    if (!pending_.valid()) return {};
    LH_ASSIGN(const Sum done, pending_.get());
    sum_ = {sum_.added + done.added, sum_.updated + done.updated, done.length, done.version};
    return {};
  }
  const Sum& sum() const { return sum_; }

 private:
  Result<Sum> Post(const Batch& batch) {
    auto answer = client_.Json("POST", path_, batch.body);
    if (!answer) return Fail(InTheFile(std::move(answer).error(), batch.where));
    LH_ASSIGN(const auto fields, JsonFields::Of(*answer, "the server's answer"));
    Sum sum;
    LH_ASSIGN(sum.added, fields.Uint("added"));
    LH_ASSIGN(sum.updated, fields.Uint("updated"));
    LH_ASSIGN(sum.length, fields.Uint("length"));
    LH_ASSIGN(sum.version, fields.Uint("version"));
    return sum;
  }

  Client& client_;
  const std::string path_;
  std::future<Result<Sum>> pending_;
  Sum sum_;
};

Status SendItems(VectorItems& items, Sender& sender) {
  Batch batch;
  VectorItem item;
  while (true) {
    const auto more = items.Next(item);
    if (!more) {
      // What stands before the broken item was read well and is added.
      if (!batch.empty()) LH_TRY(sender.Send(std::move(batch)));
      LH_TRY(sender.Wait());
      return Fail(more.error());
    }
    // A server refuses an id that stands twice in a batch; in a file, the later one replaces the earlier.
    if (!batch.empty() && (!*more || batch.full() || batch.ids.contains(item.id))) {
      LH_TRY(sender.Send(std::exchange(batch, {})));
    }
    if (!*more) return sender.Wait();
    if (!batch.empty()) batch.body.push_back(',');
    batch.body += item.json;
    batch.where.push_back(item.where);
    batch.ids.insert(std::move(item.id));
  }
}

Status AddFile(const Console& console, const VectorAddOptions& options, const std::string& file, Sender& sender,
               uint64_t& bytes) {
  LH_ASSIGN(const auto size, SizeOfFile(file, console));
  bytes += size.value_or(0);
  Progress progress({console.err(), console.err_is_terminal(), console.err_width()},
                    file == "-" ? "standard input" : file, size, SystemClock());
  LH_ASSIGN(const auto items, VectorItems::Open(file, options, console, progress));
  return SendItems(*items, sender);
}

Error Explained(Error error, const std::string& file, const Sum& sum) {
  if (error.kind == ErrorKind::kCancelled) return error;
  error = std::move(error).In(file == "-" ? "standard input" : file);
  if (sum.items() > 0) error.detail += fmt::format("; {} items before it are in the index", Grouped(sum.items()));
  return error;
}

std::string AsText(const std::string& name, const Sum& sum, uint64_t bytes, double seconds) {
  return fmt::format("{}: {} items added, {} replaced, {} in all; {}in {} ({} items/s); version {}\n", Printable(name),
                     Grouped(sum.added), Grouped(sum.updated), Grouped(sum.length),
                     bytes > 0 ? HumanBytes(bytes) + " " : "", HumanSeconds(seconds),
                     Grouped(static_cast<uint64_t>(static_cast<double>(sum.items()) / std::max(seconds, 1e-3))),
                     sum.version);
}

std::string AsJson(const Sum& sum, double seconds) {
  std::string text;
  JsonWriter out(text);
  out.BeginObject().Key("added").Number(sum.added).Key("updated").Number(sum.updated).Key("length").Number(sum.length);
  out.Key("version").Number(sum.version).Key("seconds").Number(seconds).EndObject();
  return text + "\n";
}

}  // namespace

Status RunVectorAdd(Client& client, Console& console, const GlobalOptions& global, const VectorAddOptions& options) {
  LH_ASSIGN(const std::vector<std::string> files, ExpandFiles(options.files));
  if (std::count(files.begin(), files.end(), "-") > 1) return Fail(UsageError("standard input can be read only once"));
  const std::string path = "/v1/vectors/index/" + net::PercentEncode(options.name, false);
  // A name that is wrong is told before a long file is read.
  LH_ASSIGN(const json::value info, client.Json("GET", path));
  const MonotonicTime started = SystemClock().Monotonic();
  Sender sender(client, path + "/add");
  uint64_t bytes = 0;
  for (const std::string& file : files) {
    auto added = AddFile(console, options, file, sender, bytes);
    if (!added) return Fail(Explained(std::move(added).error(), file, sender.sum()));
  }
  const double seconds = std::chrono::duration<double>(SystemClock().Monotonic() - started).count();
  return console.Write(global.json ? AsJson(sender.sum(), seconds)
                                   : AsText(options.name, sender.sum(), bytes, seconds));
}

}  // namespace lakehouse::cli
