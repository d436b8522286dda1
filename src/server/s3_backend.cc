#include "object/s3_store.h"
#include "server/parts.h"

namespace lakehouse::server {

Result<std::unique_ptr<object::ObjectStore>> OpenS3Backend(const Process& process) {
  const config::S3Settings& settings = process.settings.s3;
  if (settings.bucket.empty())
    return Fail(ErrorKind::kInvalid, "[s3] bucket is empty: say which bucket holds the lake");
  object::S3StoreOptions options;
  options.endpoint = settings.endpoint;
  options.region = settings.region;
  options.bucket = settings.bucket;
  options.prefix = settings.prefix;
  if (!options.prefix.empty() && !options.prefix.ends_with('/')) options.prefix += '/';
  options.path_style = settings.path_style;
  options.request_timeout = settings.timeout;
  net::CredentialOptions credentials;
  credentials.profile = settings.profile;
  credentials.region = settings.region;
  return object::MakeS3Store(
      options, process.http,
      std::make_unique<net::AwsCredentialChain>(process.environment, credentials, process.http, process.clock),
      process.clock);
}

}  // namespace lakehouse::server
