// lakehouse keys: over the store itself, or through a server's /v1/keys when one is named.
#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/text.h"
#include "config/units.h"
#include "server/offline_keys.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kStoreDeadline{30};

std::string RequestJson(const KeyCreateOptions& options) {
  std::string text;
  JsonWriter out(text);
  out.BeginObject().Key("name").String(options.name).Key("scope").String(options.scope);
  if (options.rate) out.Key("rate").Number(*options.rate);
  if (options.concurrency) out.Key("concurrency").Number(*options.concurrency);
  if (!options.expires.empty()) out.Key("expires").String(options.expires);
  out.EndObject();
  return text;
}

// The store that the settings name, open for one command.
struct Offline {
  std::unique_ptr<config::LoadedSettings> loaded;  // referred to by what follows
  std::unique_ptr<server::OfflineKeys> lake;
  RequestContext context;
};

Result<Offline> OpenOffline(Console& console, const GlobalOptions& global, const std::string& data_dir) {
  std::vector<config::Override> overrides;
  if (!data_dir.empty()) overrides.push_back({"server", "data_dir", data_dir, "--data-dir"});
  Offline offline;
  LH_ASSIGN(auto loaded, config::Load(global.config, console.environment(), overrides));
  for (const std::string& warning : loaded.warnings) console.Note("lakehouse: warning: " + warning);
  offline.loaded = std::make_unique<config::LoadedSettings>(std::move(loaded));
  LH_ASSIGN(offline.lake, server::OfflineKeys::Open(offline.loaded->settings, console.environment()));
  offline.context.internal = true;
  offline.context.cancelled = console.stop();
  offline.context.deadline = Deadline::After(kStoreDeadline);
  return offline;
}

// 2026-01-31T12:00:00.123456Z as 2026-01-31 12:00
std::string ShortTime(const JsonFields& key, std::string_view name) {
  std::string text = key.OptionalString(name).value_or(std::nullopt).value_or("-");
  if (text.size() > 16) text.resize(16);
  if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
  return text;
}

std::string LimitText(const JsonFields& key, std::string_view name) {
  const uint64_t limit = key.OptionalUint(name).value_or(std::nullopt).value_or(0);
  return limit == 0 ? "-" : std::to_string(limit);
}

Status PrintKeys(Console& console, const GlobalOptions& global, std::string_view answer) {
  if (global.json) return console.Write(std::string(answer) + "\n");
  LH_ASSIGN(const json::value parsed, ParseJson(answer));
  LH_ASSIGN(const auto fields, JsonFields::Of(parsed, "the answer"));
  LH_ASSIGN(const json::array* keys, fields.Array("keys"));
  if (keys->empty()) return console.Write("no keys yet; make one: lakehouse keys create NAME --scope read\n");
  Table table({{"id"},
               {"name"},
               {"scope"},
               {"calls/s", Align::kRight},
               {"at once", Align::kRight},
               {"created"},
               {"expires"},
               {"revoked"}});
  for (const json::value& item : *keys) {
    LH_ASSIGN(const auto key, JsonFields::Of(item, "a key"));
    table.AddRow({key.String("id").value_or(""), Printable(key.String("name").value_or("")),
                  key.String("scope").value_or(""), LimitText(key, "rate"), LimitText(key, "concurrency"),
                  ShortTime(key, "created_at"), ShortTime(key, "expires_at"), ShortTime(key, "revoked_at")});
  }
  return console.Write(table.Render(console.out_width()));
}

// The key alone on standard output, so that a script can take it; what a person should know beside it.
Status PrintCreated(Console& console, const GlobalOptions& global, std::string_view answer) {
  if (global.json) return console.Write(std::string(answer) + "\n");
  LH_ASSIGN(const json::value parsed, ParseJson(answer));
  LH_ASSIGN(const auto fields, JsonFields::Of(parsed, "the answer"));
  LH_ASSIGN(const std::string key, fields.String("key"));
  LH_TRY(console.Write(Printable(key) + "\n"));
  console.Note(fmt::format("key {} of scope {}; it is shown this once. Use it: export LAKEHOUSE_API_KEY=…",
                           Printable(fields.String("id").value_or("")),
                           Printable(fields.String("scope").value_or(""))));
  return {};
}

Status PrintRevoked(Console& console, const GlobalOptions& global, const std::string& id) {
  if (global.json) return console.Write(json::serialize(json::object{{"revoked", id}}) + "\n");
  return console.Write(fmt::format("revoked {}\n", Printable(id)));
}

}  // namespace

Status RunKeyCreate(Client* client, Console& console, const GlobalOptions& global, const KeyCreateOptions& options) {
  const std::string request = RequestJson(options);
  if (client != nullptr) {
    LH_ASSIGN(const std::string answer, client->Text("POST", "/v1/keys", request));
    return PrintCreated(console, global, answer);
  }
  const auto parsed = auth::ParseKeyRequest(request);
  if (!parsed) return Fail(UsageError(parsed.error().detail));
  LH_ASSIGN(Offline offline, OpenOffline(console, global, options.data_dir));
  LH_ASSIGN(const auto created, offline.lake->keys().Create(offline.context, *parsed));
  return PrintCreated(console, global, auth::KeyJson(created.record, created.text));
}

Status RunKeyList(Client* client, Console& console, const GlobalOptions& global, const KeyListOptions& options) {
  if (client != nullptr) {
    LH_ASSIGN(const std::string answer, client->Text("GET", "/v1/keys"));
    return PrintKeys(console, global, answer);
  }
  LH_ASSIGN(Offline offline, OpenOffline(console, global, options.data_dir));
  LH_ASSIGN(const auto records, offline.lake->keys().List(offline.context));
  return PrintKeys(console, global, auth::KeysJson(records));
}

Status RunKeyRevoke(Client* client, Console& console, const GlobalOptions& global, const KeyRevokeOptions& options) {
  if (client != nullptr) {
    LH_TRY(client->Text("DELETE", "/v1/keys/" + net::PercentEncode(options.id, false)));
    return PrintRevoked(console, global, options.id);
  }
  LH_ASSIGN(Offline offline, OpenOffline(console, global, options.data_dir));
  LH_TRY(offline.lake->keys().Revoke(offline.context, options.id));
  return PrintRevoked(console, global, options.id);
}

}  // namespace lakehouse::cli
