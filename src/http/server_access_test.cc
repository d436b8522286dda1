#include "http/server_access.h"

#include <gtest/gtest.h>

namespace lakehouse::http {
namespace {

// 0: let in; else the status class of the refusal as its kind's name would say.
std::string Try(const ServerOptions& options, const std::string& host, Headers headers = {},
                std::string_view path = "/x") {
  RequestHead head;
  head.host = host;
  head.headers = std::move(headers);
  const auto caller = AccessRules(options).Check(head, path, -1);
  if (!caller) return std::string(ErrorKindName(caller.error().kind));
  return caller->internal ? "internal" : "client";
}

TEST(Access, HostMustBeOurs) {
  const ServerOptions options{.bind = "10.1.2.3:3110", .hosts = {"Lake.Example", "[fd00::1]:99"}};
  for (const char* ours : {"localhost", "LOCALHOST:1", "localhost.", "x.localhost:80", "127.0.0.1", "127.9.9.9:5",
                           "[::1]", "[::1]:80", "10.1.2.3", "10.1.2.3:99", "lake.example:443", "[fd00::1]"}) {
    EXPECT_EQ(Try(options, ours), "client") << ours;
  }
  for (const char* foreign :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "10.1.2.4",
        "localhost:x", "localhost:80:80", "[::1", "[::2]", "a@localhost", "127.1", "2130706433"}) {
    EXPECT_EQ(Try(options, foreign), "forbidden") << foreign;
  }
}

TEST(Access, OriginMustBeOurs) {
  const ServerOptions options{.hosts = {"lake.example"}};
  for (const char* ours : {"http://localhost:3110", "http://127.0.0.1", "https://lake.example"}) {
    EXPECT_EQ(Try(options, "localhost", {{"Origin", ours}}), "client") << ours;
  }
  for (const char* foreign :
       {"null", "", "http://evil.example", "https://localhost.evil.example", "http://localhost@evil.example"}) {
    EXPECT_EQ(Try(options, "localhost", {{"Origin", foreign}}), "forbidden") << foreign;
  }
}

TEST(Access, KeysAreNeededButForHealth) {
  const ServerOptions options{.api_keys = {"first-key", "second-key"}};
  EXPECT_EQ(Try(options, "localhost"), "unauthenticated");
  EXPECT_EQ(Try(options, "localhost", {}, "/health"), "client");
  EXPECT_EQ(Try(options, "localhost", {}, "/ready"), "client");
  EXPECT_EQ(Try(options, "localhost", {}, "/metrics"), "unauthenticated");
  EXPECT_EQ(Try(options, "localhost", {}, "/v1/health"), "unauthenticated");
  EXPECT_EQ(Try(options, "localhost", {{"authorization", "bearer second-key"}}), "client");
  for (const char* wrong :
       {"Bearer first-ke", "Bearer first-key2", "Bearer", "Basic first-key", "first-key", "Bearer "}) {
    EXPECT_EQ(Try(options, "localhost", {{"Authorization", wrong}}), "unauthenticated") << wrong;
  }
}

TEST(Access, RoleTokenStandsForEverything) {
  ServerOptions options{.api_keys = {"key"}, .role_token = "token"};
  const Headers right = {{"x-lakehouse-role-token", "token"}};
  EXPECT_EQ(Try(options, "storaged.internal:3211", right), "internal");
  EXPECT_EQ(Try(options, "localhost", {{"X-Lakehouse-Role-Token", "wrong"}}), "unauthenticated");
  options.strip_role_token = true;
  EXPECT_EQ(Try(options, "localhost", right), "unauthenticated");
  options.api_keys.clear();
  EXPECT_EQ(Try(options, "localhost", right), "client");
  options.strip_role_token = false;
  options.role_token.clear();
  EXPECT_EQ(Try(options, "localhost", {{"X-Lakehouse-Role-Token", ""}}), "client");
}

}  // namespace
}  // namespace lakehouse::http
