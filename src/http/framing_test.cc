#include "http/framing.h"

#include <gtest/gtest.h>

namespace lakehouse::http {
namespace {

int StatusOfHead(const std::string& bytes) {
  size_t scanned = 0;
  const Framed<size_t> end = FindHeadEnd(bytes, scanned);
  if (!end) return end.error().status;
  if (*end == 0) return 0;
  const Framed<RequestHead> head = ParseRequestHead(std::string_view(bytes).substr(0, *end));
  return head ? 200 : head.error().status;
}

// Splits the input at every place: framing must not depend on how bytes arrive.
std::string DecodeChunks(const std::string& bytes, size_t split, std::string& error) {
  ChunkDecoder decoder;
  std::string out;
  for (std::string_view part : {std::string_view(bytes).substr(0, split), std::string_view(bytes).substr(split)}) {
    while (!part.empty() && !decoder.done()) {
      const Framed<size_t> used = decoder.Parse(part);
      if (!used) {
        error = used.error().detail;
        return out;
      }
      part.remove_prefix(*used);
      const size_t take = std::min<uint64_t>(decoder.data_left(), part.size());
      if (take == 0) continue;
      out.append(part.substr(0, take));
      decoder.Take(take);
      part.remove_prefix(take);
    }
  }
  if (!decoder.done()) error = "incomplete";
  return out;
}

TEST(RequestHead, Plain) {
  const std::string bytes =
      "PUT /a/b?x=1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\nX-Empty:\r\nX-Blank: \t v \t\r\n\r\n";
  const Framed<RequestHead> head = ParseRequestHead(bytes);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->method, "PUT");
  EXPECT_EQ(head->target, "/a/b?x=1");
  EXPECT_EQ(head->host, "h:1");
  EXPECT_EQ(head->content_length, 12u);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_EQ(*FindHeader(head->headers, "x-empty"), "");
  EXPECT_EQ(*FindHeader(head->headers, "x-blank"), "v");
}

TEST(RequestHead, EndIsFoundHoweverBytesArrive) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\nrest";
  for (size_t first = 1; first < bytes.size(); ++first) {
    size_t scanned = 0;
    const Framed<size_t> early = FindHeadEnd(std::string_view(bytes).substr(0, first), scanned);
    ASSERT_TRUE(early) << first;
    const Framed<size_t> end = FindHeadEnd(bytes, scanned);
    ASSERT_TRUE(end) << first;
    EXPECT_EQ(*end, bytes.size() - 4) << first;
  }
}

