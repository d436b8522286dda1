#include "config/secrets.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "base/uuid.h"

namespace lakehouse::config {

namespace {

constexpr off_t kMaxSecretBytes = 64 << 10;
constexpr char kRoleTokenFile[] = "role-token";

std::string Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

// The file's text, trimmed. kNotFound, or kForbidden when anyone but its owner can reach it.
Result<std::string> ReadSecretFile(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return Fail(ErrnoError(errno, fmt::format("cannot read the secret file {}", path.string())));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0)
    return Fail(ErrnoError(errno, fmt::format("cannot read the secret file {}", path.string())));
  if (!S_ISREG(status.st_mode)) return Fail(ErrorKind::kInvalid, "secret file {} is no file", path.string());
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Fail(ErrorKind::kForbidden, "secret file {} can be reached by others than its owner; run: chmod 600 {}",
                path.string(), path.string());
  }
  if (status.st_size > kMaxSecretBytes)
    return Fail(ErrorKind::kInvalid, "secret file {} is larger than 64 KiB", path.string());
  std::string text(static_cast<size_t>(status.st_size), '\0');
  LH_TRY(ReadFullyAt(file.get(), text.data(), text.size(), 0));
  return Trimmed(text);
}

Result<std::string> RandomToken() {
  std::array<uint8_t, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Fail(ErrnoError(errno, "no random bytes from the operating system"));
  }
  return ToHex(bytes);
}

// Makes `path` with `text` unless it is there already; another process that makes it at the same time wins or loses
// whole.
Status CreateSecretFile(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path scratch = path.string() + "." + RandomUuid();
  const FileDescriptor file(::open(scratch.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(ErrnoError(errno, fmt::format("cannot write {}", path.string())));
  Status written = WriteFully(file.get(), text);
  if (written && ::fsync(file.get()) != 0)
    written = Fail(ErrnoError(errno, fmt::format("cannot write {}", path.string())));
  if (written && ::link(scratch.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    written = Fail(ErrnoError(errno, fmt::format("cannot write {}", path.string())));
  }
  ::unlink(scratch.c_str());
  return written;
}

std::string VariableOf(std::string_view name) {
  std::string variable = "LAKEHOUSE_SECRET_";
  for (const char c : name)
    variable.push_back(c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return variable;
}

}  // namespace

Result<std::optional<std::string>> SecretsProvider::Find(std::string_view name) const {
  const std::string variable = VariableOf(name);
  if (auto value = environment_(variable); value && !Trimmed(*value).empty()) return Trimmed(*value);
  const auto path = environment_(variable + "_FILE");
  if (!path || path->empty()) return std::nullopt;
  auto text = ReadSecretFile(*path);
  if (!text) return Fail(std::move(text).error().In(variable + "_FILE"));
  if (text->empty()) return Fail(ErrorKind::kInvalid, "{}_FILE: secret file {} is empty", variable, *path);
  return std::move(*text);
}

Result<std::vector<std::string>> SecretsProvider::ApiKeys() const {
  LH_ASSIGN(const auto text, Find("API_KEYS"));
  std::vector<std::string> keys;
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find_first_of(",\n"), rest.size());
    if (std::string key = Trimmed(rest.substr(0, end)); !key.empty()) keys.push_back(std::move(key));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (text && keys.empty()) return Fail(ErrorKind::kInvalid, "LAKEHOUSE_SECRET_API_KEYS is set but holds no key");
  return keys;
}

Result<std::string> SecretsProvider::RoleToken() const {
  LH_ASSIGN(auto given, Find("ROLE_TOKEN"));
  if (given) return std::move(*given);
  std::error_code error;
  std::filesystem::create_directories(data_dir_, error);
  if (error) return Fail(ErrnoError(error.value(), fmt::format("cannot make the data folder {}", data_dir_.string())));
  const std::filesystem::path path = data_dir_ / kRoleTokenFile;
  if (!std::filesystem::exists(path, error)) {
    LH_ASSIGN(const std::string token, RandomToken());
    LH_TRY(CreateSecretFile(path, token));
  }
  LH_ASSIGN(auto token, ReadSecretFile(path));
  if (token.empty()) return Fail(ErrorKind::kInvalid, "{} is empty; remove it and a new one is made", path.string());
  return token;
}

}  // namespace lakehouse::config
