#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/text.h"
#include "config/units.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kProbePatience{5};

struct Probe {
  int status = 0;
  std::string body;
};

Result<Probe> ProbePath(Client& client, std::string path) {
  Client::Call call;
  call.path = std::move(path);
  call.deadline = Deadline::After(kProbePatience);
  auto response = client.SendRaw(std::move(call));
  if (!response && response.error().kind == ErrorKind::kDeadline) {
    return Fail(CannotConnect(
        fmt::format("{} takes connections but does not answer within {} s", client.url(), kProbePatience.count())));
  }
  if (!response) return Fail(std::move(response).error());
  LH_ASSIGN(std::string body, ReadAll(**response, 1 << 20));
  return Probe{(*response)->status(), std::move(body)};
}

std::string FieldOf(std::string_view body, std::string_view name) {
  const auto parsed = ParseJson(body);
  if (!parsed || !parsed->is_object()) return "";
  const json::value* value = parsed->get_object().if_contains(name);
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

}  // namespace

Status RunStatus(Client& client, Console& console, const GlobalOptions& global) {
  LH_ASSIGN(const Probe health, ProbePath(client, "/health"));
  if (health.status != 200 || FieldOf(health.body, "service").empty()) {
    const bool wants_tls = health.body.find("speaks TLS") != std::string::npos;
    return Fail(ErrorKind::kUpstream, "{} answers, but not like a lakehouse server{}", client.url(),
                wants_tls ? ": it speaks TLS, ask it with https://" : "");
  }
  LH_ASSIGN(const Probe ready, ProbePath(client, "/ready"));
  LH_ASSIGN(const Probe epoch, ProbePath(client, "/v1/catalog/epoch"));
  const bool is_ready = ready.status == 200;
  const std::string why = is_ready ? "" : FieldOf(ready.body, "detail");
  const std::string seq = epoch.status == 200 ? FieldOf(epoch.body, "seq") : "";
  if (global.json) {
    json::object out{{"url", client.url()},
                     {"service", FieldOf(health.body, "service")},
                     {"version", FieldOf(health.body, "version")},
                     {"ready", is_ready}};
    if (!why.empty()) out["reason"] = why;
    if (!seq.empty()) out["seq"] = std::stoull(seq);
    LH_TRY(console.Write(json::serialize(out) + "\n"));
  } else {
    Table table({{"url"}, {"service"}, {"version"}, {"ready"}, {"seq", Align::kRight}});
    table.AddRow({client.url(), FieldOf(health.body, "service"), FieldOf(health.body, "version"),
                  is_ready ? "yes" : "no", seq.empty() ? std::optional<std::string>("-") : seq});
    LH_TRY(console.Write(table.Render(console.out_width())));
  }
  if (!is_ready) return Fail(ErrorKind::kUnavailable, "not ready: {}", why.empty() ? "no reason given" : why);
  return {};
}

Status RunGc(Client& client, Console& console, const GlobalOptions& global, const GcOptions& options) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject().Key("dry_run").Bool(!options.run);
  if (!options.min_age.empty()) {
    const auto age = config::ParseDuration(options.min_age);
    if (!age) return Fail(UsageError(fmt::format("--min-age wants {}", age.error().detail)));
    out.Key("min_age").String(options.min_age);
  }
  out.EndObject();
  LH_ASSIGN(const std::string text, client.Text("POST", "/v1/catalog/gc", body));
  if (global.json) return console.Write(text + "\n");
  LH_ASSIGN(const json::value answer, ParseJson(text));
  LH_ASSIGN(const auto fields, JsonFields::Of(answer, "the server's answer"));
  LH_ASSIGN(const json::array* removed, fields.Array("removed"));
  Table table({{"key"}, {"size", Align::kRight}, {"why"}});
  for (const json::value& item : *removed) {
    LH_ASSIGN(const auto object, JsonFields::Of(item, "an object"));
    table.AddRow({object.String("key").value_or(""), HumanBytes(object.Uint("size").value_or(0)),
                  object.String("why").value_or("")});
  }
  if (table.rows() > 0) LH_TRY(console.Write(table.Render(console.out_width())));
  return console.Write(fmt::format("{} {} objects, {}{}\n", options.run ? "removed" : "would remove",
                                   Grouped(table.rows()), HumanBytes(fields.Uint("bytes").value_or(0)),
                                   options.run ? "" : "; --run does it"));
}

}  // namespace lakehouse::cli
