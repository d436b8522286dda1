#include "service/hashing_thread.h"

#include <gtest/gtest.h>

#include <string>

namespace lakehouse::service {
namespace {

TEST(HashingThreadTest, GivesTheDigestOfAllPieces) {
  std::string whole;
  std::string pieces[2];
  HashingThread hash;
  for (int i = 0; i < 100; ++i) {
    std::string& piece = pieces[i % 2];
    piece.assign(1000 + static_cast<size_t>(i) * 97, static_cast<char>('a' + i % 26));
    whole += piece;
    hash.Update(piece);
  }
  EXPECT_EQ(hash.Finish(), Sha256Of(whole));
}

TEST(HashingThreadTest, NothingHasADigestToo) {
  HashingThread hash;
  EXPECT_EQ(hash.Finish(), Sha256Of(""));
}

TEST(HashingThreadTest, MayEndBeforeItsDigest) {
  const std::string piece(size_t{4} << 20, 'x');
  HashingThread hash;
  hash.Update(piece);
}

}  // namespace
}  // namespace lakehouse::service
