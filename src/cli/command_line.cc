#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <map>

#include "version.h"

namespace lakehouse::cli {

namespace {

constexpr char kFooter[] =
    "Environment:\n"
    "  LAKEHOUSE_URL       the server, as --url\n"
    "  LAKEHOUSE_API_KEY   the key to show it; LAKEHOUSE_SECRET_API_KEY_FILE names a file that holds it\n"
    "  LAKEHOUSE_CA_FILE   as --ca-file\n\n"
    "Exit status:\n"
    "  0 done   1 refused or failed   2 wrong usage   3 not found   4 no server at the URL   130 interrupted\n\n"
    "Example:\n"
    "  lakehouse ingest trips.csv --name trips && lakehouse sql \"SELECT count(*) FROM trips\"";

// Owns the parser and what it fills. The flags write into `options`, whose addresses therefore stay.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App& app() { return app_; }
  bool chosen() const { return take_ != nullptr; }
  ParsedCommand Take() { return {std::move(global_), take_()}; }
  const std::map<const CLI::App*, std::string>& examples() const { return examples_; }

 private:
  template <typename Options>
  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& doc, const std::string& example,
                Options& options);
  template <typename Options>
  CLI::App* Add(const std::string& name, const std::string& doc, const std::string& example, Options& options) {
    return Add(app_, name, doc, example, options);
  }
  void AddRole(const std::string& name, server::Role role, const std::string& doc);
  void AddIngest();
  void AddSql();
  void AddDatasetCommands();
  void AddVectorCommands();
  void AddVectorAdd(CLI::App& vectors);
  void AddVectorSearch(CLI::App& vectors);
  void AddObjectCommands();
  void AddServerCommands();
  void AddOwnCommands();
  void AddKeyCommands();

  CLI::App app_{"One binary that stores, catalogs, ingests and queries tables in open formats.", "lakehouse"};
  GlobalOptions global_;
  std::function<Command()> take_;
  std::map<const CLI::App*, std::string> examples_;

  RoleOptions role_;
  IngestOptions ingest_;
  SqlOptions sql_;
  ListOptions list_;
  ShowOptions show_;
  DropOptions drop_;
  GetOptions get_;
  PutOptions put_;
  RemoveOptions remove_;
  StatusOptions status_;
  McpOptions mcp_;
  ConfigOptions config_;
  GcOptions gc_;
  VerifyOptions verify_;
  KeyCreateOptions key_create_;
  KeyListOptions key_list_;
  KeyRevokeOptions key_revoke_;
  ConvertOptions convert_;
  VersionOptions version_;
  CompletionOptions completion_;
  HelpMarkdownOptions help_markdown_;
  VectorCreateOptions vector_create_;
  VectorAddOptions vector_add_;
  VectorSearchOptions vector_search_;
  VectorListOptions vector_list_;
  VectorShowOptions vector_show_;
  VectorExportOptions vector_export_;
  VectorDropOptions vector_drop_;
};

template <typename Options>
CLI::App* CommandLine::Add(CLI::App& parent, const std::string& name, const std::string& doc,
                           const std::string& example, Options& options) {
  CLI::App* command = parent.add_subcommand(name, doc);
  command->fallthrough();
  command->footer("Example:\n  " + example);
  command->callback([this, &options] { take_ = [&options] { return Command(std::move(options)); }; });
  examples_[command] = example;
  return command;
}

void CommandLine::AddRole(const std::string& name, server::Role role, const std::string& doc) {
  CLI::App* command = Add(name, doc, "lakehouse " + name + " --config lakehouse.toml", role_);
  const std::string section = role == server::Role::kServe ? "gateway" : name;
  const auto add = [&](const char* flag, const std::string& of, const char* key, const std::string& text) {
    command->add_option_function<std::string>(
        flag, [this, flag, of, key](const std::string& value) { role_.overrides.push_back({of, key, value, flag}); },
        text);
  };
  add("--bind", section, "bind", "Address to listen on, host:port ([" + section + "] bind)");
  add("--data-dir", "server", "data_dir", "Folder of the local store, spool and caches ([server] data_dir)");
  command->add_flag_callback(
      "--insecure", [this] { role_.overrides.push_back({"server", "insecure", "true", "--insecure"}); },
      "Allow an address other than loopback without API keys");
  command->parse_complete_callback([this, role] { role_.role = role; });
}

