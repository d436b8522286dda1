// Certificates for tests: signed by themselves, for localhost and 127.0.0.1, good for an hour.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace lakehouse::net::testing {

struct CertificateTexts {
  std::string certificate, key;  // PEM
};

inline std::string TextOf(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

inline CertificateTexts MakeCertificate(const std::string& name) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  X509* const x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -60);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_EXTENSION* const names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(x, names, -1);
  X509_EXTENSION_free(names);
  EXPECT_NE(X509_sign(x, key.get(), EVP_sha256()), 0);
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), x);
  CertificateTexts texts;
  texts.certificate = TextOf(out.get());
  (void)BIO_reset(out.get());
  PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  texts.key = TextOf(out.get());
  return texts;
}

// The two files of a listener, in a folder of their own.
class CertificateFiles {
 public:
  CertificateFiles() : folder_(::testing::TempDir() + "tls-XXXXXX") { EXPECT_NE(mkdtemp(folder_.data()), nullptr); }
  ~CertificateFiles() { std::filesystem::remove_all(folder_); }
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  std::string cert() const { return folder_ + "/cert.pem"; }
  std::string key() const { return folder_ + "/key.pem"; }
  void Write(const CertificateTexts& texts) const {
    WriteFile(cert(), texts.certificate);
    WriteFile(key(), texts.key);
    SetMode(0600);
  }
  void SetMode(mode_t mode) const { EXPECT_EQ(chmod(key().c_str(), mode), 0); }
  // As tools do it: the new file takes the old one's place, so that it is another file whatever its time.
  static void WriteFile(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
  }

 private:
  std::string folder_;
};

}  // namespace lakehouse::net::testing
