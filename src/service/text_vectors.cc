#include "service/text_vectors.h"

#include <algorithm>

namespace lakehouse::service {

Result<embed::Vectors> TextVectors::Embed(const RequestContext& context, const std::vector<std::string>& texts,
                                          uint32_t dimension) const {
  if (provider_ == nullptr) {
    return Fail(ErrorKind::kInvalid,
                "field \"text\" stands where a vector is needed, and nobody makes vectors of texts here: set [vectord] "
                "embedding_provider");
  }
  LH_ASSIGN(auto vectors, provider_->Embed(context, texts, dimension));
  const auto fits = [dimension](const std::vector<float>& vector) { return vector.size() == dimension; };
  if (vectors.size() == texts.size() && std::ranges::all_of(vectors, fits)) return vectors;
  return Fail(ErrorKind::kInternal, "the embedding provider {} made other vectors than it was asked for",
              provider_->name());
}

Status TextVectors::Fill(const RequestContext& context, const vector::IndexOptions& options,
                         vector::NewItems& items) const {
  if (items.texts.empty()) return {};
  std::vector<std::string> texts;
  std::vector<size_t> places;
  for (const auto& text : items.texts) {
    if (text.has_vector) continue;
    texts.push_back(text.text);
    places.push_back(text.item);
  }
  if (!texts.empty()) {
    LH_ASSIGN(const auto vectors, Embed(context, texts, options.dimension));
    for (size_t i = 0; i < places.size(); ++i) {
      std::ranges::copy(vectors[i],
                        items.vectors.begin() + static_cast<ptrdiff_t>(places[i] * size_t{options.dimension}));
    }
  }
  return options.text_field.empty() ? Status() : vector::KeepTexts(options, items);
}

Status TextVectors::Fill(const RequestContext& context, const vector::IndexOptions& options,
                         vector::SearchesRequest& searches) const {
  std::vector<std::string> texts;
  std::vector<vector::SearchRequest*> wanting;
  for (size_t i = 0; i < searches.requests.size(); ++i) {
    auto& request = searches.requests[i];
    const bool fuse = i < searches.fuse.size() && searches.fuse[i] && provider_ != nullptr;
    if (!request.vector.empty() || !request.text || (!options.text_field.empty() && !fuse)) continue;
    texts.push_back(*request.text);
    wanting.push_back(&request);
  }
  if (texts.empty()) return {};
  LH_ASSIGN(auto vectors, Embed(context, texts, options.dimension));
  for (size_t i = 0; i < wanting.size(); ++i) {
    wanting[i]->vector = std::move(vectors[i]);
    if (options.text_field.empty()) wanting[i]->text.reset();
  }
  return {};
}

}  // namespace lakehouse::service
