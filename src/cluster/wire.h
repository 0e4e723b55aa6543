// What gateways and workers say to one another, as texts: targets, the "Hearth-Meta" header of answers,
// bodies. docs/worker-api.md is the same for people. Pure.
//
//   POST /session                                     a connection's first request (auth.h)
//   PUT  /versions/VERSION                            a version that calls will name
//   POST /execute/INSTANCE/SLOT/EPOCH/VERSION/REQUEST[/REMAINING_MS][/retired]
//   POST /behind/INSTANCE/SLOT/EPOCH/VERSION/REQUEST[/REMAINING_MS]
//                                                     behind the call that is executed there
//   POST /calls                                       several of the two above (calls.h)
//   POST /leases                                      gives leases back; and says that the gateway lives
//   POST /take-back/INSTANCE/SLOT/EPOCH
//   POST /drain
//   POST /provisions                                  instances to be kept started (provisions.h)
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/execution.h"

namespace hearth::cluster {

inline constexpr std::string_view kSessionTarget = "/session";
inline constexpr std::string_view kVersionsTarget = "/versions/";
inline constexpr std::string_view kLeasesTarget = "/leases";
inline constexpr std::string_view kDrainTarget = "/drain";

inline constexpr char kHolderHeader[] = "Hearth-Holder";  // the gateway's name, of a session
inline constexpr char kNonceHeader[] = "Hearth-Nonce";    // of both sides
inline constexpr char kProofHeader[] = "Hearth-Proof";    // the worker's
inline constexpr char kMacHeader[] = "Hearth-Mac";        // of every later message
inline constexpr char kDigestHeader[] = "Hearth-Digest";  // of its body, where there is one
inline constexpr char kMetaHeader[] = "Hearth-Meta";      // of an answer: see below

// What a worker understands, in its answer to POST /session; without it, 1. From 2 on calls say how much time
// remains for them, and several come in one request.
inline constexpr char kProtocolHeader[] = "Hearth-Protocol";
inline constexpr int kProtocol = 2;

// In the same answer: the connection's ends as the worker sees them, its own first, and that it is the worker
// who says so (auth.h). Without them a gateway takes it that something stands between.
inline constexpr char kEndsHeader[] = "Hearth-Ends";
inline constexpr char kEndsProofHeader[] = "Hearth-Ends-Proof";

// The status for a call of a version that the worker has not been told of, or has forgotten.
inline constexpr int kUnknownVersionStatus = 412;

// A holder's or worker's name.
inline constexpr std::size_t kNameBytes = 64;
static_assert(kNameBytes <= model::RequestId::kMaxBytes);
bool is_name(std::string_view text);

enum class Ask { kExecute, kBehind, kTakeBack };

// What a target asks of an instance. Views into the target.
struct InstanceRequest {
  Ask ask = Ask::kExecute;
  std::string_view instance;
  std::uint32_t slot = 0;
  std::uint64_t epoch = 0;
  std::string_view version;  // not of kTakeBack, like what follows
  std::string_view request_id;
  bool retired = false;
  std::optional<std::chrono::milliseconds> remaining =
      std::nullopt;  // after that nobody waits for it any more

  bool operator==(const InstanceRequest&) const = default;
};

std::string execute_target(Ask ask, const model::Allocation& allocation, const model::ExecuteRequest& request,
                           std::optional<std::chrono::milliseconds> remaining = std::nullopt);
std::string take_back_target(const model::Allocation& running);
std::optional<InstanceRequest> read_instance_target(std::string_view target);

// The body of PUT /versions/…; the name is the one that the handler is shown.
struct ToldVersion {
  model::VersionPtr version;
  std::string function_name;
};
std::string to_body(const model::Version& version, const std::string& function_name);
std::optional<ToldVersion> read_version(std::string_view id, std::string_view body);

// The body of POST /leases.
using Release = std::pair<model::Allocation, model::ReleaseKind>;
void add_release(std::string& body, const model::Allocation& lease, model::ReleaseKind kind);
// `worker_uri` is not said. Nothing when it is malformed.
std::optional<std::vector<Release>> read_releases(std::string_view body);

// An execution as an answer: the output is the body's beginning, what else there is follows as fields.
struct ExecutionText {
  std::string meta;  // KIND RUN_US HANDLER_US LEASE_EPOCH|- OUTPUT_BYTES
  std::string output;
  std::string more;
};
ExecutionText to_text(model::Execution&& execution, const std::optional<model::Allocation>& lease);

struct ReadExecution {
  model::Execution execution;  // without the instance
  std::optional<std::uint64_t> lease_epoch;
};
std::optional<ReadExecution> read_execution(std::string_view meta, std::string&& body);

// A refusal as an answer: 410 for what has gone, 413 for a body that is too large, 503 for the others.
int status_of(model::Refusal refusal);
std::optional<model::Refusal> read_refusal(std::string_view meta);

}  // namespace hearth::cluster
