#include "vector/kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace lakehouse::vector {
namespace {

// Memory as the index gives it: at 64-byte boundaries.
struct alignas(64) Block {
  uint8_t bytes[kCodeBlock];
};

TEST(Kernels, FloatKernelsAgreeWithDoubles) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const Kernels* kernels : UsableKernels()) {
    for (const size_t dimension : {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 100, 128, 768, 1536, 4096}) {
      std::vector<float> a(dimension), b(dimension);
      std::vector<uint16_t> code(dimension);
      double dot = 0, l2 = 0, dot_bf16 = 0, l2_bf16 = 0;
      for (size_t i = 0; i < dimension; ++i) {
        a[i] = normal(random);
        b[i] = normal(random);
        code[i] = static_cast<uint16_t>(std::bit_cast<uint32_t>(b[i]) >> 16);
        const double coded = std::bit_cast<float>(static_cast<uint32_t>(code[i]) << 16);
        dot += double{a[i]} * b[i];
        l2 += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
        dot_bf16 += a[i] * coded;
        l2_bf16 += (a[i] - coded) * (a[i] - coded);
      }
      const double near = 1e-4 * std::sqrt(static_cast<double>(dimension)) + 1e-5 * l2;
      EXPECT_NEAR(kernels->dot(a.data(), b.data(), dimension), dot, near) << kernels->name << " " << dimension;
      EXPECT_NEAR(kernels->l2(a.data(), b.data(), dimension), l2, near) << kernels->name << " " << dimension;
      EXPECT_NEAR(kernels->dot_bf16(a.data(), code.data(), dimension), dot_bf16, near) << kernels->name;
      EXPECT_NEAR(kernels->l2_bf16(a.data(), code.data(), dimension), l2_bf16, near) << kernels->name;
    }
  }
}

TEST(Kernels, CodeKernelsAgreeExactly) {
  std::mt19937 random(2);
  for (const size_t blocks : {1, 2, 3, 12}) {
    constexpr size_t kCodes = 11;
    std::vector<std::vector<Block>> storage(kCodes, std::vector<Block>(blocks));
    std::vector<const uint8_t*> codes;
    for (auto& code : storage) {
      for (auto& block : code) {
        // The extremes too: products that would saturate narrower sums.
        for (auto& byte : block.bytes) byte = random() % 4 == 0 ? 255 : static_cast<uint8_t>(random());
      }
      codes.push_back(code.front().bytes);
    }
    std::vector<int8_t> query(blocks * kCodeBlock * 8);
    for (auto& value : query) value = random() % 4 == 0 ? -127 : static_cast<int8_t>(random() % 255 - 127);
    for (const auto kernel : {&Kernels::dot_code8, &Kernels::dot_code4, &Kernels::dot_code1}) {
      std::vector<int32_t> expected(kCodes), got(kCodes);
      (UsableKernels().front()->*kernel)(query.data(), codes.data(), kCodes, blocks * kCodeBlock, expected.data());
      for (const Kernels* kernels : UsableKernels()) {
        (kernels->*kernel)(query.data(), codes.data(), kCodes, blocks * kCodeBlock, got.data());
        EXPECT_EQ(got, expected) << kernels->name << " with " << blocks << " blocks";
      }
    }
  }
}

}  // namespace
}  // namespace lakehouse::vector
