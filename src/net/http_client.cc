#include "net/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "base/mutex.h"

namespace lakehouse::net {
namespace {

// Body bytes held for a reader that is slower than the wire.
constexpr size_t kBufferBytes = 512 << 10;
constexpr std::chrono::milliseconds kLongestPoll{1000};

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

struct MultiCloser {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One request at a time; keeps its connections between requests.
struct Transport {
  std::unique_ptr<CURLM, MultiCloser> multi{curl_multi_init()};
  std::unique_ptr<CURL, EasyCloser> easy{curl_easy_init()};
};

}  // namespace

const std::string* FindHeader(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoringCase(key, name)) return &value;
  }
  return nullptr;
}

struct HttpClient::Impl {
  explicit Impl(HttpClientOptions client_options) : options(std::move(client_options)) {
    curl_global_init(CURL_GLOBAL_ALL);
  }

  std::unique_ptr<Transport> Take() {
    MutexLock lock(mutex);
    if (idle.empty()) return std::make_unique<Transport>();
    auto transport = std::move(idle.back());
    idle.pop_back();
    return transport;
  }

  void GiveBack(std::unique_ptr<Transport> transport) {
    MutexLock lock(mutex);
    if (idle.size() < options.max_idle_connections) idle.push_back(std::move(transport));
  }

  const HttpClientOptions options;
  Mutex mutex;
  std::vector<std::unique_ptr<Transport>> idle LH_GUARDED_BY(mutex);
};

namespace {

// A request on its transport, pumped by whoever waits for its headers or its bytes.
template <typename Pool>
class Exchange final : public HttpResponse {
 public:
  Exchange(Pool& pool, const RequestContext& context, const HttpRequest& request)
      : pool_(pool), transport_(pool.Take()), context_(context), body_(request.body) {
    SetUp(request);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  ~Exchange() override {
    curl_multi_remove_handle(transport_->multi.get(), transport_->easy.get());
    // A transfer broken off half way leaves a connection that libcurl closes with the removal.
    curl_easy_reset(transport_->easy.get());
    pool_.GiveBack(std::move(transport_));
  }

  Status AwaitHeaders() {
    while (!headers_done_ && !finished_) LH_TRY(Pump());
    body_ = nullptr;
    if (!headers_done_) return Fail(*failure_);
    return {};
  }

  int status() const override { return status_; }
  const Headers& headers() const override { return headers_; }

  Result<size_t> Read(std::span<char> out) override {
    while (buffered_.size() == buffer_start_ && !finished_) {
      buffered_.clear();
      buffer_start_ = 0;
      if (paused_) {
        paused_ = false;
        curl_easy_pause(transport_->easy.get(), CURLPAUSE_CONT);
        if (!buffered_.empty()) break;
      }
      LH_TRY(Pump());
    }
    const size_t taken = std::min(out.size(), buffered_.size() - buffer_start_);
    if (taken > 0) {
      std::memcpy(out.data(), buffered_.data() + buffer_start_, taken);
      buffer_start_ += taken;
      return taken;
    }
    if (failure_) return Fail(*failure_);
    return size_t{0};
  }

 private:
  void SetUp(const HttpRequest& request) {
    CURL* easy = transport_->easy.get();
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    if (!pool_.options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, pool_.options.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, pool_.options.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(pool_.options.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    SetUpMethod(request);
    SetUpHeaders(request);
    curl_multi_add_handle(transport_->multi.get(), easy);
  }

  void SetUpMethod(const HttpRequest& request) {
    CURL* easy = transport_->easy.get();
    if (request.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (request.body != nullptr) {
      curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy, CURLOPT_READFUNCTION, &OnRead);
      curl_easy_setopt(easy, CURLOPT_READDATA, this);
      const curl_off_t size = request.body_bytes ? static_cast<curl_off_t>(*request.body_bytes) : -1;
      curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
      if (request.method == "POST" || request.method == "PUT") AddHeader("Content-Length", "0");
    }
  }

  void SetUpHeaders(const HttpRequest& request) {
    for (const auto& [name, value] : request.headers) AddHeader(name, value);
    if (!context_.request_id.empty()) AddHeader("X-Request-Id", context_.request_id);
    if (!context_.traceparent.empty()) AddHeader("traceparent", context_.traceparent);
    // libcurl would hold a body back for a second where nobody answers 100.
    AddHeader("Expect", "");
    if (FindHeader(request.headers, "Accept") == nullptr) AddHeader("Accept", "");
    curl_easy_setopt(transport_->easy.get(), CURLOPT_HTTPHEADER, header_list_.get());
  }

  void AddHeader(const std::string& name, const std::string& value) {
    // "Name:" takes a header of libcurl's own away; "Name;" sends it empty.
    const std::string line = value.empty() ? name + ":" : name + ": " + value;
    header_list_.reset(curl_slist_append(header_list_.release(), line.c_str()));
  }

  // Moves the transfer on, waiting for the socket at most until something needs a look.
  Status Pump() {
    LH_TRY(context_.Check("calling " + HostForMessages()));
    CURLM* multi = transport_->multi.get();
    int running = 0;
    const CURLMcode code = curl_multi_perform(multi, &running);
    if (code != CURLM_OK) return Fail(ErrorKind::kInternal, "the HTTP client failed: {}", curl_multi_strerror(code));
    TakeOutcome();
    if (finished_ || headers_done_ != saw_headers_ || buffered_.size() > buffer_start_) {
      saw_headers_ = headers_done_;
      last_progress_ = std::chrono::steady_clock::now();
      return {};
    }
    if (std::chrono::steady_clock::now() - last_progress_ > pool_.options.idle_timeout && body_ == nullptr) {
      return Fail(ErrorKind::kDeadline, "{} sent nothing for {} s", HostForMessages(),
                  std::chrono::duration_cast<std::chrono::seconds>(pool_.options.idle_timeout).count());
    }
    const std::stop_callback wake(context_.cancelled, [multi] { curl_multi_wakeup(multi); });
    const auto wait = std::min<std::chrono::milliseconds>(kLongestPoll, context_.deadline.Remaining());
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
    return {};
  }

  void TakeOutcome() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(transport_->multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      finished_ = true;
      if (message->data.result != CURLE_OK) failure_ = ToError(message->data.result);
    }
  }

  Error ToError(CURLcode code) {
    if (body_error_) return *body_error_;
    const std::string reason = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
    const auto make = [&](ErrorKind kind, std::string_view what) {
      return Error{kind, fmt::format("{} {}: {}", HostForMessages(), what, reason), std::nullopt, {}};
    };
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_CONNECT:
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_PEER_FAILED_VERIFICATION:
        return make(ErrorKind::kUnavailable, "cannot be reached");
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL:
        return make(ErrorKind::kInvalid, "is no usable address");
      case CURLE_OPERATION_TIMEDOUT: {
        // Before a connection stood, nothing can have been sent.
        double connected = 0;
        curl_easy_getinfo(transport_->easy.get(), CURLINFO_CONNECT_TIME, &connected);
        if (connected == 0) return make(ErrorKind::kUnavailable, "cannot be reached");
        return make(ErrorKind::kAmbiguous, "broke the connection");
      }
      default:
        return make(headers_done_ ? ErrorKind::kUpstream : ErrorKind::kAmbiguous, "broke the connection");
    }
  }

  // Scheme, host and port: a query string may hold what no log should.
  std::string HostForMessages() const {
    char* url = nullptr;
    curl_easy_getinfo(transport_->easy.get(), CURLINFO_EFFECTIVE_URL, &url);
    const std::string_view text = url == nullptr ? "" : url;
    const size_t host = text.find("://");
    if (host == std::string_view::npos) return "the server";
    return std::string(text.substr(0, text.find_first_of("/?", host + 3)));
  }

  static size_t OnHeader(char* data, size_t size, size_t count, void* self_pointer) {
    auto& self = *static_cast<Exchange*>(self_pointer);
    std::string_view line(data, size * count);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
      self.headers_.clear();
      self.status_ = std::atoi(std::string(line.substr(line.find(' ') + 1)).c_str());
    } else if (line.empty()) {
      self.headers_done_ = self.status_ >= 200;
    } else if (const size_t colon = line.find(':'); colon != std::string_view::npos && !self.headers_done_) {
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      self.headers_.emplace_back(line.substr(0, colon), value);
    }
    return size * count;
  }