void CommandLine::AddIngest() {
  CLI::App* command = Add("ingest", "Turn files into a dataset, or add them to one",
                          "cat trips.csv | lakehouse ingest - --name trips", ingest_);
  command
      ->add_option("FILE", ingest_.files,
                   "Files (.csv .tsv .ndjson .jsonl .parquet, also .gz and .zst), patterns, or - for standard input")
      ->required();
  command->add_option("-n,--name", ingest_.name,
                      "Dataset; of a single file the default is its name without extensions");
  command
      ->add_option(
          "--mode", ingest_.mode,
          "replace what is there, append to it, or create a dataset that is not there (several files: the rest append)")
      ->check(CLI::IsMember({"replace", "append", "create"}))
      ->capture_default_str();
  command->add_option("--format", ingest_.format, "What the bytes are, when the file's name does not tell")
      ->check(CLI::IsMember({"csv", "tsv", "ndjson", "parquet"}));
  command->add_option("--types", ingest_.types, "Column types that override what is inferred, as zip=VARCHAR,day=DATE")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--delimiter", ingest_.delimiter, "Between CSV fields: one character, or \\t");
  command->add_option("--encoding", ingest_.encoding, "Of CSV text")->check(CLI::IsMember({"utf-8", "latin1"}));
  command->add_flag("--no-header", ingest_.no_header,
                    "The first CSV row is data; columns are named column0, column1, …");
  command->add_flag("--duplicates", ingest_.duplicates,
                    "Add the rows even when this very file is in the dataset already");
}

void CommandLine::AddSql() {
  CLI::App* command = Add("sql", "Run one SQL statement that reads",
                          "lakehouse sql \"SELECT * FROM trips LIMIT 5\" --format csv -o trips.csv", sql_);
  command->add_option("STATEMENT", sql_.statement, "The statement, or - for standard input");
  command->add_option("-f,--file", sql_.file, "Read the statement from a file")
      ->excludes(command->get_option("STATEMENT"));
  command
      ->add_option("-p,--param", sql_.parameters, "Value of the next ? in the statement: a number, true, null, or text")
      ->take_all()
      ->allow_extra_args(false);
  command
      ->add_option("--format", sql_.format, "How rows are written; the default is a table, or what the name of -o says")
      ->check(CLI::IsMember({"table", "csv", "ndjson", "json", "arrow", "parquet"}));
  command->add_option("-o,--output", sql_.output, "Write to a file instead of standard output");
  command->add_option("--timeout", sql_.timeout, "Give up after, e.g. 30s");
  command->add_option("--at-seq", sql_.at_seq, "Read the whole lake as it was at this commit number");
  command->add_option("--max-rows", sql_.max_rows, "Rows of a table that are shown; 0 shows all")
      ->capture_default_str();
}

void CommandLine::AddDatasetCommands() {
  Add("ls", "List the datasets", "lakehouse ls", list_);
  CLI::App* show = Add("show", "Show a dataset: columns and versions", "lakehouse show trips", show_);
  show->add_option("NAME", show_.name, "Dataset")->required();
  show->add_option("--version-number", show_.version, "Show it as of this version");
  CLI::App* drop = Add("drop", "Drop a dataset", "lakehouse drop trips", drop_);
  drop->add_option("NAME", drop_.name, "Dataset")->required();
}

void CommandLine::AddVectorCommands() {
  CLI::App* vectors = app_.add_subcommand("vectors", "Keep vectors by id, and find the nearest");
  vectors->fallthrough();
  vectors->require_subcommand(1, 1);
  examples_[vectors] = "lakehouse vectors create docs --dimension 384";
  vectors->footer("Example:\n  " + examples_[vectors]);

  CLI::App* create = Add(*vectors, "create", "Create a vector index",
                         "lakehouse vectors create docs --dimension 384 --metric cosine", vector_create_);
  create->add_option("NAME", vector_create_.name, "Vector index")->required();
  create->add_option("--dimension", vector_create_.dimension, "Numbers of a vector, 1 to 4096")->required();
  create->add_option("--metric", vector_create_.metric, "What near means (default cosine)")
      ->check(CLI::IsMember({"cosine", "l2", "dot"}));
  create->add_option("--quantization", vector_create_.quantization, "How vectors are kept in memory (default sq8)")
      ->check(CLI::IsMember({"sq8", "none", "bf16", "rabitq4", "rabitq1"}));
  create->add_option("--m", vector_create_.m, "Links of a vector, 4 to 64 (default 16)");
  create->add_option("--ef-construction", vector_create_.ef_construction,
                     "Candidates for a new vector's links, 8 to 2000 (default 200)");
  AddVectorAdd(*vectors);
  AddVectorSearch(*vectors);
  Add(*vectors, "ls", "List the vector indexes", "lakehouse vectors ls", vector_list_);
  CLI::App* show = Add(*vectors, "show", "Show a vector index", "lakehouse vectors show docs", vector_show_);
  show->add_option("NAME", vector_show_.name, "Vector index")->required();
  CLI::App* file = Add(*vectors, "export", "Write every item of a vector index to a file",
                       "lakehouse vectors export docs docs.parquet", vector_export_);
  file->add_option("NAME", vector_export_.name, "Vector index")->required();
  file->add_option(
          "FILE", vector_export_.output,
          "A new file: .ndjson or .jsonl, .parquet, .arrow or .csv by its name; - writes lines to standard output")
      ->required();
  CLI::App* drop = Add(*vectors, "drop", "Drop a vector index", "lakehouse vectors drop docs", vector_drop_);
  drop->add_option("NAME", vector_drop_.name, "Vector index")->required();
}

