// The gateway's answers about schedules.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "gateway/answer.h"
#include "gateway/gateway.h"
#include "gateway/schedule_settings.h"

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;
using Some = std::vector<model::Schedule>;

// At once; a schedule may have a large input.
constexpr std::size_t kMostListed = 100;
static_assert(kMostListed >= model::kSchedulesPerFunction);

std::string no_such_schedule(const model::Function& function, std::string_view name) {
  return fmt::format("\"{}\" has no schedule \"{}\"", function.label(), name);
}

// What is wrong, or nothing.
std::string read_filter(const http::RequestHead& head, store::ScheduleFilter& filter) {
  filter.limit = kMostListed;
  if (const auto limit = query_value(head.query(), "limit")) {
    const auto number = version_number(*limit);
    if (!number || *number > kMostListed) {
      return fmt::format("limit={}: a number from 1 to {}", *limit, kMostListed);
    }
    filter.limit = *number;
  }
  if (const auto after = query_value(head.query(), "after")) {
    const std::size_t slash = after->find('/');
    if (slash == std::string::npos) {
      return fmt::format("after={}: what the last answer has said", *after);
    }
    filter.after_function = after->substr(0, slash);
    filter.after_name = after->substr(slash + 1);
  }
  return {};
}

// `limit` 0: they are all that there are.
http::Response page(const Some& found, std::size_t limit) {
  http::Response response;
  std::string& body = response.body[0];
  body = R"({"schedules":[)";
  for (const model::Schedule& each : found) {
    body += body.back() == '[' ? "" : ",";
    body += schedule_json(each);
  }
  body += ']';
  if (limit != 0 && found.size() == limit) {
    const model::ScheduleSetting& last = found.back().setting;
    body += fmt::format(R"(,"after":"{}/{}")", last.function_id, last.name);
  }
  body += '}';
  return response;
}

}  // namespace

void Gateway::schedule(const model::FunctionPtr& function, const std::string& name, http::Request&& request,
                       http::Responder responder) {
  if (request.head.method == http::Method::kPut) {
    set_schedule(*function, name, request, std::move(responder));
    return;
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  const auto refuse = [this, held, function, name](const ApiFailure& failed) {
    const bool none = failed.code == ApiErrorCode::kNotFound;
    held->send(refusal(failed.code, none ? no_such_schedule(*function, name) : failed.message));
  };
  if (request.head.method == http::Method::kDelete) {
    parts_.schedules.remove(function->id, name, [held, refuse](const ApiResult<std::monostate>& result) {
      if (const auto* failed = std::get_if<ApiFailure>(&result)) {
        refuse(*failed);
        return;
      }
      http::Response response;
      response.status = 204;
      response.content_type = {};
      held->send(std::move(response));
    });
    return;
  }
  parts_.schedules.find(function->id, name, [held, refuse](const ApiResult<model::Schedule>& result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      refuse(*failed);
      return;
    }
    http::Response response;
    response.body[0] = schedule_json(std::get<model::Schedule>(result));
    held->send(std::move(response));
  });
}

void Gateway::set_schedule(const model::Function& function, const std::string& name,
                           const http::Request& request, http::Responder responder) {
  const auto setting = parse_schedule(function, name, request.body);
  if (!setting) {
    responder.send(refused_body(setting.error()));
    return;
  }
  if (const auto checked = check_target(function, *setting); !checked) {
    responder.send(refusal(ApiErrorCode::kNotFound, checked.error().message));
    return;
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.schedules.set(*setting, [this, held](const ApiResult<Schedules::Change>& result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      held->send(refusal(failed->code, failed->message));
      return;
    }
    const auto& change = std::get<Schedules::Change>(result);
    http::Response response;
    response.status = change.created ? 201 : 200;
    response.body[0] = schedule_json(change.schedule);
    held->send(std::move(response));
  });
}

void Gateway::schedules(const model::FunctionId& function_id, const http::RequestHead& head,
                        http::Responder responder) {
  store::ScheduleFilter filter;
  if (function_id.empty()) {
    if (const std::string wrong = read_filter(head, filter); !wrong.empty()) {
      responder.send(refusal(ApiErrorCode::kBadRequest, wrong));
      return;
    }
  } else {
    filter = {function_id, "", "", model::kSchedulesPerFunction};
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.schedules.list(
      filter, [this, held, limit = function_id.empty() ? filter.limit : 0](const ApiResult<Some>& result) {
        if (const auto* failed = std::get_if<ApiFailure>(&result)) {
          held->send(refusal(failed->code, failed->message));
        } else {
          held->send(page(std::get<Some>(result), limit));
        }
      });
}

}  // namespace hearth::gateway
