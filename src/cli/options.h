// What a command line asks for, one struct a command. Value types; filled by command_line.cc, read by the commands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "server/server.h"

namespace lakehouse::cli {

struct GlobalOptions {
  std::string url;      // empty: LAKEHOUSE_URL, else the default
  std::string ca_file;  // empty: LAKEHOUSE_CA_FILE, else the system's
  bool json = false;
  std::optional<std::string> config;
};

struct RoleOptions {
  server::Role role = server::Role::kServe;
  std::vector<config::Override> overrides;
};
struct IngestOptions {
  std::vector<std::string> files;
  std::string name;
  std::string mode = "replace";
  std::string format;              // empty: by the file's name
  std::vector<std::string> types;  // column=TYPE
  std::string delimiter, encoding;
  bool no_header = false;
  bool duplicates = false;
};
struct SqlOptions {
  std::string statement;  // "-": from standard input
  std::string file;
  std::vector<std::string> parameters;
  std::string format;  // empty: table, or by the output's name
  std::string output;
  std::string timeout;
  std::optional<uint64_t> at_seq;
  uint64_t max_rows = 1000;
};
struct ListOptions {};
struct ShowOptions {
  std::string name;
  std::optional<uint64_t> version;
};
struct DropOptions {
  std::string name;
};
struct GetOptions {
  std::string key, output;
};
struct PutOptions {
  std::string key, file;
};
struct RemoveOptions {
  std::string key;
};
struct StatusOptions {};
struct McpOptions {
  std::string data_dir;  // empty: what the settings say
};
struct KeyCreateOptions {
  std::string name;
  std::string scope = "read";
  std::optional<uint64_t> rate, concurrency;
  std::string expires;   // empty: never
  std::string data_dir;  // empty: what the settings say
};
struct KeyListOptions {
  std::string data_dir;
};
struct KeyRevokeOptions {
  std::string id, data_dir;
};
struct ConfigOptions {
  bool print = false;
  bool markdown = false;
};
struct GcOptions {
  bool run = false;
  std::string min_age;
};
struct VerifyOptions {
  std::vector<std::string> names;  // empty: all
  bool all_versions = false;
};
struct ConvertOptions {
  std::string input, output;
  std::vector<std::string> types;  // column=TYPE
  std::string delimiter;
  bool no_header = false;
};
struct VersionOptions {};
struct CompletionOptions {
  std::string shell;
};
// docs/cli.md
struct HelpMarkdownOptions {};

struct VectorCreateOptions {
  std::string name;
  uint64_t dimension = 0;
  std::string metric, quantization;  // empty: the server's default
  std::optional<uint64_t> m, ef_construction;
};
struct VectorAddOptions {
  std::string name;
  std::vector<std::string> files;
  std::string format;  // empty: by the file's name
  std::string ids;     // file of one id a line, for .npy
  std::string id_column, vector_column, metadata_column, text_column;
};
struct VectorSearchOptions {
  std::string name;
  std::string vector, id, text;  // one of them
  uint64_t k = 10;
  std::optional<uint64_t> ef;
  std::string filter;
  bool exact = false;
  std::vector<std::string> include;  // empty: metadata
};
struct VectorListOptions {};
struct VectorShowOptions {
  std::string name;
};
struct VectorExportOptions {
  std::string name, output;
};
struct VectorDropOptions {
  std::string name;
};

using Command =
    std::variant<RoleOptions, IngestOptions, SqlOptions, ListOptions, ShowOptions, DropOptions, GetOptions, PutOptions,
                 RemoveOptions, StatusOptions, ConfigOptions, GcOptions, VerifyOptions, ConvertOptions, VersionOptions,
                 CompletionOptions, HelpMarkdownOptions, McpOptions, KeyCreateOptions, KeyListOptions, KeyRevokeOptions,
                 VectorCreateOptions, VectorAddOptions, VectorSearchOptions, VectorListOptions, VectorShowOptions,
                 VectorExportOptions, VectorDropOptions>;

}  // namespace lakehouse::cli
