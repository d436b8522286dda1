#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "base/uuid.h"
#include "config/load_internal.h"
#include "config/settings_table_internal.h"

namespace lakehouse::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint64_t kGiB = uint64_t{1} << 30;

Machine TestMachine() {
  return Machine{10 * kGiB, 6, [](const std::filesystem::path&) { return 100 * kGiB; }};
}

Result<LoadedSettings> LoadText(std::string text, std::map<std::string, std::string, std::less<>> environment = {},
                                const std::vector<Override>& overrides = {}) {
  return LoadFrom(ConfigText{"lakehouse.toml", std::move(text)}, EnvironmentOf(std::move(environment)), overrides,
                  TestMachine());
}

std::string ErrorOf(const Result<LoadedSettings>& loaded) { return loaded ? "no error" : loaded.error().detail; }

const SettingValue& ValueOf(const LoadedSettings& loaded, std::string_view section, std::string_view key) {
  for (const SettingValue& value : loaded.values) {
    if (value.section == section && value.key == key) return value;
  }
  ADD_FAILURE() << "no [" << section << "] " << key;
  return loaded.values.front();
}

TEST(Settings, DefaultsAreTheContracts) {
  const auto loaded = LoadText("");
  ASSERT_TRUE(loaded) << ErrorOf(loaded);
  const Settings& s = loaded->settings;
  EXPECT_EQ(s.server.data_dir, "lakehouse-data");
  EXPECT_EQ(s.server.drain_timeout, std::chrono::seconds(10));
  EXPECT_EQ(s.server.memory_limit, 10 * kGiB / 100 * 70);
  EXPECT_EQ(s.server.spool_limit, 80 * kGiB);
  EXPECT_EQ(s.gateway.bind, "127.0.0.1:3110");
  EXPECT_EQ(s.gateway.storaged_url, "http://127.0.0.1:3211");
  EXPECT_EQ(s.catalogd.bind, "127.0.0.1:3212");
  EXPECT_EQ(s.ingestd.catalogd_url, "http://127.0.0.1:3212");
  EXPECT_EQ(s.queryd.vectord_url, "http://127.0.0.1:3215");
  EXPECT_EQ(s.catalogd.keep_versions, 100u);
  EXPECT_EQ(s.catalogd.keep_age, std::chrono::hours(24 * 30));
  EXPECT_EQ(s.storaged.backend, "local");
  EXPECT_EQ(s.storaged.max_body, uint64_t{256} << 20);
  EXPECT_EQ(s.storaged.put_slots, 4u);
  EXPECT_EQ(s.storaged.max_list_results, 10000u);
  EXPECT_EQ(s.s3.region, "us-east-1");
  EXPECT_EQ(s.s3.bucket, "lakehouse-go-primary");
  EXPECT_FALSE(s.s3.path_style);
  EXPECT_EQ(s.queryd.refresh_every, std::chrono::seconds(30));
  EXPECT_EQ(s.queryd.max_concurrent, 6u);
  EXPECT_EQ(s.queryd.timeout, std::chrono::seconds(60));
  EXPECT_NEAR(static_cast<double>(s.queryd.memory_limit), static_cast<double>(s.server.memory_limit) / 2, 100);
  EXPECT_NEAR(static_cast<double>(s.vectord.memory_limit), static_cast<double>(s.server.memory_limit) / 4, 100);
  EXPECT_FALSE(s.server.insecure);
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST(Settings, EveryKeyOfTheFileArrives) {
  const auto loaded = LoadText(R"(
[server]
memory_limit = "2GiB"
log_level = "warn"
[gateway]
bind = "[::1]:0"
hosts = ["lake.example", "other"]
[storaged]
put_slots = 7
max_body = 4096
[s3]
endpoint = "https://s3.example:9000/base"
[queryd]
timeout = "500ms"
max_concurrent = 3
)");
  ASSERT_TRUE(loaded) << ErrorOf(loaded);
  EXPECT_EQ(loaded->settings.server.memory_limit, 2 * kGiB);
  EXPECT_EQ(loaded->settings.server.log_level, LogLevel::kWarn);
  EXPECT_EQ(loaded->settings.gateway.bind, "[::1]:0");
  EXPECT_THAT(loaded->settings.gateway.hosts, ElementsAre("lake.example", "other"));
  EXPECT_EQ(loaded->settings.storaged.put_slots, 7u);
  EXPECT_EQ(loaded->settings.storaged.max_body, 4096u);
  EXPECT_TRUE(loaded->settings.s3.path_style) << "true with an endpoint";
  EXPECT_EQ(loaded->settings.queryd.timeout, std::chrono::milliseconds(500));
  EXPECT_EQ(loaded->settings.queryd.max_concurrent, 3u);
  EXPECT_EQ(ValueOf(*loaded, "storaged", "put_slots").origin, "lakehouse.toml:9");
  EXPECT_EQ(ValueOf(*loaded, "storaged", "backend").origin, "default");
}

TEST(Settings, EnvironmentWinsOverFileAndCommandLineOverBoth) {
  const auto loaded = LoadText("[gateway]\nbind = \"127.0.0.1:1\"\n[storaged]\nput_slots = 2\n",
                               {{"LAKEHOUSE_GATEWAY_BIND", "127.0.0.1:2"}, {"LAKEHOUSE_STORAGED_PUT_SLOTS", "3"}},
                               {{"gateway", "bind", "127.0.0.1:3", "--bind"}});
  ASSERT_TRUE(loaded) << ErrorOf(loaded);
  EXPECT_EQ(loaded->settings.gateway.bind, "127.0.0.1:3");
  EXPECT_EQ(ValueOf(*loaded, "gateway", "bind").origin, "--bind");
  EXPECT_EQ(loaded->settings.storaged.put_slots, 3u);
  EXPECT_EQ(ValueOf(*loaded, "storaged", "put_slots").origin, "LAKEHOUSE_STORAGED_PUT_SLOTS");
}

TEST(Settings, EverySettingCanBeGivenByEnvironmentAsItsDefault) {
  for (const SettingSpec& spec : SettingTable()) {
    const auto loaded = LoadText("", {{VariableName(spec), std::string(spec.default_text)}});
    EXPECT_TRUE(loaded) << VariableName(spec) << ": " << ErrorOf(loaded);
  }
}

TEST(Settings, NoKeyStandsTwiceInTheTable) {
  std::set<std::string> names;
  for (const SettingSpec& spec : SettingTable()) {
    EXPECT_TRUE(names.insert(VariableName(spec)).second) << VariableName(spec);
    EXPECT_FALSE(spec.doc.empty()) << VariableName(spec);
  }
}

struct Refused {
  std::string text;
  std::vector<std::string> named;
};
class RefusedFile : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedFile, NamesFileLineAndKey) {
  const auto loaded = LoadText(GetParam().text);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::kInvalid);
  for (const std::string& part : GetParam().named) EXPECT_THAT(loaded.error().detail, HasSubstr(part));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, RefusedFile,
    ::testing::Values(
        Refused{"[server]\n\ndata_dri = \"x\"\n",
                {"lakehouse.toml:3", "data_dri", "[server]", "did you mean data_dir?"}},
        Refused{"[servre]\nx = 1\n", {"lakehouse.toml:2", "[servre]", "did you mean server?"}},
        Refused{"[nowhere]\n", {"lakehouse.toml:1", "[nowhere]"}},
        Refused{"put_slots = 3\n", {"lakehouse.toml:1", "put_slots"}},
        Refused{"server = 3\n", {"lakehouse.toml:1", "[server]", "section"}},
        Refused{"[storaged]\nput_slots = \"4\"\n",
                {"lakehouse.toml:2", "[storaged] put_slots", "integer", "not a string"}},
        Refused{"[storaged]\nput_slots = 0\n", {"lakehouse.toml:2", "[storaged] put_slots", "from 1 to 1024"}},
        Refused{"[storaged]\nput_slots = -1\n", {"lakehouse.toml:2", "[storaged] put_slots"}},
        Refused{"[storaged]\nput_slots = 1.5\n", {"lakehouse.toml:2", "fraction"}},
        Refused{"[storaged]\nbackend = \"ftp\"\n", {"lakehouse.toml:2", "backend", "\"local\", \"s3\", \"memory\""}},
        Refused{"[storaged]\nmax_body = \"1 parsec\"\n", {"lakehouse.toml:2", "max_body", "size"}},
        Refused{"[queryd]\ntimeout = 5\n", {"lakehouse.toml:2", "timeout", "\"10s\"", "not an integer"}},
        Refused{"[queryd]\ntimeout = \"5 minutes\"\n", {"lakehouse.toml:2", "timeout"}},
        Refused{"[queryd]\nmemory_limit = \"101%\"\n", {"lakehouse.toml:2", "memory_limit"}},
        Refused{"[gateway]\nbind = \"3110\"\n", {"lakehouse.toml:2", "[gateway] bind", "host:port"}},
        Refused{"[gateway]\nbind = \"127.0.0.1:99999\"\n", {"lakehouse.toml:2", "[gateway] bind"}},
        Refused{"[gateway]\nstoraged_url = \"127.0.0.1:1\"\n", {"lakehouse.toml:2", "[gateway] storaged_url", "http"}},
        Refused{"[gateway]\nstoraged_url = \"ftp://h\"\n", {"lakehouse.toml:2", "[gateway] storaged_url"}},
        Refused{"[gateway]\nstoraged_url = \"http://\"\n", {"lakehouse.toml:2", "[gateway] storaged_url"}},
        Refused{"[gateway]\nstoraged_url = \"http:///x\"\n", {"lakehouse.toml:2", "[gateway] storaged_url"}},
        Refused{"[queryd]\nstoraged_url = \"grpc://h\"\n", {"lakehouse.toml:2", "[queryd] storaged_url", "grpc://"}},
        Refused{"[queryd]\nstoraged_url = \"grpc://h:1/x\"\n", {"lakehouse.toml:2", "[queryd] storaged_url"}},
        Refused{"[queryd]\nstoraged_url = \"grpcs://h\"\n", {"lakehouse.toml:2", "[queryd] storaged_url"}},
        Refused{"[gateway]\nhosts = \"a\"\n", {"lakehouse.toml:2", "[gateway] hosts", "array"}},
        Refused{"[gateway]\nhosts = [1]\n", {"lakehouse.toml:2", "[gateway] hosts"}},
        Refused{"[vectord]\nmemory_limit = true\n", {"lakehouse.toml:2", "[vectord] memory_limit", "not a boolean"}},
        Refused{"[server]\ninsecure = \"true\"\n", {"lakehouse.toml:2", "insecure", "not a string"}},
        Refused{"[server]\ndata_dir = \"a\"\ndata_dir = \"b\"\n", {"lakehouse.toml:3"}},
        Refused{"[server\n", {"lakehouse.toml:1"}}, Refused{"[s3]\n[!x]\n", {"lakehouse.toml:2"}},
        Refused{"[catalogd]\ngc_min_age = \"30m\"\n", {"lakehouse.toml:2", "gc_min_age", "[ingestd] timeout"}},
        Refused{"[ingestd]\ntimeout = \"48h\"\n", {"lakehouse.toml:2", "gc_min_age", "[ingestd] timeout"}},
        Refused{"[server]\nmemory_limit = \"1GiB\"\n[queryd]\nmemory_limit = \"2GiB\"\n",
                {"lakehouse.toml:4", "[queryd] memory_limit", "[server] memory_limit"}}));

