// For tests: a whole lake in memory behind a gRPC server, and what other roles and clients reach it with.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/uuid.h"
#include "catalog/lake_catalog.h"
#include "object/block_cache.h"
#include "object/memory_store.h"
#include "query/engine.h"
#include "rpc/remote.h"
#include "rpc/server.h"
#include "service/catalog_local.h"
#include "service/ingest_local.h"
#include "service/query_local.h"
#include "service/storage_local.h"
#include "service/vectors_local.h"
#include "vector/index_set.h"

namespace lakehouse::rpc {

inline constexpr const char* kEndless = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b";

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    std::filesystem::create_directories(folder_ / "spool");
    auto lake = catalog::LakeCatalog::Open({}, store_, SystemClock(), Logger::Silent(), metrics_, {});
    EXPECT_TRUE(lake) << lake.error().detail;
    lake_ = *std::move(lake);
    catalog_ = std::make_unique<service::LocalCatalog>(*lake_);
    service::LocalIngestOptions ingest;
    ingest.spool_folder = folder_ / "spool";
    ingest_ = std::make_unique<service::LocalIngest>(ingest, store_, *catalog_, metrics_);
    query::EngineOptions options;
    options.spill_folder = folder_ / "spill";
    auto engine = query::Engine::Open(options, *lake_, cache_, Logger::Silent());
    EXPECT_TRUE(engine) << engine.error().detail;
    query_ = std::make_unique<service::LocalQuery>(*std::move(engine), *lake_);
    while (!indexes_.Ready()) std::this_thread::yield();
  }
  ~ServerTest() override {
    if (server_ != nullptr) server_->Stop(Deadline::After(std::chrono::seconds(5)));
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  static ServerOptions Options() {
    ServerOptions options;
    options.role_token = "token";
    return options;
  }
  void Start(ServerOptions options = Options()) {
    auto server = Server::Bind(std::move(options), Logger::Silent(), metrics_);
    ASSERT_TRUE(server) << server.error().detail;
    server_ = *std::move(server);
    const Status started = server_->Start(Services{&storage_, catalog_.get(), ingest_.get(), query_.get(), &vectors_});
    ASSERT_TRUE(started) << started.error().detail;
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  }
  void Stop() {
    server_->Stop(Deadline::After(std::chrono::seconds(5)));
    server_.reset();
  }
  RemoteOptions At(const std::string& name, const std::string& address = {}) const {
    return {"[test] " + name + "_url", name, "grpc://" + (address.empty() ? server_->address() : address), "token"};
  }
  // Until it holds, or half a minute.
  template <typename Check>
  static bool Within(Check check) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!check() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return check();
  }

  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("rpc-" + RandomUuid());
  observe::Metrics metrics_;
  object::MemoryStore store_{SystemClock()};
  service::LocalStorage storage_{store_, {}, metrics_};
  std::unique_ptr<catalog::LakeCatalog> lake_;
  std::unique_ptr<service::LocalCatalog> catalog_;
  std::unique_ptr<service::LocalIngest> ingest_;
  object::BlockCache cache_{store_, {}};
  std::unique_ptr<service::LocalQuery> query_;
  vector::IndexSet indexes_{
      {.store = store_, .log = Logger::Silent(), .cache_folder = std::nullopt, .threads = 1, .writer = RandomUuid()}};
  service::LocalVectors vectors_{indexes_};
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace lakehouse::rpc
