#include "http/server_access.h"

#include <gtest/gtest.h>

namespace lakehouse::http {
namespace {

// 0: let in; else the status class of the refusal as its kind's name would say.
std::string Try(const ServerOptions& options, const std::string& host, Headers headers = {}) {
  RequestHead head;
  head.host = host;
  head.headers = std::move(headers);
  const auto caller = AccessRules(options).Check(head, -1);
  if (!caller) return std::string(ErrorKindName(caller.error().kind));
  if (caller->vouched) return "vouched " + caller->vouched->name;
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

TEST(Access, RoleTokenStandsForEverything) {
  ServerOptions options{.role_token = "token"};
  const Headers right = {{"x-lakehouse-role-token", "token"}};
  EXPECT_EQ(Try(options, "storaged.internal:3211", right), "internal");
  EXPECT_EQ(Try(options, "localhost", {{"X-Lakehouse-Role-Token", "wrong"}}), "unauthenticated");
  options.strip_role_token = true;
  EXPECT_EQ(Try(options, "localhost", right), "client");
  options.strip_role_token = false;
  options.role_token.clear();
  EXPECT_EQ(Try(options, "localhost", {{"X-Lakehouse-Role-Token", ""}}), "client");
}

TEST(Access, GatewaysVouchForCallers) {
  ServerOptions options{.role_token = "token"};
  const auth::Principal caller{.key_id = "0123456789ab", .name = "dash board", .scope = auth::Scope::kRead};
  const std::string good = auth::Voucher("token", SystemClock()).For(caller);
  const std::string forged = auth::Voucher("another", SystemClock()).For(caller);
  const auto with = [](const std::string& text) { return Headers{{"x-lakehouse-caller", text}}; };
  EXPECT_EQ(Try(options, "localhost", with(good)), "vouched dash board");
  EXPECT_EQ(Try(options, "localhost", with(forged)), "client");
  EXPECT_EQ(Try(options, "localhost", with("")), "client");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string other = good;
    other[i] = other[i] == 'x' ? 'y' : 'x';
    EXPECT_EQ(Try(options, "localhost", with(other)), "client") << i;
  }
  // Through a gateway under a name that we do not know: that has looked at the client's Host and Origin.
  const std::string anyone = auth::Voucher("token", SystemClock()).ForAnyone();
  EXPECT_EQ(Try(options, "catalogd.internal", with(good)), "vouched dash board");
  EXPECT_EQ(Try(options, "catalogd.internal", with(anyone)), "client") << "let in as anyone is";
  EXPECT_EQ(Try(options, "catalogd.internal", with(forged)), "forbidden");
  options.strip_role_token = true;
  EXPECT_EQ(Try(options, "localhost", with(good)), "client");
  EXPECT_EQ(Try(options, "catalogd.internal", with(anyone)), "forbidden") << "a gateway believes no voucher";
}

}  // namespace
}  // namespace lakehouse::http