TEST(Settings, ASecretInTheFileIsRefusedAndNotRepeated) {
  const auto loaded = LoadText("[s3]\nsecret_access_key = \"hunter2\"\n");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().detail, HasSubstr("secrets never stand in this file"));
  EXPECT_THAT(loaded.error().detail, Not(HasSubstr("hunter2")));
  const auto url = LoadText("[s3]\nendpoint = \"http://user:hunter2@host\"\n");
  ASSERT_FALSE(url);
  EXPECT_THAT(url.error().detail, Not(HasSubstr("hunter2")));
}

TEST(Settings, AMisspeltVariableIsRefused) {
  const auto loaded = LoadText("", {{"LAKEHOUSE_STORAGED_PUT_SLOT", "3"}});
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().detail, HasSubstr("LAKEHOUSE_STORAGED_PUT_SLOT"));
  EXPECT_THAT(loaded.error().detail, HasSubstr("did you mean LAKEHOUSE_STORAGED_PUT_SLOTS?"));
  EXPECT_THAT(ErrorOf(LoadText("", {{"LAKEHOUSE_STORAGED_PUT_SLOTS", "many"}})),
              HasSubstr("LAKEHOUSE_STORAGED_PUT_SLOTS"));
}

TEST(Settings, OtherVariablesAreLeftAlone) {
  EXPECT_TRUE(LoadText("", {{"LAKEHOUSE_URL", "http://x"},
                            {"LAKEHOUSE_SECRET_API_KEYS", "k"},
                            {"LAKEHOUSE_GATEWAY_PORT", "tcp://10.0.0.1:80"},
                            {"LAKEHOUSE_GATEWAY_SERVICE_HOST", "10.0.0.1"}}));
}

