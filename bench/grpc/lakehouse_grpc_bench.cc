// Loads lakehouse.v1.Vectors with searches and prints one line of JSON: queries a second and their latencies.
//
//   lakehouse_grpc_bench --address HOST:PORT --index NAME --queries FILE --mode unary|batch|stream [--k 10] [--ef 80]
//                        [--clients 2] [--seconds 5] [--batch 100] [--window 16] [--vectors 0]
//
// FILE is as bench/vector_data.py writes queries. `batch` puts many vectors into one message, `stream` keeps `window`
// messages of one vector each under way on one stream; --vectors 1 has hits answered with their vectors. Every client
// is a thread with a connection of its own.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "lakehouse/v1/vectors.grpc.pb.h"

namespace lakehouse {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "lakehouse_grpc_bench: %s\n", why.c_str());
  std::exit(1);
}
void Must(const grpc::Status& status) {
  if (!status.ok()) Die(status.error_message());
}

struct Plan {
  std::string address, index, mode;
  std::vector<v1::SearchRequest> requests;
  size_t each = 1;  // queries of one request
  int clients = 2;
  std::chrono::seconds run_for{5};
  std::ptrdiff_t window = 16;
};

struct Found {
  uint64_t queries = 0;
  std::vector<double> latencies_us;
};

std::unique_ptr<v1::Vectors::Stub> Connect(const std::string& address, int nth) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("client", nth);  // channels that differ share no connection
  arguments.SetMaxReceiveMessageSize(-1);
  return v1::Vectors::NewStub(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

double MicrosSince(Clock::time_point began) {
  return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

void AskOneByOne(const Plan& plan, v1::Vectors::Stub& stub, size_t first, Clock::time_point end, Found& found) {
  for (size_t at = first; Clock::now() < end; ++at) {
    const auto began = Clock::now();
    grpc::ClientContext context;
    v1::SearchResponse response;
    Must(stub.Search(&context, plan.requests[at % plan.requests.size()], &response));
    if (static_cast<size_t>(response.answers_size()) != plan.each) Die("an answer is not whole");
    found.latencies_us.push_back(MicrosSince(began));
    found.queries += plan.each;
  }
}

void AskInStream(const Plan& plan, v1::Vectors::Stub& stub, size_t first, Clock::time_point end, Found& found) {
  grpc::ClientContext context;
  const auto stream = stub.SearchStream(&context);
  std::counting_semaphore<> room(plan.window);
  std::vector<std::atomic<Clock::rep>> sent(4096);
  std::thread writer([&] {
    v1::SearchStreamRequest request;
    for (uint64_t at = first; Clock::now() < end; ++at) {
      room.acquire();
      request.set_tag(at);
      *request.mutable_search() = plan.requests[at % plan.requests.size()];
      sent[at % sent.size()] = Clock::now().time_since_epoch().count();
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
  });
  v1::SearchStreamResponse response;
  while (stream->Read(&response)) {
    room.release();
    if (!response.has_found()) Die(response.error().message());
    found.latencies_us.push_back(
        MicrosSince(Clock::time_point(Clock::duration(sent[response.tag() % sent.size()].load()))));
    ++found.queries;
  }
  writer.join();
  Must(stream->Finish());
}

double Percentile(std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void Run(const Plan& plan) {
  std::vector<Found> found(static_cast<size_t>(plan.clients));
  std::vector<std::thread> threads;
  threads.reserve(found.size());
  const auto began = Clock::now();
  for (int nth = 0; nth < plan.clients; ++nth) {
    threads.emplace_back([&plan, nth, end = began + plan.run_for, &one = found[static_cast<size_t>(nth)]] {
      const auto stub = Connect(plan.address, nth);
      const size_t first = plan.requests.size() * static_cast<size_t>(nth) / static_cast<size_t>(plan.clients);
      (plan.mode == "stream" ? AskInStream : AskOneByOne)(plan, *stub, first, end, one);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = MicrosSince(began) / 1e6;
  uint64_t queries = 0;
  std::vector<double> latencies;
  for (const Found& one : found) {
    queries += one.queries;
    latencies.insert(latencies.end(), one.latencies_us.begin(), one.latencies_us.end());
  }
  std::sort(latencies.begin(), latencies.end());
  std::printf(R"({"queries":%llu,"seconds":%.3f,"p50_us":%.1f,"p99_us":%.1f})"
              "\n",
              static_cast<unsigned long long>(queries), seconds, Percentile(latencies, 0.5),
              Percentile(latencies, 0.99));
}

std::vector<v1::SearchRequest> RequestsOf(const std::string& path, const std::string& index, uint32_t k, uint32_t ef,
                                          size_t each, bool vectors) {
  std::ifstream in(path, std::ios::binary);
  uint32_t rows = 0, columns = 0;
  in.read(reinterpret_cast<char*>(&rows), 4).read(reinterpret_cast<char*>(&columns), 4);
  std::vector<float> values(size_t{rows} * columns);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * 4));
  if (!in) Die("cannot read " + path);
  std::vector<v1::SearchRequest> requests;
  for (size_t row = 0; row + each <= rows; row += each) {
    v1::SearchRequest& request = requests.emplace_back();
    request.set_index(index);
    request.mutable_vectors()->Add(values.data() + row * columns, values.data() + (row + each) * columns);
    request.mutable_options()->set_k(k);
    request.mutable_options()->set_ef(ef);
    request.mutable_options()->set_without_metadata(true);
    request.mutable_options()->set_with_vectors(vectors);
  }
  return requests;
}

Plan PlanOf(int argc, char** argv) {
  std::map<std::string, std::string> given = {{"--k", "10"},      {"--ef", "80"},     {"--clients", "2"},
                                              {"--seconds", "5"}, {"--batch", "100"}, {"--window", "16"},
                                              {"--vectors", "0"}};
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  const auto number = [&given](const char* name) { return static_cast<uint32_t>(std::stoul(given[name])); };
  Plan plan;
  plan.address = given["--address"];
  plan.index = given["--index"];
  plan.mode = given["--mode"];
  plan.each = plan.mode == "batch" ? number("--batch") : 1;
  plan.clients = static_cast<int>(number("--clients"));
  plan.run_for = std::chrono::seconds(number("--seconds"));
  plan.window = number("--window");
  plan.requests =
      RequestsOf(given["--queries"], plan.index, number("--k"), number("--ef"), plan.each, number("--vectors") != 0);
  return plan;
}

}  // namespace
}  // namespace lakehouse

int main(int argc, char** argv) { lakehouse::Run(lakehouse::PlanOf(argc, argv)); }
