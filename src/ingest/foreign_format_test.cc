#include "ingest/foreign_format.h"

#include <gmock/gmock.h>

namespace lakehouse::ingest {
namespace {

using testing::HasSubstr;
using std::string_view_literals::operator""sv;

std::string Said(std::string_view bytes) {
  const Status status = CheckIsText(bytes);
  return status ? "" : status.error().detail;
}

TEST(ForeignFormat, WhatAFileIsAndWhatToDo) {
  EXPECT_THAT(Said("PK\x03\x04\x14\0\x06\0"sv), HasSubstr("Excel workbook, not text: unpack it"));
  EXPECT_THAT(Said("\x1F\x8B\x08\0"sv), HasSubstr("gzip"));
  EXPECT_THAT(Said("PAR1\x15\x04\x15\x20"sv), HasSubstr("format=parquet"));
  EXPECT_THAT(Said("SQLite format 3\0\x10\0"sv), HasSubstr("SQLite"));
}

TEST(ForeignFormat, TextThatBeginsLikeOneIsText) {
  EXPECT_EQ(Said("PAR1,PAR2\n1,2\n"sv), "");
  EXPECT_EQ(Said("BZh,x\n1,2\n"sv), "");
  EXPECT_EQ(Said("PK,name\n1,x\n"sv), "");
  EXPECT_EQ(Said(""sv), "");
}

}  // namespace
}  // namespace lakehouse::ingest
