#include "config/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "base/uuid.h"

namespace lakehouse::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Secrets : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string WriteFile(std::string_view name, std::string_view text, mode_t mode) {
    const std::filesystem::path path = folder_ / name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path.string();
  }
  SecretsProvider With(std::map<std::string, std::string, std::less<>> variables) {
    return SecretsProvider(EnvironmentOf(std::move(variables)), folder_ / "data");
  }

  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("lakehouse-secrets-" + RandomUuid());
};

TEST_F(Secrets, ComeFromTheEnvironment) {
  EXPECT_EQ(With({{"LAKEHOUSE_SECRET_ROLE_TOKEN", " t \n"}}).Find("role-token").value(), "t");
  EXPECT_EQ(With({}).Find("role-token").value(), std::nullopt);
}

TEST_F(Secrets, ComeFromAFileOfTheOwnerAlone) {
  const std::string path = WriteFile("key", "s3cret\n", 0600);
  EXPECT_EQ(With({{"LAKEHOUSE_SECRET_X_FILE", path}}).Find("X").value(), "s3cret");
}

TEST_F(Secrets, AFileThatOthersReachIsRefusedWithoutItsContents) {
  const std::string path = WriteFile("key", "s3cret\n", 0640);
  const auto found = With({{"LAKEHOUSE_SECRET_X_FILE", path}}).Find("X");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::kForbidden);
  EXPECT_THAT(found.error().detail, HasSubstr("chmod 600"));
  EXPECT_THAT(found.error().detail, ::testing::Not(HasSubstr("s3cret")));
}

TEST_F(Secrets, AFileThatIsMissingIsAnError) {
  const auto found = With({{"LAKEHOUSE_SECRET_X_FILE", (folder_ / "none").string()}}).Find("X");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::kNotFound);
}

TEST_F(Secrets, ApiKeysAreSplitAtCommasAndLines) {
  EXPECT_THAT(With({{"LAKEHOUSE_SECRET_API_KEYS", "a, b\nc\n,"}}).ApiKeys().value(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(With({}).ApiKeys().value(), IsEmpty());
  EXPECT_FALSE(With({{"LAKEHOUSE_SECRET_API_KEYS", " , "}}).ApiKeys().has_value())
      << "meant to protect, protects nothing";
}

TEST_F(Secrets, TheRoleTokenIsMadeOnceForItsOwnerAlone) {
  const std::string token = With({}).RoleToken().value();
  EXPECT_GE(token.size(), 64u);
  EXPECT_EQ(With({}).RoleToken().value(), token);
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "data" / "role-token").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(With({{"LAKEHOUSE_SECRET_ROLE_TOKEN", "given"}}).RoleToken().value(), "given");
}

TEST_F(Secrets, RolesThatStartTogetherAgreeOnTheToken) {
  std::vector<std::string> tokens(8);
  std::vector<std::thread> roles;
  roles.reserve(tokens.size());
  for (std::string& token : tokens) {
    roles.emplace_back([&token, this] { token = With({}).RoleToken().value_or("failed"); });
  }
  for (std::thread& role : roles) role.join();
  for (const std::string& token : tokens) EXPECT_EQ(token, tokens.front());
  EXPECT_NE(tokens.front(), "failed");
}

}  // namespace
}  // namespace lakehouse::config
