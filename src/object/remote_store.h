// Objects behind a storaged, over HTTP. Callable from any thread. REQUIRES: the client outlives the store.
#pragma once

#include "net/http_client.h"
#include "object/object_store.h"

namespace lakehouse::object {

struct RemoteStoreOptions {
  std::string base_url;    // http://127.0.0.1:3211, may have a path
  std::string role_token;  // shows that we are a role: may write under the roles' prefixes
};

class RemoteStore final : public ObjectStore {
 public:
  RemoteStore(net::HttpClient& client, RemoteStoreOptions options);

  Result<PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                        const PutOptions& options) override;
  Result<std::unique_ptr<ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                            const GetOptions& options) override;
  Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) override;
  Result<ListPage> List(const RequestContext& context, const ListOptions& options) override;
  Status Delete(const RequestContext& context, std::string_view key) override;
  Status Check(const RequestContext& context) override;
  // storaged refuses conditional puts itself where its backend ignores them.
  bool HonoursConditionalPut() const override { return true; }
  Result<WallTime> Now(const RequestContext& context) override;

 private:
  net::HttpRequest Request(std::string_view method, std::string_view path) const;
  net::HttpRequest ObjectRequest(std::string_view method, std::string_view key) const;
  // The response of a status below 400, or what the problem says.
  Result<std::unique_ptr<net::HttpResponse>> Send(const RequestContext& context, const net::HttpRequest& request) const;

  net::HttpClient& client_;
  RemoteStoreOptions options_;
};

}  // namespace lakehouse::object