void CommandLine::AddVectorAdd(CLI::App& vectors) {
  CLI::App* add = Add(vectors, "add", "Add the items of files to a vector index, or replace those with the same ids",
                      "lakehouse vectors add docs items.ndjson", vector_add_);
  add->add_option("NAME", vector_add_.name, "Vector index")->required();
  add->add_option(
         "FILE", vector_add_.files,
         "Files: .ndjson or .jsonl with {\"id\",\"vector\",\"metadata\"} a line, .parquet, .npy; patterns, or - for "
         "standard input")
      ->required();
  add->add_option("--format", vector_add_.format, "What the bytes are, when the file's name does not tell")
      ->check(CLI::IsMember({"ndjson", "parquet", "npy"}));
  add->add_option("--ids", vector_add_.ids, "File of one id a line for a .npy; without it ids are row numbers from 0");
  add->add_option("--id", vector_add_.id_column, "Parquet column of the ids, text or integers (default id)");
  add->add_option("--vector", vector_add_.vector_column, "Parquet column of the vectors, lists (default vector)");
  add->add_option("--text-column", vector_add_.text_column,
                  "Parquet column of texts, for the server to make vectors of")
      ->excludes(add->get_option("--vector"));
  add->add_option("--metadata", vector_add_.metadata_column,
                  "Parquet column of the metadata, JSON text (default metadata, where there is one)");
}

void CommandLine::AddVectorSearch(CLI::App& vectors) {
  CLI::App* search =
      Add(vectors, "search", "Find the nearest items", "lakehouse vectors search docs --id w-042 -k 5", vector_search_);
  search->add_option("NAME", vector_search_.name, "Vector index")->required();
  search->add_option("--vector", vector_search_.vector, "What to be near to, as JSON: [0.1, 0.2, …]");
  search->add_option("--id", vector_search_.id, "Or the item to be near to")->excludes(search->get_option("--vector"));
  search->add_option("--text,TEXT", vector_search_.text, "Or words: a text to be embedded, or to be found in full text")
      ->excludes(search->get_option("--vector"))
      ->excludes(search->get_option("--id"));
  search->add_option("-k", vector_search_.k, "How many, 1 to 10000")->capture_default_str();
  search->add_option("--ef", vector_search_.ef, "Candidates that are looked at; more find better and take longer");
  search->add_option("--filter", vector_search_.filter, "Only items whose metadata fit, as {\"year\":{\"$gte\":2020}}");
  search->add_flag("--exact", vector_search_.exact, "Compare with every item");
  search->add_option("--include", vector_search_.include, "What to show beside id and distance (default metadata)")
      ->check(CLI::IsMember({"metadata", "vector"}))
      ->delimiter(',')
      ->allow_extra_args(false);
}

