// A server for a test, with a few routes and its client's shorthands.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "http/server.h"
#include "http/server_test_client.h"
#include "net/test_certificate.h"

namespace lakehouse::http::testing {

using std::chrono::milliseconds;

// Waits for something that other threads bring about; false when it does not come.
template <typename Condition>
bool Eventually(Condition condition) {
  const Deadline patience = Deadline::After(kPatience);
  while (!condition()) {
    if (patience.HasPassed()) return false;
    std::this_thread::yield();
  }
  return true;
}

inline Status Echo(const RequestContext&, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), 64 << 20));
  return response.Send(200, "application/octet-stream", body);
}

inline std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (i * 31 + i / 977) % 26);
  return bytes;
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options_.header_timeout = milliseconds(2000);
    options_.body_timeout = milliseconds(2000);
    options_.idle_timeout = milliseconds(20000);
    router_.Add(
        {"GET", "/hello",
         [](const RequestContext&, Request&, Response& response) { return response.Send(200, "text/plain", "hello"); },
         "", milliseconds(60000), Dispatch::kHandlerThread});
    router_.Add({"GET", "/inline",
                 [](const RequestContext& context, Request&, Response& response) {
                   return response.Send(200, "text/plain",
                                        context.request_id + "|" + context.traceparent + "|" +
                                            (context.internal ? "internal" : "client"));
                 },
                 "", milliseconds(60000), Dispatch::kInline});
    router_.Add({"POST", "/echo", Echo, "", milliseconds(60000), Dispatch::kHandlerThread});
    router_.Add(
        {"PUT", "/refuse",
         [](const RequestContext&, Request&, Response&) -> Status { return Fail(ErrorKind::kTooLarge, "too large"); },
         "", milliseconds(60000), Dispatch::kHandlerThread});
  }

  void Start() {
    auto server = Server::Bind(options_, Logger::Silent(), metrics_);
    ASSERT_TRUE(server) << server.error().detail;
    server_ = std::move(*server);
    server_->Start(router_);
  }
  void Route(const std::string& method, const std::string& pattern, Handler handler,
             milliseconds deadline = milliseconds(60000)) {
    router_.Add({method, pattern, std::move(handler), "", deadline, Dispatch::kHandlerThread});
  }
  Client Connect() { return Client(server_->address()); }
  static std::string Get(const std::string& target, const std::string& more = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
  }
  static std::string Post(const std::string& target, const std::string& body, const std::string& more = "") {
    return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + more + "\r\n" + body;
  }
  int64_t Figure(const std::string& name) { return metrics_.GaugeOf(name, "", {{"service", "gateway"}}).value(); }

  ServerOptions options_;
  Router router_;
  observe::Metrics metrics_;
  std::unique_ptr<Server> server_;
};

using TlsContext = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

// Believes this certificate alone.
inline TlsContext ClientContext(const std::string& certificate) {
  TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<BIO, int (*)(BIO*)> in(
      BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())), BIO_free);
  X509* const believed = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), believed);
  X509_free(believed);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

enum class Speech { kPlain, kTls };

// The same server asked in plain text and over TLS: it must not matter.
class EachWayTest : public ServerTest, public ::testing::WithParamInterface<Speech> {
 protected:
  EachWayTest() {
    if (GetParam() == Speech::kPlain) return;
    const auto texts = net::testing::MakeCertificate("server");
    files_.Write(texts);
    context_ = ClientContext(texts.certificate);
    options_.tls = *net::TlsFiles::Load(files_.cert(), files_.key(), Logger::Silent(), SystemClock());
  }
  Client Connect() {
    Client client = ServerTest::Connect();
    if (context_ != nullptr && client.connected()) client.ShakeHands(context_.get());
    return client;
  }

  net::testing::CertificateFiles files_;
  TlsContext context_{nullptr, SSL_CTX_free};
};

inline std::string SpeechName(const ::testing::TestParamInfo<Speech>& info) {
  return info.param == Speech::kPlain ? "Plain" : "Tls";
}

}  // namespace lakehouse::http::testing
