#include "net/aws_credentials.h"

#include <fstream>
#include <sstream>

#include "base/json_value.h"

namespace lakehouse::net {
namespace {

constexpr std::chrono::minutes kRefreshBefore{5};
constexpr std::chrono::seconds kMetadataDeadline{2};
constexpr uint64_t kMaxAnswerBytes = 1 << 20;

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Result<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(ErrorKind::kUnauthenticated, "cannot read {}", path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The values of one [section] of an ini file.
AwsCredentials SectionOf(std::string_view text, std::string_view section) {
  AwsCredentials credentials;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = Trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.starts_with('[') && line.ends_with(']')) {
      inside = Trimmed(line.substr(1, line.size() - 2)) == section;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos || line.starts_with('#') || line.starts_with(';')) continue;
    const std::string_view name = Trimmed(line.substr(0, equals)), value = Trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id") credentials.access_key_id = value;
    if (name == "aws_secret_access_key") credentials.secret_access_key = value;
    if (name == "aws_session_token") credentials.session_token = value;
  }
  return credentials;
}

Result<std::string> CallForText(HttpClient& client, const RequestContext& context, const HttpRequest& request) {
  LH_ASSIGN(const auto response, client.Send(context, request));
  LH_ASSIGN(std::string body, ReadAll(*response, kMaxAnswerBytes));
  if (response->status() >= 300)
    return Fail(ErrorKind::kUnauthenticated, "the credential service answered {}", response->status());
  return body;
}

}  // namespace

std::optional<std::string> XmlText(std::string_view xml, std::string_view tag) {
  const std::string open = fmt::format("<{}>", tag), close = fmt::format("</{}>", tag);
  const size_t start = xml.find(open);
  if (start == std::string_view::npos) return std::nullopt;
  const size_t end = xml.find(close, start);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view raw = xml.substr(start + open.size(), end - start - open.size());
  std::string text;
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&#34;", '"'}, {"&apos;", '\''}, {"&#39;", '\''}};
  while (!raw.empty()) {
    bool found = false;
    for (const auto& [entity, c] : kEntities) {
      if (!raw.starts_with(entity)) continue;
      text.push_back(c);
      raw.remove_prefix(entity.size());
      found = true;
      break;
    }
    if (found) continue;
    text.push_back(raw.front());
    raw.remove_prefix(1);
  }
  return text;
}

std::optional<AwsCredentials> AwsCredentialChain::FromEnvironment() const {
  const auto id = environment_("AWS_ACCESS_KEY_ID"), secret = environment_("AWS_SECRET_ACCESS_KEY");
  if (!id || !secret || id->empty() || secret->empty()) return std::nullopt;
  AwsCredentials credentials;
  credentials.access_key_id = *id;
  credentials.secret_access_key = *secret;
  credentials.session_token = environment_("AWS_SESSION_TOKEN").value_or("");
  return credentials;
}

Result<std::optional<AwsCredentials>> AwsCredentialChain::FromProfile() const {
  auto path = environment_("AWS_SHARED_CREDENTIALS_FILE");
  const bool named = path.has_value();
  if (!path) path = environment_("HOME").value_or("") + "/.aws/credentials";
  const auto text = ReadSmallFile(*path);
  if (!text) {
    if (named) return Fail(text.error());
    return std::nullopt;
  }
  const std::string profile =
      !options_.profile.empty() ? options_.profile : environment_("AWS_PROFILE").value_or("default");
  AwsCredentials credentials = SectionOf(*text, profile);
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    if (options_.profile.empty()) return std::nullopt;
    return Fail(ErrorKind::kUnauthenticated, "{} has no keys for the profile \"{}\" ([s3] profile)", *path, profile);
  }
  return credentials;
}

