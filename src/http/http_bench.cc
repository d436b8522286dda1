// What the HTTP layer itself costs: reading heads and forms, and a whole request over a kept connection.
#include <benchmark/benchmark.h>

#include "http/framing.h"
#include "http/multipart.h"
#include "http/proxy.h"
#include "http/server.h"
#include "http/server_test_client.h"

namespace lakehouse::http {
namespace {

constexpr std::string_view kHead =
    "GET /v1/storage/objects/datasets/trips/part.parquet?x=1 HTTP/1.1\r\nHost: localhost:3110\r\nUser-Agent: "
    "curl/8.0\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nX-Request-Id: 0123456789abcdef\r\n\r\n";

void ReadHead(benchmark::State& state) {
  for (auto _ : state) {
    size_t scanned = 0;
    const auto end = FindHeadEnd(kHead, scanned);
    benchmark::DoNotOptimize(ParseRequestHead(kHead.substr(0, *end)));
  }
}
BENCHMARK(ReadHead);

void ReadForm(benchmark::State& state) {
  std::string body = "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.csv\"\r\n\r\n";
  while (body.size() < (64 << 20)) body += "2026-01-31 12:00:00,1234,\"a, b\",0.125\r\n";
  body += "\r\n--XX--\r\n";
  std::vector<char> out(256 << 10);
  for (auto _ : state) {
    StringSource source(body);
    const auto reader = MultipartReader::Open("multipart/form-data; boundary=XX", source);
    const auto file = (*reader)->NextFile();
    while ((*file)->Read(out).value_or(0) > 0) {
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}
BENCHMARK(ReadForm)->Unit(benchmark::kMillisecond);

std::unique_ptr<Server> Serve(Router router, observe::Metrics& metrics) {
  auto server = Server::Bind({}, Logger::Silent(), metrics);
  (*server)->Start(std::move(router));
  return std::move(*server);
}

Router Hello() {
  Router router;
  for (const Dispatch dispatch : {Dispatch::kInline, Dispatch::kHandlerThread}) {
    Route route;
    route.method = "GET";
    route.pattern = dispatch == Dispatch::kInline ? "/inline" : "/handler";
    route.handler = [](const RequestContext&, Request&, Response& response) {
      return response.SendJson(200, "{\"ok\":true}");
    };
    route.dispatch = dispatch;
    router.Add(std::move(route));
  }
  return router;
}

void Ask(benchmark::State& state, const std::string& address, const std::string& path) {
  testing::Client client(address);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (auto _ : state) {
    if (client.Ask(request).status != 200) state.SkipWithError("refused");
  }
}

void InlineRoundTrip(benchmark::State& state) {
  observe::Metrics metrics;
  const auto server = Serve(Hello(), metrics);
  Ask(state, server->address(), "/inline");
}
BENCHMARK(InlineRoundTrip)->UseRealTime();

void HandlerRoundTrip(benchmark::State& state) {
  observe::Metrics metrics;
  const auto server = Serve(Hello(), metrics);
  Ask(state, server->address(), "/handler");
}
BENCHMARK(HandlerRoundTrip)->UseRealTime();

void ProxiedRoundTrip(benchmark::State& state) {
  observe::Metrics metrics;
  const auto server = Serve(Hello(), metrics);
  Router edge;
  edge.AddPrefix("/v1", Route{"", "", MakeProxy(*ParseUpstreamUrl("url", "http://" + server->address())), "",
                              std::chrono::seconds(60), Dispatch::kHandlerThread});
  const auto gateway = Serve(std::move(edge), metrics);
  Ask(state, gateway->address(), "/v1/handler");
}
BENCHMARK(ProxiedRoundTrip)->UseRealTime();

}  // namespace
}  // namespace lakehouse::http

BENCHMARK_MAIN();
