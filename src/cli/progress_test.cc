#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

namespace lakehouse::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SteppedClock final : public Clock {
 public:
  WallTime Now() const override { return {}; }
  MonotonicTime Monotonic() const override { return now_; }
  void Step(std::chrono::milliseconds step) { now_ += step; }

 private:
  MonotonicTime now_{};
};

class ProgressLine : public ::testing::Test {
 protected:
  std::string Written() const {
    std::string text(static_cast<size_t>(::lseek(file_.get(), 0, SEEK_END)), '\0');
    EXPECT_TRUE(ReadFullyAt(file_.get(), text.data(), text.size(), 0));
    return text;
  }
  Progress::Target Terminal(size_t width = 100) const { return {file_.get(), true, width}; }

  const FileDescriptor file_{memfd_create("terminal", MFD_CLOEXEC)};
  SteppedClock clock_;
};

TEST_F(ProgressLine, SaysBytesRateAndTimeLeft) {
  Progress progress(Terminal(), "trips.csv", 100'000'000, clock_);
  clock_.Step(std::chrono::seconds(1));
  progress.Advance(25'000'000);
  EXPECT_EQ(Written(), "\rtrips.csv  [######..................]  25%  25.0 MB of 100 MB  25.0 MB/s  3.00 s left\x1b[K");
}

TEST_F(ProgressLine, WithoutATotalSaysWhatItKnows) {
  Progress progress(Terminal(), "standard input", std::nullopt, clock_);
  clock_.Step(std::chrono::seconds(2));
  progress.Advance(1'000'000);
  EXPECT_EQ(Written(), "\rstandard input  1.0 MB  500 kB/s\x1b[K");
}

TEST_F(ProgressLine, IsSilentWhereNobodyWatches) {
  {
    Progress progress({file_.get(), false, 80}, "x", 100, clock_);
    clock_.Step(std::chrono::seconds(9));
    progress.Advance(50);
    progress.Waiting();
  }
  EXPECT_THAT(Written(), IsEmpty());
}

TEST_F(ProgressLine, IsSilentAboutWhatIsDoneAtOnce) {
  {
    Progress progress(Terminal(), "x", 100, clock_);
    clock_.Step(std::chrono::milliseconds(50));
    progress.Advance(100);
    progress.Waiting();
  }
  EXPECT_THAT(Written(), IsEmpty());
}

TEST_F(ProgressLine, IsWipedInTheEndAndNeverWiderThanTheTerminal) {
  {
    Progress progress(Terminal(20), "a-very-long-file-name.csv", 100, clock_);
    clock_.Step(std::chrono::seconds(1));
    progress.Advance(99);
    EXPECT_EQ(Written(), "\ra-very-long-file-n…\x1b[K");
  }
  EXPECT_THAT(Written(), EndsWith("\r\x1b[K"));
}

TEST_F(ProgressLine, DrawsTenTimesASecondAtMost) {
  Progress progress(Terminal(), "x", std::nullopt, clock_);
  clock_.Step(std::chrono::seconds(1));
  for (int i = 0; i < 1000; ++i) {
    progress.Advance(1);
    clock_.Step(std::chrono::milliseconds(1));
  }
  const std::string text = Written();
  EXPECT_LE(std::count(text.begin(), text.end(), '\r'), 10);
}

TEST_F(ProgressLine, SaysThatTheServerIsAtWork) {
  Progress progress(Terminal(), "x", 10, clock_);
  StringSource bytes("0123456789");
  ProgressSource source(bytes, progress);
  char some[4];
  clock_.Step(std::chrono::seconds(1));
  EXPECT_EQ(source.Read(some).value(), 4u);
  EXPECT_EQ(ReadAll(source, 100).value(), "456789");
  EXPECT_THAT(Written(), HasSubstr("10 B sent; the server is working"));
}

}  // namespace
}  // namespace lakehouse::cli
