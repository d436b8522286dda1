// The pair of files that listeners show: what is refused, and what a change does.
#include "net/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/test_certificate.h"

namespace lakehouse::net {
namespace {

using std::chrono::milliseconds;
using testing::CertificateFiles;
using testing::CertificateTexts;
using ::testing::HasSubstr;
using testing::MakeCertificate;

class HandClock final : public Clock {
 public:
  WallTime Now() const override { return WallTime{}; }
  MonotonicTime Monotonic() const override { return now; }
  MonotonicTime now{std::chrono::seconds(1000)};
};

class TlsFilesTest : public ::testing::Test {
 protected:
  Result<std::shared_ptr<TlsFiles>> Load() { return TlsFiles::Load(at.cert(), at.key(), Logger::Silent(), clock); }
  std::string WhyNot() {
    const auto loaded = Load();
    return loaded ? "loaded" : loaded.error().detail;
  }
  void PassASecond() { clock.now += milliseconds(1001); }

  CertificateFiles at;
  HandClock clock;
};

TEST_F(TlsFilesTest, GivesWhatStandsInTheFiles) {
  const CertificateTexts one = MakeCertificate("one");
  at.Write(one);
  const auto files = Load();
  ASSERT_TRUE(files) << files.error().detail;
  EXPECT_EQ((*files)->Current()->certificate, one.certificate);
  EXPECT_EQ((*files)->Current()->key, one.key);
  EXPECT_EQ((*files)->Current(), (*files)->Current());
}

TEST_F(TlsFilesTest, TakesAChain) {
  CertificateTexts one = MakeCertificate("one");
  one.certificate += MakeCertificate("authority").certificate;
  at.Write(one);
  EXPECT_TRUE(Load());
  one.certificate.resize(one.certificate.size() - 100);
  at.Write(one);
  EXPECT_THAT(WhyNot(), HasSubstr("broken chain"));
}

TEST_F(TlsFilesTest, SaysWhichFileIsNoGood) {
  const CertificateTexts one = MakeCertificate("one");
  EXPECT_THAT(WhyNot(), HasSubstr("[tls] cert: cannot read"));
  at.Write({one.certificate, "no key"});
  EXPECT_THAT(WhyNot(), HasSubstr("[tls] key: " + at.key() + " holds no PEM key"));
  at.Write({"no certificate", one.key});
  EXPECT_THAT(WhyNot(), HasSubstr("[tls] cert: " + at.cert() + " holds no PEM certificate"));
  at.Write({"", ""});
  EXPECT_THAT(WhyNot(), HasSubstr("holds no PEM certificate"));
  at.Write({one.certificate, MakeCertificate("two").key});
  EXPECT_THAT(WhyNot(), HasSubstr("is not the key of the certificate"));
  std::filesystem::remove(at.key());
  EXPECT_THAT(WhyNot(), HasSubstr("[tls] key: cannot read"));
  std::filesystem::create_directory(at.key());
  EXPECT_THAT(WhyNot(), HasSubstr("is not a file"));
  for (const auto& [cert, key] : {std::pair("", "key"), std::pair("cert", "")}) {
    const auto half = TlsFiles::Load(cert, key, Logger::Silent(), clock);
    ASSERT_FALSE(half);
    EXPECT_THAT(half.error().detail, HasSubstr("both cert and key"));
  }
}

TEST_F(TlsFilesTest, RefusesAKeyThatEveryoneMayRead) {
  at.Write(MakeCertificate("one"));
  for (const mode_t mode : {0604, 0644, 0601}) {
    at.SetMode(mode);
    const auto loaded = Load();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::kForbidden);
    EXPECT_THAT(loaded.error().detail, HasSubstr("chmod 600"));
  }
  for (const mode_t mode : {0600, 0400, 0640}) {
    at.SetMode(mode);
    EXPECT_TRUE(Load());
  }
}

TEST_F(TlsFilesTest, RefusesAKeyWithAPassword) {
  const CertificateTexts one = MakeCertificate("one");
  const std::unique_ptr<BIO, int (*)(BIO*)> in(BIO_new_mem_buf(one.key.data(), static_cast<int>(one.key.size())),
                                               BIO_free);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr),
                                                           EVP_PKEY_free);
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  char password[] = "secret";
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), password, 6, nullptr, nullptr);
  at.Write({one.certificate, testing::TextOf(out.get())});
  EXPECT_THAT(WhyNot(), HasSubstr("without a password"));
}

TEST_F(TlsFilesTest, AChangedPairIsReadAgainWithinASecond) {
  at.Write(MakeCertificate("one"));
  const auto files = Load();
  ASSERT_TRUE(files);
  const auto before = (*files)->Current();
  const CertificateTexts two = MakeCertificate("two");
  at.Write(two);
  EXPECT_EQ((*files)->Current(), before) << "not looked at so soon";
  PassASecond();
  EXPECT_EQ((*files)->Current()->certificate, two.certificate);
  EXPECT_NE(before->certificate, two.certificate) << "who has the old one keeps it";
}

TEST_F(TlsFilesTest, TheSamePairWrittenAgainIsTheSamePair) {
  const CertificateTexts one = MakeCertificate("one");
  at.Write(one);
  const auto files = Load();
  ASSERT_TRUE(files);
  const auto before = (*files)->Current();
  std::filesystem::remove(at.cert());
  PassASecond();
  EXPECT_EQ((*files)->Current(), before);
  at.Write(one);
  PassASecond();
  EXPECT_EQ((*files)->Current(), before);
}

TEST_F(TlsFilesTest, ABadPairKeepsTheOldOne) {
  at.Write(MakeCertificate("one"));
  const auto files = Load();
  ASSERT_TRUE(files);
  const auto before = (*files)->Current();
  const CertificateTexts two = MakeCertificate("two");
  // Half of a renewal: the key follows in a moment.
  CertificateFiles::WriteFile(at.cert(), two.certificate);
  PassASecond();
  EXPECT_EQ((*files)->Current(), before);
  std::filesystem::remove(at.key());
  PassASecond();
  EXPECT_EQ((*files)->Current(), before);
  CertificateFiles::WriteFile(at.key(), two.key);
  at.SetMode(0644);
  PassASecond();
  EXPECT_EQ((*files)->Current(), before) << "everyone may read the key";
  at.Write(two);
  PassASecond();
  EXPECT_EQ((*files)->Current()->certificate, two.certificate);
}

}  // namespace
}  // namespace lakehouse::net
