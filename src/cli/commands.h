// What each command does. Every function returns once it is done; failures carry their exit code (cli/exit_code.h).
#pragma once

#include "cli/client.h"
#include "cli/console.h"
#include "cli/options.h"

namespace lakehouse::cli {

Status RunIngest(Client& client, Console& console, const GlobalOptions& global, const IngestOptions& options);
Status RunSql(Client& client, Console& console, const GlobalOptions& global, const SqlOptions& options);
Status RunList(Client& client, Console& console, const GlobalOptions& global);
Status RunShow(Client& client, Console& console, const GlobalOptions& global, const ShowOptions& options);
Status RunDrop(Client& client, Console& console, const GlobalOptions& global, const DropOptions& options);
Status RunGet(Client& client, Console& console, const GetOptions& options);
Status RunPut(Client& client, Console& console, const GlobalOptions& global, const PutOptions& options);
Status RunRemove(Client& client, Console& console, const RemoveOptions& options);
Status RunStatus(Client& client, Console& console, const GlobalOptions& global);
// Over a lake in this process when there is no client.
Status RunMcp(Client* client, Console& console, const GlobalOptions& global, const McpOptions& options);
// Over the store of the settings when there is no client.
Status RunKeyCreate(Client* client, Console& console, const GlobalOptions& global, const KeyCreateOptions& options);
Status RunKeyList(Client* client, Console& console, const GlobalOptions& global, const KeyListOptions& options);
Status RunKeyRevoke(Client* client, Console& console, const GlobalOptions& global, const KeyRevokeOptions& options);
Status RunGc(Client& client, Console& console, const GlobalOptions& global, const GcOptions& options);
Status RunVerify(Client& client, Console& console, const GlobalOptions& global, const VerifyOptions& options);
Status RunConvert(Console& console, const GlobalOptions& global, const ConvertOptions& options);
Status RunConfig(Console& console, const GlobalOptions& global, const ConfigOptions& options);
Status RunCompletion(Console& console, const CompletionOptions& options);
Status RunHelpMarkdown(Console& console);
Status RunVectorCreate(Client& client, Console& console, const GlobalOptions& global,
                       const VectorCreateOptions& options);
Status RunVectorAdd(Client& client, Console& console, const GlobalOptions& global, const VectorAddOptions& options);
Status RunVectorSearch(Client& client, Console& console, const GlobalOptions& global,
                       const VectorSearchOptions& options);
Status RunVectorList(Client& client, Console& console, const GlobalOptions& global);
Status RunVectorShow(Client& client, Console& console, const GlobalOptions& global, const VectorShowOptions& options);
Status RunVectorExport(Client& client, Console& console, const GlobalOptions& global,
                       const VectorExportOptions& options);
Status RunVectorDrop(Client& client, Console& console, const GlobalOptions& global, const VectorDropOptions& options);

}  // namespace lakehouse::cli
