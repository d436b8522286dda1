// Objects in an S3 bucket, signed by ourselves over net::HttpClient. Callable from any thread.
//
// A body of known size up to one part goes out as one PUT, a longer one as parts. Reads and unconditional writes are
// tried again after passing trouble; a conditional write is not, for only the caller can settle what became of it:
// kAmbiguous.
#pragma once

#include <memory>
#include <string>

#include "net/aws_credentials.h"
#include "object/object_store.h"

namespace lakehouse::object {

struct S3StoreOptions {
  std::string endpoint;  // empty: AWS's own for the region
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;  // in front of every key, with a slash at its end; empty: none
  bool path_style = true;
  std::chrono::milliseconds request_timeout{30000};  // until an answer begins
  uint64_t part_bytes = uint64_t{16} << 20;
};

// REQUIRES: client and clock outlive the store.
std::unique_ptr<ObjectStore> MakeS3Store(S3StoreOptions options, net::HttpClient& client,
                                         std::unique_ptr<net::AwsCredentialChain> credentials, const Clock& clock);

}  // namespace lakehouse::object
