#include "vector/text_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "vector/text_tokens.h"

namespace lakehouse::vector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Tokens(std::string_view text) {
  std::vector<std::string> tokens;
  ForEachToken(text, [&](std::string_view token) { tokens.emplace_back(token); });
  return tokens;
}

TEST(TextTokensTest, RunsOfLettersAndDigitsInLowerCase) {
  EXPECT_THAT(Tokens("  The quick-brown FOX, 2nd (edition)!"),
              ElementsAre("the", "quick", "brown", "fox", "2nd", "edition"));
  EXPECT_THAT(Tokens("Äpfel ÜBER Straße, ŁÓDŹ"), ElementsAre("äpfel", "über", "straße", "łódź"));
  EXPECT_THAT(Tokens("ΟΔΟΣ οδος Привет ЁЖ"), ElementsAre("οδοσ", "οδοσ", "привет", "ёж"));
  EXPECT_THAT(Tokens("東京 2024年"), ElementsAre("東", "京", "2024", "年"));
  EXPECT_THAT(Tokens("a\u2014b \u00ABc\u00BB d\U0001F600e"), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Tokens("ab\xFF"
                     "cd\xC3"),
              ElementsAre("ab", "cd"));
  EXPECT_THAT(Tokens(std::string_view("x\0y", 3)), ElementsAre("x", "y"));
  EXPECT_THAT(Tokens(" .,! "), IsEmpty());
}

TEST(TextTokensTest, LongWordsAreCutAtACharacter) {
  EXPECT_THAT(Tokens(std::string(100, 'A') + " b"), ElementsAre(std::string(64, 'a'), "b"));
  std::string umlauts = "x";
  for (int i = 0; i < 50; ++i) umlauts += "ä";
  const auto tokens = Tokens(umlauts + "yyy");
  ASSERT_EQ(tokens.size(), 1U);
  EXPECT_EQ(tokens[0], umlauts.substr(0, 63));
}

// BM25 written down as in the paper, over whole texts.
class Naive {
 public:
  std::map<Slot, std::string> texts;

  std::vector<TextHit> Search(const std::string& query, size_t limit, const SlotSet* allowed) const {
    double words = 0;
    for (const auto& [slot, text] : texts) words += static_cast<double>(Tokens(text).size());
    const double mean = words / static_cast<double>(texts.size());
    std::vector<TextHit> hits;
    for (const auto& [slot, text] : texts) {
      if (allowed != nullptr && !allowed->Test(slot)) continue;
      double score = 0;
      for (const std::string& word : Tokens(query)) score += Idf(word) * Weight(word, text, mean);
      if (score > 0) hits.push_back({slot, static_cast<float>(score)});
    }
    std::sort(hits.begin(), hits.end(), [](const TextHit& a, const TextHit& b) {
      return a.score != b.score ? a.score > b.score : a.slot < b.slot;
    });
    if (hits.size() > limit) hits.resize(limit);
    return hits;
  }

 private:
  static double CountOf(const std::string& word, const std::string& text) {
    const auto tokens = Tokens(text);
    return static_cast<double>(std::count(tokens.begin(), tokens.end(), word));
  }
  double Idf(const std::string& word) const {
    double with = 0;
    for (const auto& [slot, text] : texts) with += CountOf(word, text) > 0 ? 1 : 0;
    return std::log(1 + (static_cast<double>(texts.size()) - with + 0.5) / (with + 0.5));
  }
  static double Weight(const std::string& word, const std::string& text, double mean) {
    const double count = CountOf(word, text);
    const auto length = static_cast<double>(Tokens(text).size());
    return count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / mean));
  }
};

// The same slots with nearly the same scores; equal scores may have traded places by their last bit.
void ExpectSame(const std::vector<TextHit>& found, const std::vector<TextHit>& want) {
  ASSERT_EQ(found.size(), want.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i].score, want[i].score, 1e-5F * want[i].score) << "at " << i;
    if (i == 0) continue;
    EXPECT_TRUE(found[i - 1].score > found[i].score ||
                (found[i - 1].score == found[i].score && found[i - 1].slot < found[i].slot));
  }
}

