// Who makes vectors of texts. Thread-safe; blocking; every call keeps to the context's deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/request_context.h"
#include "base/result.h"

namespace lakehouse::embed {

using Vectors = std::vector<std::vector<float>>;

class Provider {
 public:
  virtual ~Provider() = default;
  // One vector of `dimension` finite numbers for each text, in their order. kInvalid for a text that the provider
  // refuses or another dimension than it makes; kUpstream, kUnavailable for a service that does not answer as it
  // should.
  virtual Result<Vectors> Embed(const RequestContext& context, std::span<const std::string> texts,
                                uint32_t dimension) = 0;
  // Of every vector; 0: whatever is asked for.
  virtual uint32_t dimension() const = 0;
  // Names provider and model: texts have the same vectors under the same name.
  virtual const std::string& name() const = 0;
};

// Deterministic feature hashing, the same on every machine; docs/using.md, "Texts instead of vectors", has the rule.
// Needs no model and knows none of what words mean: for tests and offline demonstrations.
std::unique_ptr<Provider> MakeHashProvider();

// `provider` behind the vectors of the texts seen last: at most `bytes` of them, by SHA-256 of the text.
std::unique_ptr<Provider> MakeCachedProvider(std::unique_ptr<Provider> provider, uint64_t bytes);

}  // namespace lakehouse::embed
