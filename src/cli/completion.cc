// Shell completion and the reference page, made from the one list of commands.
#include <algorithm>

#include "cli/command_line.h"
#include "cli/commands.h"

namespace lakehouse::cli {

namespace {

std::string Join(const std::vector<std::string>& words, std::string_view between = " ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

std::vector<std::string> FlagNames(const CommandDescription& command) {
  std::vector<std::string> names;
  for (const FlagDescription& flag : command.flags) names.insert(names.end(), flag.names.begin(), flag.names.end());
  return names;
}

std::vector<std::string> CommandNames(const std::vector<CommandDescription>& commands) {
  std::vector<std::string> names;
  for (size_t i = 1; i < commands.size(); ++i) names.push_back(commands[i].name);
  return names;
}

// In single quotes, for any of the three shells.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

bool TakesFiles(const CommandDescription& command) {
  if (std::any_of(command.commands.begin(), command.commands.end(), TakesFiles)) return true;
  return std::any_of(command.arguments.begin(), command.arguments.end(),
                     [](const FlagDescription& argument) { return argument.names.front() == "FILE"; });
}

std::vector<std::string> ArgumentChoices(const CommandDescription& command) {
  return command.arguments.empty() ? std::vector<std::string>() : command.arguments.front().choices;
}

// Values after a flag: its choices, or files.
std::string BashFlagCases(const std::vector<CommandDescription>& commands) {
  std::string cases;
  for (size_t i = 1; i < commands.size(); ++i) {
    for (const FlagDescription& flag : commands[i].flags) {
      if (flag.choices.empty()) continue;
      for (const std::string& name : flag.names) {
        cases += fmt::format("    {}:{}) mapfile -t COMPREPLY < <(compgen -W {} -- \"$word\"); return ;;\n",
                             commands[i].name, name, Quoted(Join(flag.choices)));
      }
    }
  }
  return cases;
}

std::string Bash(const std::vector<CommandDescription>& commands) {
  std::string text =
      "# bash completion for lakehouse: source <(lakehouse completion bash)\n"
      "_lakehouse() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in --url|--config) ((i++)) ;; -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n"
      "  done\n"
      "  case $before in\n"
      "    -o|--output|-f|--file|--config|--data-dir) mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); compopt -o "
      "filenames; return ;;\n"
      "  esac\n"
      "  case $command:$before in\n" +
      BashFlagCases(commands) + "  esac\n  case $command in\n";
  text += fmt::format("    '') mapfile -t COMPREPLY < <(compgen -W {} -- \"$word\") ;;\n",
                      Quoted(Join(CommandNames(commands)) + " " + Join(FlagNames(commands.front()))));
  for (size_t i = 1; i < commands.size(); ++i) {
    const CommandDescription& command = commands[i];
    std::vector<std::string> words = FlagNames(command);
    const std::vector<std::string> choices = ArgumentChoices(command);
    words.insert(words.end(), choices.begin(), choices.end());
    text += fmt::format("    {}) mapfile -t COMPREPLY < <(compgen {}-W {} -- \"$word\"){} ;;\n", command.name,
                        TakesFiles(command) ? "-f " : "", Quoted(Join(words)),
                        TakesFiles(command) ? "; compopt -o filenames" : "");
  }
  return text + "  esac\n}\ncomplete -F _lakehouse lakehouse\n";
}

// "--mode[doc]:value:(replace append)", with what _arguments reads specially escaped.
std::string ZshFlag(const FlagDescription& flag, const std::string& name) {
  std::string doc;
  for (const char c : flag.doc) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') doc.push_back('\\');
    doc.push_back(c);
  }
  std::string spec = fmt::format("{}[{}]", name, doc);
  if (flag.takes_value) spec += flag.choices.empty() ? ":value:_files" : fmt::format(":value:({})", Join(flag.choices));
  return Quoted(spec);
}

std::string Zsh(const std::vector<CommandDescription>& commands) {
  std::string text =
      "#compdef lakehouse\n# zsh completion for lakehouse: source <(lakehouse completion zsh)\n"
      "_lakehouse() {\n  local -a commands=(\n";
  for (size_t i = 1; i < commands.size(); ++i)
    text += fmt::format("    {}\n", Quoted(commands[i].name + ":" + commands[i].doc));
  text +=
      "  )\n  local command=${words[2]}\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n  case "
      "$command in\n";
  for (size_t i = 1; i < commands.size(); ++i) {
    text += fmt::format("    {}) _arguments", commands[i].name);
    for (const FlagDescription& flag : commands[i].flags) {
      for (const std::string& name : flag.names) text += " \\\n      " + ZshFlag(flag, name);
    }
    const std::vector<std::string> choices = ArgumentChoices(commands[i]);
    text += choices.empty() ? " \\\n      '*:file:_files' ;;\n"
                            : fmt::format(" \\\n      '*:value:({})' ;;\n", Join(choices));
  }
  return text + "  esac\n}\ncompdef _lakehouse lakehouse\n";
}

std::string FishFlag(const FlagDescription& flag, const std::string& condition) {
  std::string line = "complete -c lakehouse";
  if (!condition.empty()) line += fmt::format(" -n {}", Quoted(condition));
  for (const std::string& name : flag.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (flag.takes_value) line += flag.choices.empty() ? " -r" : fmt::format(" -x -a {}", Quoted(Join(flag.choices)));
  return line + " -d " + Quoted(flag.doc) + "\n";
}

std::string Fish(const std::vector<CommandDescription>& commands) {
  std::string text = "# fish completion for lakehouse: lakehouse completion fish | source\n";
  for (const FlagDescription& flag : commands.front().flags) text += FishFlag(flag, "");
  for (size_t i = 1; i < commands.size(); ++i) {
    const CommandDescription& command = commands[i];
    text += fmt::format("complete -c lakehouse -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                        Quoted(command.doc));
    const std::string inside = "__fish_seen_subcommand_from " + command.name;
    for (const FlagDescription& flag : command.flags) text += FishFlag(flag, inside);
    const std::vector<std::string> choices = ArgumentChoices(command);
    if (!choices.empty())
      text += fmt::format("complete -c lakehouse -n {} -f -a {}\n", Quoted(inside), Quoted(Join(choices)));
  }
  return text;
}

std::string MarkdownCell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string FlagRow(const FlagDescription& flag) {
  const std::string choices = flag.choices.empty() ? "" : fmt::format(" ({})", Join(flag.choices, ", "));
  return fmt::format("| `{}` | {}{} |\n", Join(flag.names, "`, `"), MarkdownCell(flag.doc), choices);
}

std::string CommandSection(const CommandDescription& command, const std::string& name, std::string_view level) {
  std::string text = fmt::format("\n{} lakehouse {}\n\n{}.\n\n    lakehouse {}{}\n\nExample: `{}`\n", level, name,
                                 command.doc, name, command.usage, command.example);
  std::string rows;
  for (const FlagDescription& argument : command.arguments) rows += FlagRow(argument);
  for (const FlagDescription& flag : command.flags) {
    if (flag.names.front() != "--help" && command.commands.empty()) rows += FlagRow(flag);
  }
  return text + "\n| argument or flag | does |\n|---|---|\n" + rows;
}

std::string Markdown(const std::vector<CommandDescription>& commands) {
  std::string text =
      "# The command line\n\n"
      "Made by `lakehouse help-markdown`; change `src/cli/command_line.cc`, not this page. How to work with it: "
      "[using-cli.md](using-cli.md).\n\nFlags that every command takes:\n\n| flag | does |\n|---|---|\n";
  for (const FlagDescription& flag : commands.front().flags) text += FlagRow(flag);
  for (size_t i = 1; i < commands.size(); ++i) {
    text += CommandSection(commands[i], commands[i].name, "##");
    for (const CommandDescription& below : commands[i].commands) {
      text += CommandSection(below, commands[i].name + " " + below.name, "###");
    }
  }
  return text;
}

}  // namespace

Status RunCompletion(Console& console, const CompletionOptions& options) {
  const std::vector<CommandDescription> commands = DescribeCommands();
  if (options.shell == "zsh") return console.Write(Zsh(commands));
  if (options.shell == "fish") return console.Write(Fish(commands));
  return console.Write(Bash(commands));
}

Status RunHelpMarkdown(Console& console) { return console.Write(Markdown(DescribeCommands())); }

}  // namespace lakehouse::cli
