// A list that grows at its end and whose every former self lives on: appending makes one node and shares the rest.
//
// Value type: copies are handles, items never change, and different handles may be used from different threads. Append
// is O(1), reaching an item O(log n): each node knows its predecessor and one far ancestor, as in E. Myers, "An
// Applicative Random-Access Stack" (1983).
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace lakehouse::catalog {

template <typename T>
class PersistentList {
 public:
  PersistentList() = default;

  size_t size() const { return SizeOf(tip_.get()); }
  bool empty() const { return tip_ == nullptr; }
  // REQUIRES: not empty.
  const T& back() const { return tip_->item; }

  [[nodiscard]] PersistentList Appended(T item) const {
    return PersistentList(std::make_shared<Node>(std::move(item), tip_));
  }
  // The first `size` items; shares them. REQUIRES: size <= this->size().
  PersistentList Prefix(size_t size) const {
    return PersistentList(Back([size](const Node& node) { return node.size > size; }));
  }
  // REQUIRES: index < size().
  const T& At(size_t index) const {
    return Back([index](const Node& node) { return node.size > index + 1; })->item;
  }
  // What is left once all items at the end for which `above` holds are taken away. REQUIRES: `above` holds for all
  // items after the first for which it does.
  template <typename Above>
  PersistentList Without(const Above& above) const {
    return PersistentList(Back([&above](const Node& node) { return above(node.item); }));
  }
  // Calls visit(item), newest first, until it returns false.
  template <typename Visit>
  void VisitFromBack(const Visit& visit) const {
    for (const Node* node = tip_.get(); node != nullptr && visit(node->item); node = node->before.get()) {
    }
  }
  // Oldest first.
  std::vector<T> ToVector() const {
    std::vector<T> items;
    items.reserve(size());
    VisitFromBack([&items](const T& item) {
      items.push_back(item);
      return true;
    });
    std::ranges::reverse(items);
    return items;
  }

 private:
  struct Node {
    Node(T new_item, std::shared_ptr<const Node> tip) : item(std::move(new_item)), before(std::move(tip)) {
      size = SizeOf(before.get()) + 1;
      const Node* far_of_before = before == nullptr ? nullptr : before->far;
      const Node* farther = far_of_before == nullptr ? nullptr : far_of_before->far;
      const bool equal_steps =
          far_of_before != nullptr && before->size - far_of_before->size == far_of_before->size - SizeOf(farther);
      far = equal_steps ? farther : before.get();
    }
    // Lets go of a long chain without recursion: each node that ends here ends while its predecessor is still held.
    ~Node() {
      std::shared_ptr<const Node> next = std::move(before);
      while (next != nullptr && next.use_count() == 1) {
        std::shared_ptr<const Node> after = next->before;
        next = std::move(after);
      }
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    T item;
    size_t size;
    std::shared_ptr<const Node> before;
    const Node* far;  // an ancestor, held by `before`
  };

  explicit PersistentList(std::shared_ptr<const Node> tip) : tip_(std::move(tip)) {}
  static size_t SizeOf(const Node* node) { return node == nullptr ? 0 : node->size; }

  // The newest node for which `above` does not hold.
  template <typename Above>
  std::shared_ptr<const Node> Back(const Above& above) const {
    const std::shared_ptr<const Node>* at = &tip_;
    const Node* node = tip_.get();
    while (node != nullptr && above(*node)) {
      if (node->far != nullptr && above(*node->far)) {
        node = node->far;
      } else {
        at = &node->before;
        node = at->get();
      }
    }
    return node == nullptr ? nullptr : *at;
  }

  std::shared_ptr<const Node> tip_;
};

}  // namespace lakehouse::catalog
