// The revisions of the Model Context Protocol that are spoken here, and its error codes.
// https://modelcontextprotocol.io/specification/ Pure; callable from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::mcp {

// In order of time. All but the last negotiate a session; from k2026_07_28 on every request stands alone.
enum class Revision { k2025_03_26, k2025_06_18, k2025_11_25, k2026_07_28 };

inline constexpr Revision kNewestWithSessions = Revision::k2025_11_25;

std::string_view RevisionName(Revision revision);
std::optional<Revision> RevisionOf(std::string_view name);
// Newest first, with commas between them, for messages.
std::string RevisionList();

inline bool IsStateless(Revision revision) { return revision >= Revision::k2026_07_28; }
inline bool TakesBatches(Revision revision) { return revision == Revision::k2025_03_26; }
// Streams begin with an event without data, so that a client can resume what has said nothing yet.
inline bool PrimesStreams(Revision revision) { return revision == Revision::k2025_11_25; }

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kResourceNotFound = -32002;  // before 2026-07-28; kInvalidParams since
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingCapability = -32021;
inline constexpr int kUnsupportedVersion = -32022;

// Members of `_meta`.
inline constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kMetaSubscription = "io.modelcontextprotocol/subscriptionId";

}  // namespace lakehouse::mcp
