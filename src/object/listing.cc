#include "object/listing.h"

namespace lakehouse::object {

PageBuilder::PageBuilder(const ListOptions& options) : options_(options) {
  after_ = std::max(options_.token, options_.start_after);
  first_key_ = std::max(options_.prefix, after_);
}

bool PageBuilder::Add(const ObjectInfo& info) {
  const std::string_view key = info.key;
  if (!key.starts_with(options_.prefix) || (!after_.empty() && key <= after_)) return true;
  const size_t cut =
      options_.delimiter.empty() ? std::string_view::npos : key.find(options_.delimiter, options_.prefix.size());
  const std::string_view group =
      cut == std::string_view::npos ? std::string_view() : key.substr(0, cut + options_.delimiter.size());
  // A token that is a group stands for everything in it.
  if (!group.empty() && after_ == group) return true;
  if (!group.empty() && !page_.prefixes.empty() && page_.prefixes.back() == group) return true;
  if (IsFull()) {
    page_.next_token = last_;
    return false;
  }
  if (group.empty()) {
    page_.objects.push_back(info);
    last_ = key;
  } else {
    page_.prefixes.emplace_back(group);
    last_ = group;
  }
  return true;
}

}  // namespace lakehouse::object