void CommandLine::AddKeyCommands() {
  CLI::App* keys =
      app_.add_subcommand("keys", "Make and revoke API keys, in the store itself or with --url at a server");
  keys->fallthrough();
  keys->require_subcommand(1, 1);
  examples_[keys] = "lakehouse keys create dashboard --scope read";
  keys->footer("Example:\n  " + examples_[keys]);
  const auto add_folder = [](CLI::App* command, std::string& folder) {
    command->add_option("--data-dir", folder, "Folder of the lake whose keys these are ([server] data_dir)");
  };
  CLI::App* create = Add(*keys, "create", "Make an API key and print it: this once",
                         "lakehouse keys create dashboard --scope read --rate 50 --expires 90d", key_create_);
  create->add_option("NAME", key_create_.name, "What it is for, in lists and in the audit")->required();
  create->add_option("--scope", key_create_.scope, "read, write (and read), admin (and all else)")
      ->check(CLI::IsMember({"read", "write", "admin"}))
      ->capture_default_str();
  create->add_option("--rate", key_create_.rate, "Calls a second (default [auth] rate)");
  create->add_option("--concurrency", key_create_.concurrency, "Calls at once (default [auth] concurrency)");
  create->add_option("--expires", key_create_.expires, "After how long it ends, e.g. 30d (default never)");
  add_folder(create, key_create_.data_dir);
  CLI::App* list = Add(*keys, "ls", "List the API keys; their secrets are nowhere", "lakehouse keys ls", key_list_);
  add_folder(list, key_list_.data_dir);
  CLI::App* revoke = Add(*keys, "revoke", "End an API key", "lakehouse keys revoke 1f0c5a9be210", key_revoke_);
  revoke->add_option("ID", key_revoke_.id, "Id of the key, as keys ls shows it")->required();
  add_folder(revoke, key_revoke_.data_dir);
}

void CommandLine::AddObjectCommands() {
  CLI::App* get = Add("get", "Read an object", "lakehouse get reports/june.pdf -o june.pdf", get_);
  get->add_option("KEY", get_.key, "Key of the object")->required();
  get->add_option("-o,--output", get_.output, "Write to a file instead of standard output");
  CLI::App* put = Add("put", "Store an object", "lakehouse put reports/june.pdf june.pdf", put_);
  put->add_option("KEY", put_.key, "Key of the object")->required();
  put->add_option("FILE", put_.file, "File, or - for standard input")->required();
  CLI::App* remove = Add("rm", "Delete an object", "lakehouse rm reports/june.pdf", remove_);
  remove->add_option("KEY", remove_.key, "Key of the object")->required();
}

void CommandLine::AddServerCommands() {
  AddRole("serve", server::Role::kServe, "Run every role in one process");
  AddRole("gateway", server::Role::kGateway, "Run the gateway alone");
  AddRole("storaged", server::Role::kStoraged, "Run the object store alone");
  AddRole("catalogd", server::Role::kCatalogd, "Run the catalog alone");
  AddRole("ingestd", server::Role::kIngestd, "Run ingestion alone");
  AddRole("queryd", server::Role::kQueryd, "Run SQL alone");
  AddRole("vectord", server::Role::kVectord, "Run vector search alone");
}