Result<std::optional<AwsCredentials>> AwsCredentialChain::FromWebIdentity(const RequestContext& context) const {
  const auto token_file = environment_("AWS_WEB_IDENTITY_TOKEN_FILE"), role = environment_("AWS_ROLE_ARN");
  if (!token_file || !role) return std::nullopt;
  LH_ASSIGN(const std::string token, ReadSmallFile(*token_file));
  const std::string endpoint = options_.sts_endpoint.empty()
                                   ? fmt::format("https://sts.{}.amazonaws.com", options_.region)
                                   : options_.sts_endpoint;
  const std::string form = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
      PercentEncode(*role, false), PercentEncode(environment_("AWS_ROLE_SESSION_NAME").value_or("lakehouse"), false),
      PercentEncode(Trimmed(token), false));
  StringSource body(form);
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint + "/";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = &body;
  request.body_bytes = form.size();
  auto answer = CallForText(client_, context, request);
  if (!answer) return Fail(std::move(answer.error()).In("web identity"));
  const auto id = XmlText(*answer, "AccessKeyId"), secret = XmlText(*answer, "SecretAccessKey"),
             session = XmlText(*answer, "SessionToken"), expiry = XmlText(*answer, "Expiration");
  if (!id || !secret || !session)
    return Fail(ErrorKind::kUnauthenticated, "web identity: the answer of the token service holds no keys");
  const auto expires = expiry ? ParseRfc3339(*expiry) : Result<WallTime>(clock_.Now() + std::chrono::minutes(15));
  return AwsCredentials{*id, *secret, *session, expires ? *expires : clock_.Now() + std::chrono::minutes(15)};
}

Result<std::optional<AwsCredentials>> AwsCredentialChain::FromInstance(const RequestContext& outer) const {
  if (environment_("AWS_EC2_METADATA_DISABLED").value_or("") == "true") return std::nullopt;
  RequestContext context = outer;
  context.deadline = outer.deadline.Sooner(Deadline::After(kMetadataDeadline));
  HttpRequest request;
  request.method = "PUT";
  request.url = options_.metadata_endpoint + "/latest/api/token";
  request.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}};
  const auto token = CallForText(client_, context, request);
  if (!token) return std::nullopt;
  request.method = "GET";
  request.url = options_.metadata_endpoint + "/latest/meta-data/iam/security-credentials/";
  request.headers = {{"X-aws-ec2-metadata-token", *token}};
  const auto role = CallForText(client_, context, request);
  if (!role) return std::nullopt;
  request.url += std::string(Trimmed(role->substr(0, role->find('\n'))));
  LH_ASSIGN(const std::string answer, CallForText(client_, context, request));
  LH_ASSIGN(const auto value, ParseJson(answer));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the instance's credentials"));
  AwsCredentials credentials;
  LH_ASSIGN(credentials.access_key_id, fields.String("AccessKeyId"));
  LH_ASSIGN(credentials.secret_access_key, fields.String("SecretAccessKey"));
  LH_ASSIGN(credentials.session_token, fields.String("Token"));
  LH_ASSIGN(const std::string expiry, fields.String("Expiration"));
  LH_ASSIGN(credentials.expires_at, ParseRfc3339(expiry));
  return credentials;
}

Result<AwsCredentials> AwsCredentialChain::Find(const RequestContext& context) const {
  if (auto found = FromEnvironment(); found && options_.profile.empty()) return std::move(*found);
  LH_ASSIGN(auto profile, FromProfile());
  if (profile) return std::move(*profile);
  LH_ASSIGN(auto web, FromWebIdentity(context));
  if (web) return std::move(*web);
  LH_ASSIGN(auto instance, FromInstance(context));
  if (instance) return std::move(*instance);
  return Fail(ErrorKind::kUnauthenticated,
              "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, web identity or "
              "instance role");
}

Result<AwsCredentials> AwsCredentialChain::Get(const RequestContext& context) {
  MutexLock lock(mutex_);
  if (known_ && (known_->expires_at == WallTime::max() || clock_.Now() + kRefreshBefore < known_->expires_at))
    return *known_;
  auto found = Find(context);
  if (found) {
    known_ = *found;
    return found;
  }
  // Keys that are still good for some minutes outlive a credential service that does not answer.
  if (known_ && clock_.Now() < known_->expires_at) return *known_;
  return found;
}

}  // namespace lakehouse::net
