#include "cli/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lakehouse::cli {
namespace {

using ::testing::HasSubstr;

// A header of version 1 with this dictionary.
std::string Header(const std::string& dictionary) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.push_back(static_cast<char>(dictionary.size() & 0xff));
  bytes.push_back(static_cast<char>(dictionary.size() >> 8));
  return bytes + dictionary;
}

TEST(Npy, ReadsWhatNumpyWrites) {
  const auto header =
      ParseNpyHeader(Header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 128), }       \n"));
  ASSERT_TRUE(header) << header.error().detail;
  EXPECT_EQ(header->rows, 1000u);
  EXPECT_EQ(header->dimension, 128u);
  EXPECT_EQ(header->RowBytes(), 512u);
  const auto doubles = ParseNpyHeader(Header("{\"shape\":(0,1),'fortran_order':False,'descr':'<f8'}"));
  ASSERT_TRUE(doubles) << doubles.error().detail;
  EXPECT_EQ(doubles->rows, 0u);
  EXPECT_EQ(doubles->float_bytes, 8u);
}

TEST(Npy, LaterVersionsHaveALongerLength) {
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n";
  std::string bytes("\x93NUMPY\x02\x00", 8);
  bytes.push_back(static_cast<char>(dictionary.size()));
  bytes += std::string(3, '\0') + dictionary;
  EXPECT_EQ(NpyHeaderBytes(bytes.substr(0, kNpyPrefixBytes)).value_or(0), bytes.size());
  EXPECT_TRUE(ParseNpyHeader(bytes));
  bytes[6] = 3;
  EXPECT_TRUE(ParseNpyHeader(bytes));
}

TEST(Npy, AWrongPrefixIsRefusedBeforeAnythingIsRead) {
  EXPECT_FALSE(NpyHeaderBytes(""));
  EXPECT_FALSE(NpyHeaderBytes("PAR1 and what follows"));
  EXPECT_FALSE(NpyHeaderBytes("\x93NUMPY")) << "cut short";
  EXPECT_FALSE(NpyHeaderBytes(std::string("\x93NUMPY\x04\x00\x10\x00\x00\x00", 12))) << "version 4";
  EXPECT_FALSE(NpyHeaderBytes(std::string("\x93NUMPY\x01\x01\x10\x00\x00\x00", 12))) << "version 1.1";
  const auto huge = NpyHeaderBytes(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12));
  ASSERT_FALSE(huge);
  EXPECT_THAT(huge.error().detail, HasSubstr("4294967295 bytes"));
}

TEST(Npy, ACutOrLongerHeaderIsRefused) {
  const std::string whole = Header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }");
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) EXPECT_FALSE(ParseNpyHeader(whole.substr(0, bytes))) << bytes;
  EXPECT_TRUE(ParseNpyHeader(whole));
  EXPECT_FALSE(ParseNpyHeader(whole + " "));
}

TEST(Npy, WrongDictionariesAreRefusedSayingWhy) {
  struct Case {
    const char *dictionary, *named;
  };
  for (const Case& c : {
           Case{"    ", "a {"},
           Case{"{   ", "quotes"},
           Case{"{}  ", "lacks"},
           Case{"{'descr': '<f4'}", "lacks"},
           Case{"{'descr': '<i8', 'fortran_order': False, 'shape': (3, 2)}", "<i8"},
           Case{"{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2)}", ">f4"},
           Case{"{'descr': '|O', 'fortran_order': False, 'shape': (3, 2)}", "|O"},
           Case{"{'descr': '\x1b[2J', 'fortran_order': False, 'shape': (3, 2)}", "\\x1b[2J"},
           Case{"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2)}", "fields"},
           Case{"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}", "Fortran"},
           Case{"{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 2)}", "fortran_order"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "two dimensions"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "two dimensions"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 1)}", "two dimensions"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 2)}", "whole number"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0)}", "0 numbers"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4097)}", "4097 numbers"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2)}", "too large"},
           Case{"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", "than a file can hold"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3 2)}", "a )"},
           Case{"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}", "twice"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'more': 1}", "'more'"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} x", "goes on"},
           Case{"{'descr': '<f4, 'fortran_order': False, 'shape': (3, 2)}", "a } is missing"},
           Case{"{'descr: <f4", "not closed"},
       }) {
    const auto header = ParseNpyHeader(Header(c.dictionary));
    ASSERT_FALSE(header) << c.dictionary;
    EXPECT_THAT(header.error().detail, HasSubstr(c.named)) << c.dictionary;
  }
}

}  // namespace
}  // namespace lakehouse::cli
