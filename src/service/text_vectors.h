// Vectors in place of the texts of items and searches, as docs/using.md, "Texts instead of vectors", has the rules.
// Thread-safe. REQUIRES: the provider outlives this.
#pragma once

#include "embed/provider.h"
#include "vector/batch.h"

namespace lakehouse::service {

class TextVectors {
 public:
  // Without a provider, what needs a vector of a text is kInvalid saying which setting is missing.
  explicit TextVectors(embed::Provider* provider) : provider_(provider) {}

  // Afterwards every item has its vector, and its text in the metadata where the index has a text_field.
  Status Fill(const RequestContext& context, const vector::IndexOptions& options, vector::NewItems& items) const;
  // A search by text alone: the text's vector in an index without a text_field, its words in one with it, and both when
  // `fuse` says so and there is a provider.
  Status Fill(const RequestContext& context, const vector::IndexOptions& options,
              vector::SearchesRequest& searches) const;

 private:
  Result<embed::Vectors> Embed(const RequestContext& context, const std::vector<std::string>& texts,
                               uint32_t dimension) const;

  embed::Provider* const provider_;
};

}  // namespace lakehouse::service
