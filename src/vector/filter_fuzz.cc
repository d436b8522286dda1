// Any bytes as a metadata filter: no crash; one text for one meaning; matching and the indexes agree.
#include <cstdlib>
#include <string>

#include "vector/field_index.h"

namespace lakehouse::vector {
namespace {

constexpr std::string_view kDocuments[] = {
    "{}",
    "",
    "17",
    R"({"a":1,"b":"x","c":null,"d":true})",
    R"({"a":[1,2.5,"x",[1],{"x":1}],"author":{"name":"ann","age":9007199254740993}})",
    R"({"author.name":"bob","a":{"x":1,"y":[]},"b":["x","y",null,false]})",
    R"({"":{"":0},"a":-0.0,"b":18446744073709551615,"c":1e300})",
    R"({"a":123456789012345678901234567890,"b":""})",
};

void Check(std::string_view bytes) {
  const auto filter = Filter::Parse(bytes);
  if (!filter) return;
  const auto again = Filter::Parse(filter->Canonical());
  if (!again || again->Canonical() != filter->Canonical()) std::abort();

  FieldIndexes indexes;
  const auto found = indexes.Evaluate(*filter, [](const auto& callback) {
    for (Slot slot = 0; slot < std::size(kDocuments); ++slot) callback(slot, kDocuments[slot]);
  });
  for (Slot slot = 0; slot < std::size(kDocuments); ++slot) {
    const auto metadata = ParseMetadata(kDocuments[slot]);
    const bool matches = filter->Matches(metadata.value_or(boost::json::object()));
    if (matches != again->Matches(metadata.value_or(boost::json::object()))) std::abort();
    if (matches != found->Test(slot)) std::abort();
  }
}

}  // namespace
}  // namespace lakehouse::vector

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lakehouse::vector::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