TEST(RequestHead, KeepAliveFollowsVersionAndConnection) {
  const auto keep = [](const std::string& version, const std::string& more) {
    return ParseRequestHead("GET / " + version + "\r\nHost: h\r\n" + more + "\r\n")->keep_alive;
  };
  EXPECT_TRUE(keep("HTTP/1.1", ""));
  EXPECT_FALSE(keep("HTTP/1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keep("HTTP/1.0", ""));
  EXPECT_TRUE(keep("HTTP/1.0", "Connection: Keep-Alive\r\n"));
}

TEST(RequestHead, AbsoluteTargetIsReduced) {
  const Framed<RequestHead> head = ParseRequestHead("GET http://h:80?q HTTP/1.1\r\nHost: h:80\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->target, "/?q");
  EXPECT_EQ(StatusOfHead("GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOfHead("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOfHead("GET http://u@h/ HTTP/1.1\r\nHost: u@h\r\n\r\n"), 400);
}

struct Refusal {
  std::string name, bytes;
  int status;
};
class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithItsStatus) { EXPECT_EQ(StatusOfHead(GetParam().bytes), GetParam().status); }

const std::string kLine = "GET / HTTP/1.1\r\nHost: h\r\n";

INSTANTIATE_TEST_SUITE_P(
    Framing, Refused,
    ::testing::Values(
        Refusal{"LengthAndEncoding", kLine + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Refusal{"TwoLengths", kLine + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        Refusal{"LengthList", kLine + "Content-Length: 1, 1\r\n\r\n", 400},
        Refusal{"LengthSigned", kLine + "Content-Length: +1\r\n\r\n", 400},
        Refusal{"LengthNegative", kLine + "Content-Length: -1\r\n\r\n", 400},
        Refusal{"LengthHex", kLine + "Content-Length: 0x1\r\n\r\n", 400},
        Refusal{"LengthEmpty", kLine + "Content-Length:\r\n\r\n", 400},
        Refusal{"LengthOverflow", kLine + "Content-Length: 99999999999999999999\r\n\r\n", 400},
        Refusal{"BareLfInLine", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400}, Refusal{"BareLfAtEnd", kLine + "\n", 400},
        Refusal{"BareCr", "GET / HTTP/1.1\r\nHost: h\rX: 1\r\n\r\n", 400},
        Refusal{"ObsFold", kLine + "X: a\r\n b\r\n\r\n", 400},
        Refusal{"FoldedFirstHeader", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
        Refusal{"BlankBeforeColon", kLine + "Content-Length : 1\r\n\r\n", 400},
        Refusal{"EmptyName", kLine + ": 1\r\n\r\n", 400}, Refusal{"NameWithSlash", kLine + "A/B: 1\r\n\r\n", 400},
        Refusal{"NoColon", kLine + "Broken\r\n\r\n", 400},
        Refusal{"NulInValue", kLine + "X: a" + std::string(1, '\0') + "b\r\n\r\n", 400},
        Refusal{"DeleteInValue", kLine + "X: a\x7f\r\n\r\n", 400},
        Refusal{"EncodingGzip", kLine + "Transfer-Encoding: gzip\r\n\r\n", 400},
        Refusal{"EncodingGzipChunked", kLine + "Transfer-Encoding: gzip, chunked\r\n\r\n", 400},
        Refusal{"EncodingTwice", kLine + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Refusal{"EncodingPadded", kLine + "Transfer-Encoding: xchunked\r\n\r\n", 400},
        Refusal{"Http10WithEncoding", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Refusal{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400}, Refusal{"TwoHosts", kLine + "Host: h\r\n\r\n", 400},
        Refusal{"Version2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        Refusal{"VersionGarbage", "GET / HTTX/1.1\r\nHost: h\r\n\r\n", 400},
        Refusal{"NoVersion", "GET /\r\nHost: h\r\n\r\n", 400},
        Refusal{"MethodNotToken", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refusal{"BlankInTarget", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refusal{"HighByteInTarget", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refusal{"FragmentInTarget", "GET /#x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Refusal{"LongTarget", "GET /" + std::string(kMaxTarget, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
        Refusal{"Expectation", kLine + "Expect: 200-maybe\r\n\r\n", 417},
        Refusal{"TlsHello", std::string("\x16\x03\x01\x02", 4), 400}),
    [](const auto& info) { return info.param.name; });

TEST(RequestHead, TooManyFields) {
  std::string bytes = kLine;
  for (size_t i = 0; i < kMaxHeaderFields; ++i) bytes += "X: 1\r\n";
  EXPECT_EQ(StatusOfHead(bytes + "\r\n"), 431);
}

TEST(Chunks, DecodeHoweverTheyArrive) {
  const std::string bytes = "5;name=\"v\"\r\nhello\r\n00A\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\n";
  for (size_t split = 0; split <= bytes.size(); ++split) {
    std::string error;
    EXPECT_EQ(DecodeChunks(bytes, split, error), "hello, chunked!") << split;
    EXPECT_EQ(error, "") << split;
  }
}

class BadChunks : public ::testing::TestWithParam<Refusal> {};
TEST_P(BadChunks, AreRefused) {
  for (size_t split = 0; split <= std::min<size_t>(GetParam().bytes.size(), 64); ++split) {
    std::string error;
    DecodeChunks(GetParam().bytes, split, error);
    EXPECT_NE(error, "") << split;
    EXPECT_NE(error, "incomplete") << split;
  }
}
INSTANTIATE_TEST_SUITE_P(
    Framing, BadChunks,
    ::testing::Values(Refusal{"SizeOverflow", "FFFFFFFFFFFFFFFF\r\n", 400},
                      Refusal{"LeadingZeros", "0000000000000001\r\nx", 400}, Refusal{"NoSize", "\r\nhello\r\n", 400},
                      Refusal{"SignedSize", "+5\r\nhello\r\n", 400}, Refusal{"HexPrefix", "0x5\r\nhello\r\n", 400},
                      Refusal{"BlankAfterSize", "5 \r\nhello\r\n", 400}, Refusal{"SizeLineBareLf", "5\nhello\r\n", 400},
                      Refusal{"SizeLineBareCr", "5\rhello\r\n", 400}, Refusal{"DataTooLong", "5\r\nhello!\r\n", 400},
                      Refusal{"DataBareLf", "5\r\nhello\n0\r\n\r\n", 400},
                      Refusal{"ExtensionControl", std::string("5;a\0b\r\nhello", 12), 400},
                      Refusal{"ExtensionBareLf", "5;a\nhello", 400},
                      Refusal{"ExtensionTooLong", "5;" + std::string(2000, 'a') + "\r\n", 400},
                      Refusal{"TrailerMalformed", "0\r\nno colon\r\n\r\n", 400},
                      Refusal{"TrailerFolded", "0\r\n X: 1\r\n\r\n", 400},
                      Refusal{"TrailerBareLf", "0\r\nX: 1\n\n", 400},
                      Refusal{"TrailersTooLarge", "0\r\nX: " + std::string(9000, 'a') + "\r\n\r\n", 431}),
    [](const auto& info) { return info.param.name; });

TEST(ResponseHead, Parses) {
  const auto head = ParseResponseHead("HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 206);
  EXPECT_EQ(head->content_length, 5u);
  EXPECT_FALSE(head->keep_alive);
  EXPECT_TRUE(ParseResponseHead("HTTP/1.1 200\r\n\r\n"));
  EXPECT_FALSE(ParseResponseHead("HTTP/1.1 20x OK\r\n\r\n"));
  EXPECT_FALSE(ParseResponseHead("HTTP/2 200 OK\r\n\r\n"));
  EXPECT_FALSE(ParseResponseHead("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

}  // namespace
}  // namespace lakehouse::http
