#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "observe/metrics.h"
#include "observe/request_id.h"

namespace lakehouse::observe {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, RendersFamiliesSortedWithHelpAndType) {
  Metrics metrics;
  metrics.GaugeOf("lakehouse_b", "second").Set(-3);
  metrics.CounterOf("lakehouse_a_total", "first", {{"route", "/x"}, {"method", "GET"}}).Add(2);
  EXPECT_EQ(metrics.Render(),
            "# HELP lakehouse_a_total first\n"
            "# TYPE lakehouse_a_total counter\n"
            "lakehouse_a_total{method=\"GET\",route=\"/x\"} 2\n"
            "# HELP lakehouse_b second\n"
            "# TYPE lakehouse_b gauge\n"
            "lakehouse_b -3\n");
}

TEST(Metrics, SameLabelsInAnyOrderAreOneSeries) {
  Metrics metrics;
  Counter& one = metrics.CounterOf("c_total", "c", {{"a", "1"}, {"b", "2"}});
  Counter& two = metrics.CounterOf("c_total", "c", {{"b", "2"}, {"a", "1"}});
  EXPECT_EQ(&one, &two);
  EXPECT_NE(&one, &metrics.CounterOf("c_total", "c", {{"a", "1"}, {"b", "3"}}));
}

TEST(Metrics, EscapesLabelsAndHelp) {
  Metrics metrics;
  metrics.CounterOf("c_total", "back\\slash\nline", {{"k", "a\"b\\c\nd"}}).Add();
  EXPECT_THAT(metrics.Render(), HasSubstr("# HELP c_total back\\\\slash\\nline\n"));
  EXPECT_THAT(metrics.Render(), HasSubstr("c_total{k=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Metrics, HistogramBucketsAreCumulative) {
  Metrics metrics;
  Histogram& histogram = metrics.HistogramOf("h_seconds", "h", {{"k", "v"}});
  histogram.Observe(0.0001);  // on the bound: counts as below it
  histogram.Observe(0.0002);
  histogram.Observe(100);
  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("h_seconds_bucket{k=\"v\",le=\"0.0001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_bucket{k=\"v\",le=\"0.00025\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_bucket{k=\"v\",le=\"60\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_bucket{k=\"v\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_count{k=\"v\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_sum{k=\"v\"} 100.0003\n"));
}

TEST(Metrics, ReadsFiguresOfOthersWhenRendered) {
  Metrics metrics;
  double value = 1.5;
  metrics.GaugeFrom("g", "g", {}, [&] { return value; });
  metrics.CounterFrom("k_total", "k", {}, [] { return 7.0; });
  EXPECT_THAT(metrics.Render(), HasSubstr("\ng 1.5\n"));
  value = 2;
  EXPECT_THAT(metrics.Render(), HasSubstr("\ng 2\n"));
  EXPECT_THAT(metrics.Render(), HasSubstr("\nk_total 7\n"));
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        metrics.CounterOf("c_total", "c").Add();
        metrics.HistogramOf("h_seconds", "h").Observe(0.001);
        if (i % 100 == 0) EXPECT_FALSE(metrics.Render().empty());
      }
    });
  }
  threads.clear();
  EXPECT_EQ(metrics.CounterOf("c_total", "c").value(), 4000u);
}

TEST(RequestId, AcceptsVisibleAsciiOnly) {
  EXPECT_TRUE(IsRequestId("a"));
  EXPECT_TRUE(IsRequestId(std::string(128, '~')));
  EXPECT_FALSE(IsRequestId(""));
  EXPECT_FALSE(IsRequestId(std::string(129, 'a')));
  EXPECT_FALSE(IsRequestId("a b"));
  EXPECT_FALSE(IsRequestId("a\x7f"));
  EXPECT_FALSE(IsRequestId("a\r\n"));
  EXPECT_FALSE(IsRequestId("\xc3\xa4"));
}

TEST(RequestId, MadeIdsAreDistinctAndAcceptable) {
  RequestIds one;
  RequestIds two;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(one.Make()).second);
    EXPECT_TRUE(seen.insert(two.Make()).second);
  }
  for (const std::string& id : seen) EXPECT_TRUE(IsRequestId(id));
}

TEST(Traceparent, FollowsTheRecommendation) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(IsTraceparent(good));
  EXPECT_TRUE(IsTraceparent("cc" + good.substr(2) + "-what-comes-later"));
  EXPECT_FALSE(IsTraceparent(good + "-more"));
  EXPECT_FALSE(IsTraceparent("ff" + good.substr(2)));
  EXPECT_FALSE(IsTraceparent("00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
  EXPECT_FALSE(IsTraceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
  EXPECT_FALSE(IsTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
  EXPECT_FALSE(IsTraceparent(""));
}

}  // namespace
}  // namespace lakehouse::observe
