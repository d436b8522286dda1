#include "embed/openai_provider.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>

#include "base/json.h"
#include "base/json_value.h"

namespace lakehouse::embed {

namespace json = boost::json;

namespace {

constexpr size_t kTextsOfRequest = 128;
constexpr size_t kTextBytesOfRequest = size_t{1} << 20;
constexpr uint64_t kMaxAnswerBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxErrorBytes = uint64_t{64} << 10;
// What a service may ask us to wait before we give up and pass its wish on.
constexpr std::chrono::seconds kLongestWait{5};

Result<std::vector<float>> VectorOf(const json::value& value) {
  if (!value.is_array()) return Fail(ErrorKind::kUpstream, "an embedding is no array of numbers");
  std::vector<float> vector;
  vector.reserve(value.get_array().size());
  for (const json::value& element : value.get_array()) {
    boost::system::error_code wrong;
    const auto number = element.to_number<double>(wrong);
    if (wrong || !(std::abs(number) <= double{std::numeric_limits<float>::max()})) {
      return Fail(ErrorKind::kUpstream, "an embedding holds what is no 32-bit float");
    }
    vector.push_back(static_cast<float>(number));
  }
  return vector;
}

// What a service says of a request that it refuses, cut and without what no terminal shows.
std::string MessageOf(std::string_view body) {
  constexpr size_t kLongest = 200;
  const auto value = ParseJson(body);
  if (!value || !value->is_object()) return {};
  const json::value* error = value->get_object().if_contains("error");
  if (error != nullptr && error->is_object()) error = error->get_object().if_contains("message");
  if (error == nullptr || !error->is_string()) return {};
  std::string text = ": " + std::string(std::string_view(error->get_string()).substr(0, kLongest));
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text;
}

std::optional<std::chrono::seconds> RetryAfterOf(const net::Headers& headers) {
  const std::string* text = net::FindHeader(headers, "Retry-After");
  uint32_t seconds = 0;
  if (text == nullptr) return std::nullopt;
  const auto [end, parsed] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (parsed != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

// False when the client went away or its deadline comes first.
bool WaitFor(const RequestContext& context, std::chrono::milliseconds pause) {
  if (context.deadline.Remaining() <= pause) return false;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, context.cancelled, pause, [] { return false; });
  return !context.cancelled.stop_requested();
}

class OpenAiProvider final : public Provider {
 public:
  OpenAiProvider(net::HttpClient& client, OpenAiOptions options)
      : client_(client), options_(std::move(options)), name_("openai:" + options_.model) {
    while (options_.url.ends_with('/')) options_.url.pop_back();
  }

  Result<Vectors> Embed(const RequestContext& context, std::span<const std::string> texts,
                        uint32_t dimension) override {
    if (options_.dimension != 0 && options_.dimension != dimension) {
      return Fail(ErrorKind::kInvalid,
                  "the index has {} dimensions; the embedding model makes {} ([vectord] embedding_dimension)",
                  dimension, options_.dimension);
    }
    Vectors vectors;
    while (!texts.empty()) {
      const auto part = texts.first(CountOfRequest(texts));
      auto made = EmbedPart(context, part, dimension);
      if (!made) return Fail(std::move(made.error()).In("the embedding service"));
      std::ranges::move(*made, std::back_inserter(vectors));
      texts = texts.subspan(part.size());
    }
    return vectors;
  }
  uint32_t dimension() const override { return options_.dimension; }
  const std::string& name() const override { return name_; }

 private:
  // A failure that no repeating mends is a value here, so that WithRetries stops at it.
  using Final = Result<Vectors>;

  static size_t CountOfRequest(std::span<const std::string> texts) {
    size_t count = 0, bytes = 0;
    for (; count < texts.size() && count < kTextsOfRequest; ++count) {
      bytes += texts[count].size();
      if (count > 0 && bytes > kTextBytesOfRequest) break;
    }
    return count;
  }

  Result<Vectors> EmbedPart(const RequestContext& context, std::span<const std::string> texts, uint32_t dimension) {
    const std::string body = BodyOf(texts);
    auto made = net::WithRetries(context, options_.retries, [&]() -> Result<Final> {
      LH_TRY(context.Check("embedding"));
      return Post(context, body, texts.size(), dimension);
    });
    if (!made) return Fail(std::move(made).error());
    return *std::move(made);
  }

  std::string BodyOf(std::span<const std::string> texts) const {
    std::string body;
    JsonWriter out(body);
    out.BeginObject().Key("model").String(options_.model).Key("input").BeginArray();
    for (const std::string& text : texts) out.String(text);
    out.EndArray().Key("encoding_format").String("float");
    if (options_.dimension != 0) out.Key("dimensions").Number(options_.dimension);
    out.EndObject();
    return body;
  }

  Result<Final> Post(const RequestContext& context, std::string_view body, size_t count, uint32_t dimension) {
    RequestContext own = context;
    own.deadline = context.deadline.Sooner(Deadline::After(options_.timeout));
    StringSource source(body);
    net::HttpRequest request;
    request.method = "POST";
    request.url = options_.url + "/v1/embeddings";
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!options_.key.empty()) request.headers.emplace_back("Authorization", "Bearer " + options_.key);
    request.body = &source;
    request.body_bytes = body.size();
    LH_ASSIGN(const auto response, client_.Send(own, request));
    if (response->status() != 200) return Refused(context, *response);
    LH_ASSIGN(const std::string answer, ReadAll(*response, kMaxAnswerBytes));
    return ParseEmbeddings(answer, count, dimension);
  }

  Result<Final> Refused(const RequestContext& context, net::HttpResponse& response) const {
    const int status = response.status();
    if (status == 401 || status == 403) {
      // What it says may quote the key.
      return Final(Fail(ErrorKind::kUpstream,
                        "it refused our key ({}); LAKEHOUSE_SECRET_EMBEDDING_API_KEY, or the file that "
                        "LAKEHOUSE_SECRET_EMBEDDING_API_KEY_FILE names, must have one that it takes",
                        status));
    }
    if (status == 429 || status == 503) return Busy(context, status, RetryAfterOf(response.headers()));
    if (status >= 500 || status == 408) return Fail(ErrorKind::kUpstream, "it answered {}", status);
    const auto body = ReadAll(response, kMaxErrorBytes);
    const ErrorKind kind = status == 400 || status == 413 || status == 422 ? ErrorKind::kInvalid : ErrorKind::kUpstream;
    return Final(Fail(kind, "it refused the request ({}){}", status, body ? MessageOf(*body) : ""));
  }

  static Result<Final> Busy(const RequestContext& context, int status, std::optional<std::chrono::seconds> after) {
    auto busy = Fail(ErrorKind::kUnavailable, "it is asked too much ({}){}", status,
                     after ? fmt::format(" and wants to be left alone for {} s", after->count()) : "");
    busy.error().retry_after = after.value_or(std::chrono::seconds(5));
    if (after && (*after > kLongestWait || !WaitFor(context, *after))) return Final(busy);
    return busy;
  }

  net::HttpClient& client_;
  OpenAiOptions options_;
  const std::string name_;
};

}  // namespace

Result<Vectors> ParseEmbeddings(std::string_view json, size_t count, uint32_t dimension) {
  const auto value = ParseJson(json);
  const json::value* data = value && value->is_object() ? value->get_object().if_contains("data") : nullptr;
  if (data == nullptr || !data->is_array()) {
    return Fail(ErrorKind::kUpstream, "its answer is not JSON with an array \"data\"");
  }
  if (data->get_array().size() != count) {
    return Fail(ErrorKind::kUpstream, "it answered {} texts with {} embeddings", count, data->get_array().size());
  }
  Vectors vectors(count);
  for (size_t i = 0; i < count; ++i) {
    const auto fields = JsonFields::Of(data->get_array()[i], "an embedding");
    const json::value* embedding = fields ? fields->Find("embedding") : nullptr;
    const auto index = fields ? fields->OptionalUint("index") : std::nullopt;
    const size_t place = index ? index->value_or(i) : count;
    if (embedding == nullptr || place >= count || !vectors[place].empty()) {
      return Fail(ErrorKind::kUpstream, "data[{}] of its answer has no \"embedding\", or no \"index\" of its own", i);
    }
    LH_ASSIGN(vectors[place], VectorOf(*embedding));
    if (vectors[place].size() != dimension) {
      return Fail(ErrorKind::kInvalid, "its vectors have {} dimensions; the index has {}", vectors[place].size(),
                  dimension);
    }
  }
  return vectors;
}

std::unique_ptr<Provider> MakeOpenAiProvider(net::HttpClient& client, OpenAiOptions options) {
  return std::make_unique<OpenAiProvider>(client, std::move(options));
}

}  // namespace lakehouse::embed
