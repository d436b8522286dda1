// A lakehouse server as the client commands see it: its URL, our key, and its refusals as errors. Used by one thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/http_client.h"

namespace lakehouse::cli {

struct ServerAddress {
  std::string url;      // http://127.0.0.1:3110, without a trailing slash
  std::string api_key;  // empty: none
  std::string ca_file;  // PEM; empty: the system's
};

// What went wrong, from a status and an application/problem+json body (RFC 9457); other bodies say less.
Error RefusalOf(int status, const net::Headers& headers, std::string_view body);

class Client {
 public:
  // kUsage for a URL that is none.
  static Result<Client> Of(ServerAddress address, std::stop_token stop);

  struct Call {
    std::string method = "GET";
    std::string path;  // encoded, with the query
    net::Headers headers{};
    ByteSource* body = nullptr;
    std::optional<uint64_t> body_bytes{};
    Deadline deadline{};  // never, unless set: Ctrl-C ends the wait
  };
  // A status of 400 or more is an Error; the caller reads the body of any other.
  Result<std::unique_ptr<net::HttpResponse>> Send(Call call);
  // Any status.
  Result<std::unique_ptr<net::HttpResponse>> SendRaw(Call call);

  // The whole answer of a call without a body, or with JSON.
  Result<std::string> Text(std::string_view method, std::string_view path, std::string_view json_body = {});
  Result<boost::json::value> Json(std::string_view method, std::string_view path, std::string_view json_body = {});

  const std::string& url() const { return address_.url; }
  const ServerAddress& address() const { return address_; }

 private:
  Client(ServerAddress address, std::stop_token stop);

  ServerAddress address_;
  RequestContext context_;
  std::unique_ptr<net::HttpClient> http_;
};

std::string ManifestPath(std::string_view dataset);
std::string ObjectPath(std::string_view key);
// The manifests of all datasets, page after page.
Result<boost::json::array> AllDatasets(Client& client);

}  // namespace lakehouse::cli