TEST(TextIndexTest, AgreesWithTheFormula) {
  std::mt19937_64 random(3);
  const auto words = [&](size_t count) {
    std::string text;
    // Few frequent words and many rare ones.
    for (size_t i = 0; i < count; ++i) text += "w" + std::to_string((random() % 40) * (random() % 40) / 40) + " ";
    return text;
  };
  TextIndex index;
  Naive naive;
  for (int step = 0; step < 500; ++step) {
    const auto slot = static_cast<Slot>(random() % 60);
    if (random() % 4 == 0) {
      index.Remove(slot);
      naive.texts.erase(slot);
    } else {
      const std::string text = words(random() % 20);
      index.Add(slot, text);
      naive.texts[slot] = text;
    }
    ASSERT_EQ(index.size(), naive.texts.size());
    if (step % 10 != 9) continue;
    const std::string query = words(1 + random() % 4);
    SlotSet allowed;
    for (Slot s = 0; s < 60; s += 2) allowed.Set(s);
    const size_t all = naive.texts.size();
    ExpectSame(index.Search(query, all, nullptr), naive.Search(query, all, nullptr));
    ExpectSame(index.Search(query, 5, &allowed), naive.Search(query, 5, &allowed));
    for (const TextHit& hit : index.Search(query, all, &allowed)) EXPECT_TRUE(allowed.Test(hit.slot));
  }
}

TEST(TextIndexTest, RareWordsInManyTexts) {
  TextIndex index;
  for (Slot slot = 0; slot < 1'000; ++slot) index.Add(slot, "common " + std::to_string(slot));
  const auto hits = index.Search("Common 777", 3);
  ASSERT_EQ(hits.size(), 3U);
  EXPECT_EQ(hits[0].slot, 777U);
  EXPECT_EQ(hits[1].slot, 0U);
  EXPECT_EQ(hits[2].slot, 1U);
  const auto one = index.Search("777", 10);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].slot, 777U);
  EXPECT_THAT(index.Search("absent", 10), IsEmpty());
  EXPECT_THAT(index.Search("777", 0), IsEmpty());
  EXPECT_THAT(index.Search("", 10), IsEmpty());
}

TEST(TextIndexTest, RemovingGivesMemoryBack) {
  TextIndex index;
  const auto round = [&](int number) {
    for (Slot slot = 0; slot < 500; ++slot) index.Add(slot, "r" + std::to_string(number) + "x" + std::to_string(slot));
  };
  round(0);
  const uint64_t first = index.bytes();
  for (int number = 1; number < 20; ++number) round(number);
  EXPECT_LT(index.bytes(), 2 * first);
  EXPECT_THAT(index.Search("r0x7", 10), IsEmpty());
  EXPECT_EQ(index.Search("r19x7", 10).size(), 1U);
}

TEST(TextIndexTest, ThreadsAddAndSearchAtOnce) {
  TextIndex index;
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int round = 0; round < 10; ++round) {
      for (Slot slot = 0; slot < 300; ++slot) index.Add(slot, "alpha beta" + std::to_string(slot % 10));
    }
    stop = true;
  });
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        std::set<Slot> seen;
        for (const TextHit& hit : index.Search("alpha beta3", 300)) EXPECT_TRUE(seen.insert(hit.slot).second);
      }
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(index.Search("alpha", 1'000).size(), 300U);
  EXPECT_EQ(index.Search("beta3", 1'000).size(), 30U);
}

TEST(FusionTest, SumsReciprocalRanks) {
  const std::vector<std::vector<Slot>> rankings = {{1, 2, 3}, {3, 4}, {2, 2, 9}};
  const auto fused = ReciprocalRankFusion(rankings);
  std::vector<Slot> slots;
  for (const TextHit& hit : fused) slots.push_back(hit.slot);
  // 2: 1/62 + 1/61; 3: 1/63 + 1/61; 1: 1/61; 4: 1/62; 9: 1/63, as the repeated 2 keeps its place.
  EXPECT_THAT(slots, ElementsAre(2, 3, 1, 4, 9));
  EXPECT_FLOAT_EQ(fused[0].score, 1.0F / 62 + 1.0F / 61);
  EXPECT_FLOAT_EQ(fused[4].score, 1.0F / 63);
  EXPECT_THAT(ReciprocalRankFusion({}), IsEmpty());
}

TEST(FusionTest, EqualScoresBySlot) {
  const std::vector<std::vector<Slot>> rankings = {{8, 5}, {5, 8}};
  const auto fused = ReciprocalRankFusion(rankings, 1);
  ASSERT_EQ(fused.size(), 2U);
  EXPECT_EQ(fused[0].slot, 5U);
  EXPECT_EQ(fused[0].score, fused[1].score);
}

}  // namespace
}  // namespace lakehouse::vector
