#include "gateway/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/unix_time.h"
#include "gateway/answer.h"
#include "gateway/execution_json.h"
#include "gateway/gateway_call.h"
#include "gateway/upload.h"
#include "http/api_key.h"
#include "http/text.h"

namespace hearth::gateway {
namespace {

using http::Method;
using model::ApiErrorCode;

// A few settings; or a body where none is needed, which is read and ignored.
constexpr std::uint64_t kSmallBodyBytes = 64 * 1024;

// Base64 of the zip, and the settings beside it.
std::uint64_t json_upload_bytes(std::uint64_t zip_bytes) {
  return zip_bytes / 3 * 4 + zip_bytes / 32 + 128 * 1024;
}

// "application/json; charset=utf-8" → "application/json". To be compared without regard to case.
std::string_view media_type(const http::RequestHead& head) {
  std::string_view value = head.header("Content-Type").value_or("");
  value = value.substr(0, value.find(';'));
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) {
    value.remove_suffix(1);
  }
  return value;
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), http::to_lower);
  return lower;
}

bool is_json(std::string_view type) {
  constexpr std::string_view kSuffix = "+json";
  const std::string_view end = type.substr(type.size() - std::min(type.size(), kSuffix.size()));
  return type.empty() || http::equal_ignoring_case(type, "application/json") ||
         http::equal_ignoring_case(end, kSuffix);
}

}  // namespace

