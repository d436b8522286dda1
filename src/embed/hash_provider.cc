#include <cmath>

#include "base/hash.h"
#include "embed/provider.h"
#include "vector/text_tokens.h"

namespace lakehouse::embed {
namespace {

constexpr size_t kGramBytes = 3;
constexpr double kGramWeight = 0.5;

// One feature's share: the low bits of its hash choose the place, the top bit the sign (Weinberger et al., ICML 2009).
void AddFeature(std::string_view feature, double weight, std::vector<double>& sums) {
  const uint64_t hash = Xxh3(feature);
  sums[(hash & 0x7fffffffffffffff) % sums.size()] += hash >> 63 == 0 ? weight : -weight;
}

// The word, and its trigrams with "<" and ">" where it begins and ends.
void AddWord(std::string_view word, std::vector<double>& sums) {
  AddFeature("w:" + std::string(word), 1, sums);
  const std::string bounded = "<" + std::string(word) + ">";
  for (size_t at = 0; at + kGramBytes <= bounded.size(); ++at) {
    AddFeature("g:" + bounded.substr(at, kGramBytes), kGramWeight, sums);
  }
}

std::vector<float> Normalised(const std::vector<double>& sums, std::string_view text) {
  double squares = 0;
  for (const double value : sums) squares += value * value;
  std::vector<float> vector(sums.size());
  if (squares == 0) {
    // No word at all, or words that cancel out: still a direction of the text's own.
    vector[Xxh3(text) % vector.size()] = 1;
    return vector;
  }
  const double scale = 1 / std::sqrt(squares);
  for (size_t i = 0; i < sums.size(); ++i) vector[i] = static_cast<float>(sums[i] * scale);
  return vector;
}

class HashProvider final : public Provider {
 public:
  Result<Vectors> Embed(const RequestContext& context, std::span<const std::string> texts,
                        uint32_t dimension) override {
    if (dimension == 0) return Fail(ErrorKind::kInvalid, "a vector has at least one dimension");
    Vectors vectors;
    std::vector<double> sums;
    for (const std::string& text : texts) {
      LH_TRY(context.Check("embedding"));
      sums.assign(dimension, 0);
      vector::ForEachToken(text, [&](std::string_view word) { AddWord(word, sums); });
      vectors.push_back(Normalised(sums, text));
    }
    return vectors;
  }
  uint32_t dimension() const override { return 0; }
  const std::string& name() const override { return name_; }

 private:
  const std::string name_ = "hash";
};

}  // namespace

std::unique_ptr<Provider> MakeHashProvider() { return std::make_unique<HashProvider>(); }

}  // namespace lakehouse::embed