TEST(Settings, SharesThatOverbookMemoryAreWarnedAbout) {
  const auto loaded = LoadText("[queryd]\nmemory_limit = \"90%\"\n");
  ASSERT_TRUE(loaded) << ErrorOf(loaded);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("memory_limit")));
}

class SettingsFile : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("lakehouse-config-" + RandomUuid());
};

TEST_F(SettingsFile, AMissingFileIsAWarningThatSaysWhatIsUsedInstead) {
  const auto loaded = Load(folder_ / "none.toml", EnvironmentOf({}));
  ASSERT_TRUE(loaded) << ErrorOf(loaded);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("none.toml")));
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("using the defaults")));
}

TEST_F(SettingsFile, AFolderIsAnError) {
  const auto loaded = Load(folder_, EnvironmentOf({}));
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().detail, HasSubstr("is no file"));
}

TEST_F(SettingsFile, IsReadFromDisk) {
  std::ofstream(folder_ / "a.toml") << "[s3]\nregion = \"eu-central-1\"\n";
  const auto loaded = Load(folder_ / "a.toml", EnvironmentOf({}));
  ASSERT_TRUE(loaded) << ErrorOf(loaded);
  EXPECT_EQ(loaded->settings.s3.region, "eu-central-1");
  EXPECT_EQ(ValueOf(*loaded, "s3", "region").origin, (folder_ / "a.toml").string() + ":2");
}

TEST(SettingsMarkdown, ListsEverySetting) {
  const std::string text = SettingsMarkdown();
  for (const SettingSpec& spec : SettingTable()) EXPECT_THAT(text, HasSubstr(fmt::format("\n| `{}` |", spec.key)));
}

}  // namespace
}  // namespace lakehouse::config
