#include "http/api_schemas.h"
#include "http/routes.h"

namespace lakehouse::http {
namespace {

constexpr uint64_t kMaxBodyBytes = 64 << 10;

Status List(auth::Keys& keys, const RequestContext& context, Response& response) {
  LH_ASSIGN(const auto records, keys.List(context));
  return response.SendJson(200, auth::KeysJson(records));
}

Status Create(auth::Keys& keys, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxBodyBytes));
  LH_ASSIGN(const auto parsed, auth::ParseKeyRequest(body));
  LH_ASSIGN(const auto created, keys.Create(context, parsed));
  // The one time that a whole key travels: nothing on the way may keep it.
  response.SetHeader("Cache-Control", "no-store");
  return response.SendJson(201, auth::KeyJson(created.record, created.text));
}

Status Revoke(auth::Keys& keys, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(keys.Revoke(context, request.capture("id")));
  LH_TRY(response.Start(204, 0));
  return response.Finish();
}

}  // namespace

void AddKeyRoutes(Router& router, auth::Keys& keys) {
  router.Add({.method = "GET",
              .pattern = "/v1/keys",
              .handler = [&keys](const RequestContext& context, Request&,
                                 Response& response) { return List(keys, context, response); },
              .summary = "API keys, revoked ones too; never their secrets",
              .doc = {.answers = "200 application/json Keys", .schemas = kKeySchemas},
              .scope = auth::Scope::kAdmin});
  router.Add({.method = "POST",
              .pattern = "/v1/keys",
              .handler = [&keys](const RequestContext& context, Request& request,
                                 Response& response) { return Create(keys, context, request, response); },
              .summary = "Make an API key; the answer is the only one that shows it",
              .doc = {.body = "application/json CreateKey",
                      .answers = "201 application/json CreatedKey",
                      .schemas = kKeySchemas},
              .scope = auth::Scope::kAdmin});
  router.Add({.method = "DELETE",
              .pattern = "/v1/keys/{id}",
              .handler = [&keys](const RequestContext& context, Request& request,
                                 Response& response) { return Revoke(keys, context, request, response); },
              .summary = "Revoke an API key",
              .doc = {.answers = "204"},
              .scope = auth::Scope::kAdmin});
}

}  // namespace lakehouse::http