  static size_t OnBody(char* data, size_t size, size_t count, void* self_pointer) {
    auto& self = *static_cast<Exchange*>(self_pointer);
    if (self.buffered_.size() - self.buffer_start_ >= kBufferBytes) {
      self.paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    self.buffered_.append(data, size * count);
    return size * count;
  }

  static size_t OnRead(char* out, size_t size, size_t count, void* self_pointer) {
    auto& self = *static_cast<Exchange*>(self_pointer);
    if (self.body_ == nullptr) return CURL_READFUNC_ABORT;
    auto taken = self.body_->Read({out, size * count});
    self.last_progress_ = std::chrono::steady_clock::now();
    if (taken) return *taken;
    self.body_error_ = std::move(taken.error());
    return CURL_READFUNC_ABORT;
  }

  Pool& pool_;
  std::unique_ptr<Transport> transport_;
  const RequestContext context_;
  ByteSource* body_;
  std::unique_ptr<curl_slist, ListCloser> header_list_;
  char error_text_[CURL_ERROR_SIZE] = {};
  int status_ = 0;
  Headers headers_;
  std::string buffered_;
  size_t buffer_start_ = 0;
  bool paused_ = false, headers_done_ = false, saw_headers_ = false, finished_ = false;
  MonotonicTime last_progress_ = std::chrono::steady_clock::now();
  std::optional<Error> failure_, body_error_;
};

}  // namespace

HttpClient::HttpClient(HttpClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpResponse>> HttpClient::Send(const RequestContext& context, const HttpRequest& request) {
  auto exchange = std::make_unique<Exchange<Impl>>(*impl_, context, request);
  LH_TRY(exchange->AwaitHeaders());
  return exchange;
}

}  // namespace lakehouse::net