void CommandLine::AddOwnCommands() {
  Add("status", "Say whether the server is up and ready", "lakehouse status --url http://lake.example:3110", status_);
  CLI::App* mcp = Add("mcp",
                      "Speak the Model Context Protocol on standard input and output: for the server that --url or "
                      "LAKEHOUSE_URL names, else over the store of the settings, which no server may hold then",
                      "lakehouse mcp --url http://127.0.0.1:3110", mcp_);
  mcp->add_option("--data-dir", mcp_.data_dir, "Folder of the lake, without a server ([server] data_dir)");
  CLI::App* config = Add("config", "Print all settings: value, origin, default, meaning",
                         "lakehouse config --print --config lakehouse.toml", config_);
  config->add_flag("--print", config_.print, "The same as without it");
  config->add_flag("--markdown", config_.markdown, "docs/settings.md instead");
  CLI::App* gc =
      Add("gc", "List what no kept version names, and remove it with --run", "lakehouse gc --min-age 48h --run", gc_);
  gc->add_flag("--run", gc_.run, "Remove it; without this nothing is changed");
  gc->add_option("--min-age", gc_.min_age, "Leave what is younger, e.g. 24h");
  CLI::App* verify =
      Add("verify",
          "Read every object of the datasets (all, unless named) and hold it against the digest in its name: "
          "exit 1 names what has been damaged",
          "lakehouse verify trips --all-versions", verify_);
  verify->add_option("NAME", verify_.names, "Datasets");
  verify->add_flag("--all-versions", verify_.all_versions, "Their kept versions as well, not the newest alone");
  CLI::App* convert = Add("convert", "Turn a CSV file into a Parquet file here, without a server",
                          "lakehouse convert trips.csv trips.parquet", convert_);
  convert->add_option("FILE", convert_.input, "CSV file, UTF-8, not compressed")->required();
  convert->add_option("OUTPUT", convert_.output, "Parquet file; appears once it is whole")->required();
  convert->add_option("--types", convert_.types, "Column types that override what is inferred, as zip=VARCHAR,day=DATE")
      ->delimiter(',')
      ->allow_extra_args(false);
  convert->add_option("--delimiter", convert_.delimiter, "Between fields: one character, or \\t");
  convert->add_flag("--no-header", convert_.no_header, "The first row is data; columns are named column0, column1, …");
  Add("version", "Print the version", "lakehouse version", version_);
  CLI::App* completion =
      Add("completion", "Print a shell's completion script", "source <(lakehouse completion bash)", completion_);
  completion->add_option("SHELL", completion_.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  Add("help-markdown", "Print docs/cli.md", "lakehouse help-markdown > docs/cli.md", help_markdown_)->group("");
}

CommandLine::CommandLine() {
  app_.require_subcommand(0, 1);  // none is told apart from a wrong one below
  app_.footer(kFooter);
  app_.set_version_flag("--version", std::string("lakehouse ") + kVersion);
  app_.add_option("--url", global_.url, "The server (default http://127.0.0.1:3110)");
  app_.add_option("--ca-file", global_.ca_file, "PEM file of the authorities that an https server is believed by");
  app_.add_flag("--json", global_.json, "Print JSON for programs instead of tables for people");
  app_.add_option("--config", global_.config, "Configuration file (default lakehouse.toml where it exists)");
  AddServerCommands();
  AddIngest();
  AddSql();
  AddDatasetCommands();
  AddVectorCommands();
  AddObjectCommands();
  AddKeyCommands();
  AddOwnCommands();
}

FlagDescription Describe(const CLI::Option& option) {
  FlagDescription flag;
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  if (flag.names.empty()) flag.names.push_back(option.get_name());
  flag.doc = option.get_description();
  flag.takes_value = option.get_expected_max() > 0 && option.get_type_size_max() > 0;
  // "TEXT:{replace,append}": the check describes itself.
  const std::string type = option.get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.rfind('}');
  if (open != std::string::npos && close != std::string::npos) {
    flag.choices = CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
  }
  return flag;
}

CommandDescription Describe(const CLI::App& app) {
  CommandDescription command;
  command.name = app.get_name();
  command.doc = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.arguments.push_back(Describe(*option));
      command.usage += option->get_required() ? " " + option->get_name() : " [" + option->get_name() + "]";
      if (option->get_expected_max() > 1) command.usage += "...";
    } else {
      command.flags.push_back(Describe(*option));
    }
  }
  command.usage = " [OPTIONS]" + command.usage;
  return command;
}

// The flags of all of a command's commands, each once, and the choice between them as its argument.
void Gather(CommandDescription& command) {
  FlagDescription choice{{"COMMAND"}, "What to do", true, {}};
  for (const CommandDescription& below : command.commands) {
    choice.choices.push_back(below.name);
    for (const FlagDescription& flag : below.flags) {
      const auto same = [&flag](const FlagDescription& other) { return other.names == flag.names; };
      if (std::none_of(command.flags.begin(), command.flags.end(), same)) command.flags.push_back(flag);
    }
  }
  command.usage += " COMMAND";
  command.arguments.push_back(std::move(choice));
}

}  // namespace

std::variant<ParsedCommand, Say> ParseCommandLine(std::vector<std::string> arguments) {
  CommandLine line;
  if (arguments.empty()) return Say{ExitCode::kUsage, line.app().help()};
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    line.app().parse(arguments);
  } catch (const CLI::CallForVersion& version) {
    return Say{ExitCode::kOk, std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const bool is_help = line.app().exit(error, out, err) == 0;
    if (is_help) return Say{ExitCode::kOk, out.str()};
    return Say{ExitCode::kUsage, std::string("lakehouse: ") + error.what() + "\nSee lakehouse --help.\n"};
  }
  if (!line.chosen()) return Say{ExitCode::kUsage, "lakehouse: no command given\nSee lakehouse --help.\n"};
  return line.Take();
}

std::vector<CommandDescription> DescribeCommands() {
  CommandLine line;
  std::vector<CommandDescription> commands{Describe(line.app())};
  const auto children = [](const CLI::App& app) { return app.get_subcommands([](const CLI::App*) { return true; }); };
  for (const CLI::App* command : children(line.app())) {
    if (command->get_group().empty()) continue;
    CommandDescription description = Describe(*command);
    description.example = line.examples().at(command);
    for (const CLI::App* child : children(*command)) {
      CommandDescription below = Describe(*child);
      below.example = line.examples().at(child);
      description.commands.push_back(std::move(below));
    }
    if (!description.commands.empty()) Gather(description);
    commands.push_back(std::move(description));
  }
  return commands;
}

}  // namespace lakehouse::cli
