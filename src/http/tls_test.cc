// What is of TLS alone; that everything else goes on over it as in plain text, server_test.cc and server_limits_test.cc
// show.
#include "http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/server_test_fixture.h"

namespace lakehouse::http {
namespace {

using net::testing::CertificateFiles;
using net::testing::CertificateTexts;
using net::testing::MakeCertificate;
using std::chrono::milliseconds;
using testing::Answer;
using testing::Client;
using testing::ClientContext;
using ::testing::HasSubstr;
using testing::Pattern;
using testing::ServerTest;
using testing::TlsContext;

class HandClock final : public Clock {
 public:
  WallTime Now() const override { return SystemClock().Now(); }
  MonotonicTime Monotonic() const override { return MonotonicTime(std::chrono::seconds(seconds.load())); }
  std::atomic<int64_t> seconds{1000};
};

class TlsTest : public ServerTest {
 protected:
  TlsTest() {
    files_.Write(one_);
    options_.tls = *net::TlsFiles::Load(files_.cert(), files_.key(), Logger::Silent(), clock_);
  }
  ~TlsTest() override { server_.reset(); }

  const CertificateTexts one_ = MakeCertificate("one");
  const TlsContext context_ = ClientContext(one_.certificate);
  CertificateFiles files_;
  HandClock clock_;
};

TEST_F(TlsTest, PlainHttpIsToldWhatThisIs) {
  Start();
  Client client = Connect();
  const Answer answer = client.Ask(Get("/hello"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(answer.whole);
  EXPECT_THAT(answer.body, HasSubstr("https://"));
  client.EndSending();
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(TlsTest, WhatIsNoTlsEndsItsOwnConnectionAlone) {
  Start();
  Client good = Connect();
  ASSERT_TRUE(good.ShakeHands(context_.get()));
  for (const std::string& bytes : {std::string(300, '\0'), std::string("\x16\x03\x01\xff\xff\x01", 6) + Pattern(70000),
                                   std::string("SSH-2.0-OpenSSH\r\n")}) {
    Client bad = Connect();
    bad.Send(bytes);
    bad.EndSending();
    EXPECT_EQ(bad.Receive().status, 0);
  }
  EXPECT_EQ(good.Ask(Get("/hello")).body, "hello");
}

TEST_F(TlsTest, SlowHandshakesTimeOut) {
  options_.header_timeout = milliseconds(100);
  Start();
  for (const std::string& begun : {std::string(), std::string("\x16\x03\x01", 3)}) {
    Client client = Connect();
    client.Send(begun);
    EXPECT_TRUE(client.IsClosed());
  }
}

TEST_F(TlsTest, HandsAreShakenAndRequestsTakenByteByByte) {
  Start();
  const Client client = Connect();
  const std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(context_.get()), SSL_free);
  BIO* const from = BIO_new(BIO_s_mem());
  BIO* const to = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(from, -1);
  SSL_set_bio(tls.get(), from, to);
  SSL_set_connect_state(tls.get());
  const auto send_all = [&] {
    char byte = 0;
    while (BIO_read(to, &byte, 1) == 1) ASSERT_EQ(send(client.socket_number(), &byte, 1, MSG_NOSIGNAL), 1);
  };
  const auto receive = [&] {
    char bytes[4096];
    pollfd wait{client.socket_number(), POLLIN, 0};
    ASSERT_EQ(poll(&wait, 1, 10000), 1);
    const ssize_t got = recv(client.socket_number(), bytes, sizeof bytes, 0);
    ASSERT_GT(got, 0);
    BIO_write(from, bytes, static_cast<int>(got));
  };
  while (SSL_do_handshake(tls.get()) != 1) {
    send_all();
    receive();
    if (HasFatalFailure()) return;
  }
  const std::string request = Get("/hello");
  ASSERT_EQ(SSL_write(tls.get(), request.data(), static_cast<int>(request.size())), static_cast<int>(request.size()));
  send_all();
  char answer[4096];
  int got = 0;
  while ((got = SSL_read(tls.get(), answer, sizeof answer)) <= 0) {
    receive();
    if (HasFatalFailure()) return;
  }
  EXPECT_THAT(std::string(answer, static_cast<size_t>(got)), ::testing::StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(TlsTest, OtherProtocolsAreRefused) {
  Start();
  EXPECT_FALSE(Connect().ShakeHands(context_.get(), "h2"));
  EXPECT_FALSE(Connect().ShakeHands(context_.get(), "http/1.0"));
  for (const char* offered : {"", "http/1.1"}) {
    Client client = Connect();
    ASSERT_TRUE(client.ShakeHands(context_.get(), offered)) << offered;
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.tls(), &chosen, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), offered);
    EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
  }
}

TEST_F(TlsTest, OldTlsIsRefused) {
  Start();
  const TlsContext old = ClientContext(one_.certificate);
  SSL_CTX_set_security_level(old.get(), 0);
  SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
  EXPECT_FALSE(Connect().ShakeHands(old.get()));
  SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
  EXPECT_TRUE(Connect().ShakeHands(old.get()));
}

TEST_F(TlsTest, TheEndIsAnnouncedWhenTheAnswerIsWhole) {
  Route("GET", "/broken", [](const RequestContext&, Request&, Response& response) -> Status {
    LH_TRY(response.Start(200, std::nullopt));
    LH_TRY(response.Write(std::string(50000, 'x')));
    return Fail(ErrorKind::kInternal, "late");
  });
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.ShakeHands(context_.get()));
  EXPECT_EQ(client.Ask(Get("/hello", "Connection: close\r\n")).body, "hello");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_TRUE(client.EndedWell());
  Client cut_off = Connect();
  ASSERT_TRUE(cut_off.ShakeHands(context_.get()));
  EXPECT_FALSE(cut_off.Ask(Get("/broken")).whole);
  EXPECT_FALSE(cut_off.EndedWell());
}

TEST_F(TlsTest, HandlersKnowThatItIsTls) {
  Route("GET", "/tls", [](const RequestContext&, Request& request, Response& response) {
    return response.Send(200, "", request.is_tls() ? "yes" : "no");
  });
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.ShakeHands(context_.get()));
  EXPECT_EQ(client.Ask(Get("/tls")).body, "yes");
}

TEST_F(TlsTest, AChangedCertificateIsShownToThoseWhoComeAfter) {
  Start();
  Client before = Connect();
  ASSERT_TRUE(before.ShakeHands(context_.get()));
  const CertificateTexts two = MakeCertificate("two");
  const TlsContext believes_two = ClientContext(two.certificate);
  files_.Write(two);
  EXPECT_FALSE(Connect().ShakeHands(believes_two.get())) << "not looked at so soon";
  clock_.seconds += 2;
  EXPECT_TRUE(Connect().ShakeHands(believes_two.get()));
  EXPECT_FALSE(Connect().ShakeHands(context_.get()));
  EXPECT_EQ(before.Ask(Get("/hello")).body, "hello");
}

TEST_F(TlsTest, ABadPairLeavesTheOldOneInUse) {
  Start();
  files_.Write({MakeCertificate("two").certificate, one_.key});
  clock_.seconds += 2;
  Client client = Connect();
  EXPECT_TRUE(client.ShakeHands(context_.get()));
  EXPECT_EQ(client.Ask(Get("/hello")).body, "hello");
}

}  // namespace
}  // namespace lakehouse::http
