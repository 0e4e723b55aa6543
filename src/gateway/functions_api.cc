#include "gateway/functions_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "base/unix_time.h"
#include "gateway/function_versions.h"
#include "gateway/settings.h"
#include "model/runtime.h"

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;

// What went wrong while the body came in.
ApiFailure upload_failure(const Upload& upload) {
  if (upload.is_json_error()) {
    return {ApiErrorCode::kBadJson, upload.status().error().message};
  }
  return failure(upload.status().error());
}

}  // namespace

template <typename Work, typename Done>
void FunctionsApi::on_pool(Work work, Done done) {
  auto submitted = parts_.pool.submit([this, work = std::move(work), done]() mutable {
    auto result = std::make_shared<decltype(work())>(work());
    parts_.loop.post([done, result] { done(std::move(*result)); });
  });
  if (!submitted) {
    done(failure(submitted.error()));
  }
}

// A durable change, once all servers that live use it.
template <typename Value>
ApiResult<Value> FunctionsApi::used_everywhere(ApiResult<Value> result) {
  if (parts_.feed == nullptr || std::holds_alternative<ApiFailure>(result)) {
    return result;
  }
  if (auto used = parts_.feed->await_followers(); !used) {
    return ApiFailure{ApiErrorCode::kStoreUnavailable,
                      "the change is stored, but whether every server uses it already is not known: " +
                          used.error().message};
  }
  return result;
}

void FunctionsApi::create(std::shared_ptr<Upload> upload, Changed done) {
  on_pool([this, upload = std::move(upload)] { return used_everywhere(create_blocking(*upload)); },
          [this, done = std::move(done)](ApiResult<model::Function> result) {
            publish(std::move(result), done, &FunctionMirrors::created);
          });
}

void FunctionsApi::update(model::FunctionPtr function, std::shared_ptr<Upload> upload, Changed done) {
  make_change([this, function = std::move(function),
               upload = std::move(upload)] { return update_blocking(*function, *upload); },
              std::move(done));
}

void FunctionsApi::roll_back(model::FunctionPtr function, std::uint32_t to, Changed done) {
  make_change([this, function = std::move(function), to] { return roll_back_blocking(*function, to); },
              std::move(done));
}

void FunctionsApi::change(const model::FunctionPtr& function, const model::FunctionChange& change,
                          Changed done) {
  make_change(
      [this, function, change]() -> ApiResult<model::Function> {
        auto changed = parts_.functions.change(function->id, change, base::unix_now_ms());
        if (!changed && changed.error().code == base::ErrorCode::kExhausted) {
          return ApiFailure{ApiErrorCode::kBadRequest, changed.error().message};
        }
        return changed ? ApiResult<model::Function>(std::move(*changed)) : failure(changed.error());
      },
      std::move(done));
}

// Of a function that there is.
void FunctionsApi::make_change(std::function<ApiResult<model::Function>()> work, Changed done) {
  on_pool([this, work = std::move(work)] { return used_everywhere(work()); },
          [this, done = std::move(done)](ApiResult<model::Function> result) {
            publish(std::move(result), done, &FunctionMirrors::updated);
          });
}

void FunctionsApi::publish(ApiResult<model::Function> result, const Changed& done, Telling tell) {
  if (auto* failed = std::get_if<ApiFailure>(&result)) {
    done(std::move(*failed));
    return;
  }
  const auto changed = std::make_shared<const model::Function>(std::get<model::Function>(std::move(result)));
  ((*mirrors_).*tell)(changed, [changed, done] { done(changed); });
}

void FunctionsApi::remove(const model::FunctionPtr& function, Removed done) {
  on_pool(
      [this, function]() -> ApiResult<std::monostate> {
        auto removed = remove_blocking(*function);
        return used_everywhere(removed ? ApiResult<std::monostate>{} : failure(removed.error()));
      },
      [this, function, done = std::move(done)](ApiResult<std::monostate> result) {
        if (std::holds_alternative<ApiFailure>(result)) {
          done(std::move(result));
        } else {
          mirrors_->removed(function, [done] { done(std::monostate{}); });
        }
      });
}

ApiResult<model::Function> FunctionsApi::create_blocking(Upload& upload) {
  if (!upload.finish()) {
    return upload_failure(upload);
  }
  auto settings = parse_settings(upload.settings(), function_limits_);
  if (!settings) {
    return failure(settings.error());
  }
  if (upload.writer() == nullptr) {
    return ApiFailure{ApiErrorCode::kBadRequest,
                      "\"zipFile\" is missing: the function's code, a zip in base64"};
  }
  model::Function function;
  function.id = base::make_guid(parts_.random);
  function.name = settings->name.value_or("");
  function.display_name = settings->display_name.value_or(function.name);
  function.created_ms = base::unix_now_ms();
  function.updated_ms = function.created_ms;
  function.current.id = base::make_guid(parts_.random);
  function.current.function_id = function.id;
  function.current.created_ms = function.created_ms;
  apply(*settings, function.current);
  if (auto bad = check_zip(upload, function.current)) {
    return *bad;
  }
  const std::lock_guard lock(code_mutex_);
  if (auto bad = keep_code(upload, function.current)) {
    return *bad;
  }
  if (auto created = parts_.functions.create(function); !created) {
    return failure(created.error());
  }
  return function;
}

