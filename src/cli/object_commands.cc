#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace lakehouse::cli {

Status RunGet(Client& client, Console& console, const GetOptions& options) {
  LH_ASSIGN(const auto response, client.Send({.path = ObjectPath(options.key)}));
  LH_ASSIGN(const auto output, OutputFile::Open(options.output, console));
  LH_TRY(Copy(*response, *output));
  return output->Finish();
}

Status RunPut(Client& client, Console& console, const GlobalOptions& global, const PutOptions& options) {
  LH_ASSIGN(const auto input, InputFile::Open(options.file, console));
  std::string text;
  {
    Progress progress({console.err(), console.err_is_terminal(), console.err_width()},
                      options.file == "-" ? "standard input" : options.file, input->size(), SystemClock());
    ProgressSource source(*input, progress);
    LH_ASSIGN(
        const auto response,
        client.Send(
            {"PUT", ObjectPath(options.key), {{"Content-Type", "application/octet-stream"}}, &source, input->size()}));
    LH_ASSIGN(text, ReadAll(*response, 1 << 20));
  }
  if (global.json) return console.Write(text + "\n");
  return console.Write(fmt::format("stored {}\n", Printable(options.key)));
}

Status RunRemove(Client& client, Console& console, const RemoveOptions& options) {
  LH_TRY(client.Text("DELETE", ObjectPath(options.key)));
  return console.Write(fmt::format("deleted {}\n", Printable(options.key)));
}

}  // namespace lakehouse::cli
