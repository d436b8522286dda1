// From hashes to numbers, and every former self of it lives on: adding copies one path of the tree and shares the rest.
//
// Value type: copies are handles; different handles may be used from different threads. A hash may stand for several
// numbers (two texts of one hash), so whoever asks checks what a number leads to. Adding and asking are O(log n).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace lakehouse::catalog {

class PersistentIndex {
 public:
  void Add(uint64_t hash, uint64_t number) { root_ = With(root_.get(), 0, {hash, number}); }

  // True when accept(number) holds for some number of this hash.
  template <typename Accept>
  bool Any(uint64_t hash, const Accept& accept) const {
    const Node* node = root_.get();
    for (unsigned depth = 0; node != nullptr && node->is_inner; ++depth)
      node = node->children[Digit(hash, depth)].get();
    if (node == nullptr) return false;
    for (const Entry& entry : node->entries) {
      if (entry.hash == hash && accept(entry.number)) return true;
    }
    return false;
  }

 private:
  static constexpr unsigned kBits = 3;
  static constexpr unsigned kDepth = 64 / kBits;
  static constexpr size_t kLeafEntries = 8;
  struct Entry {
    uint64_t hash;
    uint64_t number;
  };
  struct Node {
    bool is_inner = false;
    std::vector<Entry> entries;                                       // of a leaf
    std::array<std::shared_ptr<const Node>, 1U << kBits> children{};  // of an inner node
  };

  static size_t Digit(uint64_t hash, unsigned depth) { return (hash >> (kBits * depth)) & ((1U << kBits) - 1); }

  static std::shared_ptr<const Node> With(const Node* node, unsigned depth, Entry entry) {
    auto next = node == nullptr ? std::make_shared<Node>() : std::make_shared<Node>(*node);
    if (next->is_inner) {
      auto& child = next->children[Digit(entry.hash, depth)];
      child = With(child.get(), depth + 1, entry);
      return next;
    }
    next->entries.push_back(entry);
    if (next->entries.size() <= kLeafEntries || depth == kDepth) return next;
    next->is_inner = true;
    for (const Entry& moved : std::exchange(next->entries, {})) {
      auto& child = next->children[Digit(moved.hash, depth)];
      child = With(child.get(), depth + 1, moved);
    }
    return next;
  }

  std::shared_ptr<const Node> root_;
};

}  // namespace lakehouse::catalog