ApiResult<model::Function> FunctionsApi::update_blocking(const model::Function& function, Upload& upload) {
  if (!upload.finish()) {
    return upload_failure(upload);
  }
  auto settings = parse_settings(upload.settings(), function_limits_);
  if (!settings) {
    return failure(settings.error());
  }
  if (settings->name && *settings->name != function.name) {
    return ApiFailure{ApiErrorCode::kBadRequest,
                      "\"name\" cannot be changed: create a function of the new name"};
  }
  model::Function changed = function;
  changed.updated_ms = base::unix_now_ms();
  changed.current.id = base::make_guid(parts_.random);
  changed.current.created_ms = changed.updated_ms;
  ++changed.current.number;
  apply(*settings, changed.current);
  if (upload.writer() != nullptr) {
    if (auto bad = check_zip(upload, changed.current)) {
      return *bad;
    }
  }
  const std::lock_guard lock(code_mutex_);
  if (upload.writer() != nullptr) {
    if (auto bad = keep_code(upload, changed.current)) {
      return *bad;
    }
  }
  return add_version(changed);
}

ApiResult<model::Function> FunctionsApi::roll_back_blocking(const model::Function& function,
                                                            std::uint32_t to) {
  const std::uint32_t number = to == 0 ? function.current.number - 1 : to;
  if (number == 0) {
    return ApiFailure{ApiErrorCode::kBadRequest, "it has no version before: this is its first"};
  }
  if (number == function.current.number) {
    return ApiFailure{ApiErrorCode::kBadRequest,
                      fmt::format("version {} is the current one: name one before it", number)};
  }
  auto past = parts_.functions.find_version(function.id, number);
  if (!past) {
    return past.error().code == base::ErrorCode::kNotFound ? no_such_version(function, number)
                                                           : failure(past.error());
  }
  model::Function changed = function;
  changed.updated_ms = base::unix_now_ms();
  changed.current = std::move(*past);
  changed.current.id = base::make_guid(parts_.random);
  changed.current.number = function.current.number + 1;
  changed.current.created_ms = changed.updated_ms;
  // The past version refers to the code until the new one does.
  return add_version(changed);
}

// As the store has it then: its aliases may have changed meanwhile.
ApiResult<model::Function> FunctionsApi::add_version(const model::Function& changed) {
  auto added = parts_.functions.add_version(changed.current, changed.updated_ms);
  if (added) {
    return std::move(*added);
  }
  return added.error().code == base::ErrorCode::kBusy
             ? ApiFailure{ApiErrorCode::kConflict, "another deploy of this function was faster: deploy again"}
             : failure(added.error());
}

base::Result<void> FunctionsApi::remove_blocking(const model::Function& function) {
  const std::lock_guard lock(code_mutex_);
  auto unreferenced = parts_.functions.remove(function.id);
  if (!unreferenced) {
    return unreferenced.error();
  }
  for (const std::string& digest : *unreferenced) {
    if (auto removed = parts_.code.remove(digest); !removed) {
      // The function is gone all the same; what is left is a file that nobody refers to.
      spdlog::warn("the code {} could not be removed: {}", digest, removed.error().message);
    }
  }
  return {};
}

std::optional<ApiFailure> FunctionsApi::check_zip(Upload& upload, const model::Version& version) {
  auto file = upload.writer()->reopen();
  if (!file) {
    return failure(file.error());
  }
  const archive::Limits limits{upload_limits_.unzipped_bytes, upload_limits_.zip_entries,
                               upload_limits_.path_bytes, upload_limits_.path_depth};
  auto contents = archive::inspect(file->get(), limits);
  if (!contents) {
    const bool bad = contents.error().code == base::ErrorCode::kInvalidArgument;
    return ApiFailure{bad ? ApiErrorCode::kBadZip : model::api_error(contents.error().code),
                      contents.error().message};
  }
  const model::Runtime* const runtime = model::find_runtime(version.runtime);
  const std::string source = model::handler_file(version.handler);
  if (runtime != nullptr && !model::has_source(*runtime, contents->paths, source)) {
    return ApiFailure{
        ApiErrorCode::kBadZip,
        fmt::format("the zip has no {}, which the handler \"{}\" of a {} function names; files lie "
                    "at the zip's top, not in a folder of their own",
                    model::sources_of(*runtime, source), version.handler, runtime->name)};
  }
  return std::nullopt;
}

std::optional<ApiFailure> FunctionsApi::keep_code(Upload& upload, model::Version& version) {
  auto stored = upload.writer()->commit();
  if (!stored) {
    return failure(stored.error());
  }
  version.code_digest = stored->digest;
  version.code_bytes = stored->bytes;
  return std::nullopt;
}

}  // namespace hearth::gateway
