// lakehouse mcp: agents over standard input and output, for a server's lake or for one in this process.

#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/mcp_bridge.h"
#include "net/http_client.h"
#include "server/embedded_lake.h"

namespace lakehouse::cli {

namespace {

class HttpCarrier final : public McpCarrier {
 public:
  explicit HttpCarrier(const Client& client)
      : url_(client.url()),
        key_(client.address().api_key),
        http_({.connect_timeout = std::chrono::seconds(5),
               .idle_timeout = std::chrono::minutes(10),
               .ca_file = client.address().ca_file}) {}

  Status Send(const RequestContext& context, const http::DirectRequest& request, http::DirectAnswer& answer) override {
    StringSource body(request.body);
    net::HttpRequest sent;
    sent.method = request.method;
    sent.url = url_ + request.path;
    sent.headers = request.headers;
    if (!key_.empty()) sent.headers.emplace_back("Authorization", "Bearer " + key_);
    if (!request.body.empty()) {
      sent.body = &body;
      sent.body_bytes = request.body.size();
    }
    LH_ASSIGN(const auto response, http_.Send(context, sent));
    answer.Begin(response->status(), response->headers());
    std::vector<char> room(64 << 10);
    while (true) {
      LH_ASSIGN(const size_t size, response->Read(room));
      if (size == 0) return {};
      LH_TRY(answer.Take(std::string_view(room.data(), size)));
    }
  }

 private:
  const std::string url_, key_;
  net::HttpClient http_;
};

class EmbeddedCarrier final : public McpCarrier {
 public:
  explicit EmbeddedCarrier(server::EmbeddedLake& lake) : lake_(lake) {}
  Status Send(const RequestContext& context, const http::DirectRequest& request, http::DirectAnswer& answer) override {
    return lake_.Serve(context, request, answer);
  }

 private:
  server::EmbeddedLake& lake_;
};

Result<std::unique_ptr<server::EmbeddedLake>> OpenLake(const Console& console, const GlobalOptions& global,
                                                       const McpOptions& options) {
  std::vector<config::Override> overrides;
  if (!options.data_dir.empty()) overrides.push_back({"server", "data_dir", options.data_dir, "--data-dir"});
  LH_ASSIGN(auto loaded, config::Load(global.config, console.environment(), overrides));
  auto lake = server::EmbeddedLake::Open(std::move(loaded), console.environment());
  if (!lake && lake.error().kind == ErrorKind::kConflict) {
    lake.error().detail.append("; agents reach the server that runs on it with --url");
  }
  return lake;
}

}  // namespace

Status RunMcp(Client* client, Console& console, const GlobalOptions& global, const McpOptions& options) {
  if (client != nullptr) {
    HttpCarrier carrier(*client);
    return McpBridge(carrier, console).Run();
  }
  LH_ASSIGN(const auto lake, OpenLake(console, global, options));
  EmbeddedCarrier carrier(*lake);
  return McpBridge(carrier, console).Run();
}

}  // namespace lakehouse::cli
