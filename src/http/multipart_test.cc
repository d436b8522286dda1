#include "http/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lakehouse::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// Gives its bytes in pieces of one size.
class PieceSource final : public ByteSource {
 public:
  PieceSource(std::string bytes, size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t size = std::min({out.size(), piece_, bytes_.size() - at_});
    bytes_.copy(out.data(), size, at_);
    at_ += size;
    return size;
  }
  bool ended() const { return at_ == bytes_.size(); }

 private:
  std::string bytes_;
  size_t piece_;
  size_t at_ = 0;
};

struct Form {
  std::string error, name, filename, content_type, file;
  std::vector<std::pair<std::string, std::string>> fields;
};

const std::string kType = "multipart/form-data; boundary=XX";

Form ReadForm(const std::string& body, size_t piece = 1 << 20, size_t out_size = 8192,
              const std::string& type = kType) {
  Form form;
  PieceSource source(body, piece);
  const auto reader = MultipartReader::Open(type, source);
  if (!reader) return form.error = reader.error().detail, form;
  const auto file = (*reader)->NextFile();
  if (!file) return form.error = file.error().detail, form;
  form.name = (*file)->name();
  form.filename = (*file)->filename();
  form.content_type = (*file)->content_type();
  std::string out(out_size, '\0');
  for (;;) {
    const auto got = (*file)->Read(out);
    if (!got) return form.error = got.error().detail, form;
    if (*got == 0) break;
    form.file.append(out, 0, *got);
  }
  EXPECT_TRUE(source.ended());
  form.fields = (*reader)->fields();
  return form;
}

std::string FilePartOf(const std::string& data, const std::string& more = "") {
  return "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a b.csv\"\r\n" + more + "\r\n" + data + "\r\n";
}
std::string FieldOf(const std::string& name, const std::string& value) {
  return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

TEST(Multipart, HoweverItArrives) {
  const std::string data = "a,b\r\n--X\r\n1,2\r\n--XXY\r\n\r\n\r\n--X";
  const std::string body = "preamble\r\n" + FieldOf("x", "1") + FilePartOf(data, "Content-Type: text/csv\r\n") +
                           FieldOf("y", "") + "--XX--\r\nepilogue";
  for (const size_t piece : {1, 2, 3, 7, 100, 100000}) {
    for (const size_t out : {1, 5, 8192}) {
      const Form form = ReadForm(body, piece, out);
      EXPECT_EQ(form.error, "");
      EXPECT_EQ(form.file, data);
      EXPECT_EQ(form.name, "f");
      EXPECT_EQ(form.filename, "a b.csv");
      EXPECT_EQ(form.content_type, "text/csv");
      EXPECT_THAT(form.fields, ElementsAre(Pair("x", "1"), Pair("y", "")));
    }
  }
}

TEST(Multipart, EveryLengthAroundTheBuffer) {
  for (size_t size = (256 << 10) - 200; size < (256 << 10) + 5; ++size) {
    const std::string data(size, '\r');
    const Form form = ReadForm(FilePartOf(data) + "--XX--");
    ASSERT_EQ(form.error, "") << size;
    ASSERT_TRUE(form.file == data) << size;
  }
}

TEST(Multipart, EmptyFile) {
  const Form form = ReadForm(FilePartOf("") + "--XX--\r\n");
  EXPECT_EQ(form.error, "");
  EXPECT_EQ(form.file, "");
}

TEST(Multipart, EveryTruncationIsAnError) {
  const std::string whole = FilePartOf("data") + FieldOf("x", "1") + "--XX--";
  ASSERT_EQ(ReadForm(whole).error, "");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_NE(ReadForm(whole.substr(0, size)).error, "") << size;
}

TEST(Multipart, QuotingOfNames) {
  const auto filename = [](const std::string& text) {
    return ReadForm("--XX\r\ncontent-disposition: Form-Data; name=f; filename=" + text + "\r\n\r\n\r\n--XX--").filename;
  };
  EXPECT_EQ(filename("\"a\\\"b;c\""), "a\"b;c");
  EXPECT_EQ(filename("\"C:\\dir\\f.csv\""), "C:\\dir\\f.csv");
  EXPECT_EQ(filename("plain.csv"), "plain.csv");
}

TEST(Multipart, Faults) {
  EXPECT_THAT(ReadForm(FieldOf("x", "1") + "--XX--").error, HasSubstr("no file field"));
  EXPECT_THAT(ReadForm("--XX--\r\n").error, HasSubstr("no file field"));
  EXPECT_THAT(ReadForm(FilePartOf("a") + FilePartOf("b") + "--XX--").error, HasSubstr("second file"));
  EXPECT_THAT(ReadForm(FilePartOf("a")).error, HasSubstr("closing boundary"));
  EXPECT_THAT(ReadForm(FilePartOf(std::string(1 << 20, 'x'))).error, HasSubstr("closing boundary"));
  EXPECT_THAT(ReadForm(FilePartOf("a", "X: " + std::string(20000, 'x') + "\r\n")).error, HasSubstr("longer than"));
  EXPECT_THAT(ReadForm(FieldOf("x", std::string(70000, 'x'))).error, HasSubstr("field 'x' is longer"));
  EXPECT_THAT(ReadForm("--XX\r\n\r\nx\r\n--XX--").error, HasSubstr("Content-Disposition"));
  EXPECT_THAT(ReadForm("--XX\r\nContent-Disposition: attachment; filename=x\r\n\r\nx\r\n--XX--").error,
              HasSubstr("Content-Disposition"));
  EXPECT_THAT(ReadForm("--XX garbage\r\n\r\nx\r\n--XX--").error, HasSubstr("followed by text"));
  EXPECT_THAT(ReadForm(std::string(1 << 20, 'x')).error, HasSubstr("not where the body starts"));
  EXPECT_THAT(ReadForm("").error, HasSubstr("after 0 bytes"));
  EXPECT_THAT(ReadForm("--XX\r\nContent-Disposition: form-data; name=\"x\r\n\r\nx\r\n--XX--").error,
              HasSubstr("no end"));
}

TEST(Multipart, BoundaryRules) {
  const auto error = [](const std::string& type) { return ReadForm("--XX--", 100, 100, type).error; };
  EXPECT_THAT(error("multipart/form-data"), HasSubstr("no boundary"));
  EXPECT_THAT(error("multipart/form-data; boundary="), HasSubstr("1 to 70"));
  EXPECT_THAT(error("multipart/form-data; boundary=" + std::string(71, 'a')), HasSubstr("1 to 70"));
  EXPECT_THAT(error("multipart/form-data; boundary=\"a\r\nb\""), HasSubstr("1 to 70"));
  EXPECT_THAT(error("multipart/mixed; boundary=XX"), HasSubstr("not multipart/form-data"));
  EXPECT_THAT(error("Multipart/Form-Data; charset=utf-8; Boundary=\"XX\""), HasSubstr("no file field"));
}

}  // namespace
}  // namespace lakehouse::http
