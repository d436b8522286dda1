// Strong integer types for numbers that must not be mixed up.
#pragma once

#include <compare>
#include <cstdint>

namespace lakehouse {

template <typename Tag, typename Rep = uint64_t>
struct Strong {
  Rep value = 0;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}
  constexpr auto operator<=>(const Strong&) const = default;
  constexpr Strong Next() const { return Strong(value + 1); }
};

// The lake's one number: position in the commit log. 0 is the empty lake.
using Seq = Strong<struct SeqTag>;
// Counts a dataset's commits; starts at 1 and never goes back, also across a drop.
using DatasetVersion = Strong<struct DatasetVersionTag>;

}  // namespace lakehouse
