// Vectors from any service that speaks OpenAI's POST /v1/embeddings.
// https://platform.openai.com/docs/api-reference/embeddings/create
#pragma once

#include "embed/provider.h"
#include "net/http_client.h"
#include "net/retry.h"

namespace lakehouse::embed {

struct OpenAiOptions {
  std::string url;  // of the service, without /v1/embeddings
  std::string model;
  uint32_t dimension = 0;                    // asked for and expected; 0: the model's own
  std::string key;                           // empty: none is sent
  std::chrono::milliseconds timeout{30000};  // of one request
  net::RetryPolicy retries{};
};

// REQUIRES: the client outlives the provider. The key stands in no error.
std::unique_ptr<Provider> MakeOpenAiProvider(net::HttpClient& client, OpenAiOptions options);

// The vectors of an answer in the order of `count` texts. kUpstream saying what is wrong with it; kInvalid when the
// vectors have another dimension than `dimension`.
Result<Vectors> ParseEmbeddings(std::string_view json, size_t count, uint32_t dimension);

}  // namespace lakehouse::embed
