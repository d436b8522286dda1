#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_value.h"
#include "http/openapi.h"
#include "http/server.h"

namespace lakehouse::http {
namespace {

using ::testing::HasSubstr;

Route Named(std::string method, const std::string& pattern) {
  Route route;
  route.method = std::move(method);
  route.pattern = pattern;
  route.summary = "about " + pattern;
  return route;
}

Router Table() {
  Router storage;
  storage.Add(Named("GET", "/storage/objects"));
  storage.Add(Named("GET", "/storage/objects/{key...}"));
  storage.Add(Named("PUT", "/storage/objects/{key...}"));
  storage.Add(Named("POST", "/catalog/{name}/pins/{version}"));
  storage.Add(Named("GET", "/catalog/{name}"));
  storage.Add(Named("GET", "/catalog/list"));
  Router router;
  router.Mount("/v1", storage);
  router.Add(Named("GET", "/"));
  router.AddPrefix("/v1/vectors", Named("", ""));
  return router;
}

std::string PatternOf(const Router& router, std::string_view method, std::string_view path) {
  const auto match = router.Find(method, path);
  return match ? match->route->method + " " + match->route->pattern : std::string(ErrorKindName(match.error().kind));
}

TEST(Router, FindsByMethodAndPattern) {
  const Router router = Table();
  EXPECT_EQ(PatternOf(router, "GET", "/"), "GET /");
  EXPECT_EQ(PatternOf(router, "GET", "/v1/storage/objects"), "GET /v1/storage/objects");
  EXPECT_EQ(PatternOf(router, "PUT", "/v1/storage/objects/a/b"), "PUT /v1/storage/objects/{key...}");
  EXPECT_EQ(PatternOf(router, "GET", "/v1/catalog/list"), "GET /v1/catalog/list");
  EXPECT_EQ(PatternOf(router, "GET", "/v1/catalog/other"), "GET /v1/catalog/{name}");
  EXPECT_EQ(PatternOf(router, "GET", "/v1/catalog/"), "not-found");
  EXPECT_EQ(PatternOf(router, "GET", "/v1/catalog/a/"), "not-found");
  EXPECT_EQ(PatternOf(router, "GET", "//v1/catalog/a"), "not-found");
  EXPECT_EQ(PatternOf(router, "GET", "/v1"), "not-found");
  EXPECT_EQ(PatternOf(router, "GET", ""), "not-found");
  EXPECT_EQ(PatternOf(router, "OPTIONS", "*"), "not-found");
}

TEST(Router, HeadIsServedByGet) {
  Router router = Table();
  EXPECT_EQ(PatternOf(router, "HEAD", "/v1/catalog/a"), "GET /v1/catalog/{name}");
  router.Add(Named("HEAD", "/v1/catalog/{name}"));
  EXPECT_EQ(PatternOf(router, "HEAD", "/v1/catalog/a"), "HEAD /v1/catalog/{name}");
  EXPECT_EQ(PatternOf(router, "GET", "/v1/catalog/a"), "GET /v1/catalog/{name}");
}

TEST(Router, OtherMethodsGetTheListOfThoseThatWork) {
  const Router router = Table();
  const auto match = router.Find("DELETE", "/v1/storage/objects/a");
  ASSERT_FALSE(match);
  EXPECT_EQ(match.error().kind, ErrorKind::kMethodNotAllowed);
  EXPECT_THAT(match.error().members, ::testing::ElementsAre(::testing::Pair("allow", "GET, HEAD, PUT")));
}

TEST(Router, CapturesAreDecodedOnceAndNeverResolved) {
  const Router router = Table();
  const auto key = [&](std::string_view path) {
    const auto match = router.Find("GET", path);
    return match ? match->captures.at("key") : std::string(ErrorKindName(match.error().kind));
  };
  EXPECT_EQ(key("/v1/storage/objects/a%20b/c"), "a b/c");
  EXPECT_EQ(key("/v1/storage/objects/%2541"), "%41");
  EXPECT_EQ(key("/v1/storage/objects/../x"), "../x");
  EXPECT_EQ(key("/v1/storage/objects/%2e%2E/x"), "../x");
  EXPECT_EQ(key("/v1/storage/objects//x//"), "/x//");
  EXPECT_EQ(key("/v1/storage/objects/a%2Fb"), "a/b");
  EXPECT_EQ(key("/v1/storage/objects/"), "");
  EXPECT_EQ(key("/v1/storage/objects/a+b"), "a+b");
  EXPECT_EQ(key("/v1/storage/objects/%"), "invalid");
  EXPECT_EQ(key("/v1/storage/objects/%4g"), "invalid");
  const auto pin = router.Find("POST", "/v1/catalog/a%2fb/pins/3");
  ASSERT_TRUE(pin);
  EXPECT_EQ(pin->captures.at("name"), "a/b");
  EXPECT_EQ(pin->captures.at("version"), "3");
}

TEST(Router, PrefixTakesWhatIsLeft) {
  const Router router = Table();
  for (const auto& [path, rest] : {std::pair<std::string, std::string>{"/v1/vectors", ""},
                                   {"/v1/vectors/", "/"},
                                   {"/v1/vectors/a%2Fb", "/a%2Fb"}}) {
    const auto match = router.Find("PATCH", path);
    ASSERT_TRUE(match) << path;
    EXPECT_TRUE(match->is_prefix);
    EXPECT_EQ(match->captures.at("rest"), rest);
  }
  EXPECT_FALSE(router.Find("GET", "/v1/vectorsx"));
}

TEST(OpenApi, HasEveryRoute) {
  const Router router = Table();
  const auto document = ParseJson(OpenApiJson(router, "1.2.3"));
  ASSERT_TRUE(document);
  const auto& paths = document->at("paths").as_object();
  size_t operations = 0;
  for (const auto& path : paths) operations += path.value().as_object().size();
  EXPECT_EQ(operations, router.routes().size());
  const auto& put = document->at("paths").at("/v1/storage/objects/{key}").at("put");
  EXPECT_EQ(put.at("parameters").at(0).at("name").as_string(), "key");
  EXPECT_EQ(put.at("summary").as_string(), "about /storage/objects/{key...}");
  EXPECT_EQ(document->at("info").at("version").as_string(), "1.2.3");
}

TEST(OpenApi, SaysWhatARouteTakesAndGives) {
  Router router;
  Route route = Named("POST", "/t/{name}/{version}");
  route.doc = {.path = "version:integer",
               .query = "limit:integer mode:replace|append token",
               .headers = "If-Match",
               .body = "application/json Thing, text/csv bytes",
               .answers = "200 application/json Thing, 200 text/csv bytes, 204",
               .schemas = R"("Thing":{"type":"object"})"};
  router.Add(route);
  const auto document = ParseJson(OpenApiJson(router, "1"));
  ASSERT_TRUE(document);
  const auto& post = document->at("paths").at("/t/{name}/{version}").at("post");
  std::map<std::string, std::string> parameters;
  for (const auto& parameter : post.at("parameters").as_array()) {
    parameters[std::string(parameter.at("name").as_string())] =
        std::string(parameter.at("in").as_string()) + " " + std::string(parameter.at("schema").at("type").as_string());
  }
  const std::map<std::string, std::string> wanted = {{"name", "path string"},    {"version", "path integer"},
                                                     {"limit", "query integer"}, {"mode", "query string"},
                                                     {"token", "query string"},  {"If-Match", "header string"}};
  EXPECT_EQ(parameters, wanted);
  EXPECT_EQ(post.at("parameters").at(3).at("schema").at("enum").as_array().size(), 2U);
  const auto& body = post.at("requestBody").at("content").as_object();
  EXPECT_EQ(body.at("application/json").at("schema").at("$ref").as_string(), "#/components/schemas/Thing");
  EXPECT_EQ(body.at("text/csv").at("schema").at("contentMediaType").as_string(), "text/csv");
  EXPECT_EQ(post.at("responses").at("200").at("content").as_object().size(), 2U);
  EXPECT_FALSE(post.at("responses").at("204").as_object().contains("content"));
  for (const char* errors : {"4XX", "5XX"})
    EXPECT_TRUE(post.at("responses").at(errors).at("content").as_object().contains("application/problem+json"));
  EXPECT_TRUE(document->at("components").at("schemas").as_object().contains("Thing"));
  EXPECT_TRUE(document->at("components").at("schemas").as_object().contains("Problem"));
}

}  // namespace
}  // namespace lakehouse::http
