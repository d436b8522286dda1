// Where AWS keys come from, in this order: environment, profile file, web identity, instance metadata. Keys that expire
// are fetched again before they do. Thread-safe. No key ever stands in an error.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "config/settings.h"
#include "net/http_client.h"
#include "net/sigv4.h"

namespace lakehouse::net {

struct CredentialOptions {
  std::string profile;  // empty: AWS_PROFILE, else "default"
  std::string region;
  // Where the services are; other addresses are for tests.
  std::string metadata_endpoint = "http://169.254.169.254";
  std::string sts_endpoint;  // empty: https://sts.<region>.amazonaws.com
};

class AwsCredentialChain {
 public:
  // REQUIRES: client and clock outlive this.
  AwsCredentialChain(config::Environment environment, CredentialOptions options, HttpClient& client, const Clock& clock)
      : environment_(std::move(environment)), options_(std::move(options)), client_(client), clock_(clock) {}

  // kUnauthenticated saying where was looked when there are none.
  Result<AwsCredentials> Get(const RequestContext& context);

 private:
  std::optional<AwsCredentials> FromEnvironment() const;
  Result<std::optional<AwsCredentials>> FromProfile() const;
  Result<std::optional<AwsCredentials>> FromWebIdentity(const RequestContext& context) const;
  Result<std::optional<AwsCredentials>> FromInstance(const RequestContext& context) const;
  Result<AwsCredentials> Find(const RequestContext& context) const;

  const config::Environment environment_;
  const CredentialOptions options_;
  HttpClient& client_;
  const Clock& clock_;
  Mutex mutex_;
  std::optional<AwsCredentials> known_ LH_GUARDED_BY(mutex_);
};

// The text between <tag> and </tag>, entities resolved; enough for AWS's flat answers. nullopt when there is none.
std::optional<std::string> XmlText(std::string_view xml, std::string_view tag);

}  // namespace lakehouse::net