Gateway::Gateway(GatewayOptions options, GatewayParts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      log_book_(options_.logs),
      past_versions_(
          [this](const model::FunctionId& function, std::uint32_t number, PastVersions::Found done) {
            parts_.versions.find(function, number, std::move(done));
          },
          [this](const model::VersionId& version, bool deleted) {
            parts_.dispatcher.retire(version, deleted);
          }),
      started_(parts_.loop.now()) {}

Gateway::~Gateway() = default;

void Gateway::connect(std::vector<Gateway*> others, std::size_t index) {
  log_book_.number_among(others.size() + 1, index);
  others_ = std::move(others);
  index_ = index;
}

http::Response Gateway::refusal(ApiErrorCode code, std::string_view message) {
  metrics_.count_rejection(code);
  return error_response(code, message);
}

http::Response Gateway::refuse(int status, std::string_view reason, std::string_view message) {
  return refusal(refusal_code(status), message.empty() ? reason : message);
}

http::BodyPlan Gateway::plan(const http::RequestHead& head) {
  const auto route = find_route(head.path());
  if (!route) {
    return http::Refuse{refusal(ApiErrorCode::kNotFound, fmt::format("no route for {}", head.path()))};
  }
  const bool open = route->endpoint == Endpoint::kHealth;
  if (!open && !http::carries_key(head, options_.api_key)) {
    auto response = refusal(ApiErrorCode::kUnauthorized, "an API key is needed: Authorization: Bearer KEY");
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return http::Refuse{std::move(response)};
  }
  if (!allows(route->endpoint, head.method)) {
    const std::string_view methods = allowed_methods(route->endpoint);
    auto response =
        refusal(ApiErrorCode::kMethodNotAllowed, fmt::format("{} takes {}", head.path(), methods));
    response.headers.push_back({"Allow", std::string(methods)});
    return http::Refuse{std::move(response)};
  }
  return plan_route(*route, head);
}

http::BodyPlan Gateway::plan_route(const Route& route, const http::RequestHead& head) {
  if (route.names_function() && !parts_.functions.find(route.id)) {
    if (route.endpoint == Endpoint::kInvoke && !may_serve()) {
      return http::Refuse{may_be_older()};
    }
    return http::Refuse{
        refusal(ApiErrorCode::kNotFound, fmt::format("there is no function \"{}\"", route.id))};
  }
  if (route.endpoint == Endpoint::kInvoke) {
    return plan_invoke(head);
  }
  if (takes_upload(route.endpoint, head.method)) {
    return plan_upload(route, head);
  }
  return http::Buffer{kSmallBodyBytes};
}

http::BodyPlan Gateway::plan_invoke(const http::RequestHead& head) {
  if (const std::string_view type = media_type(head); !is_json(type)) {
    return http::Refuse{refusal(
        ApiErrorCode::kUnsupportedMediaType,
        fmt::format("the body is JSON: send Content-Type: application/json, not {}", in_lower_case(type)))};
  }
  return http::Buffer{options_.invocation.body_bytes};
}

http::BodyPlan Gateway::plan_upload(const Route& route, const http::RequestHead& head) {
  const std::string_view type = media_type(head);
  const bool zip = route.endpoint == Endpoint::kCode && http::equal_ignoring_case(type, "application/zip");
  if (!zip && !is_json(type)) {
    const std::string_view expected =
        route.endpoint == Endpoint::kCode ? "application/json or application/zip" : "application/json";
    return http::Refuse{refusal(ApiErrorCode::kUnsupportedMediaType,
                                fmt::format("send Content-Type: {}, not {}", expected, in_lower_case(type)))};
  }
  auto upload = std::make_shared<Upload>(zip ? UploadFormat::kZip : UploadFormat::kJson,
                                         options_.upload.zip_bytes, parts_.code);
  const std::uint64_t limit = zip ? options_.upload.zip_bytes : json_upload_bytes(options_.upload.zip_bytes);
  return http::Stream{std::make_unique<UploadSink>(std::move(upload), parts_.pool, parts_.loop), limit};
}

void Gateway::handle(http::Request&& request, http::Responder responder) {
  const auto route = find_route(request.head.path());
  if (!route) {
    return;  // plan() has refused it; the responder answers 500 by itself
  }
  if (route->endpoint == Endpoint::kInvoke) {
    invoke(*route, std::move(request), std::move(responder));
    return;
  }
  if (route->names_function()) {
    handle_function(*route, std::move(request), std::move(responder));
    return;
  }
  switch (route->endpoint) {
    case Endpoint::kFunctions:
      if (request.head.method == Method::kPost) {
        create(std::move(request), std::move(responder));
      } else {
        responder.send(list());
      }
      break;
    case Endpoint::kExecutions:
      executions(request.head, std::move(responder));
      break;
    case Endpoint::kExecution:
    case Endpoint::kRedrive:
      execution(*route, request.head.method, std::move(responder));
      break;
    case Endpoint::kRedriveDead:
      redrive_dead(request.head, std::move(responder));
      break;
    case Endpoint::kAllSchedules:
      schedules({}, request.head, std::move(responder));
      break;
    case Endpoint::kHealth:
      health(std::move(responder));
      break;
    case Endpoint::kMetrics:
      metrics(std::move(responder));
      break;
    case Endpoint::kWorkers:
      workers(std::move(responder));
      break;
    case Endpoint::kDrain:
      drain_worker(route->id, std::move(responder));
      break;
    case Endpoint::kCapacity:
      capacity(std::move(responder));
      break;
    default:  // names a function
      break;
  }
}

void Gateway::handle_function(const Route& route, http::Request&& request, http::Responder responder) {
  const model::FunctionPtr function = parts_.functions.find(route.id);
  if (!function) {
    responder.send(refusal(ApiErrorCode::kNotFound, fmt::format("there is no function \"{}\"", route.id)));
    return;
  }
  switch (route.endpoint) {
    case Endpoint::kFunction:
      if (request.head.method == Method::kDelete) {
        remove(function, std::move(responder));
      } else if (request.head.method == Method::kPatch) {
        update(function, std::move(request), std::move(responder));
      } else {
        show_with_ready(function, std::move(responder));
      }
      break;
    case Endpoint::kCode:
      update(function, std::move(request), std::move(responder));
      break;
    case Endpoint::kLogs:
      logs(*function, request.head, std::move(responder));
      break;
    case Endpoint::kVersions:
      if (request.head.method == Method::kPost) {
        publish(function, std::move(request), std::move(responder));
      } else {
        versions(function, request.head, std::move(responder));
      }
      break;
    case Endpoint::kVersion:
      version(function, route.version, std::move(responder));
      break;
    case Endpoint::kRollback:
      roll_back(function, std::move(request), std::move(responder));
      break;
    case Endpoint::kAliases:
      responder.send(show_aliases(*function));
      break;
    case Endpoint::kAlias:
      alias(function, route.name, std::move(request), std::move(responder));
      break;
    case Endpoint::kSchedules:
      schedules(function->id, request.head, std::move(responder));
      break;
    case Endpoint::kSchedule:
      schedule(function, route.name, std::move(request), std::move(responder));
      break;
    case Endpoint::kLimits:
    case Endpoint::kAsync:
      policy(route.endpoint, function, request, std::move(responder));
      break;
    default:  // names none, or is a call
      break;
  }
}

void Gateway::invoke(const Route& route, http::Request&& request, http::Responder responder) {
  if (!may_serve()) {
    responder.send(may_be_older());
    return;
  }
  auto call = std::make_shared<Call>();
  call->function = parts_.functions.find(route.id);
  if (!call->function) {
    responder.send(refusal(ApiErrorCode::kNotFound, fmt::format("there is no function \"{}\"", route.id)));
    return;
  }
  call->began = parts_.loop.now();
  note_caller(responder.peer());
  call->responder = std::move(responder);
  if (!name_call(*call, request.head)) {
    return;
  }
  if (asks_for_async(request.head)) {
    submit(call, std::move(request));
    return;
  }
  if (!request.head.query().empty()) {
    if (const auto mode = query_value(request.head.query(), "mode"); mode && *mode != "sync") {
      call->responder.send(refusal(ApiErrorCode::kBadRequest, fmt::format("mode={}: sync or async", *mode)));
      return;
    }
    const auto number = named_version(*call, request.head);
    if (!number) {
      return;
    }
    if (*number != 0 && *number != call->function->current.number) {
      invoke_past(*number, std::move(call), std::move(request.body));
      return;
    }
  }
  execute(call, model::VersionPtr(call->function, &call->function->current), std::move(request.body));
}

void Gateway::execute(const std::shared_ptr<Call>& call, model::VersionPtr version, std::string&& body) {
  last_call_ = call->began;
  call->memory_mb = version->memory_mb;
  const model::Function& function = *call->function;
  model::ExecuteRequest execute;
  execute.version = std::move(version);
  execute.function_name = function.label();
  execute.request_id = call->request_id;
  execute.body = std::make_shared<const std::string>(std::move(body));

  auto& dispatcher = parts_.dispatcher;
  const auto id = dispatcher.invoke(
      std::move(execute), [this, call](dispatch::Answer&& answer) { returned(call, std::move(answer)); });
  call->responder.on_gone([&dispatcher, id] { dispatcher.abandon(id); });
}

void Gateway::note_caller(const void* caller) {
  const bool known = caller == last_callers_[0] || caller == last_callers_[1];
  calls_of_last_two_ = known ? calls_of_last_two_ + 1 : 0;
  if (caller != last_callers_[0]) {
    last_callers_ = {caller, last_callers_[0]};
  }
}

void Gateway::answer_call(const std::shared_ptr<Call>& call, dispatch::Answer&& answer) {
  const base::TimePoint now = parts_.loop.now();
  const std::int64_t total_us =
      std::chrono::duration_cast<std::chrono::microseconds>(now - call->began).count();
  http::Response response;
  std::string instance;
  if (auto* rejection = std::get_if<dispatch::Rejection>(&answer.result)) {
    if (rejection->code == ApiErrorCode::kNoCapacity || rejection->code == ApiErrorCode::kQueueFull) {
      refused_callers_.add(call->responder.peer(), call->memory_mb, now);
    }
    response = refusal(rejection->code, rejection->message);
  } else {
    auto& execution = std::get<model::Execution>(answer.result);
    log(*call->function, call->request_id, execution, std::move(execution.logs), total_us);
    instance = std::move(execution.instance);
    response = execution_response(std::move(execution), answer.steps, total_us);
  }
  response.headers.reserve(response.headers.size() + 3);
  response.headers.push_back({"X-Hearth-Request-Id", std::string(call->request_id)});
  if (!instance.empty()) {
    response.headers.push_back({"X-Hearth-Instance", std::move(instance)});
  }
  if (call->named_version != 0) {
    response.headers.push_back({"X-Hearth-Version", std::to_string(call->named_version)});
  }
  call->responder.send(std::move(response));
}

void Gateway::log(const model::Function& function, const model::RequestId& request_id,
                  const model::Execution& execution, model::CapturedLogs&& logs, std::int64_t total_us) {
  metrics_.count_outcome(execution.outcome.kind, execution.steps.cold, total_us);
  if (!parts_.functions.find(function.id)) {
    return;
  }
  if (!others_.empty()) {
    log_book_.number_from(log_time(parts_.loop.now()));
  }
  log_book_.add({0, function.id, request_id, base::unix_now_ms(), execution.instance, execution.outcome.kind,
                 total_us, execution.steps.cold, std::move(logs)});
}

}  // namespace hearth::gateway
